/* drift_lint.c: see drift_lint.h. */
#include "steps/drift/drift_lint.h"

#include "steps/drift/drift_comparison.h"
#include "steps/drift/drift_methods.h"
#include "steps/drift/drift_remarks.h"
#include "steps/drift/drift_segments.h"

/* `features`: as many as the reference has; if it cannot be read yet, one for each tensor. */
static struct remark large_state(const struct drift *self, const struct monitor_settings *settings, size_t features,
				 struct arena *arena)
{
	const double bytes = self->group ? drift_segments_bytes(settings, features) : 0;
	if (bytes < DRIFT_LARGE_BYTES)
		return (struct remark){0};
	return (struct remark){arena_print(arena,
					   "with %d segments its state may need %.2f GB, in the engine that observes it and in its "
					   "changelog topic; make the window smaller, or use a `groupBy` with few values",
					   DRIFT_SEGMENTS_MAX, bytes / 1e9),
			       expression_place(self->group)};
}

static const char *constant_features(const struct drift_reference *reference, struct arena *arena)
{
	const char *blind = drift_reference_remark(reference, arena), *constants = drift_constants_remark(reference, arena);
	return blind && constants ? arena_print(arena, "%s; and %s", blind, constants) : blind ? blind : constants;
}

void drift_lint(const struct step *step, const struct tensor_types *in, bool is_lint, struct arena *arena,
		struct remark remarks[REMARK_SUBJECTS])
{
	const struct drift *self = step->options;
	struct drift_reference reference;
	struct monitor_settings settings;
	struct text content;
	struct error unread = {0}, unsound = {0};
	const bool known =
		step->files && self->reference.file.text && drift_reference_load(step, arena, &reference, &content, &unread);
	const bool sound = drift_settings_read(self, &settings, &unsound);
	const struct drift_kinds kinds = drift_kinds_of(self, known ? &reference : NULL, in);
	struct remark *idle = &remarks[REMARK_IDLE_OPTION];
	if (sound)
		remarks[REMARK_LARGE_STATE] = large_state(self, &settings,
							  known			    ? reference.feature_count
							  : self->tensors.count > 0 ? self->tensors.count
										    : 1,
							  arena);
	idle->place = step->place;
	idle->words = drift_methods_idle(self, &kinds, arena, &idle->place);
	if (!known)
		return;
	remarks[REMARK_CONSTANT_FEATURES] = (struct remark){constant_features(&reference, arena), self->reference.here};
	if (!sound)
		return;
	remarks[REMARK_UNDECLARED_ALARMS] =
		(struct remark){drift_lost_remark(&reference, &settings, arena), self->reference.here};
	if (is_lint)
		remarks[REMARK_UNWATCHABLE_FEATURES] =
			(struct remark){drift_unwatchable_remark(&reference, &settings, arena), self->reference.here};
}
