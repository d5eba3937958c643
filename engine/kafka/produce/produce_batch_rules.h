/* produce_batch_rules.h: Rules of a batch of results (produce_batch.h): which it keeps, which leave before others, and in which
 * order.
 *
 * Pure: produce_batch.c follows them on Kafka, the simulated Kafka on itself. The first result that leaves tells how many
 * partitions its topic has: sorted by a wrong number, records of one partition would change their order.
 */
#pragma once

#include "kafka/record.h"

#define PRODUCE_BATCH_PARTS 4	  /* as answers, exposures, records for an observer, and a changelog */
#define PRODUCE_BATCH_RECORDS 256 /* of a part */
#define PRODUCE_BATCH_BYTES ((size_t)32 << 10)

/* Results in a batch to one topic. Starts as {0}. */
struct produce_batch_part {
	uint32_t topic;
	size_t count, first; /* those before `first` have left */
	size_t used;	     /* bytes of them all */
};

/* Whether a batch keeps the record: it is short. Others are passed on at once, after the results in the batch. */
bool produce_batch_keeps(const struct outgoing *record);

/* Index of the part for a record to the topic that the batch keeps: the one of the topic, else an empty one, else the one with the
 * most results. */
size_t produce_batch_part_of(const struct produce_batch_part parts[PRODUCE_BATCH_PARTS], uint32_t topic);

/* Whether a record that the batch keeps joins the results of the part; else these leave before. */
bool produce_batch_joins(const struct produce_batch_part *part, const struct outgoing *record);

/* How many of the results of a part leave before the others are sorted: one, or all if they are few. */
size_t produce_batch_first(size_t count);

/* Sorts results by their partitions: `order` gets their indexes. Results of a partition keep their order. */
void produce_batch_sort(const int32_t *partitions, size_t count, uint16_t *order);
