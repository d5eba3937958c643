/* engine.h: Engine: the workers of one process, from their start to their end. For `sluice run` and `sluice dev`.
 *
 * The pipelines of a namespace and a delivery are one Kafka group. Its workers serve all of them: each is a thread,
 * and Kafka assigns the partitions to them and to the workers of other engines. The observers of a namespace are a group
 * too, with one worker in each engine: what they take never waits for an answer, nor an answer for them.
 *
 * Before it opens an engine, the caller blocks the signals that the engine handles, by engine_block_signals(), so
 * that they interrupt no worker.
 */
#pragma once

#include <signal.h>

#include "kafka/topics/batch_limit.h"
#include "kafka/record.h"
#include "kafka/topics/registry.h"
#include "net/loop.h"
#include "observe/counts.h"
#include "observe/exposition.h"
#include "observe/histogram.h"
#include "observe/last_failure.h"
#include "observe/log_sink.h"
#include "observe/metric.h"
#include "engine/setup/revision.h"
#include "engine/setup/topic_absence.h"

struct alert_counters;
struct cancel_board;
struct direct_hub;
struct engine;
struct group;

/* Configuration, borrowed for the engine's lifetime. */
struct engine_config {
	const char *brokers;
	const char *instance; /* name of this engine in its groups, the same after a restart */
	struct properties consumer;
	struct properties producer;
	struct batch_limit *batches;	 /* kafka/topics/batch_limit.h: of all producers; NULL: each has its own */
	struct registry_config registry; /* of schemas; url NULL: there is none. The workers set its callback */
	const struct step_kind *const *kinds;
	struct chaos *chaos;	    /* models/calls/chaos.h: injected errors of models; NULL: none */
	const struct wire_operations *wire; /* models/calls/wire.h: transport of model calls, without `chaos`; NULL: sockets */
	void *wire_context;
	uint64_t seed; /* of random choices about model calls; 0: one that differs from start to start */
	size_t workers;		    /* of each group but that of the observers, which has one */
	size_t memory_bytes;	    /* limit of the engine's memory */
	int32_t partitions;	    /* 0: workers are group members. Otherwise every topic has so many, and no other engine runs */
	bool observers_off;	    /* other engines run the observers */
	bool at_least_once;	    /* overrides the plan: where transactions have no effect */
	const char *state_folder;   /* for snapshots of state; NULL: none */
	size_t state_bytes;	    /* limit of what a stage may store for one partition */
	int64_t snapshot_ms;	    /* between two snapshots of a partition */
	struct name_list new_state; /* pipelines whose state may start empty though it was lost */
	struct direct_hub *direct;  /* engine/worker/direct_hub.h: for a gateway of this process; NULL: none */
	const struct cancel_board *cancels; /* observe/cancel_board.h; NULL: none are known */
	int64_t commit_ms;	    /* 0: adaptive */
	int64_t drain_ms;
	const char *feed; /* topic for what observers decide, which exists; NULL: none */
	const struct control_state *control; /* observe/metric.h; NULL: it follows no control plane */
	const struct log_sink *log; /* observe/log_sink.h: for all log lines; called from the engine's threads */
	struct loop *loop; /* of engine_run(), if the caller has watches of its own in it. NULL: the engine opens its own loop */
	/* Called on SIGHUP; may call engine_reload(). NULL: SIGHUP ends the engine like the other signals. */
	void (*reread)(void *context, struct engine *engine);
	/* Called on the first SIGTERM or SIGINT; calls engine_stop() at once or later. NULL: the engine stops at
	 * once. A second signal stops it at once in any case, but within a second it is the first one again: `timeout` and
	 * systemd signal a process and its group. */
	void (*asked_to_stop)(void *context, struct engine *engine);
	/* Writes metrics of what else runs in the process, in the thread of engine_run(). NULL: there are none. */
	void (*write_metrics)(void *context, struct exposition *exposition);
	void *context;
};

/* Blocks SIGTERM, SIGINT and SIGHUP until engine_run(), in this thread and in those that it starts from now on.
 * `before` is for pthread_sigmask(), after the engine is closed. */
void engine_block_signals(sigset_t *before);

/* Opens the workers, all or none. Takes the revision, also on failure. CONFIG: a step that cannot run, or a setting
 * that librdkafka rejects. */
struct engine *engine_open(struct revision *revision, const struct engine_config *config, struct error *error);
void engine_close(struct engine *engine); /* NULL is fine */

/* Runs until a signal comes and all workers have drained, or until one of them fails: then the others drain too, and
 * `error` has its reason. */
bool engine_run(struct engine *engine, struct error *error);

/* The error by which engine_run() has ended, until the engine is closed; "": it runs, or it was asked to stop. */
const char *engine_failure(const struct engine *engine);

/* Replaces the revision. Pipelines that are the same are not touched. Of others, in-flight messages end in the old
 * version, and new records enter the new one. Pipelines that are no longer there drain. False: nothing has changed,
 * and `error` has the reason (CONFIG: a stage cannot be opened). Takes the revision, also on failure. Called from the
 * thread of engine_run(). */
bool engine_reload(struct engine *engine, struct revision *revision, struct error *error);

/* Lets the groups read the pipelines that the running revision holds. False: they are held as before, and `error` has the
 * reason. Called from the thread of engine_run(). */
bool engine_release(struct engine *engine, struct error *error);

/* The running revision, and the loop of engine_run(), for callers that watch files or set timers. */
const struct revision *engine_revision(const struct engine *engine);
struct loop *engine_loop(struct engine *engine);

/* The last verdicts that the engine knows (observe/verdict_board.h). */
struct verdict_board *engine_board(const struct engine *engine);
/* The policies in force (observe/policy_board.h). */
struct policy_board *engine_policies(const struct engine *engine);
/* The tables of rollouts in force, and their counts (experiments/rollouts/rollout_board.h). */
struct rollout_board *engine_rollouts(const struct engine *engine);
void engine_stop(struct engine *engine); /* as a signal does */

/* Counts of a pipeline since the engine began, over all its versions, stages and workers, and over its calls by other
 * pipelines: engine/worker/stage.h. */
struct engine_counts {
	struct pipeline_counts sums; /* `taken` counts requests that its first stage took, and calls of it */
	uint64_t called;	     /* calls among them */
	uint64_t entered;	     /* records that all its stages have taken */
	struct histogram latency; /* of requests that ended */
	const char *waits_for;	  /* why it waits; NULL: it does not */
	struct topic_absence absent;	       /* for which it waits */
	struct topic_absence observers_absent; /* for which its observers wait, and no answer does */
	size_t models_away;	  /* number of unreachable models that it calls */
	uint64_t former;	  /* requests that wait in versions that were replaced */
	uint64_t observers_former; /* likewise, in its observers, and no answer waits for them */
	uint64_t version;	  /* revision_version() of the one that new messages enter; 0: it drains */
};

/* Consumer groups (engine/setup/group_setup.h), for reporters of their counts. Called from the thread of engine_run(). */
const struct group *engine_groups(const struct engine *engine);

/* Counters of alerts (engine/setup/alert_counters.h), likewise. */
const struct alert_counters *engine_alert_counters(const struct engine *engine);

/* Whether the workers of that consumer group run the latest revision. */
bool engine_has_followed(const struct engine *engine, const char *group);

/* Whether the group has assigned partitions to them, which may be none, since they subscribed to their topics. */
bool engine_has_partitions(const struct engine *engine, const char *group);

bool engine_is_stopping(const struct engine *engine);

/* False: there was never such a pipeline. */
bool engine_counts(const struct engine *engine, const char *pipeline, struct engine_counts *counts);

/* Whether requests wait for an unreachable model. The engine is ready nevertheless, and the requests wait in it. */
bool engine_counts_wait_for_model(const struct engine_counts *counts);

/* Whether the pipeline waits: for that, or because it is not ready to take requests. */
bool engine_counts_wait(const struct engine_counts *counts);

/* Number of running workers, and the name of the one whose last turn began longest ago; its thread may be stuck in a
 * step. Called from the thread of engine_run(). */
size_t engine_slowest_worker(const struct engine *engine, char *name, size_t size, int64_t *slow_ms);

/* Copies the latest failure of its requests. False: there is none, or a worker is just writing it. */
bool engine_last_failure(const struct engine *engine, const char *pipeline, struct last_failure *failure);

/* Names one unreachable model that it calls, with the reason, as in "score: connection refused"; "": there is none. */
void engine_away_model(const struct engine *engine, const char *pipeline, char *words, size_t size);

/* Number of its requests that wait in versions that were replaced, or of its observers' requests. If there are any, the words say
 * for what: "2 requests wait for model `score` at 10.0.0.1:80 of version 3, replaced at 2026-01-31T23:59:59Z: connection
 * refused". */
uint64_t engine_former(const struct engine *engine, const char *pipeline, bool of_observers, char *words, size_t size);

/* What requests of a pipeline that is ready wait for, as those words or as a model that is away. False: for nothing. */
bool engine_held_up(const struct engine *engine, const char *pipeline, const struct engine_counts *counts, char *words,
		    size_t size);

/* Whether that model is unreachable for one of its pipelines, with the reason. */
bool engine_model_is_away(const struct engine *engine, const char *model, char *words, size_t size);
