/* built_in.h: Built-in steps of the reference dialect. A step that calls a model which nothing offers becomes an explainer or a
 * drift detector, if its parameters are those of one. For graph.c, and for a model server, which needs no such model.
 */
#pragma once

#include "compiler/resources/resource.h"

struct built_in_search {
	const struct spec *spec;
	const struct name_list *servers; /* NAME=URL of models that are offered besides the files; NULL: none */
	struct arena *arena;
	struct faults *faults;
};

/* Gives the step the kind and the options of what it is instead; false: it stays as it is. Faults are warnings. */
bool built_in_replace(const struct built_in_search *search, struct step_spec *step);

/* Whether the step is another one instead, since the files offer no model for it. Nothing changes. */
bool built_in_is_instead(const struct spec *spec, const struct step_spec *step);
