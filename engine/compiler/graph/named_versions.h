/* named_versions.h: Named versions of Models: a candidate or the mirror of an experiment may be MODEL@VERSION.
 *
 * It means the document that the control plane keeps as that version of the Model, also when a later one is in force. Who reads the
 * documents of a control plane adds those that are named (spec_options.version), and the plan then finds them by their whole names.
 * Files have no versions.
 *
 * Pure.
 */
#pragma once

#include "compiler/resources/resource.h"

struct named_version {
	const struct resource *named_by; /* an Experiment, or the Pipeline with a step that contains one */
	struct name name;		 /* MODEL@VERSION, and where it is written */
	struct text model;
	int64_t version; /* from 1 */
};

/* Splits MODEL@VERSION. False: the text is no such name. The model borrows from it. */
bool named_version_read(struct text text, struct text *model, int64_t *version);

/* The Model of that name; for a named version that the files do not have, the Model of which it is one. NULL: none. */
const struct resource *named_model_find(const struct spec *spec, const char *name, struct arena *arena);

/* Calls `take` for each named version of an experiment, as often as it is named. False: `take` returned false. */
bool named_versions_each(const struct spec *spec, bool (*take)(void *context, const struct named_version *named), void *context);
