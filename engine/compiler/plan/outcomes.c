/* outcomes.c: Stages at which the outcome of a request is known for the stage whose experiments chose for it: the one that answers,
 * and those from which one stage after another leads there. The parts of a request that are joined may miss each other, so of an
 * experiment before a join no answer is judged, and the files are told so. */
#include "compiler/graph/build.h"
#include "compiler/plan/compile.h"
#include "compiler/yaml/fault_codes.h"

size_t plan_stage_onward(const struct pipeline_plan *plan, size_t stage)
{
	size_t at = plan->answer_stage, onward = STEP_NONE;
	while (plan->graph->has_output && at != stage) {
		const uint64_t parents = plan->stages[at].parents;
		if (parents == 0 || (parents & (parents - 1)) != 0)
			return STEP_NONE;
		onward = at;
		at = (size_t)__builtin_ctzll(parents);
	}
	return onward;
}

/* Without an output, a request ends where nothing but observers follows. */
bool plan_stage_judges(const struct pipeline_plan *plan, size_t stage)
{
	if (plan->graph->has_output)
		return stage == plan->answer_stage || plan_stage_onward(plan, stage) != STEP_NONE;
	for (size_t i = 0; i < plan->stage_count; i++)
		if ((plan->stages[i].parents & stage_bit(stage)) != 0 && !plan_stage_observes(plan, i))
			return false;
	return true;
}

/* Whether what becomes of requests decides: about the weights, or by their answers about the policy. */
static bool experiment_is_decided(const struct graph_experiment *experiment)
{
	const char *reward = experiment->spec->bandits.reward_metric;
	return experiment_is_rolled_out(experiment->spec) || (experiment->learns && reward && strcmp(reward, "accuracy") == 0);
}

/* The experiment of the step, or one that a pipeline reaches which it calls. */
static const struct graph_experiment *decided_find(const struct compiler *compiler, const struct graph *graph, size_t step)
{
	const struct graph_experiment *own = graph_step_experiment(graph, step);
	enum call_target target;
	const char *name;
	if (own && experiment_is_decided(own))
		return own;
	for (size_t nth = 0; graph->steps[step].spec->options && graph_calls(graph, step, nth, &target, &name); nth++) {
		const size_t index = target == CALL_PIPELINE ? names_find(&compiler->pipelines, text_of(name)) : NAME_NONE;
		const struct graph *called = index == NAME_NONE ? NULL : compiler->plan->pipelines[index].graph;
		for (size_t i = 0; called && i < called->reachable_count; i++)
			if (experiment_is_decided(called->reachable[i]))
				return called->reachable[i];
	}
	return NULL;
}

void plan_outcomes(struct compiler *compiler, const struct pipeline_plan *plan)
{
	const struct graph *graph = plan->graph;
	for (size_t i = 0; i < graph->count && plan->stage_count > 1; i++) {
		const struct graph_experiment *found =
			plan_stage_judges(plan, plan->stage_of[i]) ? NULL : decided_find(compiler, graph, i);
		if (found)
			fault_add(compiler->spec->faults, CODE_UNJUDGED_EXPERIMENT, graph->steps[i].spec->name.place, NULL,
				  "nothing judges the answers of the candidates of `%s` at step `%s`: other stages follow, and %s. "
				  "Its exposures have no answer and no error. A rollout counts failures and latencies of the "
				  "candidates' own calls, and not what comes of their requests",
				  found->name, graph->steps[i].name,
				  graph->has_output ? "the answer does not come of this one alone" : "the pipeline has no output");
	}
}
