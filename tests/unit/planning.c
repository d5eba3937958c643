/* planning.c: see planning.h. */
#include "planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "steps/kinds.h"

#define ARENA_BYTES ((size_t)64 << 20)

void planning_read(struct planning *planning, const char *yaml, const struct step_kind *const *kinds)
{
	struct error error = {0};
	const struct spec_options options = {.kinds = kinds};
	*planning = (struct planning){.arena = arena_open(ARENA_BYTES)};
	assert_non_null(planning->arena);
	assert_true(spec_open(&planning->spec, &error));
	/* A spec goes on borrowing its text, to show the line of a fault. */
	const char *kept = arena_copy(planning->arena, yaml, strlen(yaml));
	assert_non_null(kept);
	assert_true(spec_read_text(&planning->spec, "p.yaml", text_of(kept), &options, &error));
}

void planning_open(struct planning *planning, const char *yaml)
{
	planning_read(planning, yaml, step_kinds);
	const struct resource *pipeline = spec_first(&planning->spec, RESOURCE_PIPELINE);
	if (pipeline)
		planning->graph = graph_build(pipeline, &planning->spec, planning->arena, planning->spec.faults);
}

struct graph *planning_linked(struct planning *planning, const char *pipeline)
{
	struct linked_graphs linked;
	size_t i = 0;
	assert_true(linked_graphs_build(&linked, &planning->spec, planning->arena));
	while (i < linked.count && strcmp(linked.items[i]->name, pipeline) != 0)
		i++;
	assert_true(i < linked.count);
	return linked.items[i];
}

void planning_open_steps(struct planning *planning, const char *steps)
{
	struct arena *arena = arena_open(ARENA_BYTES);
	char *yaml = arena_print(
		arena, "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n%s", steps);
	assert_non_null(yaml);
	planning_open(planning, yaml);
	arena_close(arena);
}

void planning_plan(struct planning *planning, const struct plan_options *options, struct plan *plan)
{
	static const struct plan_options none = {.kinds = step_kinds};
	struct error error = {0};
	assert_true(plan_make(&planning->spec, options ? options : &none, planning->arena, plan, &error));
}

void planning_close(struct planning *planning)
{
	spec_close(&planning->spec);
	arena_close(planning->arena);
}

size_t planning_errors(const struct planning *planning)
{
	return faults_count(planning->spec.faults, SEVERITY_ERROR);
}

const struct fault *planning_fault(const struct planning *planning, const char *code)
{
	for (size_t i = 0; i < faults_total(planning->spec.faults); i++)
		if (strcmp(faults_at(planning->spec.faults, i)->code->code, code) == 0)
			return faults_at(planning->spec.faults, i);
	fail_msg("no fault %s among %zu", code, faults_total(planning->spec.faults));
	return NULL;
}

const char *planning_order(const struct planning *planning)
{
	const char *text = "";
	for (size_t i = 0; i < planning->graph->count; i++)
		text = arena_print(planning->arena, "%s%s%s", text, i ? " " : "",
				   planning->graph->steps[planning->graph->order[i]].name);
	return text;
}

const char *planning_join(const struct planning *planning, const struct join *join)
{
	const char *text = "";
	for (size_t i = 0; i < join->count; i++) {
		const struct source *source = &join->sources[i];
		const char *name = source->step == STEP_NONE ? "request" : planning->graph->steps[source->step].name;
		const char *side = source->point == SOURCE_STEP_INPUTS	  ? ".inputs"
				   : source->point == SOURCE_STEP_OUTPUTS ? ".outputs"
									  : "";
		text = arena_print(planning->arena, "%s%s%s%s%s" TEXT_FORMAT, text, i ? ", " : "", name, side,
				   source->tensor.length ? "." : "", TEXT_ARGUMENTS(source->tensor));
		for (size_t j = 0; j < source->rename_count; j++)
			text = arena_print(planning->arena, "%s(" TEXT_FORMAT ">" TEXT_FORMAT ")", text,
					   TEXT_ARGUMENTS(source->renames[j].from), TEXT_ARGUMENTS(source->renames[j].to));
	}
	return text;
}

bool plan_is_noted(const struct notes *notes, const char *words)
{
	for (size_t i = 0; i < notes->count; i++)
		if (strstr(notes->items[i].text, words))
			return true;
	return false;
}
