/* simulated_produce_batch.c: Batches of the simulated producers: records leave together, by the rules of
 * kafka/produce/produce_batch_rules.h. See simulated_world.h. */
#include "tools/test/simulated/simulated_world.h"

void simulated_produce_batch_empty(struct simulated_produce_batch *batch)
{
	memset(batch->parts, 0, sizeof batch->parts);
	batch->lost = false;
}

static enum produce_verdict produce_batch_drop(struct simulated_produce_batch *batch, struct error *error)
{
	batch->lost = true;
	error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka's producer accepts no more records");
	return PRODUCE_SPOILT;
}

static int32_t entry_partition(const struct simulated_entry *entry, int32_t partitions)
{
	const struct outgoing record = {.key = entry->key, .origin = entry->origin};
	return simulated_partition_number(&record, partitions);
}

static void entries_sort(struct simulated_entry **entries, size_t count, int32_t partitions)
{
	struct simulated_entry *before[PRODUCE_BATCH_RECORDS];
	int32_t its[PRODUCE_BATCH_RECORDS] = {0};
	uint16_t order[PRODUCE_BATCH_RECORDS];
	memcpy(before, entries, count * sizeof(struct simulated_entry *));
	for (size_t i = 0; i < count; i++)
		its[i] = entry_partition(entries[i], partitions);
	produce_batch_sort(its, count, order);
	for (size_t i = 0; i < count; i++)
		entries[i] = before[order[i]];
}

static enum produce_verdict produce_batch_part_send(struct simulated_produce_batch *batch, size_t index,
						    struct simulated_producer *producer, struct error *error)
{
	struct produce_batch_part *part = &batch->parts[index];
	const struct simulated_topic *topic = producer->topics[part->topic];
	const size_t count = part->count - part->first, first = produce_batch_first(count);
	entries_sort(&batch->entries[index][part->first + first], count - first,
		     producer->kafka->config.mixes_topics ? producer->topics[0]->count : topic->count);
	for (; part->first < part->count; part->first++) {
		struct simulated_entry *entry = batch->entries[index][part->first];
		struct simulated_partition *partition = &topic->partitions[entry_partition(entry, topic->count)];
		enum produce_verdict verdict = simulated_producer_put_entry(producer, entry, partition, error);
		if (verdict == PRODUCE_SPOILT)
			return produce_batch_drop(batch, error);
		if (verdict != PRODUCED)
			return verdict;
	}
	*part = (struct produce_batch_part){0};
	return PRODUCED;
}

enum produce_verdict simulated_produce_batch_send(struct simulated_produce_batch *batch, struct simulated_producer *producer,
						  struct error *error)
{
	enum produce_verdict verdict = PRODUCED;
	if (batch->lost)
		return produce_batch_drop(batch, error);
	for (size_t i = 0; i < PRODUCE_BATCH_PARTS && verdict == PRODUCED; i++)
		if (batch->parts[i].count > 0)
			verdict = produce_batch_part_send(batch, i, producer, error);
	return verdict;
}

static enum produce_verdict produce_batch_add(struct simulated_produce_batch *batch, size_t index,
					      struct simulated_producer *producer, const struct outgoing *record,
					      unsigned commit_batch, struct error *error)
{
	struct produce_batch_part *part = &batch->parts[index];
	struct simulated_entry *entry = simulated_entry_make(producer->kafka, record);
	if (!entry)
		return produce_batch_drop(batch, error);
	entry->batch = commit_batch;
	entry->origin = record->origin;
	entry->topic = part->topic = record->topic;
	part->used += record->key.length + record->value.length;
	batch->entries[index][part->count++] = entry;
	return PRODUCED;
}

enum produce_verdict simulated_produce_batch_put(struct simulated_produce_batch *batch, struct simulated_producer *producer,
						 const struct outgoing *record, unsigned commit_batch, struct error *error)
{
	const bool keeps = producer->kafka->config.groups_records && produce_batch_keeps(record);
	const size_t index = produce_batch_part_of(batch->parts, record->topic);
	enum produce_verdict verdict = PRODUCED;
	if (batch->lost || !keeps)
		verdict = simulated_produce_batch_send(batch, producer, error);
	else if (!produce_batch_joins(&batch->parts[index], record))
		verdict = produce_batch_part_send(batch, index, producer, error);
	if (verdict != PRODUCED)
		return verdict;
	return keeps ? produce_batch_add(batch, index, producer, record, commit_batch, error)
		     : simulated_producer_put(producer, record, commit_batch, error);
}
