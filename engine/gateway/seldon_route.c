/* seldon_route.c: see seldon_route.h. */
#include "gateway/seldon_route.h"

#include "message/records/assigned.h"
#include "compiler/graph/model_name.h"

#define PARTS_MAX 64 /* of one answer; more are not listed, as choices of experiments are not */

struct route_lines {
	struct header *items;
	size_t count, first; /* the first line of the route */
	struct arena *arena;
};

static void line_add(struct route_lines *lines, const char *value)
{
	for (size_t i = lines->first; value && i < lines->count; i++)
		if (text_is(lines->items[i].value, value))
			return;
	if (value && lines->count - lines->first < PARTS_MAX)
		lines->items[lines->count++] = (struct header){TEXT(ROUTE_HEADER), text_of(value)};
}

/* Whether each request calls it: the step has no other callee, and no trigger. */
static bool is_always_called(const struct pipeline_plan *plan, const struct callee *callee)
{
	const struct graph_step *step = &plan->graph->steps[callee->step];
	if (callee->target != CALL_MODEL || callee->copy || callee->how || step->triggers.count > 0 || step->explained)
		return false;
	for (size_t i = 0; i < plan->callee_count; i++)
		if (&plan->callees[i] != callee && plan->callees[i].step == callee->step && !plan->callees[i].copy)
			return false;
	return true;
}

static void models_add(struct route_lines *lines, const struct pipeline_plan *plan)
{
	for (size_t i = 0; i < plan->callee_count; i++)
		if (is_always_called(plan, &plan->callees[i]))
			line_add(lines, arena_print(lines->arena, ":%s_1:", model_served_name(plan->callees[i].name)));
}

/* The pipeline that a part of a route names; NULL: it names a model. */
static const struct gateway_target *pipeline_named(const struct gateway_targets *targets, struct text part)
{
	const size_t end = sizeof ROUTE_OF_PIPELINE - 1;
	if (!text_ends_with(part, TEXT(ROUTE_OF_PIPELINE)))
		return NULL;
	return gateway_target_find(targets, (struct text){0}, (struct text){part.bytes, part.length - end});
}

/* Adds the parts of what experiments have chosen: of models, or of pipelines, before which those of their models are. */
static void chosen_add(struct route_lines *lines, const struct gateway_targets *targets, struct text chosen, bool of_pipelines)
{
	while (chosen.length > 0) {
		const struct text part = text_take_until(&chosen, ':');
		const struct gateway_target *pipeline = pipeline_named(targets, part);
		if (pipeline && !of_pipelines)
			models_add(lines, pipeline->plan);
		if (part.length > 0 && of_pipelines == text_ends_with(part, TEXT(ROUTE_OF_PIPELINE)))
			line_add(lines, arena_print(lines->arena, ":" TEXT_FORMAT ":", TEXT_ARGUMENTS(part)));
	}
}

struct headers seldon_route_headers(const struct gateway_targets *targets, const struct call_outcome *outcome)
{
	const struct gateway_target *target = gateway_target_find(targets, (struct text){0}, outcome->target);
	const struct header *chosen = headers_find(outcome->headers, TEXT(ROUTE_HEADER));
	const struct text parts = chosen ? chosen->value : (struct text){0};
	struct route_lines lines = {.arena = outcome->arena};
	if (!target || target->deployment || outcome->end == CALL_ACCEPTED ||
	    !(lines.items = ARENA_ARRAY(lines.arena, struct header, outcome->headers.count + PARTS_MAX)))
		return outcome->headers;
	for (size_t i = 0; i < outcome->headers.count; i++)
		if (!text_equal_caseless(outcome->headers.items[i].name, TEXT(ROUTE_HEADER)))
			lines.items[lines.count++] = outcome->headers.items[i];
	lines.first = lines.count;
	if (outcome->end != CALL_FAILED)
		models_add(&lines, target->plan);
	chosen_add(&lines, targets, parts, false);
	const size_t models = lines.count;
	chosen_add(&lines, targets, parts, true);
	if (lines.count == models && !target->plan->graph->resource->made_of) /* one of a Model or an Experiment has no caller */
		line_add(&lines, arena_print(lines.arena, ":%s" ROUTE_OF_PIPELINE ":", target->name));
	return (struct headers){lines.count, lines.items};
}
