/* direct.c: Direct ingress of a pipeline: whether requests may be answered before they are logged. */
#include "compiler/plan/compile.h"
#include "compiler/yaml/fault_codes.h"

static const char *state_refusal(struct compiler *compiler, const struct stage *stage)
{
	return arena_print(compiler->arena, "it needs %s, and state belongs to a partition, which such a request has not entered",
			   stage->state);
}

static const char *stage_refusal(struct compiler *compiler, const struct stage *stage)
{
	return arena_print(compiler->arena, "its stage `%s` gives the answer, behind a topic (%s)", stage->name, stage->reason);
}

/* The step whose messages of their own answer a request; STEP_NONE: the request has one answer. */
static size_t parting_step(const struct graph *graph)
{
	return graph->has_output && graph->offspring ? graph->offspring->of[graph->count] : STEP_NONE;
}

/* Why requests of the pipeline cannot be answered before they are in Kafka; NULL: they can. */
static const char *direct_refusal(struct compiler *compiler, const struct pipeline_plan *plan)
{
	const struct graph *graph = plan->graph;
	const size_t parts = parting_step(graph);
	if (graph->inputs.count + graph->triggers.count > 0)
		return "it reads other pipelines, so a request alone has no answer";
	if (!graph->has_output)
		return "it has no output, so there is no answer to give";
	if (plan->stages[0].state)
		return state_refusal(compiler, &plan->stages[0]);
	if (plan->answer_stage != 0)
		return stage_refusal(compiler, &plan->stages[plan->answer_stage]);
	if (parts != STEP_NONE)
		return arena_print(compiler->arena, "its step `%s` answers a request by several messages",
				   graph->steps[parts].name);
	if (plan->delivery == DELIVERY_EXACTLY_ONCE)
		return "it has delivery: exactly-once, by which an answer leaves in the transaction of its request's offset";
	return graph->spec->order == ORDER_PARTITION
		       ? "it has order: partition, and a request that is not in Kafka yet has no place in a partition"
		       : NULL;
}

void plan_direct(struct compiler *compiler, struct pipeline_plan *plan)
{
	const struct pipeline_spec *spec = plan->graph->spec;
	const char *refusal = spec->ingress == INGRESS_DIRECT ? direct_refusal(compiler, plan) : NULL;
	plan->direct = spec->ingress == INGRESS_DIRECT && !refusal;
	if (refusal)
		fault_add(compiler->spec->faults, CODE_DIRECT, spec->ingress_place, NULL,
			  "pipeline `%s` cannot answer before a request is logged: %s", plan->graph->name, refusal);
}
