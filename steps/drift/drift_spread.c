/* drift_spread.c: see drift_spread.h. */
#include "steps/drift/drift_spread.h"

#include <string.h>

static struct text name_cut(struct text name, struct arena *arena)
{
	size_t length = name.length < SPREAD_NAME_BYTES ? name.length : SPREAD_NAME_BYTES;
	while (length < name.length && length > 0 && ((unsigned char)name.bytes[length] & 0xC0) == 0x80)
		length--;
	return (struct text){arena_copy(arena, name.bytes, length), length};
}

static void numbers_spread(const struct monitor_picture *picture, struct arena *arena, struct drift_spread *into)
{
	const size_t bins = picture->bins;
	double *copies = ARENA_ARRAY(arena, double, 3 * bins);
	if (!copies)
		return;
	memcpy(copies, picture->reference, bins * sizeof *copies);
	memcpy(copies + bins, picture->current, bins * sizeof *copies);
	memcpy(copies + 2 * bins, picture->edges, (bins - 1) * sizeof *copies);
	into->bins = bins;
	into->reference = copies;
	into->current = copies + bins;
	into->edge_count = bins - 1;
	into->edges = copies + 2 * bins;
}

/* The category that is the commonest of the reference beside those that are taken. */
static size_t commonest_of(const struct monitor_picture *picture, size_t known, const bool *taken)
{
	size_t most = 0;
	while (taken[most])
		most++;
	for (size_t i = most + 1; i < known; i++)
		most = !taken[i] && picture->reference[i] > picture->reference[most] ? i : most;
	return most;
}

static void categories_spread(const struct monitor_picture *picture, struct arena *arena, struct drift_spread *into)
{
	const size_t known = picture->bins - 1, own = known < SPREAD_NAMES ? known : SPREAD_NAMES, bins = own + 2;
	bool taken[DRIFT_CATEGORIES_MAX] = {false};
	double *counts = ARENA_ARRAY(arena, double, 2 * bins);
	struct text *names = ARENA_ARRAY(arena, struct text, own + 1);
	if (!counts || !names)
		return;
	double *reference = counts, *current = counts + bins;
	for (size_t i = 0; i < own; i++) {
		const size_t at = commonest_of(picture, known, taken);
		taken[at] = true;
		names[i] = name_cut(picture->categories[at], arena);
		reference[i] = picture->reference[at];
		current[i] = picture->current[at];
	}
	for (size_t i = 0; i < known; i++) {
		reference[own] += taken[i] ? 0 : picture->reference[i];
		current[own] += taken[i] ? 0 : picture->current[i];
	}
	current[own + 1] = picture->current[known];
	into->bins = bins;
	into->reference = reference;
	into->current = current;
	into->name_count = own;
	into->names = names;
}

bool drift_spreads_list(struct drift_score *score, const struct monitor_verdict *verdict, struct arena *arena)
{
	struct drift_spread *spreads = ARENA_ARRAY(arena, struct drift_spread, verdict->feature_count + 1);
	for (size_t i = 0; spreads && i < verdict->feature_count; i++) {
		const struct monitor_feature *feature = &verdict->features[i];
		if (feature->picture.bins == 0)
			continue;
		struct drift_spread *into = &spreads[score->spread_count++];
		into->feature = (struct text){arena_copy(arena, feature->name.bytes, feature->name.length), feature->name.length};
		(feature->picture.categories ? categories_spread : numbers_spread)(&feature->picture, arena, into);
	}
	score->spreads = spreads;
	return !arena_failed(arena);
}
