/* batch_limit.h: upper bound of the batches that producers send, below max.message.bytes of their topics.
 *
 * Kafka holds a whole batch, not each record, against a topic's max.message.bytes, and refuses it
 * as a whole. So a producer sends batches of at most the smallest limit of all topics that it
 * writes (librdkafka has one `batch.size` for all of them; its own default is 1 MB). Where a limit
 * cannot be read, or is lowered while the producer runs, a refused batch says so: the bound is
 * lowered, another producer takes over, and what was refused is produced again in smaller batches.
 * A record is only to blame when it was alone in its batch.
 *
 * One bound is shared by all producers of an engine: what one learns holds for the others from when
 * they are opened again.
 */
#ifndef SLUICE_LOG_BATCH_LIMIT_H
#define SLUICE_LOG_BATCH_LIMIT_H

#include <stdatomic.h>

#include "log/record.h"

/* What Kafka counts of a batch of one record beside its key, value and headers, at least: 61
 * bytes for the batch, 7 for the record (KIP-98). */
#define BATCH_OVERHEAD_BYTES ((size_t)68)
#define BATCH_USUAL_BYTES ((size_t)1000000) /* librdkafka's own bound */
#define BATCH_LOWER_BY 4 /* a refused batch says that the limit is lower, but not how much */

/* Starts as {0}. Any thread. */
struct batch_limit {
	_Atomic size_t bytes; /* 0: as the settings say */
};

/* Sets it to the smallest max.message.bytes of these topics. Those whose settings Kafka does not
 * show are left out: no topic, no right to describe it, no answer; with none of them it stays as it is. Waits for Kafka. False:
 * CONFIG (a client cannot be opened) or SYSTEM (memory ran out). */
bool batch_limit_read(struct batch_limit *limit, const char *brokers, struct properties properties, const char *const *topics,
		      size_t count, struct error *error);

/* The bound for the next producer, below that of one of which a batch was refused; with
 * `to_one_record` each record is a batch. */
size_t batch_limit_lower(struct batch_limit *limit, size_t refused_bytes, bool to_one_record);

/* Whether a record of so many bytes (key, value, headers) had its batch to itself at a producer
 * with that bound. */
static inline bool batch_limit_isolates(size_t batch_bytes, size_t record_bytes)
{
	return batch_bytes <= 1 || record_bytes + BATCH_OVERHEAD_BYTES > batch_bytes;
}

#endif
