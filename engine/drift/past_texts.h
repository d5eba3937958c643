/* past_texts.h: Sketch of the commonest texts of a stream, by which the past of a drift monitor names its categories.
 *
 * Counters of Space-Saving (Metwally, Agrawal and El Abbadi 2005): each text that is more than one value in PAST_TEXTS_COUNTED has
 * one. All counts are halved after PAST_TEXTS_AGED values, so texts that no longer come leave. Texts that are longer than
 * PAST_TEXT_BYTES are not counted, nor are those with a zero byte.
 *
 * What is stored of it are the commonest DRIFT_COMMON_MAX, with their counts: at most 4 KiB. Plain data, of one thread.
 */
#ifndef SLUICE_DRIFT_PAST_TEXTS_H
#define SLUICE_DRIFT_PAST_TEXTS_H

#include "drift/reference.h"

#define PAST_TEXTS_COUNTED 512
#define PAST_TEXTS_AGED DRIFT_REFERENCE_ROWS_MAX
#define PAST_TEXT_BYTES 64

/* A text and its count, as stored. */
struct past_text {
	uint32_t count, length;
	char bytes[PAST_TEXT_BYTES];
};

/* Starts zeroed. */
struct past_texts {
	size_t count;
	uint64_t added; /* since the counts were halved */
	double fingerprints[PAST_TEXTS_COUNTED];
	uint32_t counts[PAST_TEXTS_COUNTED];
	struct past_text items[PAST_TEXTS_COUNTED]; /* whose counts are not used */
};

/* Counts a text, for which the fingerprint stands. */
void past_texts_add(struct past_texts *texts, double fingerprint, struct text text);

/* The commonest, the most frequent first. How many they are. */
size_t past_texts_commonest(const struct past_texts *texts, struct past_text into[DRIFT_COMMON_MAX]);

/* Takes back a text that was stored. */
void past_texts_put_back(struct past_texts *texts, double fingerprint, const struct past_text *stored);

#endif
