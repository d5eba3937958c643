/* callees.c: Resolution of the plain names that steps call (route, traffic). It is done once, for the plan and for the flow. */
#include "compiler/graph/build.h"
#include "compiler/yaml/fault_codes.h"

struct callee_meaning {
	enum resource_type type;
	enum call_target target;
	const char *words;
};

/* In the order in which they are meant: a name alone is a model's, as in Seldon's header `seldon-model`. */
static const struct callee_meaning meanings[] = {
	{RESOURCE_MODEL, CALL_MODEL, "a Model"},
	{RESOURCE_PIPELINE, CALL_PIPELINE, "a Pipeline"},
	{RESOURCE_EXPERIMENT, CALL_EXPERIMENT, "an Experiment"},
};

enum { MEANINGS = sizeof meanings / sizeof *meanings };

/* The steps that a deployment is written out as name its own predictors. */
static bool is_own_predictor(const struct graph_build *build, const char *name)
{
	const struct resource *made_of = build->graph->resource->made_of;
	const struct resource *called = spec_find(build->spec, RESOURCE_PIPELINE, name);
	return made_of && called && called->made_of == made_of;
}

static enum call_target target_of(struct graph_build *build, const struct step_spec *step, const char *name)
{
	size_t found[MEANINGS], count = 0;
	if (is_own_predictor(build, name))
		return CALL_PIPELINE;
	for (size_t i = 0; i < MEANINGS; i++)
		if (spec_find(build->spec, meanings[i].type, name))
			found[count++] = i;
	if (count > 1)
		fault_add(build->faults, CODE_TWO_MEANINGS, step->options_here, NULL,
			  "`%s` is %s and %s among these files; the first one is called here: rename one of them", name,
			  meanings[found[0]].words, meanings[found[1]].words);
	return count ? meanings[found[0]].target : CALL_MODEL;
}

typedef bool (*callee_hook)(const struct step *step, size_t nth, enum call_target *target, const char **name);

static bool is_listed(const struct name_index *callees, const char *name)
{
	for (size_t i = 0; i < callees->count; i++)
		if (text_is(callees->items[i].name, name))
			return true;
	return false;
}

/* What the hook of a step names without saying what it is; with `callees->items` NULL they are only counted. */
static void add_bare(struct graph_build *build, size_t index, callee_hook hook, struct name_index *callees)
{
	const struct step_spec *spec = build->graph->steps[index].spec;
	const struct step step = step_seen(build->graph, index);
	enum call_target target;
	const char *name;
	for (size_t nth = 0; hook && hook(&step, nth, &target, &name); nth++) {
		if (!name || target != CALL_ANY || (callees->items && is_listed(callees, name)))
			continue;
		if (callees->items)
			callees->items[callees->count] = (struct name_entry){text_of(name), (size_t)target_of(build, spec, name)};
		callees->count++;
	}
}

static void add_all(struct graph_build *build, struct name_index *callees)
{
	callees->count = 0;
	for (size_t i = 0; i < build->graph->count; i++) {
		const struct step_spec *spec = build->graph->steps[i].spec;
		if (!spec->kind || !spec->options)
			continue;
		add_bare(build, i, step_calls, callees);
		add_bare(build, i, step_shadows, callees);
	}
}

void build_callees(struct graph_build *build)
{
	struct name_index *callees = ARENA_NEW(build->arena, struct name_index);
	if (!callees)
		return;
	add_all(build, callees);
	if (callees->count == 0)
		return;
	callees->items = ARENA_ARRAY(build->arena, struct name_entry, callees->count);
	if (!callees->items)
		return;
	add_all(build, callees);
	names_sort(callees);
	build->graph->callees = callees;
}

enum call_target graph_callee(const struct graph *graph, enum call_target target, const char *name)
{
	size_t meant = target == CALL_ANY && graph->callees ? names_find(graph->callees, text_of(name)) : NAME_NONE;
	if (meant != NAME_NONE)
		return (enum call_target)meant;
	return target == CALL_ANY ? CALL_MODEL : target;
}
