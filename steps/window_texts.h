/* window_texts.h: the first and the last text by time of each element of some series, as the
 * plain bytes in which a window holds them. Texts are of any length, so the bytes are written anew
 * with each message, into a room that is used again for the next window.
 */
#ifndef SLUICE_STEPS_WINDOW_TEXTS_H
#define SLUICE_STEPS_WINDOW_TEXTS_H

#include "base/arena.h"
#include "base/text.h"

struct window_texts {
	char *bytes; /* in the arena */
	size_t length, room;
};

/* What a message brings is put behind what was written: `before` are such bytes of a series, which
 * are gone through, or NULL. The later of two equal times is the last. False: memory ran out. */
bool window_texts_add(struct window_texts *made, const char **before, const struct text *texts, size_t count, int64_t time,
		      struct arena *arena);

/* The same of two windows; those of `from` are as if added behind those of `into`. */
bool window_texts_join(struct window_texts *made, const char **into, const char **from, size_t count, struct arena *arena);

/* Goes through the bytes of a series, and copies its first texts, or its last ones; `texts` NULL:
 * none. False: memory ran out. */
bool window_texts_read(const char **bytes, size_t count, bool last, struct text *texts, struct arena *arena);

#endif
