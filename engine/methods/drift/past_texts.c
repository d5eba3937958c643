/* past_texts.c: see past_texts.h. */
#include "methods/drift/past_texts.h"

#include "methods/numeric/quantile.h"

#define TIMES_RAREST 2
#define COMMON_ONE_IN 100 /* a rarer text is one of all others */

_Static_assert(DRIFT_COMMON_MAX * sizeof(struct past_text) <= 4096, "the stored sketch of a feature has 4 KiB at most");

static size_t text_find(const struct past_texts *texts, double fingerprint)
{
	size_t at = 0;
	while (at < texts->count && texts->fingerprints[at] != fingerprint)
		at++;
	return at;
}

/* The lightest text of those that are not stored. */
static size_t lightest_find(const struct past_texts *texts)
{
	size_t at = 0;
	for (size_t i = 1; i < texts->count; i++)
		if (texts->stored[at] != texts->stored[i] ? texts->stored[at] : texts->weights[i] < texts->weights[at])
			at = i;
	return at;
}

/* Keeps a text that was not kept, instead of the one at `instead` if there is no memory for more. Where it is; its weight is of
 * before, or of that one. */
static size_t text_keep(struct past_texts *texts, size_t instead, double fingerprint, struct text text)
{
	const bool full = texts->count == PAST_TEXTS_COUNTED;
	const size_t at = full ? instead : texts->count++;
	texts->weights[at] = full ? texts->weights[at] : 0;
	texts->stored[at] = false;
	texts->fingerprints[at] = fingerprint;
	texts->items[at] = (struct past_text){.length = (uint32_t)text.length};
	texts->aside[at] = 0;
	memcpy(texts->items[at].bytes, text.bytes, text.length);
	return at;
}

void past_texts_note(struct past_texts *texts, double fingerprint, struct text text)
{
	size_t at = text_find(texts, fingerprint);
	if (++texts->read == PAST_TEXTS_AGED) {
		texts->read = 0;
		for (size_t i = 0; i < texts->count; i++)
			texts->weights[i] /= 2;
	}
	if (at == texts->count) {
		if (text.length > PAST_TEXT_BYTES || memchr(text.bytes, 0, text.length))
			return;
		at = text_keep(texts, lightest_find(texts), fingerprint, text);
	}
	texts->weights[at]++;
}

static uint32_t *count_of(struct past_texts *texts, size_t at, bool alarmed)
{
	return alarmed ? &texts->aside[at] : &texts->items[at].count;
}

void past_texts_close(struct past_texts *texts, const double *fingerprints, size_t rows, bool alarmed)
{
	uint64_t *closed = alarmed ? &texts->alarmed : &texts->closed;
	for (size_t i = 0; i < texts->count; i++) {
		const size_t before = sorted_below(fingerprints, rows, texts->fingerprints[i]);
		*count_of(texts, i, alarmed) +=
			(uint32_t)sorted_until(fingerprints + before, rows - before, texts->fingerprints[i]);
	}
	*closed += rows;
	if (*closed < PAST_TEXTS_AGED)
		return;
	*closed = 0;
	for (size_t i = 0; i < texts->count; i++)
		*count_of(texts, i, alarmed) /= 2;
}

void past_texts_accept(struct past_texts *texts)
{
	for (size_t i = 0; i < texts->count; i++) {
		texts->items[i].count += texts->aside[i];
		texts->aside[i] = 0;
	}
}

/* The commonest that is not stored. The count of texts: there is none that came. */
static size_t commonest_find(const struct past_texts *texts)
{
	size_t at = texts->count;
	uint32_t most = 0;
	for (size_t i = 0; i < texts->count; i++)
		if (!texts->stored[i] && texts->items[i].count > most) {
			most = texts->items[i].count;
			at = i;
		}
	return at;
}

static void stored_forget(struct past_texts *texts)
{
	texts->stored_count = 0;
	memset(texts->stored, 0, sizeof texts->stored);
}

size_t past_texts_store(struct past_texts *texts, struct past_text into[DRIFT_COMMON_MAX])
{
	stored_forget(texts);
	while (texts->stored_count < DRIFT_COMMON_MAX) {
		const size_t at = commonest_find(texts);
		if (at == texts->count)
			break;
		texts->stored[at] = true;
		into[texts->stored_count++] = texts->items[at];
	}
	return texts->stored_count;
}

size_t past_texts_store_aside(const struct past_texts *texts, struct past_text into[DRIFT_COMMON_MAX])
{
	struct past_texts aside = *texts;
	stored_forget(&aside);
	for (size_t i = 0; i < aside.count; i++)
		aside.items[i].count = aside.aside[i];
	return past_texts_store(&aside, into);
}

bool past_texts_exceed(const struct past_texts *texts)
{
	const size_t at = commonest_find(texts);
	uint32_t rarest = UINT32_MAX;
	uint64_t all = 0;
	if (at == texts->count || texts->stored_count < DRIFT_COMMON_MAX)
		return at < texts->count;
	for (size_t i = 0; i < texts->count; i++) {
		all += texts->items[i].count;
		rarest = texts->stored[i] && texts->items[i].count < rarest ? texts->items[i].count : rarest;
	}
	return (uint64_t)texts->items[at].count * COMMON_ONE_IN >= all && texts->items[at].count > TIMES_RAREST * rarest;
}

void past_texts_forget(struct past_texts *texts)
{
	texts->closed = texts->alarmed = 0;
	stored_forget(texts);
	for (size_t i = 0; i < texts->count; i++)
		texts->items[i].count = texts->aside[i] = 0;
}

static size_t text_put_back(struct past_texts *texts, double fingerprint, const struct past_text *stored)
{
	size_t at = text_find(texts, fingerprint);
	if (at == texts->count)
		at = text_keep(texts, lightest_find(texts), fingerprint, (struct text){stored->bytes, stored->length});
	texts->weights[at] = texts->weights[at] > stored->count ? texts->weights[at] : stored->count;
	return at;
}

void past_texts_put_back(struct past_texts *texts, double fingerprint, const struct past_text *stored)
{
	const size_t at = text_put_back(texts, fingerprint, stored);
	texts->stored[at] = true;
	texts->stored_count++;
	texts->items[at].count = stored->count;
}

void past_texts_put_back_aside(struct past_texts *texts, double fingerprint, const struct past_text *stored)
{
	texts->aside[text_put_back(texts, fingerprint, stored)] = stored->count;
}
