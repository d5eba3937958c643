/* past_texts.h: Sketch of the commonest texts of a stream, by which the past of a drift monitor names its categories.
 *
 * A text has two numbers. Its weight is a counter of Space-Saving (Metwally, Agrawal and El Abbadi 2005), and decides which texts
 * are kept: each that is more than one value in PAST_TEXTS_COUNTED is. It counts what was read, so a message that is read again
 * counts again. The count is of the rows of windows that have closed, and is what is stored: it depends on these rows alone. Both
 * are halved after PAST_TEXTS_AGED values, so texts that no longer come leave. Texts that are longer than PAST_TEXT_BYTES are not
 * kept, nor are those with a zero byte.
 *
 * Rows of windows in alarm have another count, which is no reference's until it is accepted (methods/drift/past.h). Texts that are
  * stored are not replaced by others, which may be those of an alarm that lasts.
 *
 * What is stored of each count are the commonest DRIFT_COMMON_MAX: at most 4 KiB. Plain data, of one thread.
 */
#pragma once

#include "methods/drift/reference.h"

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
	uint64_t read, closed, alarmed; /* values since the weights, the counts, and those of alarms were halved */
	double fingerprints[PAST_TEXTS_COUNTED];
	uint32_t weights[PAST_TEXTS_COUNTED];
	struct past_text items[PAST_TEXTS_COUNTED];
	bool stored[PAST_TEXTS_COUNTED]; /* whether it is among those stored last */
	size_t stored_count;		 /* of these; some may not be kept any more */
	uint32_t aside[PAST_TEXTS_COUNTED]; /* the counts of windows in alarm */
};

/* Notes a text that was read, for which the fingerprint stands. */
void past_texts_note(struct past_texts *texts, double fingerprint, struct text text);

/* Counts the rows of a window that has closed, in alarm or not, by their fingerprints in rising order. */
void past_texts_close(struct past_texts *texts, const double *fingerprints, size_t rows, bool alarmed);

/* Takes the counts of windows in alarm for those of others. */
void past_texts_accept(struct past_texts *texts);

/* The commonest, the most frequent first, which are to be stored; and those of windows in alarm. How many they are. */
size_t past_texts_store(struct past_texts *texts, struct past_text into[DRIFT_COMMON_MAX]);
size_t past_texts_store_aside(const struct past_texts *texts, struct past_text into[DRIFT_COMMON_MAX]);

/* Whether those stored last lack one that could be a category: any, if more could be stored; else one that is more than twice as
 * common as the rarest of them, so that texts of about one frequency do not take turns, and one in 100 of those that are kept. */
bool past_texts_exceed(const struct past_texts *texts);

/* Forgets the counts, and what is stored. Then takes back each text that is stored, of at most DRIFT_COMMON_MAX, in place of one
 * that is not; and after these each of those of windows in alarm. */
void past_texts_forget(struct past_texts *texts);
void past_texts_put_back(struct past_texts *texts, double fingerprint, const struct past_text *stored);
void past_texts_put_back_aside(struct past_texts *texts, double fingerprint, const struct past_text *stored);
