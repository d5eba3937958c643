/* topic_watch.h: Watch of the topics of an engine's pipelines: compares them with the plan every TOPIC_WATCH_EVERY_MS
 * (engine/setup/topic_difference.h), and logs what differs, and when it no longer does.
 *
 * It works in the engine's loop. Kafka may take long to answer, so it is asked in a task (net/loop_task.h). While Kafka
 * does not answer, the last result stays.
 */
#pragma once

#include "engine/run/engine.h"

#define TOPIC_WATCH_EVERY_MS 60000
#define TOPIC_WATCH_SETTLING 6 /* a new revision is looked at after this part of the pause: first it must run */

struct topic_watch;

struct topic_watch_config {
	const char *brokers;
	struct properties properties; /* of the client that asks */
	struct properties settings;   /* with which topics are created */
	int64_t every_ms;	      /* 0: TOPIC_WATCH_EVERY_MS */
	const struct log_sink *log;
};

/* Borrows the configuration. Opened after the engine. NULL: SYSTEM. */
struct topic_watch *topic_watch_open(const struct topic_watch_config *config, struct engine *engine, struct error *error);

/* Called before the engine is closed. It waits for the task, which ends within TOPIC_SETTINGS_STOP_MS. NULL is fine. */
void topic_watch_close(struct topic_watch *watch);

/* The worst difference of a pipeline's topics, in words that end with the command that removes it. NULL: the last look
 * found none, or there was none yet. Borrowed until the loop continues. `watch` NULL: there is none. */
const char *topic_watch_difference(const struct topic_watch *watch, const char *pipeline);
