/* window_texts.h: First and last text by time of each element of some series, as plain bytes in a window. Texts have
 * any length. So the bytes are written again with each message, into a buffer that is used again for the next window. */
#ifndef SLUICE_STEPS_WINDOWS_WINDOW_TEXTS_H
#define SLUICE_STEPS_WINDOWS_WINDOW_TEXTS_H

#include "base/arena.h"
#include "base/text.h"

struct window_texts {
	char *bytes; /* in the arena */
	size_t length, room;
};

/* Appends the state after a message to the bytes written so far. `before` are the previous bytes of a series, which
 * are read and advanced, or NULL. Of two equal times the later added is the last. False: memory ran out. */
bool window_texts_add(struct window_texts *made, const char **before, const struct text *texts, size_t count, int64_t time,
		      struct arena *arena);

/* The same for two windows; the texts of `from` count as added after those of `into`. */
bool window_texts_join(struct window_texts *made, const char **into, const char **from, size_t count, struct arena *arena);

/* Reads and advances the bytes of a series, and copies its first or last texts; `texts` NULL: none. False: memory ran out. */
bool window_texts_read(const char **bytes, size_t count, bool last, struct text *texts, struct arena *arena);

#endif
