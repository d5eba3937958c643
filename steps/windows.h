/* windows.h: the closing windows of an aggregate step: what it remembers of each key, and
 * what leaves when a window is over. */
#ifndef SLUICE_STEPS_WINDOWS_H
#define SLUICE_STEPS_WINDOWS_H

#include "numeric/closing.h"
#include "steps/window_program.h"

/* Open windows of one key, at most: those that overlap, and those that wait for their grace. */
#define WINDOWS_OF_KEY_MAX 4096

struct windows {
	struct closing form; /* times in milliseconds */
	const struct window_program *program;
	const struct expression *key; /* NULL: the message's */
	bool refuse_late;
};

/* One message: into its windows, and out goes what is over then. */
enum step_verdict windows_run(const struct windows *self, struct step *step, struct visit *visit, struct error *error);

#endif
