/* targets.c: see targets.h. */
#include "gateway/targets.h"

/* ---- what answers at once ---- */

static const char *externals_refusal(const struct externals *externals, struct arena *arena)
{
	const struct external *external = &externals->items[0];
	return arena_print(arena, "it joins requests with what pipeline `%s` gives, so no answer is of one request alone",
			   external->pipeline);
}

/* What makes several messages of one, or one of several, has no answer to one request; unless a later step gathers it. */
static const char *offspring_refusal(const struct graph *graph, struct arena *arena)
{
	size_t step = graph->offspring ? graph->offspring->of[graph->count] : STEP_NONE;
	if (step == STEP_NONE)
		return NULL;
	return arena_print(arena, "its step `%s` (%s) answers by messages of its own, and not each request by one",
			   graph->steps[step].name, graph->steps[step].spec->kind->name);
}

static const char *refusal_of(const struct graph *graph, struct arena *arena)
{
	if (graph->inputs.count > 0)
		return externals_refusal(&graph->inputs, arena);
	if (graph->triggers.count > 0)
		return externals_refusal(&graph->triggers, arena);
	return graph->has_output ? offspring_refusal(graph, arena) : NULL;
}

/* ---- topics ---- */

static const char *inputs_of(const struct pipeline_plan *plan)
{
	for (size_t i = 0; i < plan->topic_count; i++)
		if (plan->topics[i].role == TOPIC_INPUTS)
			return plan->topics[i].name;
	return NULL;
}

static uint32_t topic_place(struct gateway_targets *targets, const char *name)
{
	size_t place = 0;
	while (place < targets->topic_count && strcmp(targets->topics[place], name) != 0)
		place++;
	if (place == targets->topic_count)
		targets->topics[targets->topic_count++] = name;
	return (uint32_t)place;
}

static bool topics_keep(struct gateway_targets *targets, const struct gateway_targets *before, struct arena *arena)
{
	for (size_t i = 0; before && i < before->topic_count; i++) {
		const char *name = arena_copy(arena, before->topics[i], strlen(before->topics[i]));
		if (!name)
			return false;
		targets->topics[targets->topic_count++] = name;
	}
	return true;
}

/* ---- targets ---- */

/* There is one topic of replies. */
static bool is_of_one_namespace(const struct gateway_targets *targets, const struct pipeline_plan *plan, struct error *error)
{
	return (strcmp(plan->namespace, targets->namespace) == 0 && strcmp(plan->prefix, targets->prefix) == 0) ||
	       error_set(error, ERROR_CONFIG, plan->graph->resource->name.place,
			 "pipeline %s is of namespace %s, and others of the files are of %s; start a gateway for each namespace",
			 plan->graph->name, plan->namespace, targets->namespace);
}

bool gateway_targets_make(const struct plan *plan, const struct gateway_targets *before, struct arena *arena,
			  struct gateway_targets *targets, struct error *error)
{
	*targets = (struct gateway_targets){.items = ARENA_ARRAY(arena, struct gateway_target, plan->count + 1)};
	targets->topics = ARENA_ARRAY(arena, const char *, plan->count + (before ? before->topic_count : 0) + 1);
	if (plan->count == 0)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "the files have no pipeline, so nothing can be asked; name its file");
	if (!targets->items || !targets->topics || !topics_keep(targets, before, arena))
		return error_memory(error, ERROR_SYSTEM, "preparing a gateway");
	targets->spec = plan->spec;
	targets->prefix = plan->pipelines[0].prefix;
	targets->namespace = plan->pipelines[0].namespace;
	for (size_t i = 0; i < plan->count; i++) {
		const struct pipeline_plan *pipeline = &plan->pipelines[i];
		const char *inputs = inputs_of(pipeline);
		if (!is_of_one_namespace(targets, pipeline, error))
			return false;
		if (!inputs)
			continue;
		targets->items[targets->count++] = (struct gateway_target){
			.name = pipeline->graph->name,
			.namespace = pipeline->namespace,
			.plan = pipeline,
			.topic = topic_place(targets, inputs),
			.answers = pipeline->graph->has_output,
			.refusal = refusal_of(pipeline->graph, arena),
		};
	}
	return !arena_failed(arena) || error_memory(error, ERROR_SYSTEM, "preparing a gateway");
}

const struct gateway_target *gateway_target_find(const struct gateway_targets *targets, struct text namespace, struct text name)
{
	for (size_t i = 0; i < targets->count; i++) {
		const struct gateway_target *target = &targets->items[i];
		if (text_is(name, target->name) && (namespace.length == 0 || text_is(namespace, target->namespace)))
			return target;
	}
	return NULL;
}

bool gateway_targets_have_model(const struct gateway_targets *targets, struct text name)
{
	for (size_t i = 0; targets->spec && i < targets->spec->count; i++) {
		const struct resource *resource = targets->spec->resources[i];
		if (resource->kind->type == RESOURCE_MODEL && resource->name.text && text_is(name, resource->name.text))
			return true;
	}
	return false;
}
