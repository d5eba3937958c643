/* drift_lint.c: see drift_lint.h. */
#include "steps/drift/drift_lint.h"

#include "steps/drift/drift_comparison.h"
#include "steps/drift/drift_remarks.h"

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

typedef const char *settings_remark(const struct drift_reference *reference, const struct monitor_settings *settings,
				    struct arena *arena);

/* Of the reference together with the settings of the step. */
static const char *remark_of(const struct step *step, settings_remark *remark, struct arena *arena, struct place *place)
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
	return remark(&reference, &settings, arena);
}

const char *drift_undeclared(const struct step *step, struct arena *arena, struct place *place)
{
	return remark_of(step, drift_lost_remark, arena, place);
}

const char *drift_unwatchable(const struct step *step, struct arena *arena, struct place *place)
{
	return remark_of(step, drift_unwatchable_remark, arena, place);
}
