/* control_watch.h: Watch of the topics of a namespace's control plane, in an engine: looks every CONTROL_WATCH_EVERY_MS whether
 * they exist and have the settings that they need, and logs what differs, and when it no longer does. That the control plane is
 * lost is left to the caller to log: two looks in a row have then missed `control` or `proposals`.
 *
 * Kafka tells nobody when a topic is deleted, or when its cleanup.policy changes: a keeper that decides nothing and an engine
 * that reads nothing do not notice it. It works in the engine's loop. Kafka may take long to answer, so it is asked in a
 * task (net/loop_task.h). While Kafka does not answer, the last result stays.
 */
#pragma once

#include "control/records/control_topics.h"
#include "kafka/topics/topic_facts.h"
#include "net/loop.h"
#include "observe/log_sink.h"

#define CONTROL_WATCH_EVERY_MS 10000
#define CONTROL_WATCH_AGAIN 5 /* a topic that is missing is looked for again after this part of the pause */
#define CONTROL_WATCHED 5     /* topics of a namespace */

struct control_watch;

struct control_watch_config {
	const char *brokers;
	struct properties properties; /* of the client that asks */
	const struct control_topics *topics;
	int64_t every_ms; /* 0: CONTROL_WATCH_EVERY_MS */
	const struct log_sink *log;
};

/* Facts about the topics of a namespace, and what differs. Pure. */
struct control_facts {
	struct topic_facts topics[CONTROL_WATCHED]; /* control, proposals, status, feed, artifacts */
	bool were_seen[CONTROL_WATCHED]; /* at an earlier look: an engine of a former version has made no feed, for example */
};

/* The names are borrowed. */
void control_facts_name(struct control_facts *facts, const struct control_topics *topics);

/* Puts the worst difference into `words`, which then end with what to do; "": there is none. `control` and `proposals` count as
 * missing in any case, the others if they were seen. */
void control_facts_compare(struct control_facts *facts, char *words, size_t size);

/* Everything is borrowed. NULL: SYSTEM. */
struct control_watch *control_watch_open(const struct control_watch_config *config, struct loop *loop, struct error *error);
void control_watch_close(struct control_watch *watch); /* waits for the task, at most TOPIC_SETTINGS_STOP_MS; NULL is fine */

/* What differs; "": nothing does, or it is not known yet. Borrowed until the loop continues. */
const char *control_watch_difference(const struct control_watch *watch);

/* Whether `control` or `proposals` is missing: nothing can be decided, and what is read there later is not what was there. */
bool control_watch_is_lost(const struct control_watch *watch);
