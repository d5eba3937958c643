/* reference.h: `step.outputs.tensor` as its parts. Only the form is read here; what
 * the names stand for is for join.c and externals.c to say.
 */
#ifndef SLUICE_PLAN_REFERENCE_H
#define SLUICE_PLAN_REFERENCE_H

#include "base/arena.h"
#include "base/text.h"

enum reference_point { POINT_NONE, POINT_INPUTS, POINT_OUTPUTS };

struct reference {
	struct text owner; /* the step or pipeline */
	struct text step;  /* of `pipeline.step.NAME.…`; empty: none */
	enum reference_point point;
	struct text tensor; /* empty: all */
};

/* Inside a pipeline: OWNER, OWNER.inputs|outputs, OWNER.inputs|outputs.TENSOR. False
 * when it has none of these forms; then *why ends the sentence "`…` …", and *suggest
 * is the reference that was probably meant, or NULL. Both may live in the arena. */
bool reference_read(struct text text, struct reference *reference, struct arena *arena, const char **why, const char **suggest);

/* From outside: these, and OWNER.step.NAME.inputs|outputs[.TENSOR]. */
bool reference_read_external(struct text text, struct reference *reference, struct arena *arena, const char **why,
			     const char **suggest);

#endif
