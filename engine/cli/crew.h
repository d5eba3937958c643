/* crew.h: the workers of an engine, from their start to their end. For `sluice run` and
 * `sluice dev`.
 *
 * The pipelines of a namespace and a delivery are one Kafka group, and so many workers
 * serve all of them: each is a thread, and the group shares partitions out among them and
 * those of other engines.
 *
 * Whoever opens a crew has blocked the signals that it takes, by crew_block_signals(), so
 * that no worker is entered by them.
 */
#ifndef SLUICE_CLI_CREW_H
#define SLUICE_CLI_CREW_H

#include <signal.h>
#include <stdio.h>

#include "cli/deployment.h"
#include "log/batch_limit.h"
#include "log/record.h"
#include "log/registry.h"
#include "net/loop.h"
#include "observe/histogram.h"

struct crew;

/* Borrowed as long as the crew lives. */
struct crew_config {
	const char *brokers;
	const char *instance; /* who this engine is in its groups, over restarts */
	struct properties consumer;
	struct properties producer;
	struct batch_limit *batches; /* log/batch_limit.h: of all producers; NULL: each has its own */
	struct registry_config registry; /* of schemas; url NULL: there is none. Whose answers and news, the crew says */
	const struct step_kind *const *kinds;
	struct chaos *chaos; /* serving/chaos.h: mishaps of models on purpose; NULL: none */
	size_t workers;	     /* of each group */
	size_t memory_bytes; /* that the engine may use */
	int32_t partitions;  /* 0: members of their groups. Else each topic has so many, and there is no other engine */
	bool at_least_once;  /* whatever the plan says: where transactions mean nothing */
	const char *state_folder; /* for snapshots of what steps remember; NULL: none */
	size_t state_bytes;	  /* that a stage may remember of one partition */
	int64_t snapshot_ms;	  /* between two snapshots of a partition */
	struct name_list new_state; /* pipelines whose state may begin anew though it was lost */
	int64_t commit_ms;   /* 0: adaptive */
	int64_t drain_ms;
	FILE *out; /* a line for each pipeline when it starts, changes, and has ended */
	struct loop *loop; /* of crew_run(), where somebody else's things hang on it too. NULL: the crew's own */
	/* SIGHUP came: may call crew_reload(). NULL: it ends the crew like the others. */
	void (*reread)(void *context, struct crew *crew);
	void *context;
};

/* SIGTERM, SIGINT and SIGHUP wait for crew_run(), in this thread and in those that it starts
 * from now on. `before` is for pthread_sigmask(), when the crew is closed. */
void crew_block_signals(sigset_t *before);

/* Opens the workers, all or none, and takes the deployment, also when it fails. CONFIG: a
 * step that cannot run, or a setting that librdkafka refuses. */
struct crew *crew_open(struct deployment *deployment, const struct crew_config *config, struct error *error);
void crew_close(struct crew *crew); /* NULL is fine */

/* Until a signal comes and all have drained, or one of them cannot go on: then the
 * others drain too, and it says why. */
bool crew_run(struct crew *crew, struct error *error);

/* Runs this from now on. Pipelines that are the same are left alone; of others, what is in
 * flight ends as it began, and new records enter the new ones; those that are not there
 * any more drain. False: all stays as it was, and `error` says why (CONFIG: a stage cannot
 * be opened). Takes the deployment, also when it fails. From the thread of crew_run(). */
bool crew_reload(struct crew *crew, struct deployment *deployment, struct error *error);

/* What is running, and the loop of crew_run(), for whoever watches files or the clock. */
const struct deployment *crew_deployment(const struct crew *crew);
struct loop *crew_loop(struct crew *crew);
void crew_stop(struct crew *crew); /* as a signal does */

/* What a pipeline did since the engine began, in all its versions, stages and workers, and when other
 * pipelines called it: worker/stage.h. */
struct crew_counts {
	uint64_t taken;	 /* requests: by its first stage, or by a call */
	uint64_t called; /* of them by calls */
	uint64_t ended, succeeded, answered, failed, dropped, dead_letters, pauses, resets;
	uint64_t skipped; /* records that were deleted before they were read */
	uint64_t entered, left; /* records of all its stages */
	uint64_t in_flight;	/* of all its stages */
	struct histogram latency; /* of requests that ended */
	const char *waits_for;	  /* what keeps it; NULL: nothing */
	size_t models_away;	  /* of those that it calls */
	uint64_t version;	  /* deployment_version() of the one that new messages enter; 0: it drains */
};

/* False: no such pipeline was ever there. */
bool crew_counts(const struct crew *crew, const char *pipeline, struct crew_counts *counts);

#endif
