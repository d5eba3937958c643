/* engine.h: the workers of an engine, from their start to their end. For `sluice run` and
 * `sluice dev`.
 *
 * The pipelines of a namespace and a delivery are one Kafka group, and so many workers
 * serve all of them: each is a thread, and the group shares partitions out among them and
 * those of other engines.
 *
 * Whoever opens a engine has blocked the signals that it takes, by engine_block_signals(), so
 * that no worker is entered by them.
 */
#ifndef SLUICE_RUNTIME_ENGINE_H
#define SLUICE_RUNTIME_ENGINE_H

#include <signal.h>

#include "log/batch_limit.h"
#include "log/record.h"
#include "log/registry.h"
#include "net/loop.h"
#include "observe/histogram.h"
#include "observe/last_failure.h"
#include "observe/log_sink.h"
#include "runtime/revision.h"

struct engine;

/* Borrowed as long as the engine lives. */
struct engine_config {
	const char *brokers;
	const char *instance; /* who this engine is in its groups, over restarts */
	struct properties consumer;
	struct properties producer;
	struct batch_limit *batches;	 /* log/batch_limit.h: of all producers; NULL: each has its own */
	struct registry_config registry; /* of schemas; url NULL: there is none. Whose answers and news, the engine says */
	const struct step_kind *const *kinds;
	struct chaos *chaos;	    /* serving/chaos.h: mishaps of models on purpose; NULL: none */
	size_t workers;		    /* of each group */
	size_t memory_bytes;	    /* that the engine may use */
	int32_t partitions;	    /* 0: members of their groups. Else each topic has so many, and there is no other engine */
	bool at_least_once;	    /* whatever the plan says: where transactions mean nothing */
	const char *state_folder;   /* for snapshots of what steps remember; NULL: none */
	size_t state_bytes;	    /* that a stage may remember of one partition */
	int64_t snapshot_ms;	    /* between two snapshots of a partition */
	struct name_list new_state; /* pipelines whose state may begin anew though it was lost */
	int64_t commit_ms;	    /* 0: adaptive */
	int64_t drain_ms;
	const struct log_sink *log; /* observe/log_sink.h: all that the engine tells; from its threads */
	struct loop *loop; /* of engine_run(), where somebody else's things hang on it too. NULL: the engine's own */
	/* SIGHUP came: may call engine_reload(). NULL: it ends the engine like the others. */
	void (*reread)(void *context, struct engine *engine);
	void *context;
};

/* SIGTERM, SIGINT and SIGHUP wait for engine_run(), in this thread and in those that it starts
 * from now on. `before` is for pthread_sigmask(), when the engine is closed. */
void engine_block_signals(sigset_t *before);

/* Opens the workers, all or none, and takes the revision, also when it fails. CONFIG: a
 * step that cannot run, or a setting that librdkafka refuses. */
struct engine *engine_open(struct revision *revision, const struct engine_config *config, struct error *error);
void engine_close(struct engine *engine); /* NULL is fine */

/* Until a signal comes and all have drained, or one of them cannot go on: then the
 * others drain too, and it says why. */
bool engine_run(struct engine *engine, struct error *error);

/* Runs this from now on. Pipelines that are the same are left alone; of others, what is in
 * flight ends as it began, and new records enter the new ones; those that are not there
 * any more drain. False: all stays as it was, and `error` says why (CONFIG: a stage cannot
 * be opened). Takes the revision, also when it fails. From the thread of engine_run(). */
bool engine_reload(struct engine *engine, struct revision *revision, struct error *error);

/* What is running, and the loop of engine_run(), for whoever watches files or the clock. */
const struct revision *engine_revision(const struct engine *engine);
struct loop *engine_loop(struct engine *engine);
void engine_stop(struct engine *engine); /* as a signal does */

/* What a pipeline did since the engine began, in all its versions, stages and workers, and when other
 * pipelines called it: worker/stage.h. */
struct engine_counts {
	uint64_t taken;	 /* requests: by its first stage, or by a call */
	uint64_t called; /* of them by calls */
	uint64_t ended, succeeded, answered, failed, dropped, dead_letters, pauses, resets;
	uint64_t skipped;	  /* records that were deleted before they were read */
	uint64_t entered, left;	  /* records of all its stages */
	uint64_t in_flight;	  /* of all its stages */
	struct histogram latency; /* of requests that ended */
	const char *waits_for;	  /* what keeps it; NULL: nothing */
	size_t models_away;	  /* of those that it calls */
	uint64_t version;	  /* revision_version() of the one that new messages enter; 0: it drains */
};

/* False: no such pipeline was ever there. */
bool engine_counts(const struct engine *engine, const char *pipeline, struct engine_counts *counts);

/* How many workers run, and the name of the one that has not turned for longest. Their thread may be stuck in a step. From the
 * thread of engine_run(). */
size_t engine_slowest_worker(const struct engine *engine, char *name, size_t size, int64_t *slow_ms);

/* The newest failure of its requests. False: none is known, or a worker writes it just then. */
bool engine_last_failure(const struct engine *engine, const char *pipeline, struct last_failure *failure);

/* Names one of the models that it calls and that are away, with the reason, as in "score: connection refused"; "": none is. */
void engine_away_model(const struct engine *engine, const char *pipeline, char *words, size_t size);

#endif
