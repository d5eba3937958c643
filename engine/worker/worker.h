/* worker.h: the loop that ties a flow, the calls it makes and the log to one wait
 * point: one thread's whole life.
 *
 * Exactly once: results leave as the finished prefix of their partition, in the
 * transaction that commits their offsets; transactions are sized by time. What is in
 * flight when a transaction was in doubt is dropped and taken again from the committed
 * offsets, so a model may be called twice for a message; a result never leaves twice.
 *
 * At least once: results leave in the same order, at once; the offsets of the finished
 * prefix are committed when Kafka has acknowledged them. A crash repeats some of them.
 *
 * A worker belongs to the thread that runs it; worker_stop() may be called from any
 * other and from signal handlers.
 */
#ifndef SLUICE_WORKER_WORKER_H
#define SLUICE_WORKER_WORKER_H

#include "flow/flow.h"
#include "log/output.h"
#include "message/format.h"
#include "serving/caller.h"

struct worker;

/* What a worker stands on: where its time, its records and its models come from. */
struct worker_ground {
	struct loop *(*loop_open)(void *context, struct error *error);
	struct consumer *(*consumer_open)(void *context, struct loop *loop, const struct consumer_config *config,
					  struct error *error);
	struct output *(*output_open)(void *context, struct loop *loop, const struct transaction_config *config,
				      const struct consumer *consumer, struct error *error);
	void *context;
};

extern const struct worker_ground worker_ground_usual; /* Kafka, sockets and the machine's clock */

struct worker_limits {
	size_t in_flight;        /* messages taken and not yet released */
	size_t held_bytes;       /* of their records and arenas */
	size_t message_bytes;    /* of one message's arena */
	size_t answer_bytes;     /* of one encoded answer */
	int64_t commit_ms;       /* 0: five times what a commit takes, within 10 and 100 ms */
	int64_t drain_ms;        /* after a stop, for what is in flight */
};

extern const struct worker_limits worker_limits_usual;

/* Borrowed as long as the worker lives. */
struct worker_config {
	struct consumer_config consumer;
	/* Topic 0: where answers go; topic 1, where there is one: dead letters (message/dead_letter.h),
	 * of requests that failed by INPUT or REMOTE. Id NULL: at least once. */
	struct transaction_config transaction;
	const struct graph *graph; /* what messages run through */
	struct caller_config caller; /* whom its calls reach */
	const struct schema_source *schemas;
	const struct format *format; /* of answers; NULL: as their requests came */
	bool errors_off;	     /* an error is not answered */
	struct worker_limits limits;
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

struct worker_counts {
	uint64_t taken;
	uint64_t released; /* of them with an answer: */
	uint64_t answered;
	uint64_t failed;   /* of the answers: errors */
	uint64_t dead_letters;
	uint64_t dropped_in_flight; /* taken again later */
	uint64_t commits;
	uint64_t resets;
	const char *reset_reason; /* of the last */
};

struct worker_counts worker_counts(const struct worker *worker);

#endif
