/* worker.h: the loop that ties flows, the calls they make and the log to one wait
 * point: one thread's whole life.
 *
 * A worker serves many pipelines by one consumer, one output and one client of models:
 * the topic of a record leads to its stage. Partitions are shared out among the workers
 * of a group, wherever they run.
 *
 * Exactly once: results leave as the finished prefix of their partition, in the
 * transaction that commits their offsets; transactions are sized by time. What is in
 * flight when a transaction was in doubt is dropped and taken again from the committed
 * offsets, so a model may be called twice for a message; a result never leaves twice.
 *
 * At least once: results leave at once, in the order of their key or of their partition;
 * the offsets of the finished prefix are committed when Kafka has acknowledged all of it.
 * A crash repeats some of them.
 *
 * A stage that has as much in flight as it may takes no more: its partitions are paused,
 * and nobody else's.
 *
 * A worker belongs to the thread that runs it; worker_stop() and worker_reload() may be
 * called from any other, worker_stop() from signal handlers too.
 */
#ifndef SLUICE_WORKER_WORKER_H
#define SLUICE_WORKER_WORKER_H

#include "log/output.h"
#include "log/registry.h"
#include "log/side.h"
#include "worker/partition_state.h"
#include "worker/stage.h"

struct worker;

/* What a worker stands on: where its time, its records and its models come from. */
struct worker_ground {
	struct loop *(*loop_open)(void *context, struct error *error);
	struct consumer *(*consumer_open)(void *context, struct loop *loop, const struct consumer_config *config,
					  struct error *error);
	struct output *(*output_open)(void *context, struct loop *loop, const struct transaction_config *config,
				      const struct consumer *consumer, struct error *error);
	struct archive *(*archive_open)(void *context, struct loop *loop, const struct archive_config *config,
					const struct consumer *consumer, struct error *error);
	struct side *(*side_open)(void *context, const struct side_config *config, struct error *error);
	bool asks_groups; /* Kafka can be asked how far groups have come (log/upstream.h) */
	void *context;
};

extern const struct worker_ground worker_ground_usual; /* Kafka, sockets and the machine's clock */

/* Of all its stages together. While they are within them, a stage is bound by its own
 * limits alone; beyond them, each has its equal share. */
struct worker_limits {
	size_t in_flight;     /* messages taken and not left */
	size_t held_bytes;    /* of their records and arenas */
	size_t message_bytes; /* of one message's arena */
	size_t answer_bytes;  /* of one encoded answer */
	size_t tap_bytes;     /* waiting for Kafka on the way to taps */
	int64_t commit_ms;    /* 0: five times what a commit takes, within 10 and 100 ms */
	int64_t drain_ms;     /* after a stop, for what is in flight */
};

extern const struct worker_limits worker_limits_usual;

/* Borrowed as long as the worker lives. */
struct worker_config {
	size_t number; /* which of its group's here: 0, 1, ... */
	/* The topics of these two are the setup's, whatever they say. */
	struct consumer_config consumer;
	struct transaction_config transaction; /* id NULL: at least once */
	struct registry_config registry;       /* of schemas; url NULL: there is none. Its news are the worker's */
	struct worker_setup setup;	       /* what it begins with */
	struct worker_limits limits;
	struct partition_state_config partition_state;
	const struct worker_ground *ground; /* NULL: the usual */
};

struct worker *worker_open(const struct worker_config *config, struct error *error);
void worker_close(struct worker *worker); /* NULL is fine */

/* Until it is stopped and has drained, or cannot go on (SYSTEM). */
bool worker_run(struct worker *worker, struct error *error);

/* One turn of that, for whoever has several workers in one hand; `over` says that it was
 * the last. */
bool worker_turn(struct worker *worker, bool *over, struct error *error);

void worker_stop(struct worker *worker);

/* Serves this from now on; borrowed as long as the worker lives or `users` of its stages
 * says that it has them. Stages that stay the same are left alone. What is in flight ends
 * in the stage that it entered, new records enter the new one (worker/stage_phase.h). Where none
 * reads a topic any more, its partitions are given up: what is in flight there has a second to
 * end, and what has not is not committed. One that was not followed yet is replaced. */
void worker_reload(struct worker *worker, const struct worker_setup *setup);

/* The last setup that it has followed. Any thread. */
int64_t worker_turned_ms(const struct worker *worker); /* when it began to turn last, by its loop; 0: not yet. Any thread */
const struct worker_setup *worker_follows(const struct worker *worker);

/* Whether a stage can be opened: CONFIG says why not. Any thread. */
bool stage_check(const struct stage_config *config, struct error *error);

struct worker_counts {
	uint64_t taken;
	uint64_t released; /* of them with an answer: */
	uint64_t answered;
	uint64_t failed; /* of the answers: errors */
	uint64_t dead_letters;
	uint64_t copies;	    /* sent off the path */
	uint64_t copies_lost;	    /* left out: too many were still out */
	uint64_t dropped_in_flight; /* taken again later */
	uint64_t commits;
	uint64_t refused;		/* results that Kafka took and then would not have */
	uint64_t replies, replies_lost; /* copies of answers for gateways */
	uint64_t replies_malformed;	/* requests whose reply address could not be read */
	uint64_t resets;
	const char *reset_reason; /* of the last */
};

struct worker_counts worker_counts(const struct worker *worker); /* by its thread, or when that has ended */

#endif
