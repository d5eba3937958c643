/* outbox.h: Outbox of a worker: encodes and produces the outputs of a finished message. These are its answer, its
 * dead letter if it failed, and the records of its steps. Private to the worker, which decides when they are
 * produced. */
#pragma once

#include "kafka/produce/best_effort.h"
#include "engine/worker/partition_queues.h"
#include "engine/outputs/replies.h"
#include "engine/outputs/slices.h"
#include "engine/worker/worker.h"

struct outbox {
	const struct worker_setup *setup; /* borrowed from the worker */
	struct output *output;		  /* opened by the worker; closed with the outbox */
	struct best_effort *side;		  /* likewise; NULL: there are no taps */
	struct replies replies; /* copies of answers for gateways; exactly once, held until their transaction is committed */
	struct buffer encoded;
	struct buffer feed_key;
	struct buffer carried; /* exposures in headers of an answer */
	struct slices slices; /* rows that wait on their way to observers */
	struct worker_counts *counts; /* of the worker */
	size_t half_left;     /* in-flight messages whose outputs were produced in part: no commit now, it would separate them */
	struct error failure; /* SYSTEM: not even an error can be produced; the worker stops */
};

/* Borrows the counts. */
void outbox_open(struct outbox *outbox, struct worker_counts *counts, size_t answer_bytes);
void outbox_close(struct outbox *outbox); /* produced records may still be on their way to Kafka */

/* Produces the outputs of this in-flight message. PRODUCED: all were produced, or there were none. PRODUCE_FULL: call again;
 * outputs that were produced before are not produced twice. */
enum produce_verdict outbox_put(struct outbox *outbox, struct inflight *inflight);

/* Sends a record to a tap at once; it may be lost. `inflight`: whose message it is; NULL: not known, as of a merged call. */
void outbox_tap(struct outbox *outbox, const struct worker_stage *stage, const struct inflight *inflight,
		const struct message *message, uint32_t topic, const struct payload *payload);
