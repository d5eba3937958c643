/* drift_past_record.c: see drift_past_record.h. */
#include "steps/drift/state/drift_past_record.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "steps/drift/drift_texts.h"

#define NAMES_SEED 2
#define TEXTS_BYTES (DRIFT_COMMON_MAX * sizeof(struct past_text))

_Static_assert(sizeof(struct past_values) + PAST_KEY_BYTES <= PAST_PROFILE_BYTES / 16, "a window has 16 blocks of any feature");
_Static_assert(TEXTS_BYTES + 8 * (2 * sizeof(struct past_values) + PAST_KEY_BYTES) <= (size_t)2 * PAST_PROFILE_BYTES,
	       "a window has 8 blocks of texts and their lengths, beside the commonest");

size_t past_list_bytes(uint64_t blocks)
{
	return offsetof(struct past_list, past.blocks) + blocks * sizeof(struct past_block);
}

const struct past_list *past_list_read(struct text stored)
{
	if (stored.length < past_list_bytes(0))
		return NULL;
	const struct past_list *list = (const void *)stored.bytes;
	const uint64_t count = list->past.count;
	const bool whole = list->version == PAST_LIST_VERSION && count <= PAST_BLOCKS_MAX && list->past.fitted <= count &&
			   stored.length == past_list_bytes(count);
	return whole ? list : NULL;
}

const struct keyed_log past_blocks = {.name = "past/block"}, past_texts_fitted = {.name = "past/texts"},
		       past_texts_counted = {.name = "past/counted"}, past_texts_aside = {.name = "past/aside"};

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

/* ---- the reference ---- */

/* Of the lengths of a stored text, none is beyond its memory. */
size_t past_texts_count(struct text stored)
{
	const struct past_text *items = (const void *)stored.bytes;
	const size_t count = stored.length / sizeof *items;
	for (size_t i = 0; i < count; i++)
		if (items[i].length > PAST_TEXT_BYTES)
			return 0;
	return count;
}

static bool commonest_add(struct drift_texts *texts, struct text stored)
{
	const struct past_text *items = (const void *)stored.bytes;
	const size_t count = past_texts_count(stored);
	struct error error = {0};
	for (size_t i = 0; i < count; i++) {
		double fingerprint;
		if (!drift_texts_add(texts, (struct text){items[i].bytes, items[i].length}, &fingerprint, &error))
			return false;
	}
	return true;
}

/* Names the categories, with the fingerprints by which rows have them. */
static bool categories_name(struct drift_feature *feature, const struct drift_texts *texts, struct arena *arena)
{
	const struct name_list named = drift_texts_categories(texts);
	struct text *names = ARENA_ARRAY(arena, struct text, named.count + 1);
	double *fingerprints = ARENA_ARRAY(arena, double, named.count + 1);
	if (!names || !fingerprints)
		return false;
	for (size_t i = 0; i < named.count; i++) {
		names[i] = text_of(named.items[i].text);
		fingerprints[i] = drift_text_fingerprint(names[i]);
	}
	names[named.count] = TEXT(TEXTS_OTHERS);
	feature->open = drift_texts_are_free(texts);
	feature->category_count = named.count + feature->open;
	feature->category_names = names;
	feature->fingerprints = fingerprints;
	return true;
}

/* The feature has fingerprints, which become categories. */
static bool categories_settle(struct drift_feature *feature, struct text stored, size_t rows, struct arena *arena)
{
	struct drift_texts *texts = drift_texts_open(arena);
	double *values = ARENA_ARRAY(arena, double, rows);
	if (!texts || !values || !commonest_add(texts, stored) || !drift_texts_settle_commonest(texts, feature->values, rows) ||
	    !categories_name(feature, texts, arena))
		return false;
	for (size_t i = 0; i < rows; i++)
		values[i] = drift_texts_category(texts, feature->values[i], i);
	feature->values = values;
	return true;
}

bool drift_past_reference(const struct past_stored *stored, struct arena *arena, struct drift_reference *reference)
{
	static const double none[1];
	const struct past_features *features = stored->features;
	const size_t rows = stored->past->fitted * PAST_BLOCK_ROWS;
	struct drift_feature *made = ARENA_ARRAY(arena, struct drift_feature, features->count);
	if (!made || !past_features_fill(stored->past, stored->values, features->count, arena, made))
		return false;
	for (size_t i = 0; i < features->count; i++) {
		made[i].name = features->names[i];
		made[i].width = features->widths[i];
		made[i].categories = features->texts[i];
		made[i].fingerprints = features->texts[i] ? none : NULL;
		if (features->texts[i] && rows > 0 && !categories_settle(&made[i], stored->texts[i], rows, arena))
			return false;
	}
	*reference = past_reference(stored->past, made, features->count);
	return true;
}
