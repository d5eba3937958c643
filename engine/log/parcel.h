/* parcel.h: Parcel of results that enter a producer's queue together. Private to log.
 *
 * Passed one by one, each result costs librdkafka three clock reads and a lock on its topic. That is a tenth of the
 * whole cost of a small message. So short results are copied and kept until the parcel is full, or parcel_send() is
 * called. Longer ones are passed at once, after those. Starts as {0}.
 *
 * Results leave by partition, in their order. librdkafka allocates memory for each one, and walks through those of a
 * partition four times: to send, number, acknowledge and free them. By then they have left the caches. The processor
 * prefetches those that are adjacent, which halves their cost for librdkafka's thread. The rules are log/parcel_rules.h's.
 */
#ifndef SLUICE_LOG_PARCEL_H
#define SLUICE_LOG_PARCEL_H

#include "log/client.h"
#include "log/parcel_rules.h"

struct parcel {
	uint32_t topic; /* of all results in the parcel */
	size_t count, first;
	size_t used;
	struct parcel_topics topics;
	bool lost; /* librdkafka refused some of the results: nothing more is accepted until the parcel is emptied */
	rd_kafka_message_t messages[PARCEL_RECORDS];
	rd_kafka_message_t sorted[PARCEL_RECORDS]; /* scratch memory, as the next two */
	int32_t partitions[PARCEL_RECORDS];
	uint16_t order[PARCEL_RECORDS];
	char bytes[PARCEL_BYTES]; /* their keys and values */
};

/* As client_produce(), but the record may leave later. PRODUCE_FULL: the parcel's results must leave first.
 * PRODUCE_SPOILT with `lost`: a result for which PRODUCED was returned is lost. */
enum produce_verdict parcel_put(struct parcel *parcel, rd_kafka_t *client, const struct topic_handles *topics,
				const struct outgoing *record, void *opaque, struct error *error);

/* Sends all results of the parcel. PRODUCE_FULL: some are still in it; PRODUCE_SPOILT: it is lost. */
enum produce_verdict parcel_send(struct parcel *parcel, const struct topic_handles *topics, struct error *error);

void parcel_empty(struct parcel *parcel); /* drops all results, which are void */

#endif
