/* follower.h: Follower of the control plane in an engine: reads `control` and the keeper's beats, prepares changes,
 * and switches the engine to the documents that are in force.
 *
 * It works in the engine's loop. Compiling documents, asking models and creating topics take long, so they are one task
 * (net/loop_task.h) at a time; the loop continues. For the first ACCEPTED change that waits for no other one
 * (control/keeper/change_order.h), the task compiles the documents that the change would bring into force. The follower then
  * reports on `status` that the change is prepared, or that it failed and why. When the documents in force change, the engine is
   * reloaded: with the prepared revision if it has the same documents, else with one that is compiled then. While documents in
    * force cannot run, the engine continues with those before; the follower reports that, and tries again every FOLLOWER_RETRY_MS.
 *
 * If a topic cannot be read any more, the follower reports to the keeper that the engine has stopped, so that no change
 * waits for it, and gives the reason in the engine's condition. Every FOLLOWER_RETRY_MS it tries to read all again.
 *
 * Kafka tells no reader that a topic was deleted, so the topics of the control plane are watched (control/engine/control_watch.h).
  * A `control` that was created again and has no change puts nothing in force: the engine continues until one is active.
 *
 * It reads the namespace's feed too (control/engine/feed_relay.h). A feed that cannot be read is a condition of the engine, and
  * holds up no change.
 *
 * Without a beat of the keeper the engine continues, and the follower reports that it is stale. An engine that finds
 * nothing in force waits without pipelines. One that finds documents in force runs them, with or without a keeper.
 */
#pragma once

#include "compiler/conditions/alert_record.h"
#include "control/engine/control_documents.h"
#include "kafka/topics/batch_limit.h"
#include "observe/metric.h"
#include "monitor/model_watch.h"
#include "engine/run/topic_watch.h"

#define FOLLOWER_REPORT_MS 1000
#define FOLLOWER_RETRY_MS 5000
#define FOLLOWER_ATTEMPT_MS 20000 /* that a preparation may wait for Kafka, or for a model */
/* Then the reason is known before the keeper's deadline, unless an attempt takes longer. */
#define FOLLOWER_PATIENCE_MS (KEEPER_DEADLINE_MS - FOLLOWER_ATTEMPT_MS)

struct follower;

/* What the caller does with documents. Everything is borrowed as long as the follower is open. */
struct follower_work {
	/* Compiles documents, and prepares Kafka for them: the task. The engine's revision does not change meanwhile. NULL:
	 * `error` has the reason. REMOTE: a model of the change is not ready, or Kafka does not answer; it is compiled again,
	 * until FOLLOWER_PATIENCE_MS after the first time. */
	struct revision *(*compile)(void *context, const struct control_documents *documents, struct error *error);
	/* Makes `compile` return within a second; called from the loop. */
	void (*give_up)(void *context);
	/* Makes the engine run the revision, which it takes, also on failure. False: the engine runs the one before. Called
	 * from the loop. */
	bool (*activate)(void *context, struct revision *revision, struct error *error);
	/* Serves callers from outside (the gateway) as the running documents want it; called from the loop after an
	 * activation, and every FOLLOWER_RETRY_MS. False: `error` has the reason, which is a condition of the engine; the
	 * documents run nevertheless. NULL: there is nothing to serve. */
	bool (*serve)(void *context, struct error *error);
	/* `control` cannot be read any more, and what is read there next may be another topic of its name: the keeper of this
	 * process reads it again before it decides. Called from the loop. NULL: there is no keeper. */
	void (*lost)(void *context);
	void *context;
};

struct follower_config {
	const char *brokers;
	struct properties consumer, producer;
	const struct batch_limit *batches;
	const char *namespace;
	const char *engine; /* its name */
	const char *control, *status; /* names of the topics, which must exist */
	const char *feed; /* likewise (control/engine/feed_relay.h); NULL: it is not read */
	const struct control_topics *topics_of_control; /* which are watched (control/engine/control_watch.h); NULL: none are */
	const struct log_sink *log;
	struct arena *names; /* for the names of documents; outlives the engine. Used by the loop's thread alone */
	struct follower_work work;
	int64_t watch_ms;    /* between two looks at those topics; 0: CONTROL_WATCH_EVERY_MS */
	int64_t patience_ms; /* 0: FOLLOWER_PATIENCE_MS */
	const struct topic_watch *topics; /* of the engine; its differences are in conditions. NULL: none */
	const struct model_watch *models; /* of the engine; slow ones are in conditions. NULL: none */
	struct group_mover *mover; /* of the engine; what it waits for is in conditions. NULL: none */
	/* Takes a report on an alert of an engine (compiler/conditions/alert_record.h). NULL: nobody does. */
	void (*take_alert_report)(void *context, const struct alert_read *report);
	/* Likewise, a record of the feed (feed_relay.h). */
	void (*take_alert_record)(void *context, struct text key, struct text record, bool is_former);
	void *alerts; /* their context */
	struct control_state *state; /* observe/metric.h: set from the loop; zeroed before */
};

/* Reads `control` to its end; waits for Kafka. The configuration is borrowed. NULL: `error` has the reason. */
struct follower *follower_open(const struct follower_config *config, struct error *error);
void follower_close(struct follower *follower); /* NULL is fine; called before the engine is closed */

/* Starts to work in the engine's loop. */
bool follower_start(struct follower *follower, struct engine *engine, struct error *error);

/* Why no documents run, or callers from outside are not served; "": they are. Lives until the next call. */
const char *follower_unready(const struct follower *follower);

/* Compiles the documents in force again, as files are read again: files that their steps name may have changed. */
void follower_reread(struct follower *follower);
