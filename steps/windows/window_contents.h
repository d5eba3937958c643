/* window_contents.h: Contents of a window of an aggregate step, as plain bytes.
 *
 * They begin with a hash of the settings that give them their meaning. Then come the number of messages, and for each
 * series its shape and a summary of each element (methods/numeric/summary.h). The numbers themselves are kept only for median,
 * quantile and distinct, one row for each message; approx_quantile and approx_distinct have a sketch of them in the
 * summary. The texts of the functions first and last are at the end.
 */
#pragma once

#include <string.h>

#include "steps/windows/window_program.h"

/* The most numbers kept for one window, and the most bytes of its sketches, with the rest of their summaries. */
#define WINDOW_NUMBERS_MAX 65536
#define WINDOW_SKETCHES_MAX (WINDOW_NUMBERS_MAX * sizeof(double))

/* The size of a window in bytes when that message is added. `before` bytes NULL: it is new. 0: an error, for example
 * when the message has another shape than earlier ones. */
size_t window_size(const struct window_program *program, struct text before, struct window_input *input, struct error *error);

/* Adds a message, after window_size(): `bytes` has that size, and begins with the previous window, or zeros. */
void window_take(const struct window_program *program, void *bytes, const struct window_input *input);

/* The same for two windows that become one, because of a message between them: `from` is merged into the other. */
size_t window_size_merged(const struct window_program *program, struct text into, struct text from, struct window_input *input,
			  struct error *error);
void window_merge(const struct window_program *program, void *into, const void *from, const struct window_input *input);

uint64_t window_messages(const void *bytes);

/* Whether the window was made with settings that give its bytes the same meaning. Other windows may be passed only to
 * window_messages() and window_answer(). */
bool window_is_of(const struct window_program *program, const void *bytes);

/* ---- for window_answer.c ---- */

struct window_head {
	uint32_t meaning; /* of the program that made it */
	uint32_t rows;	  /* of numbers that are kept */
	uint64_t messages;
};

struct window_series_head {
	uint32_t count; /* elements */
	uint8_t rank;
	uint8_t width;
	uint8_t whole;
	uint8_t texts; /* its first and last ones stand behind all else (struct window_texts) */
};

/* A window's bytes on the way through its series. */
struct window_cursor {
	char *at;
	struct window_series_head *head;
	int64_t *shape;
	char *summaries;
};

static inline struct window_cursor window_cursor_begin(const void *bytes)
{
	union {
		const void *in;
		char *out;
	} window = {.in = bytes}; /* readers pass constant windows and do not write */
	return (struct window_cursor){.at = window.out + sizeof(struct window_head)};
}

static inline void window_cursor_next(struct window_cursor *cursor, const struct window_series *series)
{
	cursor->head = (struct window_series_head *)(void *)cursor->at;
	cursor->shape = (int64_t *)(void *)(cursor->head + 1);
	cursor->summaries = (char *)(cursor->shape + cursor->head->rank);
	cursor->at = cursor->summaries + cursor->head->count * series->element_bytes;
}

static inline struct window_head window_head_of(const void *bytes)
{
	struct window_head head;
	memcpy(&head, bytes, sizeof head);
	return head;
}

/* Numbers that are kept of each message in the window. */
size_t window_row(const struct window_program *program, const void *bytes);

/* Where the texts of a window of that row begin; `cursor` is past its series. */
static inline const char *window_texts_of(const struct window_cursor *cursor, const void *bytes, size_t row)
{
	return cursor->at + window_head_of(bytes).rows * row * sizeof(double);
}

/* Reads and advances the texts of a series, and copies its first or last ones; `texts` NULL: none. False: memory ran out. */
bool window_texts_read(const char **bytes, size_t count, bool last, struct text *texts, struct arena *arena);
