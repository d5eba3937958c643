/* twin_partition.c: Partitions of the simulated Kafka: appends of producers, and the view of readers of committed
 * records. See twin_world.h. */
#include "base/hash.h"
#include "base/memory.h"
#include "log/partition_key.h"
#include "log/twin_world.h"

/* ---- appending ---- */

/* Copies a text without bytes after it, so that a read beyond its end is detected. */
static struct text text_kept(struct twin *twin, struct text text)
{
	char *copy = text.bytes ? arena_take_raw(twin->arena, text.length) : NULL;
	if (copy && text.length > 0)
		memcpy(copy, text.bytes, text.length);
	return (struct text){copy, copy ? text.length : 0};
}

struct twin_entry *twin_entry_make(struct twin *twin, const struct outgoing *record)
{
	struct twin_entry *entry = arena_take_raw(twin->arena, sizeof *entry);
	struct header *headers = arena_take_raw(twin->arena, record->headers.count * sizeof *headers);
	for (size_t i = 0; headers && i < record->headers.count; i++)
		headers[i] = (struct header){text_kept(twin, record->headers.items[i].name),
					     text_kept(twin, record->headers.items[i].value)};
	struct text key = text_kept(twin, record->key), value = text_kept(twin, record->value);
	twin->failed |= arena_failed(twin->arena);
	if (twin->failed)
		return NULL;
	memory_clear(entry, sizeof *entry);
	entry->key = key;
	entry->value = value;
	entry->headers = (struct headers){record->headers.count, headers};
	return entry;
}

#define NUMBERS_MOST 64 /* of the partitions that days have; far more */

/* The number that a key names as log/partition_key.h has it; -1: it names none. */
static int32_t partition_of_key(struct text key)
{
	char bytes[PARTITION_KEY_BYTES];
	for (int32_t i = 0; key.length == PARTITION_KEY_BYTES && i < NUMBERS_MOST; i++)
		if (text_equal(partition_key(i, bytes), key))
			return i;
	return -1;
}

struct twin_partition *twin_partition_of(const struct twin_topic *topic, const struct outgoing *record)
{
	uint64_t partition = (uint64_t)record->origin.partition;
	int32_t named = record->beside_origin ? -1 : partition_of_key(record->key);
	if (named >= 0)
		partition = (uint64_t)named;
	else if (record->key.bytes && !record->beside_origin)
		partition = hash_bytes(record->key.bytes, record->key.length, 0);
	return &topic->partitions[partition % (uint64_t)topic->count];
}

static bool put(struct twin *twin, struct twin_partition *partition, struct twin_entry *entry)
{
	if (partition->count == partition->capacity) {
		size_t capacity = partition->capacity ? partition->capacity * 2 : 64;
		struct twin_entry **entries = twin_take(twin, capacity, sizeof(struct twin_entry *));
		if (!entries)
			return false;
		if (partition->count > 0)
			memcpy(entries, partition->entries, partition->count * sizeof(struct twin_entry *));
		partition->entries = entries;
		partition->capacity = capacity;
	}
	twin->changes++;
	partition->topic->changes++;
	entry->time_ms = LOOP_VIRTUAL_EPOCH_MS + twin->now_us / MS;
	partition->entries[partition->count++] = entry;
	return true;
}

int64_t twin_append(struct twin *twin, struct twin_topic *topic, const struct outgoing *record)
{
	struct twin_partition *partition = twin_partition_of(topic, record);
	struct twin_entry *entry = twin_entry_make(twin, record);
	if (!entry || !put(twin, partition, entry))
		return -1;
	twin_consumer_wake(twin, partition);
	return (int64_t)partition->count - 1;
}

/* ---- producers ---- */

static struct twin_sequence *sequence_of(struct twin *twin, struct twin_partition *partition, int64_t producer)
{
	struct twin_sequence *sequence = partition->sequences;
	while (sequence && sequence->producer != producer)
		sequence = sequence->next;
	if (sequence)
		return sequence;
	sequence = twin_take(twin, 1, sizeof *sequence);
	if (!sequence)
		return NULL;
	*sequence = (struct twin_sequence){partition->sequences, producer, -1, -1, OFFSET_NONE};
	partition->sequences = sequence;
	return sequence;
}

size_t twin_batch_bytes_max(const struct twin *twin)
{
	const struct twin_batches *batches = &twin->config.batches;
	size_t bytes = twin->now_us >= batches->later_us ? batches->later_bytes : batches->bytes;
	return bytes ? bytes : SIZE_MAX;
}

enum twin_answer twin_partition_serve(struct twin *twin, struct twin_request *request)
{
	struct twin_partition *partition = request->partition;
	struct twin_sequence *sequence = sequence_of(twin, partition, request->producer);
	if (!sequence)
		return TWIN_AGAIN;
	if (request->epoch < sequence->epoch)
		return TWIN_FENCED;
	if (request->epoch == sequence->epoch && request->sequence <= sequence->last)
		return TWIN_GOOD; /* it was here before */
	if (request->bytes > twin_batch_bytes_max(twin)) {
		twin->batches_refused++;
		return TWIN_TOO_LARGE;
	}
	if (request->transaction) {
		enum twin_answer answer = twin_transaction_enter(twin, request);
		if (answer != TWIN_GOOD)
			return answer;
		if (sequence->opened == OFFSET_NONE)
			sequence->opened = (int64_t)partition->count;
	}
	sequence->epoch = request->epoch;
	sequence->last = request->sequence + (int64_t)request->count - 1;
	struct twin_entry *entry = request->first;
	for (size_t i = 0; i < request->count; i++, entry = entry->next) {
		if (entry->unwanted)
			continue;
		entry->producer = request->transaction ? request->producer : 0;
		entry->state = request->transaction ? ENTRY_OPEN : ENTRY_PLAIN;
		if (!put(twin, partition, entry))
			return TWIN_AGAIN;
	}
	twin_consumer_wake(twin, partition);
	return TWIN_GOOD;
}

void twin_partition_mark(struct twin *twin, struct twin_partition *partition, int64_t producer, bool commits)
{
	struct twin_sequence *sequence = sequence_of(twin, partition, producer);
	struct twin_entry *marker = twin_take(twin, 1, sizeof *marker);
	if (!sequence || !marker || sequence->opened == OFFSET_NONE)
		return;
	for (size_t i = (size_t)sequence->opened; i < partition->count; i++) {
		struct twin_entry *entry = partition->entries[i];
		if (entry->producer == producer && entry->state == ENTRY_OPEN)
			entry->state = commits ? ENTRY_COMMITTED : ENTRY_ABORTED;
	}
	sequence->opened = OFFSET_NONE;
	marker->state = ENTRY_MARKER;
	(void)put(twin, partition, marker);
	twin_consumer_wake(twin, partition);
}

/* ---- reading ---- */

int64_t twin_partition_end(const struct twin_partition *partition)
{
	int64_t end = (int64_t)partition->count;
	for (const struct twin_sequence *sequence = partition->sequences; sequence; sequence = sequence->next)
		if (sequence->opened != OFFSET_NONE && sequence->opened < end)
			end = sequence->opened;
	return end;
}

const struct twin_entry *twin_partition_next(const struct twin_partition *partition, int64_t *offset)
{
	if (*offset >= (int64_t)partition->count) /* as nearly always when somebody looks */
		return NULL;
	int64_t end = twin_partition_end(partition);
	for (; *offset < end; ++*offset) {
		const struct twin_entry *entry = partition->entries[*offset];
		if (entry->state == ENTRY_PLAIN || entry->state == ENTRY_COMMITTED)
			return entry;
	}
	return NULL;
}

int32_t twin_topic_partitions(const struct twin_topic *topic)
{
	return topic->count;
}

bool twin_cut(struct twin_topic *topic, int32_t partition, size_t records)
{
	struct twin_partition *its = &topic->partitions[partition];
	bool any = false;
	for (size_t end = its->count; end > 0 && records > 0; end--) {
		enum entry_state state = its->entries[end - 1]->state;
		if (state != ENTRY_PLAIN && state != ENTRY_COMMITTED)
			continue;
		any = true;
		records--;
		its->count = end - 1;
	}
	return any;
}

uint64_t twin_changes(const struct twin *twin)
{
	return twin->changes;
}

uint64_t twin_topic_changes(const struct twin_topic *topic)
{
	return topic->changes;
}

bool twin_read(const struct twin_topic *topic, int32_t partition, int64_t offset, struct record *record)
{
	const struct twin_entry *entry = twin_partition_next(&topic->partitions[partition], &offset);
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
