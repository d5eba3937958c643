/* windows.h: Closing windows of an aggregate step: the state of each key, and the output when a window closes. */
#pragma once

#include "methods/numeric/window_closing.h"
#include "steps/windows/window_program.h"

/* The most open windows of one key: those that overlap, and those in their grace period. */
#define WINDOWS_OF_KEY_MAX 4096

struct windows {
	struct closing form; /* times in milliseconds */
	const struct window_program *program;
	const struct expression *key; /* NULL: the message's own key */
	bool refuse_late;
};

/* Adds one message to its windows, and emits the windows that are over then. */
enum step_verdict windows_run(const struct windows *self, struct step *step, struct visit *visit, struct error *error);
