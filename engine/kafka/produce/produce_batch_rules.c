/* produce_batch_rules.c: see produce_batch_rules.h. */
#include "kafka/produce/produce_batch_rules.h"

#include <assert.h>

/* The minimum of message.max.bytes is 1000, of which librdkafka counts a part for itself. So a shorter record is
 * never refused because of its size, and its verdict need not be awaited. */
#define SHORT_BYTES 900
#define SORTED_FROM 8
#define GROUPS 64 /* of partitions: with more of them a batch has few records of each */

bool produce_batch_keeps(const struct outgoing *record)
{
	return record->key.length + record->value.length <= SHORT_BYTES && record->headers.count == 0 && !record->beside_origin;
}

size_t produce_batch_part_of(const struct produce_batch_part parts[PRODUCE_BATCH_PARTS], uint32_t topic)
{
	size_t empty = PRODUCE_BATCH_PARTS, largest = 0;
	for (size_t i = PRODUCE_BATCH_PARTS; i-- > 0;) {
		if (parts[i].count > 0 && parts[i].topic == topic)
			return i;
		if (parts[i].count == 0)
			empty = i;
		if (parts[i].count >= parts[largest].count)
			largest = i;
	}
	return empty < PRODUCE_BATCH_PARTS ? empty : largest;
}

bool produce_batch_joins(const struct produce_batch_part *part, const struct outgoing *record)
{
	return part->count == 0 || (part->topic == record->topic && part->count < PRODUCE_BATCH_RECORDS &&
				    part->used + SHORT_BYTES <= PRODUCE_BATCH_BYTES);
}

size_t produce_batch_first(size_t count)
{
	return count < SORTED_FROM ? count : 1;
}

void produce_batch_sort(const int32_t *partitions, size_t count, uint16_t *order)
{
	size_t end[GROUPS] = {0};
	assert(count <= PRODUCE_BATCH_RECORDS);
	for (size_t i = 0; i < count; i++)
		end[(uint32_t)partitions[i] % GROUPS]++;
	for (size_t i = 1; i < GROUPS; i++)
		end[i] += end[i - 1];
	for (size_t i = count; i-- > 0;)
		order[--end[(uint32_t)partitions[i] % GROUPS]] = (uint16_t)i;
}
