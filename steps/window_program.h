/* window_program.h: the settings of an aggregate step, ready to be worked out: which series
 * come from each message, and what of each must be known when a window closes.
 *
 * What a window holds is plain bytes, begun with what they mean: how many messages, and for each
 * series its shape and a summary of each element (numeric/summary.h). Numbers themselves are
 * kept for median, quantile and distinct alone, for each message a row. Behind them stand the
 * first and the last text of what first and last are given.
 */
#ifndef SLUICE_STEPS_WINDOW_PROGRAM_H
#define SLUICE_STEPS_WINDOW_PROGRAM_H

#include "step/step.h"
#include "steps/window_texts.h"

/* So many numbers of one window are kept at most. */
#define WINDOW_NUMBERS_MAX 65536

struct aggregate_setting {
	struct name name;
	const struct expression *value;
};

struct window_program;

/* NULL: memory ran out. The settings stay as long as it. */
const struct window_program *window_program_make(const struct aggregate_setting *settings, size_t count, struct arena *arena);

/* What a message gives to its windows: worked out once. */
struct window_input;
struct window_input *window_input_make(const struct window_program *program, const struct scope *scope, struct arena *arena,
				       struct error *error);

/* How many bytes a window has with that message in it; `before` bytes NULL: it is new. 0: an error, as
 * where the message has another shape than those before. */
size_t window_size(const struct window_program *program, struct text before, struct window_input *input, struct error *error);

/* Takes a message in, behind window_size(): `bytes` are so long, and begin with what the window was, or zeros. */
void window_take(const struct window_program *program, void *bytes, const struct window_input *input);

/* The same of two windows that become one, for the message that lies between them: `from` is taken in. */
size_t window_size_merged(const struct window_program *program, struct text into, struct text from, struct window_input *input,
			  struct error *error);
void window_merge(const struct window_program *program, void *into, const void *from, const struct window_input *input);

uint64_t window_messages(const void *bytes);

/* Whether it was made under settings by which its bytes say the same. Of others only
 * window_answer() takes it. */
bool window_is_of(const struct window_program *program, const void *bytes);

/* What the settings come to, in order. One that cannot be worked out is left out, and the
 * tensor WINDOW_ERROR says why; where the window is of other settings, that one alone. NULL:
 * memory ran out. */
#define WINDOW_ERROR "window_error"
const struct payload *window_answer(const struct window_program *program, const void *bytes, const struct scope *scope,
				    struct arena *arena, struct error *error);

#endif
