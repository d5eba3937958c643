/* produce_batch_rules.h: Rules of a batch of results (produce_batch.h): which it keeps, which leave before others, and in which
 * order.
 *
 * Pure: produce_batch.c follows them on Kafka, the simulated Kafka on itself. A number of partitions is that of the last send, and
 * 0 until then: sorted by a wrong number, records of one partition would change their order.
 */
#ifndef SLUICE_LOG_PRODUCE_BATCH_RULES_H
#define SLUICE_LOG_PRODUCE_BATCH_RULES_H

#include "log/record.h"

#define PRODUCE_BATCH_RECORDS 256
#define PRODUCE_BATCH_BYTES ((size_t)32 << 10)
#define PRODUCE_BATCH_TOPICS 64 /* whose number of partitions is known; results to other topics are not sorted */

/* Number of partitions of a topic when a result last left for it; 0: not known. */
struct produce_batch_topic {
	uint32_t topic;
	int partitions;
};

/* Each at its number modulo PRODUCE_BATCH_TOPICS. Starts as {0}. */
struct produce_batch_topics {
	struct produce_batch_topic items[PRODUCE_BATCH_TOPICS];
};

struct produce_batch_topic *produce_batch_topic_of(struct produce_batch_topics *topics, uint32_t topic);

/* Whether a batch keeps the record: it is short. Others are passed on at once, after the results in the batch. */
bool produce_batch_keeps(const struct outgoing *record);

/* Whether a record that the batch keeps joins its `count` results to `topic`, of `used` bytes; else these leave before. */
bool produce_batch_joins(size_t count, size_t used, uint32_t topic, const struct outgoing *record);

/* Sorts results by their partitions: `order` gets their indexes. Results of a partition keep their order. */
void produce_batch_sort(const int32_t *partitions, size_t count, uint16_t *order);

#endif
