/* batch_limit.h: Upper bound of the batches that producers send, below max.message.bytes of their topics.
 *
 * Kafka compares a whole batch, not each record, with a topic's max.message.bytes, and refuses the batch as a whole.
 * So a producer sends batches of at most the smallest limit of all topics that it writes. librdkafka has one
 * `batch.size` for all of them; its own default is 1 MB.
 *
 * A limit may be unreadable, or lowered while the producer runs. Then Kafka refuses a batch. The bound is lowered,
 * another producer replaces this one, and the refused records are produced again in smaller batches. A record itself
 * is too large only if it was alone in its batch.
 *
 * All producers of an engine share one bound. The others use a lowered bound when they are opened again.
 */
#pragma once

#include <stdatomic.h>

#include "kafka/record.h"

/* Bytes that Kafka counts for a batch of one record beside its key, value and headers, at least: 61 for the batch,
 * 7 for the record (KIP-98). */
#define BATCH_OVERHEAD_BYTES ((size_t)68)
#define BATCH_FRAME_BYTES_MAX ((size_t)128) /* the same at most, with a record's own lengths */
#define BATCH_TOPIC_BYTES ((size_t)1048588) /* Kafka's default of max.message.bytes, if a topic's setting is not known */
#define BATCH_USUAL_BYTES ((size_t)1000000) /* librdkafka's own bound */
#define BATCH_LOWER_BY 4 /* factor; a refused batch shows that the limit is lower, but not by how much */

/* Starts as {0}. Any thread. */
struct batch_limit {
	_Atomic size_t bytes;	 /* 0: the bound of the settings */
	_Atomic int64_t told_ms; /* when it was last logged that a batch arrived damaged, by clock_ms(); 0: never */
};

/* Sets the bound to the smallest max.message.bytes of these topics, or with `adds` lowers it to that: then they are written beside
 * those whose limits it has. Topics whose settings cannot be read are left out: they do not exist, the login may not describe them,
 * or Kafka does not answer. If no topic is left, the bound stays as it is. Waits for Kafka. False: CONFIG (a client cannot be
 * opened) or SYSTEM (memory ran out). */
bool batch_limit_read(struct batch_limit *limit, const char *brokers, struct properties properties, const char *const *topics,
		      size_t count, bool adds, struct error *error);

/* Lowers the bound for the next producer below that of the producer whose batch was refused. With `to_one_record`
 * each record is a batch of its own. */
size_t batch_limit_lower(struct batch_limit *limit, size_t refused_bytes, bool to_one_record);

/* Whether a record of so many bytes (key, value, headers) was alone in its batch, at a producer with that bound. */
static inline bool batch_limit_isolates(size_t batch_bytes, size_t record_bytes)
{
	return batch_bytes <= 1 || record_bytes + BATCH_OVERHEAD_BYTES > batch_bytes;
}
