/* parcel_rules.h: Rules of a parcel (log/parcel.h): which results it keeps, which leave before others, and in which order.
 *
 * Pure: parcel.c follows them on Kafka, the simulated Kafka on itself. A number of partitions is that of the last send, and 0
 * until then: sorted by a wrong number, records of one partition would change their order.
 */
#ifndef SLUICE_LOG_PARCEL_RULES_H
#define SLUICE_LOG_PARCEL_RULES_H

#include "log/record.h"

#define PARCEL_RECORDS 256
#define PARCEL_BYTES ((size_t)32 << 10)
#define PARCEL_TOPICS 64 /* whose number of partitions is known; results to other topics are not sorted */

/* Number of partitions of a topic when a result last left for it; 0: not known. */
struct parcel_topic {
	uint32_t topic;
	int partitions;
};

/* Each at its number modulo PARCEL_TOPICS. Starts as {0}. */
struct parcel_topics {
	struct parcel_topic items[PARCEL_TOPICS];
};

struct parcel_topic *parcel_topic_of(struct parcel_topics *topics, uint32_t topic);

/* Whether a parcel keeps the record: it is short. Others are passed on at once, after the results in the parcel. */
bool parcel_keeps(const struct outgoing *record);

/* Whether a record that the parcel keeps joins its `count` results to `topic`, of `used` bytes; else these leave before. */
bool parcel_joins(size_t count, size_t used, uint32_t topic, const struct outgoing *record);

/* Sorts results by their partitions: `order` gets their indexes. Results of a partition keep their order. */
void parcel_sort(const int32_t *partitions, size_t count, uint16_t *order);

#endif
