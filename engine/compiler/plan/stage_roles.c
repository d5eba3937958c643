/* stage_roles.c: Roles of stages: for the answer, or for observers or explanations beside it. */
#include <assert.h>

#include "compiler/plan/compile.h"

bool plan_stage_observes(const struct pipeline_plan *plan, size_t stage)
{
	assert(stage < plan->stage_count);
	for (size_t i = 0; i < plan->stages[stage].count; i++)
		if (!plan->graph->steps[plan->stages[stage].steps[i]].key)
			return false;
	return plan->stages[stage].count > 0;
}

/* Without an output of the pipeline, what the last steps give is its answer. */
bool plan_stage_explains(const struct pipeline_plan *plan, size_t stage)
{
	assert(stage < plan->stage_count);
	for (size_t i = 0; i < plan->stages[stage].count; i++) {
		const size_t index = plan->stages[stage].steps[i];
		const struct step step = step_seen(plan->graph, index);
		if (!step_explains(&step) || !step_is_beside(&step) || plan->graph->steps[index].answers)
			return false;
	}
	return plan->stages[stage].count > 0 && plan->graph->has_output;
}
