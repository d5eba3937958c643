/* reference.h: Parser of references such as `step.outputs.tensor`. It reads only the form; join.c and externals.c
 * resolve the names. */
#pragma once

#include "base/arena.h"
#include "base/text.h"

enum reference_point { POINT_NONE, POINT_INPUTS, POINT_OUTPUTS };

struct reference {
	struct text owner; /* name of the step or pipeline */
	struct text step;  /* in `pipeline.step.NAME.…`; empty: none */
	enum reference_point point;
	struct text tensor; /* empty: all */
};

/* Parses a reference inside a pipeline: OWNER, OWNER.inputs|outputs, OWNER.inputs|outputs.TENSOR. False: it has none
 * of these forms. Then *why ends the sentence "`…` …", and *suggest is the reference that was probably meant, or
 * NULL. Both may live in the arena. */
bool reference_read(struct text text, struct reference *reference, struct arena *arena, const char **why, const char **suggest);

/* Parses a reference from another pipeline: the same, and OWNER.step.NAME.inputs|outputs[.TENSOR]. */
bool reference_read_external(struct text text, struct reference *reference, struct arena *arena, const char **why,
			     const char **suggest);
