/* window_program.h: Program of an aggregate step's settings: the series that it takes from each message, and the
 * summaries that it needs when a window closes. The contents of a window are in window_contents.h, its results in
 * window_answer.h.
 */
#pragma once

#include "methods/numeric/summary.h"
#include "compiler/step/step.h"

/* First and last text by time of each element of some series, as plain bytes in a window. Texts have any length. So the bytes are
 * written again with each message, into a buffer that is used again for the next window. */
struct window_texts {
	char *bytes; /* in the arena */
	size_t length, room;
};

struct aggregate_setting {
	struct name name;
	const struct expression *value;
};

/* What comes from message to message, once for all calls that are given the same. */
struct window_series {
	const struct trailing_call *call; /* the first of them */
	unsigned tracks;
	size_t element_bytes;
	bool keeps;
};

struct window_call {
	const struct trailing_call *call;
	const struct window_function *function; /* steps/windows/window_functions.h */
	size_t series;				/* SIZE_MAX: count(), of no series */
	double q;
};

struct window_program_setting {
	struct text name;
	const struct expression *value;
	size_t count;
	struct window_call *calls;
};

struct window_program {
	uint32_t meaning; /* of what its windows hold */
	size_t count;
	struct window_program_setting *settings;
	size_t series_count;
	struct window_series *series;
};

/* NULL: memory ran out. The settings must live as long as the program. */
const struct window_program *window_program_make(const struct aggregate_setting *settings, size_t count, struct arena *arena);

/* The values that a message adds to its windows, computed once. */
struct window_input {
	struct arena *arena;
	int64_t time_ms;
	size_t row;		   /* numbers of it that are kept */
	struct window_texts texts; /* of the window that it is taken into next */
	struct trailing_input series[];
};

/* NULL: an error, for example integers that a double does not represent, or texts that are too long. */
struct window_input *window_input_make(const struct window_program *program, const struct scope *scope, struct arena *arena,
				       struct error *error);

/* Whether first and last texts of what the message gives are kept. */
static inline bool window_series_keeps_texts(const struct window_series *series, const struct trailing_input *input)
{
	return input->texts && (series->tracks & SUMMARY_ENDS);
}
