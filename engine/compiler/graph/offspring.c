/* offspring.c: Steps that get child messages: those after a step that makes children, up to a step that collects
 * them. The other steps get the message itself. Part of graph_build().
 *
 * The steps that make children form a tree: each gets the message itself, or the children of another. The sources of
 * a step must lie on one path from its root. Then the step runs for the innermost children, and the other sources are
 * given to each of them.
 */
#include "compiler/graph/build.h"

#include "base/suggest.h"
#include "compiler/yaml/fault_codes.h"

struct marking {
	struct graph *graph;
	struct arena *arena;
	struct faults *faults;
	size_t *of;
	bool *gathers;
};

static struct step offspring_step_of(const struct graph *graph, size_t step)
{
	const struct step_spec *spec = graph->steps[step].spec;
	return (struct step){.kind = spec->kind,
			     .name = graph->steps[step].name,
			     .pipeline = graph->name,
			     .options = spec->options,
			     .place = spec->here};
}

static bool multiplies(const struct graph *graph, size_t step)
{
	const struct step self = offspring_step_of(graph, step);
	return step_facts(&self).makes_offspring;
}

static bool any_multiplies(const struct graph *graph)
{
	for (size_t i = 0; i < graph->count; i++)
		if (multiplies(graph, i))
			return true;
	return false;
}

static bool names_gathered(const struct graph *graph, size_t step, struct name *multiplier)
{
	const struct step self = offspring_step_of(graph, step);
	*multiplier = step_facts(&self).collects;
	return multiplier->text;
}

/* Whose messages a step's results are of. */
static size_t gives_for(const struct marking *marking, size_t step)
{
	return marking->gathers[step] ? marking->of[marking->of[step]] : marking->of[step];
}

static bool is_within(const struct marking *marking, size_t inner, size_t outer)
{
	while (inner != outer && inner != STEP_NONE)
		inner = marking->of[inner];
	return inner == outer;
}

static size_t source_of(const struct marking *marking, const struct source *source)
{
	if (source->point == SOURCE_REQUEST)
		return STEP_NONE;
	if (source->point == SOURCE_STEP_OUTPUTS && multiplies(marking->graph, source->step))
		return source->step;
	return gives_for(marking, source->step);
}

static void refuse_pending_join(struct marking *marking, const char *who, const struct source *source, size_t one, size_t other)
{
	const struct graph_step *steps = marking->graph->steps;
	fault_add(marking->faults, CODE_OFFSPRING, source->place, NULL,
		  "%s would bring together messages that `%s` makes with messages that `%s` makes, and they cannot be matched: "
		  "combine one kind first, with `aggregate: {parts: %s}`",
		  who, steps[one].name, steps[other].name, steps[other].name);
}

static size_t innermost(struct marking *marking, const char *who, const struct join *join, size_t inner)
{
	for (size_t i = 0; i < join->count; i++) {
		size_t its = source_of(marking, &join->sources[i]);
		if (is_within(marking, its, inner))
			inner = its;
		else if (!is_within(marking, inner, its))
			refuse_pending_join(marking, who, &join->sources[i], inner, its);
	}
	return inner;
}

static const char *nearest(const struct marking *marking, const char *word)
{
	struct suggestion suggestion = suggest_begin(text_of(word));
	for (size_t i = 0; i < marking->graph->count; i++)
		suggest_offer(&suggestion, text_of(marking->graph->steps[i].name));
	struct text found = suggestion.nearest;
	return found.bytes ? arena_copy(marking->arena, found.bytes, found.length) : NULL;
}

/* A step that gathers must stand behind the one that it names, with none between whose
 * offspring are not gathered yet. */
static void mark_gathering(struct marking *marking, size_t step, const struct name *multiplier)
{
	const struct graph *graph = marking->graph;
	const char *name = graph->steps[step].name;
	size_t named = graph_find(graph, multiplier->text);
	marking->gathers[step] = named != STEP_NONE && named == marking->of[step];
	if (named == STEP_NONE)
		fault_add(marking->faults, CODE_UNKNOWN_REFERENCE, multiplier->place, nearest(marking, multiplier->text),
			  "step `%s` combines the parts of `%s`, and there is no such step", name, multiplier->text);
	else if (!multiplies(graph, named))
		fault_add(marking->faults, CODE_OFFSPRING, multiplier->place, NULL,
			  "step `%s` combines the parts of `%s`, which makes none: name a step that splits messages", name,
			  multiplier->text);
	else if (named != marking->of[step] && is_within(marking, marking->of[step], named))
		fault_add(marking->faults, CODE_OFFSPRING, multiplier->place, NULL,
			  "step `%s` combines the parts of `%s`, but it receives parts of `%s`, which were split again: "
			  "combine those first",
			  name, multiplier->text, graph->steps[marking->of[step]].name);
	else if (named != marking->of[step])
		fault_add(marking->faults, CODE_OFFSPRING, multiplier->place, NULL,
			  "step `%s` combines the parts of `%s`, which do not come to it: read `%s`, or a step after it", name,
			  multiplier->text, multiplier->text);
}

static void mark_step(struct marking *marking, size_t step)
{
	struct graph *graph = marking->graph;
	const struct graph_step *its = &graph->steps[step];
	const char *who = arena_print(marking->arena, "step `%s`", its->name);
	struct name multiplier = {0};
	marking->of[step] = innermost(marking, who, &its->inputs, STEP_NONE);
	marking->of[step] = innermost(marking, who, &its->triggers, marking->of[step]);
	if (names_gathered(graph, step, &multiplier))
		mark_gathering(marking, step, &multiplier);
	if (multiplies(graph, step) && its->spec->batch.size > 0)
		fault_add(marking->faults, CODE_OFFSPRING, its->spec->here, NULL,
			  "step `%s` makes many messages of one, so it processes them one by one: leave its `batch` out",
			  its->name);
}

static bool any_gathers(const struct graph *graph, struct name *multiplier)
{
	for (size_t i = 0; i < graph->count; i++)
		if (names_gathered(graph, i, multiplier))
			return true;
	return false;
}

void graph_mark_offspring(struct graph *graph, struct arena *arena, struct faults *faults)
{
	struct name multiplier = {0};
	if (!graph->order || (!any_multiplies(graph) && !any_gathers(graph, &multiplier)))
		return;
	struct graph_offspring *offspring = ARENA_NEW(arena, struct graph_offspring);
	struct marking marking = {.graph = graph,
				  .arena = arena,
				  .faults = faults,
				  .of = ARENA_ARRAY(arena, size_t, graph->count + 1),
				  .gathers = ARENA_ARRAY(arena, bool, graph->count + 1)};
	if (!offspring || !marking.of || !marking.gathers)
		return;
	for (size_t i = 0; i <= graph->count; i++)
		marking.of[i] = STEP_NONE;
	if (graph->cyclic)
		fault_add(faults, CODE_OFFSPRING, graph->resource ? graph->resource->place : PLACE_NONE, NULL,
			  "pipeline `%s` has a cycle and a step that makes many messages of one, which cannot be combined: put "
			  "the cycle or the step into a pipeline of its own, and call that",
			  graph->name);
	for (size_t i = 0; i < graph->count && !graph->cyclic; i++)
		mark_step(&marking, graph->order[i]);
	if (!graph->cyclic)
		marking.of[graph->count] = innermost(&marking, "the output", &graph->output, STEP_NONE);
	*offspring = (struct graph_offspring){marking.of, marking.gathers};
	graph->offspring = offspring;
}
