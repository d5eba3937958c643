/* drift_lint.c: see drift_lint.h. */
#include "steps/drift_lint.h"

#include "steps/drift_comparison.h"
#include "steps/drift_remarks.h"

const char *drift_constant(const struct step *step, struct arena *arena, struct place *place)
{
	const struct drift *self = step->options;
	struct drift_reference reference;
	struct text content;
	struct error error = {0};
	if (!step->files || !self->reference.file.text || !drift_reference_load(step, arena, &reference, &content, &error))
		return NULL;
	*place = self->reference.here;
	const char *blind = drift_reference_remark(&reference, arena), *constants = drift_constants_remark(&reference, arena);
	return blind && constants ? arena_print(arena, "%s; and %s", blind, constants) : blind ? blind : constants;
}

const char *drift_undeclared(const struct step *step, struct arena *arena, struct place *place)
{
	const struct drift *self = step->options;
	struct drift_reference reference;
	struct monitor_settings settings;
	struct text content;
	struct error error = {0};
	if (!step->files || !self->reference.file.text || !drift_settings_read(self, &settings, &error) ||
	    !drift_reference_load(step, arena, &reference, &content, &error))
		return NULL;
	*place = self->reference.here;
	return drift_lost_remark(&reference, &settings, arena);
}

const char *drift_unwatchable(const struct step *step, struct arena *arena, struct place *place)
{
	const struct drift *self = step->options;
	struct drift_reference reference;
	struct monitor_settings settings;
	struct text content;
	struct error error = {0};
	if (!step->files || !self->reference.file.text || !drift_settings_read(self, &settings, &error) ||
	    !drift_reference_load(step, arena, &reference, &content, &error))
		return NULL;
	*place = self->reference.here;
	return drift_unwatchable_remark(&reference, &settings, arena);
}
