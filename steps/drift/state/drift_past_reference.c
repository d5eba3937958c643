/* drift_past_reference.c: see drift_past_reference.h. */
#include "steps/drift/state/drift_past_reference.h"

#include "methods/drift/past_texts.h"
#include "steps/drift/drift_texts.h"

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
