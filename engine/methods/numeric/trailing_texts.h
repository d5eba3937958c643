/* trailing_texts.h: Trailing window over the last texts of some series, stored as plain bytes.
 *
 * As a window of numbers (trailing.h) it contains the texts of the last messages by count, in the order of addition.
 * Or it contains those of the last milliseconds, in the order of their times, equal times in the order of addition.
 * Each message is a row, with a text of each series, so all series of a window have the same number of texts.
 *
 * The bytes have no pointers, and begin with a version: they may be copied, stored and moved, aligned to 8. Texts
 * have any length, so a window is not changed in place: it is written again with each message. Removed texts cost
 * nothing; the bytes after them are copied.
 *
 * Pure. Any thread may call.
 */
#pragma once

#include "base/text.h"
#include "methods/numeric/trailing.h"

/* A message to add; `texts` NULL: it does not count, and only removes values that are too old. */
struct trailing_row {
	const struct text *texts; /* one text of each series */
	size_t series;		  /* at least one */
	int64_t time_ms;
	int64_t newest_ms; /* of all messages, including this one */
};

/* Whether the bytes are exactly one valid window. */
bool trailing_texts_whole(const void *window, size_t size);

/* The size of the window with that row in bytes, a multiple of 8; `window` NULL: there is none yet. 0: it would
 * contain more than TRAILING_VALUES_MAX messages, and must not take the row. */
size_t trailing_texts_bytes(const struct trailing *form, const void *window, const struct trailing_row *row);

/* Writes trailing_texts_bytes() bytes at `to`. */
void trailing_texts_write(const struct trailing *form, const void *window, const struct trailing_row *row, void *to);

/* Whether all texts have left at that time, so that it equals a new window. */
bool trailing_texts_spent(const struct trailing *form, const void *window, int64_t newest_ms);

/* Whether as many messages as it spans were added; always true for a duration. */
bool trailing_texts_warm(const struct trailing *form, const void *window);

/* The first or last texts of all series, borrowed from the window. False: it has no message. */
bool trailing_texts_first(const void *window, size_t series, struct text *texts);
bool trailing_texts_last(const void *window, size_t series, struct text *texts);
