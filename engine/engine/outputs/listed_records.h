/* listed_records.h: Outlet of the records that steps have listed with a message (message/records/listed_record.h). Each is written
 * in the transaction of the message: verdicts and reports on windows to topics of the pipeline, and to the namespace's feed
 * verdicts that judge their window, with its figures, and what was learnt of outliers.
 *
 * Private to worker.
 */
#pragma once

#include "kafka/produce/output.h"
#include "engine/worker/partition_queues.h"

struct record_outlet {
	struct output *output;
	struct position origin; /* of the message's record */
	struct buffer *key, *value;
};

/* Produces them, the first one first. PRODUCED: all were produced, or there were none. PRODUCE_FULL: to be called again; what was
 * produced before is not produced twice. */
enum produce_verdict listed_records_leave(const struct record_outlet *outlet, struct inflight *inflight, struct error *error);
