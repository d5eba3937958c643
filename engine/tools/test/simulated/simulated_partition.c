/* simulated_partition.c: Partitions of the simulated Kafka: appends of producers, and the view of readers of committed
 * records. See simulated_world.h. */
#include "base/hash.h"
#include "base/memory.h"
#include "kafka/produce/key_for_partition.h"
#include "tools/test/simulated/simulated_world.h"

/* ---- appending ---- */

/* Copies a text without bytes after it, so that a read beyond its end is detected. */
static struct text text_kept(struct simulated_kafka *kafka, struct text text)
{
	char *copy = text.bytes ? arena_take_raw(kafka->arena, text.length) : NULL;
	if (copy && text.length > 0)
		memcpy(copy, text.bytes, text.length);
	return (struct text){copy, copy ? text.length : 0};
}

struct simulated_entry *simulated_entry_make(struct simulated_kafka *kafka, const struct outgoing *record)
{
	struct simulated_entry *entry = arena_take_raw(kafka->arena, sizeof *entry);
	struct header *headers = arena_take_raw(kafka->arena, record->headers.count * sizeof *headers);
	for (size_t i = 0; headers && i < record->headers.count; i++)
		headers[i] = (struct header){text_kept(kafka, record->headers.items[i].name),
					     text_kept(kafka, record->headers.items[i].value)};
	struct text key = text_kept(kafka, record->key), value = text_kept(kafka, record->value);
	kafka->failed |= arena_failed(kafka->arena);
	if (kafka->failed)
		return NULL;
	memory_clear(entry, sizeof *entry);
	entry->key = key;
	entry->value = value;
	entry->headers = (struct headers){record->headers.count, headers};
	return entry;
}

#define NUMBERS_MOST 64 /* of the partitions that runs have; far more */

/* The number that a key names as kafka/produce/key_for_partition.h has it; -1: it names none. */
static int32_t partition_of_key(struct text key)
{
	char bytes[PARTITION_KEY_BYTES];
	for (int32_t i = 0; key.length == PARTITION_KEY_BYTES && i < NUMBERS_MOST; i++)
		if (text_equal(key_for_partition(i, bytes), key))
			return i;
	return -1;
}

int32_t simulated_partition_number(const struct outgoing *record, int32_t count)
{
	uint64_t partition = (uint64_t)record->origin.partition;
	int32_t named = record->beside_origin ? -1 : partition_of_key(record->key);
	if (named >= 0)
		partition = (uint64_t)named;
	else if (record->key.bytes && !record->beside_origin)
		partition = hash_bytes(record->key.bytes, record->key.length, 0);
	return (int32_t)(partition % (uint64_t)count);
}

struct simulated_partition *simulated_partition_of(const struct simulated_topic *topic, const struct outgoing *record)
{
	return &topic->partitions[simulated_partition_number(record, topic->count)];
}

static bool simulated_partition_put(struct simulated_kafka *kafka, struct simulated_partition *partition,
				    struct simulated_entry *entry)
{
	if (partition->count == partition->capacity) {
		size_t capacity = partition->capacity ? partition->capacity * 2 : 64;
		struct simulated_entry **entries = simulated_take(kafka, capacity, sizeof(struct simulated_entry *));
		if (!entries)
			return false;
		if (partition->count > 0)
			memcpy(entries, partition->entries, partition->count * sizeof(struct simulated_entry *));
		partition->entries = entries;
		partition->capacity = capacity;
	}
	kafka->changes++;
	partition->topic->changes++;
	entry->time_ms = LOOP_VIRTUAL_EPOCH_MS + kafka->now_us / MS;
	partition->entries[partition->count++] = entry;
	return true;
}

int64_t simulated_append_answer(struct simulated_kafka *kafka, struct simulated_topic *topic, const struct outgoing *record)
{
	struct simulated_partition *partition = simulated_partition_of(topic, record);
	struct simulated_entry *entry = simulated_entry_make(kafka, record);
	if (!entry || !simulated_partition_put(kafka, partition, entry))
		return -1;
	entry->origin = record->origin;
	simulated_consumer_wake(kafka, partition);
	return (int64_t)partition->count - 1;
}

int64_t simulated_append(struct simulated_kafka *kafka, struct simulated_topic *topic, const struct outgoing *record)
{
	struct outgoing alone = *record;
	alone.origin.offset = OFFSET_NONE;
	return simulated_append_answer(kafka, topic, &alone);
}

/* ---- producers ---- */

static struct simulated_sequence *sequence_of(struct simulated_kafka *kafka, struct simulated_partition *partition,
					      int64_t producer)
{
	struct simulated_sequence *sequence = partition->sequences;
	while (sequence && sequence->producer != producer)
		sequence = sequence->next;
	if (sequence)
		return sequence;
	sequence = simulated_take(kafka, 1, sizeof *sequence);
	if (!sequence)
		return NULL;
	*sequence = (struct simulated_sequence){partition->sequences, producer, -1, -1, OFFSET_NONE};
	partition->sequences = sequence;
	return sequence;
}

size_t simulated_batch_bytes_max(const struct simulated_kafka *kafka)
{
	const struct simulated_batches *batches = &kafka->config.batches;
	size_t bytes = kafka->now_us >= batches->later_us ? batches->later_bytes : batches->bytes;
	return bytes ? bytes : SIZE_MAX;
}

enum simulated_answer simulated_partition_serve(struct simulated_kafka *kafka, struct simulated_request *request)
{
	struct simulated_partition *partition = request->partition;
	struct simulated_sequence *sequence = sequence_of(kafka, partition, request->producer);
	if (!sequence)
		return SIMULATED_AGAIN;
	if (request->epoch < sequence->epoch)
		return SIMULATED_FENCED;
	if (request->epoch == sequence->epoch && request->sequence <= sequence->last)
		return SIMULATED_GOOD; /* it was here before */
	if (partition->topic->hidden_until_us > kafka->now_us)
		return SIMULATED_AGAIN;
	if (request->bytes > simulated_batch_bytes_max(kafka)) {
		kafka->batches_refused++;
		return SIMULATED_TOO_LARGE;
	}
	if (request->transaction) {
		enum simulated_answer answer = simulated_transaction_enter(kafka, request);
		if (answer != SIMULATED_GOOD)
			return answer;
		if (sequence->opened == OFFSET_NONE)
			sequence->opened = (int64_t)partition->count;
	}
	sequence->epoch = request->epoch;
	sequence->last = request->sequence + (int64_t)request->count - 1;
	struct simulated_entry *entry = request->first;
	for (size_t i = 0; i < request->count; i++, entry = entry->next) {
		if (entry->unwanted)
			continue;
		entry->producer = request->transaction ? request->producer : 0;
		entry->state = request->transaction ? ENTRY_OPEN : ENTRY_PLAIN;
		if (!simulated_partition_put(kafka, partition, entry))
			return SIMULATED_AGAIN;
	}
	simulated_consumer_wake(kafka, partition);
	return SIMULATED_GOOD;
}

void simulated_partition_mark(struct simulated_kafka *kafka, struct simulated_partition *partition, int64_t producer, bool commits)
{
	struct simulated_sequence *sequence = sequence_of(kafka, partition, producer);
	struct simulated_entry *marker = simulated_take(kafka, 1, sizeof *marker);
	if (!sequence || !marker || sequence->opened == OFFSET_NONE)
		return;
	for (size_t i = (size_t)sequence->opened; i < partition->count; i++) {
		struct simulated_entry *entry = partition->entries[i];
		if (entry->producer == producer && entry->state == ENTRY_OPEN)
			entry->state = commits ? ENTRY_COMMITTED : ENTRY_ABORTED;
	}
	sequence->opened = OFFSET_NONE;
	marker->state = ENTRY_MARKER;
	(void)simulated_partition_put(kafka, partition, marker);
	simulated_consumer_wake(kafka, partition);
}

/* ---- reading ---- */

int64_t simulated_partition_end(const struct simulated_partition *partition)
{
	int64_t end = (int64_t)partition->count;
	for (const struct simulated_sequence *sequence = partition->sequences; sequence; sequence = sequence->next)
		if (sequence->opened != OFFSET_NONE && sequence->opened < end)
			end = sequence->opened;
	return end;
}

const struct simulated_entry *simulated_partition_next(const struct simulated_partition *partition, int64_t *offset)
{
	if (*offset >= (int64_t)partition->count) /* as nearly always when somebody looks */
		return NULL;
	int64_t end = simulated_partition_end(partition);
	for (; *offset < end; ++*offset) {
		const struct simulated_entry *entry = partition->entries[*offset];
		if (entry->state == ENTRY_PLAIN || entry->state == ENTRY_COMMITTED)
			return entry;
	}
	return NULL;
}

uint64_t simulated_change_count(const struct simulated_kafka *kafka)
{
	return kafka->changes;
}

bool simulated_read(const struct simulated_topic *topic, int32_t partition, int64_t offset, struct record *record)
{
	const struct simulated_entry *entry = simulated_partition_next(&topic->partitions[partition], &offset);
	if (!entry)
		return false;
	*record = (struct record){.partition = partition,
				  .offset = offset,
				  .time_ms = entry->time_ms,
				  .key = entry->key,
				  .value = entry->value,
				  .headers = entry->headers};
	return true;
}

struct position simulated_origin(const struct simulated_topic *topic, int32_t partition, int64_t offset)
{
	const struct simulated_partition *its = &topic->partitions[partition];
	const bool is_there = offset >= 0 && offset < (int64_t)its->count;
	return is_there ? its->entries[offset]->origin : (struct position){.offset = OFFSET_NONE};
}
