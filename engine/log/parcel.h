/* parcel.h: results on their way into a producer, many at a time. For the log's own files.
 *
 * Handed over one by one, each result costs librdkafka three looks at a clock and a lock on
 * its topic, which is a tenth of all that a small message costs an engine. So short ones are
 * copied and kept until a parcel is full, or parcel_send() is called; others go at once, behind
 * those. Starts as {0}.
 *
 * They leave by partition, in their order. librdkafka gives each its own piece of memory, and walks
 * through those of a partition four times: to send, to number, to acknowledge and to free them. By then
 * they have left the caches; but those that lie one behind the other the processor fetches ahead,
 * which halves what they cost librdkafka's thread. By another number of partitions than the topic's own, records of
 * one partition would change places; so what goes to a topic of which that is not known yet is not sorted.
 */
#ifndef SLUICE_LOG_PARCEL_H
#define SLUICE_LOG_PARCEL_H

#include "log/client.h"

#define PARCEL_RECORDS 256
#define PARCEL_BYTES ((size_t)32 << 10)
#define PARCEL_TOPICS 64 /* whose partitions are known; what goes to further ones is not sorted */

/* How many partitions a topic had when something last left for it; 0: not known. */
struct parcel_topic {
	uint32_t topic;
	int partitions;
};

struct parcel {
	uint32_t topic; /* of all that is in it */
	size_t count, first;
	size_t used;
	struct parcel_topic topics[PARCEL_TOPICS]; /* each by its number, modulo how many there are */
	bool lost; /* librdkafka would not have some of what was in it: nothing goes on until it is emptied */
	rd_kafka_message_t messages[PARCEL_RECORDS], sorted[PARCEL_RECORDS]; /* the second: room to sort them in */
	char bytes[PARCEL_BYTES]; /* their keys and values */
};

/* As client_produce(), but for when it leaves. PRODUCE_FULL: what is in it must leave first.
 * PRODUCE_SPOILT with `lost`: something that was PRODUCED before is not there. */
enum produce_verdict parcel_put(struct parcel *parcel, rd_kafka_t *client, const struct topic_handles *topics,
				const struct outgoing *record, void *opaque, struct error *error);

/* All that is in it leaves. PRODUCE_FULL: some still is; PRODUCE_SPOILT: it is lost. */
enum produce_verdict parcel_send(struct parcel *parcel, const struct topic_handles *topics, struct error *error);

void parcel_empty(struct parcel *parcel); /* of what is void */

#endif
