/* deployment_models.c: see deployment_models.h. */
#include "gateway/calls/deployment_models.h"

#include <stdio.h>

#include "base/suggest.h"
#include "compiler/graph/model_name.h"

/* Whether the answer needs its reply. */
static bool callee_answers(const struct callee *callee)
{
	return callee->target == CALL_MODEL && !callee->copy;
}

/* Whether it is a model of the deployment: the first one of that name, which nodes of several predictors may have. */
static bool callee_is_listed(const struct pipeline_plan *plan, size_t index)
{
	const char *name = model_served_name(plan->callees[index].name);
	for (size_t i = 0; i < index; i++)
		if (callee_answers(&plan->callees[i]) && strcmp(model_served_name(plan->callees[i].name), name) == 0)
			return false;
	return callee_answers(&plan->callees[index]);
}

bool deployment_model_next(const struct gateway_target *target, size_t *place, struct deployment_model *model)
{
	static const struct tensor_types none;
	const struct pipeline_plan *plan = target->plan;
	while (*place < plan->callee_count && !callee_is_listed(plan, *place))
		++*place;
	if (*place == plan->callee_count)
		return false;
	const struct callee *callee = &plan->callees[(*place)++];
	const struct step_types *types = plan->types.steps ? &plan->types.steps[callee->step] : NULL;
	*model = (struct deployment_model){.name = text_of(model_served_name(callee->name)),
					   .inputs = types ? &types->inputs : &none,
					   .outputs = types ? &types->outputs : &none};
	return true;
}

bool deployment_model_find(const struct gateway_target *target, struct text name, const char *list, struct deployment_model *model,
			   struct call_refusal *refusal)
{
	struct suggestion suggestion = suggest_begin(name);
	for (size_t place = 0; deployment_model_next(target, &place, model);) {
		if (text_equal(model->name, name))
			return true;
		suggest_offer(&suggestion, model->name);
	}
	const struct text shown = call_name_shown(name), nearest = suggestion.nearest;
	refusal->status = 404;
	if (nearest.bytes)
		(void)snprintf(refusal->words, sizeof refusal->words,
			       "`%s` calls no model `" TEXT_FORMAT "`; did you mean `" TEXT_FORMAT "`?", target->name,
			       TEXT_ARGUMENTS(shown), TEXT_ARGUMENTS(nearest));
	else
		(void)snprintf(refusal->words, sizeof refusal->words,
			       "`%s` calls no model `" TEXT_FORMAT "`; %s lists its models", target->name, TEXT_ARGUMENTS(shown),
			       list);
	return false;
}
