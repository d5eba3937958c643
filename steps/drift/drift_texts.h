/* drift_texts.h: Texts of a column, as a reference of the step `drift` learns them: as categories, or as free texts.
 *
 * Texts are categories if there are at most DRIFT_CATEGORIES_MAX different ones, and no more than one value in
 * TEXTS_NEW_ONE_IN is a text that came once: so often the next values are new ones (Good and Turing). Other texts are free:
 * each of the commonest ones is a category, and all others are one.
 *
 * The rows of the first half choose the commonest texts, and those of the second count them: the same rows would count each
 * chosen one too often, and the next rows would seem to have moved. A text is common if it is TEXTS_COMMON_SHARE of the first
 * half and came TEXTS_COMMON_LEAST times there.
 *
 * At most DRIFT_CATEGORIES_MAX texts are kept, however many come: the counters of Space-Saving (Metwally, Agrawal and El Abbadi
 * 2005), which have each text that is more than one value in DRIFT_CATEGORIES_MAX. The first ones are kept whole, since each may
 * be a category; once the texts are free, those longer than TEXTS_COMMON_BYTES_MAX are not kept.
 *
 * It lives in the arena, and belongs to one thread.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "base/option.h"
#include "base/text.h"

#define TEXTS_NEW_ONE_IN 10
#define TEXTS_COMMON_SHARE 0.01
#define TEXTS_COMMON_LEAST 5
#define TEXTS_COMMON_BYTES_MAX 256

#define TEXTS_OTHERS "(other texts)" /* the name of the category of all others */

struct drift_texts;

/* The number that stands for a text: a whole one below 2^53. */
double drift_text_fingerprint(struct text text);

/* NULL: the arena is full. */
struct drift_texts *drift_texts_open(struct arena *arena);

/* Counts a text without a zero byte. `fingerprint` stands for it. False: memory ran out. */
bool drift_texts_add(struct drift_texts *texts, struct text text, double *fingerprint, struct error *error);

/* All texts have come: the fingerprints of all rows, in their order, NaN where the text is missing. False: memory ran out. */
bool drift_texts_settle(struct drift_texts *texts, const double *fingerprints, size_t rows);

/* The same where only the commonest texts were added, and not each row's: they are free if a row has another. The order in which
 * they were added is of no account. */
bool drift_texts_settle_commonest(struct drift_texts *texts, const double *fingerprints, size_t rows);

/* From here on, of texts that have settled. */

/* Whether they are free texts. */
bool drift_texts_are_free(const struct drift_texts *texts);

/* Those that are a category each. */
struct name_list drift_texts_categories(const struct drift_texts *texts);

/* The category of a row: NaN if its text is missing, or if it only chose the commonest ones. Of free texts, that of all others is
 * one past the last. */
double drift_texts_category(const struct drift_texts *texts, double fingerprint, size_t row);
