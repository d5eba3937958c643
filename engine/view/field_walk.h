/* field_walk.h: Walk over the fields of all kinds of YAML documents and of all step kinds, each with its path.
 *
 * It walks the rows that parse the files; rows that contain themselves are walked once.
 */
#ifndef SLUICE_VIEW_FIELD_WALK_H
#define SLUICE_VIEW_FIELD_WALK_H

#include "base/option.h"
#include "step/step.h"

struct field {
	const char *path;	/* "spec.steps[].batch.size"; a free key is `*` */
	const char *owner;	/* "Pipeline"; "" if every kind has it */
	const struct option *row;
	bool operation; /* an operation of preprocess or postprocess */
};

/* The path and owner live until `see` returns. */
struct field_walk {
	void (*see)(struct field_walk *walk, const struct field *field);
};

void fields_walk(struct field_walk *walk, const struct step_kind *const *kinds);

#endif
