/* kind.c: Lookup of a step kind by its key in the YAML. */
#include <string.h>

#include "step/step.h"

const struct step_kind *step_kind_find(const struct step_kind *const *kinds, const char *name)
{
	for (; kinds && *kinds; kinds++)
		if (strcmp((*kinds)->name, name) == 0)
			return *kinds;
	return NULL;
}

bool step_is_stateful(const struct step *step)
{
	struct name multiplier;
	return step->kind->stateful && !(step->kind->gathers && step->kind->gathers(step, &multiplier));
}
