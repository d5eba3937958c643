/* computed_values.c: see computed_values.h. */
#include "tools/client/data/computed_values.h"

#include <math.h>

#include "compiler/plan/topic_roles.h"
#include "message/records/outcome.h"
#include "tools/client/control/history_topic.h"

/* The finite values that an engine has computed. NULL: the arena is full. */
static const struct feedback_metric *values_of(const struct outcome *outcome, struct arena *arena, size_t *count)
{
	struct feedback_metric *values = ARENA_ARRAY(arena, struct feedback_metric, outcome->metric_count + 1);
	*count = 0;
	for (size_t i = 0; values && i < outcome->metric_count; i++)
		if (outcome->metrics[i].how == OUTCOME_COMPUTED && isfinite(outcome->metrics[i].value))
			values[(*count)++] = (struct feedback_metric){outcome->metrics[i].name, outcome->metrics[i].value};
	return values;
}

static bool record_take(void *context, const struct record *record, struct error *error)
{
	const struct computed_values *self = context;
	struct outcome outcome;
	struct error wrong = {0};
	arena_reset(self->record_arena);
	if (!outcome_decode(record->value, self->record_arena, &outcome, &wrong) || outcome.kind != OUTCOME_JOINED)
		return wrong.kind != ERROR_LIMIT || error_memory(error, ERROR_SYSTEM, "reading outcomes");
	const struct exposure *exposure = &outcome.exposure;
	struct feedback feedback = {.id = exposure->id,
				    .unit = exposure->unit,
				    .experiment = exposure->experiment,
				    .feedback_id = TEXT(FEEDBACK_COMPUTED),
				    .origin = exposure->origin,
				    .time_ms = outcome.happened_ms};
	feedback.metrics = values_of(&outcome, self->record_arena, &feedback.metric_count);
	if (!feedback.metrics)
		return error_memory(error, ERROR_SYSTEM, "reading outcomes");
	const bool is_own = exposure->experiment.length == 0 || text_is(exposure->experiment, self->experiment);
	return !is_own || feedback.metric_count == 0 || self->take(self->context, &feedback, outcome.written_ms, error);
}

bool computed_values_give(const struct computed_values *self, struct error *error)
{
	const struct pipeline_target *target = self->target;
	const char *topic = topic_own_name(self->arena, target->prefix, target->namespace, self->pipeline, "outcomes");
	struct history_topic history = {NULL, &target->kafka, topic, true, false};
	if (!topic)
		return error_memory(error, ERROR_SYSTEM, "naming topics");
	const bool good = history_topic_give(&history, record_take, (void *)self, error);
	if (history.absent)
		*error = (struct error){0};
	return good || history.absent;
}
