/* window_answer.h: Results of a window of an aggregate step when it closes: a tensor for each setting. */
#pragma once

#include "steps/windows/window_program.h"

/* The results of the settings, in order. One that cannot be computed is left out, and the tensor WINDOW_ERROR has the
 * reason. For a window of other settings, that is the only tensor. NULL: memory ran out. */
#define WINDOW_ERROR "window_error"
const struct payload *window_answer(const struct window_program *program, const void *bytes, const struct scope *scope,
				    struct arena *arena, struct error *error);
