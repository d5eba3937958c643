/* parcel.h: Parcel of results that enter a producer's queue together. Private to log.
 *
 * Passed one by one, each result costs librdkafka three clock reads and a lock on its topic. That is a tenth of the
 * whole cost of a small message. So short results are copied and kept until the parcel is full, or parcel_send() is
 * called. Longer ones are passed at once, after those. Starts as {0}.
 *
 * Results leave by partition, in their order. librdkafka allocates memory for each one, and walks through those of a
 * partition four times: to send, number, acknowledge and free them. By then they have left the caches. The processor
 * prefetches those that are adjacent, which halves their cost for librdkafka's thread. Sorted by a wrong number of
 * partitions, records of one partition would change their order. So results are not sorted while the topic's number
 * of partitions is unknown.
 */
#ifndef SLUICE_LOG_PARCEL_H
#define SLUICE_LOG_PARCEL_H

#include "log/client.h"

#define PARCEL_RECORDS 256
#define PARCEL_BYTES ((size_t)32 << 10)
#define PARCEL_TOPICS 64 /* whose number of partitions is known; results to other topics are not sorted */

/* Number of partitions of a topic when a result last left for it; 0: not known. */
struct parcel_topic {
	uint32_t topic;
	int partitions;
};

struct parcel {
	uint32_t topic; /* of all results in the parcel */
	size_t count, first;
	size_t used;
	struct parcel_topic topics[PARCEL_TOPICS]; /* each at its number modulo PARCEL_TOPICS */
	bool lost; /* librdkafka refused some of the results: nothing more is accepted until the parcel is emptied */
	rd_kafka_message_t messages[PARCEL_RECORDS], sorted[PARCEL_RECORDS]; /* `sorted` is scratch memory */
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
