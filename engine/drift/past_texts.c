/* past_texts.c: see past_texts.h. */
#include "drift/past_texts.h"

#include <string.h>

_Static_assert(DRIFT_COMMON_MAX * sizeof(struct past_text) <= 4096, "the stored sketch of a feature has 4 KiB at most");

static size_t text_find(const struct past_texts *texts, double fingerprint)
{
	size_t at = 0;
	while (at < texts->count && texts->fingerprints[at] != fingerprint)
		at++;
	return at;
}

static size_t rarest_find(const struct past_texts *texts)
{
	size_t at = 0;
	for (size_t i = 1; i < texts->count; i++)
		at = texts->counts[i] < texts->counts[at] ? i : at;
	return at;
}

static void text_put(struct past_texts *texts, size_t at, double fingerprint, uint32_t count, struct text text)
{
	texts->fingerprints[at] = fingerprint;
	texts->counts[at] = count;
	texts->items[at].length = (uint32_t)text.length;
	memcpy(texts->items[at].bytes, text.bytes, text.length);
}

static void counts_age(struct past_texts *texts)
{
	texts->added = 0;
	for (size_t i = 0; i < texts->count; i++)
		texts->counts[i] /= 2;
}

void past_texts_add(struct past_texts *texts, double fingerprint, struct text text)
{
	const size_t at = text_find(texts, fingerprint);
	if (++texts->added == PAST_TEXTS_AGED)
		counts_age(texts);
	if (at < texts->count) {
		texts->counts[at]++;
		return;
	}
	if (text.length > PAST_TEXT_BYTES || memchr(text.bytes, 0, text.length))
		return;
	if (texts->count < PAST_TEXTS_COUNTED) {
		text_put(texts, texts->count++, fingerprint, 1, text);
		return;
	}
	const size_t rarest = rarest_find(texts);
	text_put(texts, rarest, fingerprint, texts->counts[rarest] + 1, text);
}

size_t past_texts_commonest(const struct past_texts *texts, struct past_text into[DRIFT_COMMON_MAX])
{
	bool taken[PAST_TEXTS_COUNTED] = {false};
	size_t count = 0;
	for (; count < DRIFT_COMMON_MAX && count < texts->count; count++) {
		size_t most = texts->count;
		for (size_t i = 0; i < texts->count; i++)
			if (!taken[i] && (most == texts->count || texts->counts[i] > texts->counts[most]))
				most = i;
		taken[most] = true;
		into[count] = texts->items[most];
		into[count].count = texts->counts[most];
	}
	return count;
}

void past_texts_put_back(struct past_texts *texts, double fingerprint, const struct past_text *stored)
{
	const struct text text = {stored->bytes, stored->length};
	if (texts->count < PAST_TEXTS_COUNTED)
		text_put(texts, texts->count++, fingerprint, stored->count, text);
}
