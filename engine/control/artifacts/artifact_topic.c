/* artifact_topic.c: see artifact_topic.h. */
#include "control/artifacts/artifact_topic.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/memory.h"
#include "control/artifacts/artifact_cache.h"
#include "control/artifacts/artifact_writer.h"
#include "kafka/consume/reader.h"
#include "net/loop.h"

static struct collected_artifact *wanted_find(const struct artifact_collector *collector, struct text digest)
{
	for (size_t i = 0; i < collector->count; i++)
		if (memcmp(collector->wanted[i].artifact.digest, digest.bytes, ARTIFACT_DIGITS) == 0)
			return &collector->wanted[i];
	return NULL;
}

/* Whether the record is that chunk of the artifact, as far as its numbers say. */
static bool chunk_fits(const struct artifact_chunk *chunk, const struct artifact *artifact, size_t number)
{
	size_t begin = number * ARTIFACT_CHUNK_BYTES, left = artifact->size_bytes > begin ? artifact->size_bytes - begin : 0;
	return number < artifact_chunk_count(artifact) && text_is(chunk->digest, artifact->digest) &&
	       chunk->chunk == (int64_t)number && chunk->size_bytes == (int64_t)artifact->size_bytes &&
	       chunk->bytes.length == (left < ARTIFACT_CHUNK_BYTES ? left : ARTIFACT_CHUNK_BYTES);
}

static bool chunk_place(struct artifact_collector *collector, struct collected_artifact *wanted, size_t number, struct text value,
			bool *is_good, struct error *error)
{
	struct artifact_chunk chunk;
	struct error broken = {0};
	*is_good = false;
	arena_reset(collector->arena);
	if (!value.bytes || !record_decode(&artifact_form, value, collector->arena, &chunk, &broken) ||
	    !chunk_fits(&chunk, &wanted->artifact, number))
		return true;
	*is_good = true;
	return collector->place(collector->context, (size_t)(wanted - collector->wanted), number, chunk.bytes, is_good, error);
}

bool artifact_collect(struct artifact_collector *collector, struct text key, struct text value, struct error *error)
{
	struct text digest;
	size_t number;
	bool is_good;
	struct collected_artifact *wanted = NULL;
	if (key.bytes && artifact_key_read(key, &digest, &number))
		wanted = wanted_find(collector, digest);
	if (!wanted)
		return true;
	if (!chunk_place(collector, wanted, number, value, &is_good, error))
		return false;
	const uint64_t bit = UINT64_C(1) << (number % ARTIFACT_WORD_BITS);
	wanted->chunks[number / ARTIFACT_WORD_BITS] &= ~bit;
	if (is_good)
		wanted->chunks[number / ARTIFACT_WORD_BITS] |= bit;
	return true;
}

bool artifact_is_whole(const struct collected_artifact *collected, size_t *missing)
{
	const size_t count = artifact_chunk_count(&collected->artifact);
	size_t i = 0;
	while (i < count && collected->chunks[i / ARTIFACT_WORD_BITS] >> (i % ARTIFACT_WORD_BITS) & 1)
		i++;
	if (missing)
		*missing = i;
	return i == count;
}

struct indexed_artifact {
	struct list_node node;
	char digest[ARTIFACT_DIGITS + 1];
	int64_t offset; /* of its first chunk */
};

static struct indexed_artifact *indexed_find(const struct artifact_index *index, struct text digest)
{
	for (struct list_node *node = index->entries.first; node; node = node->next)
		if (text_is(digest, LIST_OWNER(node, struct indexed_artifact, node)->digest))
			return LIST_OWNER(node, struct indexed_artifact, node);
	return NULL;
}

void artifact_index_close(struct artifact_index *index)
{
	while (index->entries.first) {
		struct indexed_artifact *entry = LIST_OWNER(index->entries.first, struct indexed_artifact, node);
		list_remove(&entry->node);
		memory_give(entry);
	}
	*index = (struct artifact_index){0};
}

/* Notes a record that was read, in their order. Without memory, it is not noted.
 * Chunks are written in their order, so the others come after the first one. */
static void artifact_index_note(struct artifact_index *index, int64_t offset, struct text key, struct text value)
{
	struct text digest;
	size_t chunk;
	index->records++;
	if (!key.bytes || !value.bytes || !artifact_key_read(key, &digest, &chunk) || chunk != 0)
		return;
	struct indexed_artifact *entry = indexed_find(index, digest);
	if (!entry && (entry = memory_take(1, sizeof *entry))) {
		memcpy(entry->digest, digest.bytes, ARTIFACT_DIGITS);
		list_add(&index->entries, &entry->node);
	}
	if (entry)
		entry->offset = offset;
}

/* The offset from which the topic is to be read for an artifact: 0 before the first reading. */
static int64_t artifact_index_begin(const struct artifact_index *index, const struct artifact *artifact)
{
	const struct indexed_artifact *entry = indexed_find(index, text_of(artifact->digest));
	return entry && entry->offset < index->end ? entry->offset : index->end;
}

/* ---- reading ---- */

/* A reader may hold back as much as this, so that an engine does not need memory for a whole topic. */
static const struct property reader_own[] = {{"queued.max.messages.kbytes", "4096"}, {"fetch.message.max.bytes", "1048576"}};
#define READER_OWN (sizeof reader_own / sizeof reader_own[0])

typedef bool record_taker(void *context, const struct record *record, struct error *error);

/* Reads from offset `*end` on, which becomes the topic's end. */
static bool topic_read(const struct artifact_topic *topic, record_taker *take, void *context, int64_t *end, struct error *error)
{
	struct arena *arena = arena_open((size_t)1 << 20);
	size_t count = READER_OWN + topic->consumer.count;
	struct property *properties = arena ? ARENA_ARRAY(arena, struct property, count) : NULL;
	bool good = false;
	if (properties) {
		memcpy(properties, reader_own, sizeof reader_own);
		if (topic->consumer.count > 0)
			memcpy(properties + READER_OWN, topic->consumer.items, topic->consumer.count * sizeof *properties);
		const struct reader_config config = {.brokers = topic->brokers,
						     .topic = topic->name,
						     .from_beginning = *end == 0,
						     .from_offset = *end > 0,
						     .offset = *end,
						     .stopping = topic->stopping,
						     .properties = {count, properties}};
		struct reader *reader = reader_open(&config, error);
		good = reader && reader_give_all(reader, take, context, error);
		*end = good ? reader_end(reader) : *end;
		reader_close(reader);
	} else {
		error_memory(error, ERROR_SYSTEM, "reading files of documents");
	}
	arena_close(arena);
	return good ||
	       (error->kind == ERROR_NONE && error_set(error, ERROR_SYSTEM, PLACE_NONE, "reading %s was given up", topic->name));
}

/* What is collected, by the records of a topic. */
struct collection {
	struct artifact_collector *collector;
	struct artifact_index *index; /* NULL: none */
};

static bool collect_record(void *context, const struct record *record, struct error *error)
{
	const struct collection *collection = context;
	if (collection->index)
		artifact_index_note(collection->index, record->offset, record->key, record->value);
	return artifact_collect(collection->collector, record->key, record->value, error);
}

/* Passes the records of the wanted artifacts to the collector's `place`. */
static bool topic_collect(const struct artifact_topic *topic, struct artifact_collector *collector, int64_t *end,
			  struct error *error)
{
	struct collection collection = {collector, topic->index};
	collector->arena = arena_open(ARTIFACT_RECORD_BYTES_MAX);
	if (!collector->arena)
		return error_memory(error, ERROR_SYSTEM, "reading files of documents");
	bool good = topic_read(topic, collect_record, &collection, end, error);
	if (good && topic->index)
		topic->index->end = *end;
	arena_close(collector->arena);
	return good;
}

/* ---- what an applier finds ---- */

static bool chunk_compare(void *context, size_t wanted, size_t chunk, struct text bytes, bool *is_good, struct error *error)
{
	const struct artifact_outline *outlines = context;
	(void)error;
	*is_good = hash_bytes(bytes.bytes, bytes.length, 0) == outlines[wanted].chunks[chunk];
	return true;
}

bool artifact_topic_survey(const struct artifact_topic *topic, const struct artifact_outline *outlines, size_t count, bool *has,
			   int64_t *end, struct error *error)
{
	struct collected_artifact *wanted = memory_take(count + 1, sizeof *wanted);
	struct artifact_collector collector = {
		.count = count, .wanted = wanted, .place = chunk_compare, .context = (void *)(uintptr_t)outlines};
	if (!wanted)
		return error_memory(error, ERROR_SYSTEM, "reading files of documents");
	for (size_t i = 0; i < count; i++)
		wanted[i].artifact = outlines[i].artifact;
	bool good = count == 0 || topic_collect(topic, &collector, end, error);
	for (size_t i = 0; i < count; i++)
		has[i] = artifact_is_whole(&wanted[i], NULL);
	memory_give(wanted);
	return good;
}

/* ---- sweeping ---- */

/* An artifact of the topic, whatever its chunks contain. */
struct swept_artifact {
	struct list_node node;
	char digest[ARTIFACT_DIGITS + 1];
	uint64_t chunks[ARTIFACT_CHUNKS_MAX / ARTIFACT_WORD_BITS];
	int64_t newest_ms;
};

static struct swept_artifact *swept_find(struct list *all, struct text digest)
{
	for (struct list_node *node = all->first; node; node = node->next)
		if (text_is(digest, LIST_OWNER(node, struct swept_artifact, node)->digest))
			return LIST_OWNER(node, struct swept_artifact, node);
	return NULL;
}

static bool sweep_note(void *context, const struct record *record, struct error *error)
{
	struct list *all = context;
	struct text digest;
	size_t chunk;
	if (!record->key.bytes || !artifact_key_read(record->key, &digest, &chunk))
		return true;
	struct swept_artifact *found = swept_find(all, digest);
	if (!found) {
		if (!(found = memory_take(1, sizeof *found)))
			return error_memory(error, ERROR_SYSTEM, "reading files of documents");
		memcpy(found->digest, digest.bytes, ARTIFACT_DIGITS);
		list_add(all, &found->node);
	}
	const uint64_t bit = UINT64_C(1) << (chunk % ARTIFACT_WORD_BITS);
	uint64_t *word = &found->chunks[chunk / ARTIFACT_WORD_BITS];
	*word = record->value.bytes ? *word | bit : *word & ~bit;
	if (record->value.bytes && record->time_ms > found->newest_ms)
		found->newest_ms = record->time_ms;
	return true;
}

static bool swept_remove(struct artifact_writer *writer, const struct swept_artifact *artifact, struct error *error)
{
	for (size_t i = 0; i < ARTIFACT_CHUNKS_MAX; i++) {
		if (!(artifact->chunks[i / ARTIFACT_WORD_BITS] >> (i % ARTIFACT_WORD_BITS) & 1))
			continue;
		if (!artifact_writer_remove(writer, artifact->digest, i, error))
			return false;
	}
	return true;
}

static bool swept_is_there(const struct swept_artifact *artifact)
{
	for (size_t i = 0; i < sizeof artifact->chunks / sizeof artifact->chunks[0]; i++)
		if (artifact->chunks[i])
			return true;
	return false;
}

struct sweeping {
	const struct artifact_topic *topic;
	const struct ledger *ledger;
	struct artifact_writer *writer;
	struct list all;
	int64_t end, before_ms;
	size_t removed, kept;
};

/* Removes the next artifacts of the list, at most a batch. Applies go on meanwhile, so the topic is read to its end first. */
static bool sweep_some(struct sweeping *sweeping, struct error *error)
{
	bool good = topic_read(sweeping->topic, sweep_note, &sweeping->all, &sweeping->end, error);
	for (size_t sent = 0; sweeping->all.first && sent < ARTIFACT_SWEEP_BATCH;) {
		struct swept_artifact *artifact = LIST_OWNER(sweeping->all.first, struct swept_artifact, node);
		const bool is_there = swept_is_there(artifact);
		const bool is_kept =
			artifact_is_named(sweeping->ledger, text_of(artifact->digest)) || artifact->newest_ms > sweeping->before_ms;
		const bool is_removed = good && is_there && !is_kept;
		good = !is_removed || swept_remove(sweeping->writer, artifact, error);
		sweeping->kept += is_there && is_kept;
		sweeping->removed += is_removed;
		sent += is_removed;
		list_remove(&artifact->node);
		memory_give(artifact);
	}
	return good && artifact_writer_settle(sweeping->writer, error);
}

static void sweeping_close(struct sweeping *sweeping)
{
	while (sweeping->all.first) {
		struct swept_artifact *artifact = LIST_OWNER(sweeping->all.first, struct swept_artifact, node);
		list_remove(&artifact->node);
		memory_give(artifact);
	}
	artifact_writer_close(sweeping->writer);
}

bool artifact_topic_sweep(const struct artifact_topic *topic, const struct ledger *ledger, int64_t before_ms, size_t *removed,
			  size_t *kept, struct error *error)
{
	struct sweeping sweeping = {.topic = topic, .ledger = ledger, .before_ms = before_ms};
	sweeping.writer = artifact_writer_open(topic, error);
	bool good = sweeping.writer != NULL;
	do
		good = good && sweep_some(&sweeping, error);
	while (good && sweeping.all.first);
	sweeping_close(&sweeping);
	*removed = sweeping.removed;
	*kept = sweeping.kept;
	return good;
}

/* ---- fetching ---- */

struct artifact_fetching {
	struct artifact_collector collector;
	struct artifact_download **downloads; /* of each wanted one; NULL: it has ended */
	size_t *indexes;		      /* of each wanted one among the artifacts of the caller */
};

static bool chunk_store(void *context, size_t wanted, size_t chunk, struct text bytes, bool *is_good, struct error *error)
{
	struct artifact_fetching *fetching = context;
	(void)is_good;
	return artifact_download_write(fetching->downloads[wanted], chunk * ARTIFACT_CHUNK_BYTES, bytes, error);
}

static bool is_wanted(const struct artifact_collector *collector, const struct artifact *artifact)
{
	for (size_t i = 0; i < collector->count; i++)
		if (strcmp(collector->wanted[i].artifact.digest, artifact->digest) == 0)
			return true;
	return false;
}

/* Begins a download of each artifact that the folder lacks, at most a batch; `next` is the first to look at, in the next batch. */
static bool remote_download_begin(struct artifact_fetching *fetching, const char *folder, const struct artifact *artifacts,
				  size_t count, size_t *next, struct error *error)
{
	struct artifact_collector *collector = &fetching->collector;
	for (; *next < count && collector->count < ARTIFACT_FETCH_BATCH; ++*next) {
		const struct artifact *artifact = &artifacts[*next];
		if (is_wanted(collector, artifact) || artifact_is_cached(folder, artifact))
			continue;
		fetching->indexes[collector->count] = *next;
		fetching->downloads[collector->count] = artifact_download_begin(folder, artifact, error);
		if (!fetching->downloads[collector->count])
			return false;
		collector->wanted[collector->count++] = (struct collected_artifact){.artifact = *artifact};
	}
	return true;
}

/* Gives a fetched artifact its name in the folder. */
static bool remote_download_keep(struct artifact_fetching *fetching, size_t wanted, const struct artifact_topic *topic,
				 struct error *error)
{
	struct artifact_download *download = fetching->downloads[wanted];
	const struct collected_artifact *collected = &fetching->collector.wanted[wanted];
	struct error why = {0};
	size_t missing;
	fetching->downloads[wanted] = NULL;
	if (!artifact_is_whole(collected, &missing)) {
		artifact_download_drop(download);
		return error_set(error, ERROR_INPUT, PLACE_NONE, "%s lacks chunk %zu of its %zu (SHA-256 %s)", topic->name,
				 missing + 1, artifact_chunk_count(&collected->artifact), collected->artifact.digest);
	}
	if (artifact_download_keep(download, &why))
		return true;
	if (why.kind == ERROR_INPUT)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "what %s has of it is another file: %s", topic->name, why.text);
	return error_set(error, why.kind, PLACE_NONE, "%s", why.text);
}

/* Where a batch may begin to be read. */
static int64_t remote_download_first(const struct artifact_fetching *fetching, const struct artifact_index *index)
{
	int64_t first = INT64_MAX;
	for (size_t i = 0; index && i < fetching->collector.count; i++) {
		const int64_t begin = artifact_index_begin(index, &fetching->collector.wanted[i].artifact);
		first = begin < first ? begin : first;
	}
	return index ? first : 0;
}

static bool remote_download_is_whole(const struct artifact_fetching *fetching)
{
	for (size_t i = 0; i < fetching->collector.count; i++)
		if (!artifact_is_whole(&fetching->collector.wanted[i], NULL))
			return false;
	return true;
}

/* Collects a batch from where the index says, and from the beginning if that is not enough. */
static bool remote_download_collect(struct artifact_fetching *fetching, const struct artifact_topic *topic, struct error *error)
{
	int64_t first = remote_download_first(fetching, topic->index), end = first;
	if (!topic_collect(topic, &fetching->collector, &end, error))
		return false;
	if (first == 0 || remote_download_is_whole(fetching))
		return true;
	for (size_t i = 0; i < fetching->collector.count; i++)
		memset(fetching->collector.wanted[i].chunks, 0, sizeof fetching->collector.wanted[i].chunks);
	end = 0;
	return topic_collect(topic, &fetching->collector, &end, error);
}

/* Fetches a batch. False: it could not be read; `lacking` is set if one of its artifacts is missing, to the first reason. */
static bool remote_download_run(struct artifact_fetching *fetching, const struct artifact_topic *topic, size_t *lacking,
				struct error *missing, struct error *error)
{
	struct error why = {0};
	if (fetching->collector.count > 0 && !remote_download_collect(fetching, topic, error)) {
		*lacking = fetching->indexes[0];
		return false;
	}
	for (size_t i = 0; i < fetching->collector.count; i++)
		if (!remote_download_keep(fetching, i, topic, &why) && missing->kind == ERROR_NONE) {
			*lacking = fetching->indexes[i];
			*missing = why;
		}
	return true;
}

bool artifact_topic_fetch(const struct artifact_topic *topic, const char *folder, const struct artifact *artifacts, size_t count,
			  size_t *lacking, struct error *error)
{
	struct collected_artifact wanted[ARTIFACT_FETCH_BATCH];
	struct artifact_download *downloads[ARTIFACT_FETCH_BATCH];
	size_t indexes[ARTIFACT_FETCH_BATCH];
	struct error missing = {0};
	bool good = true;
	*lacking = 0;
	for (size_t next = 0; good && next < count;) {
		struct artifact_fetching fetching = {
			.collector = {.wanted = wanted, .place = chunk_store}, .downloads = downloads, .indexes = indexes};
		fetching.collector.context = &fetching;
		good = remote_download_begin(&fetching, folder, artifacts, count, &next, error) &&
		       remote_download_run(&fetching, topic, lacking, &missing, error);
		for (size_t i = 0; i < fetching.collector.count; i++)
			artifact_download_drop(downloads[i]);
	}
	if (good && missing.kind != ERROR_NONE)
		*error = missing;
	return good && missing.kind == ERROR_NONE;
}
