/* feature_program.h: Program of a features step: its settings, their trailing calls, and the state forms of these
 * calls. Calls with equal forms share their state. */
#pragma once

#include "methods/numeric/feature.h"
#include "compiler/step/step.h"

/* A state form, for the series of a call of a setting. */
struct feature_program_form {
	struct feature_form form;
	const struct trailing_call *call;
	size_t setting;
	uint32_t keeps; /* identifies the form in the state */
};

struct feature_program_call {
	const struct trailing_call *call;
	size_t count;
	size_t forms[FEATURE_FORMS_MAX]; /* indexes into the program's forms */
};

struct feature_program_setting {
	struct text name;
	const struct expression *value;
	size_t count;
	struct feature_program_call *calls;
	uint64_t meaning; /* hash of its expression, and of the earlier settings that it uses */
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
