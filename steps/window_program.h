/* window_program.h: Program of an aggregate step's settings: the series that it takes from each message, and the
 * summaries that it needs when a window closes.
 *
 * The contents of a window are plain bytes. They begin with a hash of the settings that give them their meaning. Then
 * come the number of messages, and for each series its shape and a summary of each element (numeric/summary.h). The
 * numbers themselves are kept only for median, quantile and distinct, one row for each message; approx_quantile and
 * approx_distinct have a sketch of them in the summary. The texts of the functions first and last are at the end.
 */
#ifndef SLUICE_STEPS_WINDOW_PROGRAM_H
#define SLUICE_STEPS_WINDOW_PROGRAM_H

#include "step/step.h"
#include "steps/window_texts.h"

/* The most numbers kept for one window, and the most bytes of its sketches, with the rest of their summaries. */
#define WINDOW_NUMBERS_MAX 65536
#define WINDOW_SKETCHES_MAX (WINDOW_NUMBERS_MAX * sizeof(double))

struct aggregate_setting {
	struct name name;
	const struct expression *value;
};

struct window_program;

/* NULL: memory ran out. The settings must live as long as the program. */
const struct window_program *window_program_make(const struct aggregate_setting *settings, size_t count, struct arena *arena);

/* The values that a message adds to its windows, computed once. */
struct window_input;
struct window_input *window_input_make(const struct window_program *program, const struct scope *scope, struct arena *arena,
				       struct error *error);

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
 * window_answer(). */
bool window_is_of(const struct window_program *program, const void *bytes);

/* The results of the settings, in order. One that cannot be computed is left out, and the tensor WINDOW_ERROR has the
 * reason. For a window of other settings, that is the only tensor. NULL: memory ran out. */
#define WINDOW_ERROR "window_error"
const struct payload *window_answer(const struct window_program *program, const void *bytes, const struct scope *scope,
				    struct arena *arena, struct error *error);

#endif
