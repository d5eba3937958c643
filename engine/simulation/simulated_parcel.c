/* simulated_parcel.c: Parcels of the simulated producers: records leave together, by the rules of log/parcel_rules.h. See
 * simulated_world.h. */
#include "simulation/simulated_world.h"

void simulated_parcel_empty(struct simulated_parcel *parcel)
{
	parcel->count = parcel->first = parcel->used = 0;
	parcel->lost = false;
}

static enum produce_verdict parcel_lose(struct simulated_parcel *parcel, struct error *error)
{
	parcel->lost = true;
	error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka's producer accepts no more records");
	return PRODUCE_SPOILT;
}

static int32_t entry_partition(const struct simulated_entry *entry, int32_t partitions)
{
	const struct outgoing record = {.key = entry->key, .origin = entry->origin};
	return simulated_partition_number(&record, partitions);
}

static void entries_sort(struct simulated_parcel *parcel, int32_t partitions)
{
	struct simulated_entry **entries = &parcel->entries[parcel->first], *before[PARCEL_RECORDS];
	const size_t count = parcel->count - parcel->first;
	int32_t its[PARCEL_RECORDS] = {0};
	uint16_t order[PARCEL_RECORDS];
	memcpy(before, entries, count * sizeof(struct simulated_entry *));
	for (size_t i = 0; i < count; i++)
		its[i] = entry_partition(entries[i], partitions);
	parcel_sort(its, count, order);
	for (size_t i = 0; i < count; i++)
		entries[i] = before[order[i]];
}

/* As librdkafka, it counts the partitions of a topic when a record leaves for it. */
enum produce_verdict simulated_parcel_send(struct simulated_parcel *parcel, struct simulated_producer *producer,
					   struct error *error)
{
	if (parcel->lost)
		return parcel_lose(parcel, error);
	if (parcel->first == parcel->count)
		return PRODUCED;
	const struct simulated_topic *topic = producer->topics[parcel->topic];
	struct parcel_topic *its = parcel_topic_of(&parcel->topics, producer->kafka->config.mixes_topics ? 0 : parcel->topic);
	if (its->partitions > 1)
		entries_sort(parcel, its->partitions);
	its->partitions = topic->count;
	for (; parcel->first < parcel->count; parcel->first++) {
		struct simulated_entry *entry = parcel->entries[parcel->first];
		struct simulated_partition *partition = &topic->partitions[entry_partition(entry, topic->count)];
		enum produce_verdict verdict = simulated_producer_put_entry(producer, entry, partition, error);
		if (verdict == PRODUCE_SPOILT)
			return parcel_lose(parcel, error);
		if (verdict != PRODUCED)
			return verdict;
	}
	simulated_parcel_empty(parcel);
	return PRODUCED;
}

static enum produce_verdict parcel_add(struct simulated_parcel *parcel, struct simulated_producer *producer,
				       const struct outgoing *record, unsigned batch, struct error *error)
{
	struct simulated_entry *entry = simulated_entry_make(producer->kafka, record);
	if (!entry)
		return parcel_lose(parcel, error);
	entry->batch = batch;
	entry->origin = record->origin;
	entry->topic = parcel->topic = record->topic;
	parcel->used += record->key.length + record->value.length;
	parcel->entries[parcel->count++] = entry;
	return PRODUCED;
}

enum produce_verdict simulated_parcel_put(struct simulated_parcel *parcel, struct simulated_producer *producer,
					  const struct outgoing *record, unsigned batch, struct error *error)
{
	const bool keeps = producer->kafka->config.parcels && parcel_keeps(record);
	const bool joins = keeps && parcel_joins(parcel->count, parcel->used, parcel->topic, record);
	if (parcel->count > 0 && (!joins || parcel->lost)) {
		enum produce_verdict verdict = simulated_parcel_send(parcel, producer, error);
		if (verdict != PRODUCED)
			return verdict;
	}
	return keeps ? parcel_add(parcel, producer, record, batch, error) : simulated_producer_put(producer, record, batch, error);
}
