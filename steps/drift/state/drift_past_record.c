/* drift_past_record.c: see drift_past_record.h. */
#include "steps/drift/state/drift_past_record.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define VERSION_FORMER 2 /* whose blocks have nothing behind their times */
#define FORMER_BLOCK_BYTES offsetof(struct past_block, windows)
#define NAMES_SEED 2
#define TEXTS_BYTES (DRIFT_COMMON_MAX * sizeof(struct past_text))

_Static_assert(sizeof(struct past_values) + PAST_KEY_BYTES <= PAST_PROFILE_BYTES / 16, "a window has 16 blocks of any feature");
_Static_assert(TEXTS_BYTES + 8 * (2 * sizeof(struct past_values) + PAST_KEY_BYTES) <= (size_t)2 * PAST_PROFILE_BYTES,
	       "a window has 8 blocks of texts and their lengths, beside the commonest");

size_t past_list_bytes(uint64_t blocks)
{
	return offsetof(struct past_list, past.blocks) + blocks * sizeof(struct past_block);
}

static const struct past_list *former_read(const struct past_list *former, const char *blocks, struct arena *arena)
{
	struct past_list *list = ARENA_NEW(arena, struct past_list);
	if (!list)
		return NULL;
	memcpy(list, former, past_list_bytes(0));
	list->version = PAST_LIST_VERSION;
	for (size_t i = 0; i < list->past.count; i++) {
		struct past_block *block = &list->past.blocks[i];
		memcpy(block, blocks + i * FORMER_BLOCK_BYTES, FORMER_BLOCK_BYTES);
		block->windows = i == 0 || block->time_ms != block[-1].time_ms;
	}
	return list;
}

const struct past_list *past_list_read(struct text stored, struct arena *arena)
{
	if (stored.length < past_list_bytes(0))
		return NULL;
	const struct past_list *list = (const void *)stored.bytes;
	const uint64_t count = list->past.count;
	if (count > PAST_BLOCKS_MAX || list->past.fitted > count)
		return NULL;
	if (list->version == VERSION_FORMER && stored.length == past_list_bytes(0) + count * FORMER_BLOCK_BYTES)
		return former_read(list, stored.bytes + past_list_bytes(0), arena);
	return list->version == PAST_LIST_VERSION && stored.length == past_list_bytes(count) ? list : NULL;
}

struct text past_block_key(uint64_t number, char bytes[PAST_KEY_BYTES])
{
	const int length = snprintf(bytes, PAST_KEY_BYTES, "past/block/%llu", (unsigned long long)number);
	return (struct text){bytes, (size_t)length};
}

struct text past_texts_key(size_t feature, char bytes[PAST_KEY_BYTES])
{
	const int length = snprintf(bytes, PAST_KEY_BYTES, "past/texts/%zu", feature);
	return (struct text){bytes, (size_t)length};
}

struct text past_counted_key(size_t feature, char bytes[PAST_KEY_BYTES])
{
	const int length = snprintf(bytes, PAST_KEY_BYTES, "past/counted/%zu", feature);
	return (struct text){bytes, (size_t)length};
}

struct text past_aside_key(size_t feature, char bytes[PAST_KEY_BYTES])
{
	const int length = snprintf(bytes, PAST_KEY_BYTES, "past/aside/%zu", feature);
	return (struct text){bytes, (size_t)length};
}

uint64_t past_watched(const struct name_list *tensors)
{
	uint64_t hash = NAMES_SEED;
	for (size_t i = 0; i < tensors->count; i++) /* each with its NUL */
		hash = hash_bytes(tensors->items[i].text, strlen(tensors->items[i].text) + 1, hash);
	return hash;
}

uint64_t past_identity(uint64_t watched, struct text features)
{
	return hash_bytes(features.bytes, features.length, watched);
}

size_t past_feature_write(const char *name, bool texts, size_t width, char *to)
{
	char before[PAST_KEY_BYTES] = {0};
	size_t length = texts;
	if (width > 0)
		length = 3 + (size_t)snprintf(before + 2, sizeof before - 2, "%zu", width);
	if (to) {
		memcpy(to, before, length);
		memcpy(to + length, name, strlen(name) + 1);
	}
	return length + strlen(name) + 1;
}

/* How many NUL there are, at most so many, without the last byte. */
static size_t nuls_count(struct text stored, size_t at, size_t most)
{
	size_t count = 0;
	while (count < most && at + count + 1 < stored.length && stored.bytes[at + count] == 0)
		count++;
	return count;
}

void past_features_split(struct text stored, struct past_features *features)
{
	features->count = 0;
	for (size_t at = 0; at < stored.length && features->count < DRIFT_FEATURES_MAX; features->count++) {
		const size_t nuls = nuls_count(stored, at, 2), count = features->count;
		at += nuls;
		features->texts[count] = nuls == 1;
		features->widths[count] = nuls == 2 ? strtoul(stored.bytes + at, NULL, 10) : 0;
		if (nuls == 2)
			at += strlen(stored.bytes + at) + 1;
		features->names[count] = at < stored.length ? text_of(stored.bytes + at) : TEXT("");
		at += features->names[count].length + 1;
	}
}

size_t past_window_blocks(const struct past_features *features, const char *step_name)
{
	const size_t key = strlen(step_name) + PAST_KEY_BYTES; /* with the observer's suffix, and versions */
	size_t room = features->count * PAST_PROFILE_BYTES;
	for (size_t i = 0; i < features->count; i++)
		room -= features->texts[i] ? TEXTS_BYTES + key : 0;
	return room / (features->count * sizeof(struct past_values) + key);
}
