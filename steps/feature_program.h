/* feature_program.h: what a features step has to do for a message: its settings, their
 * trailing calls, and what is kept for these, which calls that are alike share. */
#ifndef SLUICE_STEPS_FEATURE_PROGRAM_H
#define SLUICE_STEPS_FEATURE_PROGRAM_H

#include "numeric/feature.h"
#include "step/step.h"

/* What is kept: a form, for the series of a call of a setting. */
struct feature_program_form {
	struct feature_form form;
	const struct trailing_call *call;
	size_t setting;
	uint32_t keeps; /* says what, in the state */
};

struct feature_program_call {
	const struct trailing_call *call;
	size_t count;
	size_t forms[FEATURE_FORMS_MAX]; /* of the program */
};

struct feature_program_setting {
	struct text name;
	const struct expression *value;
	size_t count;
	struct feature_program_call *calls;
	uint64_t meaning; /* of its expression, and of the names above it that this uses */
};

struct feature_program {
	size_t count;
	struct feature_program_setting *settings;
	size_t form_count;
	struct feature_program_form *forms;
};

struct feature_setting {
	struct name name;
	const struct expression *value;
};

/* NULL: memory ran out. */
const struct feature_program *feature_program_make(const struct feature_setting *settings, size_t count, struct arena *arena);

#endif
