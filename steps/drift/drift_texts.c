/* drift_texts.c: see drift_texts.h. */
#include "steps/drift/drift_texts.h"

#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/memory.h"
#include "methods/drift/reference.h"
#include "methods/numeric/quantile.h"

struct counted_text {
	double fingerprint;
	uint64_t count; /* once there are too many texts: not below the true one */
	const char *text;
	char *slot; /* memory of one that took the place of another */
};

struct drift_texts {
	struct arena *arena;
	size_t count;
	struct counted_text items[DRIFT_CATEGORIES_MAX];
	bool too_many, free;
	size_t choosing; /* the first rows, which choose the commonest texts */
	struct name *categories;
};

struct drift_texts *drift_texts_open(struct arena *arena)
{
	struct drift_texts *texts = ARENA_NEW(arena, struct drift_texts);
	if (texts)
		texts->arena = arena;
	return texts;
}

static bool out_of_memory(struct error *error)
{
	return error_memory(error, ERROR_SYSTEM, "learning texts");
}

/* ---- counting ---- */

double drift_text_fingerprint(struct text text)
{
	return (double)(hash_bytes(text.bytes, text.length, 0) >> 11);
}

static size_t place_of(const struct drift_texts *texts, double fingerprint)
{
	size_t at = 0;
	while (at < texts->count && texts->items[at].fingerprint != fingerprint)
		at++;
	return at;
}

static bool text_append(struct drift_texts *texts, struct text text, double fingerprint, struct error *error)
{
	const char *copy = arena_copy(texts->arena, text.bytes, text.length);
	if (!copy)
		return out_of_memory(error);
	texts->items[texts->count++] = (struct counted_text){.fingerprint = fingerprint, .count = 1, .text = copy};
	return true;
}

/* The new text takes the place of the rarest, and its count: so it is not below the true one. */
static bool text_replace(struct drift_texts *texts, struct text text, double fingerprint, struct error *error)
{
	struct counted_text *rarest = texts->items;
	for (size_t i = 1; i < texts->count; i++)
		rarest = texts->items[i].count < rarest->count ? &texts->items[i] : rarest;
	if (!rarest->slot)
		rarest->slot = arena_take(texts->arena, TEXTS_COMMON_BYTES_MAX + 1, 1);
	if (!rarest->slot)
		return out_of_memory(error);
	memcpy(rarest->slot, text.bytes, text.length);
	rarest->slot[text.length] = 0;
	rarest->text = rarest->slot;
	rarest->fingerprint = fingerprint;
	rarest->count++;
	return true;
}

bool drift_texts_add(struct drift_texts *texts, struct text text, double *fingerprint, struct error *error)
{
	*fingerprint = drift_text_fingerprint(text);
	const size_t at = place_of(texts, *fingerprint);
	if (at < texts->count) {
		texts->items[at].count++;
		return true;
	}
	if (texts->count < DRIFT_CATEGORIES_MAX)
		return text_append(texts, text, *fingerprint, error);
	texts->too_many = true;
	return text.length > TEXTS_COMMON_BYTES_MAX || text_replace(texts, text, *fingerprint, error);
}

/* ---- settling ---- */

static bool are_mostly_new(const struct drift_texts *texts)
{
	uint64_t once = 0, all = 0;
	for (size_t i = 0; i < texts->count; i++) {
		once += texts->items[i].count == 1;
		all += texts->items[i].count;
	}
	return once * TEXTS_NEW_ONE_IN > all;
}

static bool is_commoner(const struct counted_text *text, const struct counted_text *other)
{
	return text->count > other->count || (text->count == other->count && text->fingerprint < other->fingerprint);
}

static void commonest_bring(struct drift_texts *texts, size_t to)
{
	size_t most = to;
	for (size_t i = to + 1; i < texts->count; i++)
		most = is_commoner(&texts->items[i], &texts->items[most]) ? i : most;
	const struct counted_text found = texts->items[most];
	texts->items[most] = texts->items[to];
	texts->items[to] = found;
}

/* Counts the texts anew, by these fingerprints. False: memory ran out. */
static bool texts_count(struct drift_texts *texts, const double *fingerprints, size_t rows)
{
	double *sorted = memory_take(rows + 1, sizeof *sorted);
	if (!sorted)
		return false;
	memcpy(sorted, fingerprints, rows * sizeof *sorted);
	const size_t count = quantile_sort(sorted, rows);
	for (size_t i = 0; i < texts->count; i++) {
		const double own = texts->items[i].fingerprint;
		texts->items[i].count = sorted_until(sorted, count, own) - sorted_below(sorted, count, own);
	}
	memory_give(sorted);
	return true;
}

/* Leaves the texts that are common among these rows; the commonest is first. False: memory ran out. */
static bool commonest_find(struct drift_texts *texts, const double *fingerprints, size_t rows)
{
	if (!texts_count(texts, fingerprints, rows))
		return false;
	for (size_t i = 0; i < texts->count; i++)
		if (strlen(texts->items[i].text) > TEXTS_COMMON_BYTES_MAX)
			texts->items[i].count = 0;
	const double least = fmax(TEXTS_COMMON_LEAST, TEXTS_COMMON_SHARE * (double)rows);
	size_t chosen = 0;
	for (; chosen < texts->count && chosen < DRIFT_COMMON_MAX; chosen++) {
		commonest_bring(texts, chosen);
		if ((double)texts->items[chosen].count < least)
			break;
	}
	texts->count = chosen;
	return true;
}

/* Puts the texts into the order of their rows. So who has the rows has the same categories. False: memory ran out. */
static bool texts_order(struct drift_texts *texts, const double *fingerprints, size_t rows)
{
	if (!texts_count(texts, fingerprints, rows))
		return false;
	for (size_t i = 0; i < texts->count; i++)
		commonest_bring(texts, i);
	return true;
}

static bool has_other(const struct drift_texts *texts, const double *fingerprints, size_t rows)
{
	for (size_t i = 0; i < rows; i++)
		if (!isnan(fingerprints[i]) && place_of(texts, fingerprints[i]) == texts->count)
			return true;
	return false;
}

/* Chooses the categories, once it is known whether the texts are free. */
static bool categories_choose(struct drift_texts *texts, const double *fingerprints, size_t rows)
{
	texts->choosing = texts->free ? rows / 2 : 0;
	if (texts->free && !commonest_find(texts, fingerprints, texts->choosing))
		return false;
	texts->categories = ARENA_ARRAY(texts->arena, struct name, texts->count + 1);
	for (size_t i = 0; texts->categories && i < texts->count; i++)
		texts->categories[i].text = texts->items[i].text;
	return texts->categories;
}

bool drift_texts_settle(struct drift_texts *texts, const double *fingerprints, size_t rows)
{
	texts->free = texts->too_many || are_mostly_new(texts);
	return categories_choose(texts, fingerprints, rows);
}

bool drift_texts_settle_commonest(struct drift_texts *texts, const double *fingerprints, size_t rows)
{
	texts->free = has_other(texts, fingerprints, rows);
	return texts_order(texts, fingerprints, rows) && categories_choose(texts, fingerprints, rows);
}

bool drift_texts_are_free(const struct drift_texts *texts)
{
	return texts->free;
}

struct name_list drift_texts_categories(const struct drift_texts *texts)
{
	return (struct name_list){texts->count, texts->categories};
}

double drift_texts_category(const struct drift_texts *texts, double fingerprint, size_t row)
{
	return isnan(fingerprint) || row < texts->choosing ? (double)NAN : (double)place_of(texts, fingerprint);
}
