/* trailing_texts.h: the last texts of some series, kept as plain bytes.
 *
 * As a window of numbers (trailing.h) it holds those of the last so many messages, in the
 * order in which they were added; or of the last so many milliseconds, in the order of their
 * times, equal times in the order in which they were added. Each message is a row, with a text
 * of each series, so all series of a window have as many.
 *
 * The bytes have no pointers, and begin with a version: they may be copied, kept and moved,
 * aligned to 8. Texts are of any length, so a window is not changed where it stands: it is
 * written anew with each message. What has left costs nothing but the bytes behind it.
 *
 * Pure. Any thread may call.
 */
#ifndef SLUICE_NUMERIC_TRAILING_TEXTS_H
#define SLUICE_NUMERIC_TRAILING_TEXTS_H

#include "base/text.h"
#include "numeric/trailing.h"

/* A message that comes; `texts` NULL: it does not count, and what is too old is forgotten. */
struct trailing_row {
	const struct text *texts; /* of each series */
	size_t series;		  /* one at least */
	int64_t time_ms;
	int64_t newest_ms; /* of all messages, this one included */
};

/* Whether they are a window's, all of them. */
bool trailing_texts_whole(const void *window, size_t size);

/* How many bytes the window has with that row, a multiple of 8; `window` NULL: there is
 * none yet. 0: it would hold more than TRAILING_VALUES_MAX messages, and must not take the row. */
size_t trailing_texts_bytes(const struct trailing *form, const void *window, const struct trailing_row *row);

/* Writes so many bytes at `to`. */
void trailing_texts_write(const struct trailing *form, const void *window, const struct trailing_row *row, void *to);

/* Whether nothing is in it at that time, of all that was added: it is as good as new. */
bool trailing_texts_spent(const struct trailing *form, const void *window, int64_t newest_ms);

/* Whether it has seen all the messages that it spans; one of a duration always has. */
bool trailing_texts_warm(const struct trailing *form, const void *window);

/* Those of all series, borrowed from the window. False: it has no message. */
bool trailing_texts_first(const void *window, size_t series, struct text *texts);
bool trailing_texts_last(const void *window, size_t series, struct text *texts);

#endif
