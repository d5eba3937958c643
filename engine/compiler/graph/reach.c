/* reach.c: Reachability of steps: those that can never run, those that the answer depends on, and whether the targets
 * of a route read it. Part of graph_build(). */
#include "compiler/graph/build.h"

#include "compiler/yaml/fault_codes.h"

/* ---- steps that can never run: only a cycle can make one ---- */

struct reach_waiting {
	size_t inputs; /* sources that it still needs */
	size_t triggers;
	bool runs;
};

/* How many steps a join waits for before it can be met for the first time. */
static size_t needed(const struct join *join)
{
	size_t steps = 0;
	for (size_t i = 0; i < join->count; i++)
		steps += join->sources[i].step != STEP_NONE;
	if (join->type == JOIN_INNER || steps == 0)
		return steps;
	return steps == join->count ? 1 : 0;
}

static void check_all_run(struct graph_build *build)
{
	const struct graph *graph = build->graph;
	struct reach_waiting *waiting = ARENA_ARRAY(build->arena, struct reach_waiting, graph->count);
	size_t *ready = ARENA_ARRAY(build->arena, size_t, graph->count);
	size_t count = 0;
	if (!waiting || !ready)
		return;
	for (size_t i = 0; i < graph->count; i++) {
		waiting[i] = (struct reach_waiting){needed(&graph->steps[i].inputs), needed(&graph->steps[i].triggers), false};
		if (waiting[i].inputs + waiting[i].triggers == 0)
			ready[count++] = i;
	}
	while (count) {
		size_t step = ready[--count];
		waiting[step].runs = true;
		for (size_t i = build->edge_begin[step]; i < build->edge_begin[step + 1]; i++) {
			struct reach_waiting *reader = &waiting[build->edges[i].reader];
			size_t *need = build->edges[i].trigger ? &reader->triggers : &reader->inputs;
			if (*need && --*need == 0 && reader->inputs + reader->triggers == 0)
				ready[count++] = build->edges[i].reader;
		}
	}
	for (size_t i = 0; i < graph->count; i++)
		if (!waiting[i].runs)
			fault_add(build->faults, CODE_UNREACHABLE, build->steps[i].name.place, NULL,
				  "step `%s` can never run: on a cycle it waits for steps that run only after it",
				  graph->steps[i].name);
}

/* ---- steps that the answer needs ---- */

struct wants {
	size_t *stack; /* steps whose sources are still to be looked at */
	size_t depth;
	bool *seen; /* has been on the stack */
	struct graph_step *steps;
};

/* What a step was sent needs its sources, and not the step itself. */
static void want(struct wants *wants, const struct join *join)
{
	for (size_t i = 0; i < join->count; i++) {
		size_t step = join->sources[i].step;
		if (step == STEP_NONE)
			continue;
		if (join->sources[i].point == SOURCE_STEP_OUTPUTS)
			wants->steps[step].answers = true;
		if (wants->seen[step])
			continue;
		wants->seen[step] = true;
		wants->stack[wants->depth++] = step;
	}
}

static void mark_answers(struct graph_build *build)
{
	struct graph *graph = build->graph;
	struct wants wants = {.stack = ARENA_ARRAY(build->arena, size_t, graph->count),
			      .seen = ARENA_ARRAY(build->arena, bool, graph->count),
			      .steps = graph->steps};
	if (arena_failed(build->arena))
		return;
	want(&wants, &graph->output);
	while (wants.depth) {
		size_t step = wants.stack[--wants.depth];
		want(&wants, &graph->steps[step].inputs);
		want(&wants, &graph->steps[step].triggers);
	}
}

/* ---- targets of routes ---- */

static bool reads(const struct graph_build *build, size_t reader, size_t step)
{
	for (size_t i = build->edge_begin[step]; i < build->edge_begin[step + 1]; i++)
		if (build->edges[i].reader == reader && !build->edges[i].trigger)
			return true;
	return false;
}

static void check_target(struct graph_build *build, size_t step, const struct name *target)
{
	const char *name = build->graph->steps[step].name;
	size_t reader = graph_find(build->graph, target->text);
	if (reader == STEP_NONE)
		fault_add(build->faults, CODE_UNKNOWN_REFERENCE, target->place, build_suggest(build, text_of(target->text)),
			  "step `%s` sends to `%s`, and no step of pipeline `" TEXT_FORMAT "` has that name", name, target->text,
			  TEXT_ARGUMENTS(build->pipeline));
	else if (!reads(build, reader, step))
		fault_add(build->faults, CODE_NO_READER, target->place, NULL,
			  "step `%s` sends to `%s`, which does not read it: add `%s` to the inputs of `%s`", name, target->text,
			  name, target->text);
}

static void check_targets(struct graph_build *build, const struct step *self, size_t step)
{
	struct name target = {0};
	const struct route_rules *rules = self->kind->routes;
	for (size_t i = 0; rules && rules->targets && rules->targets(self, i, &target); i++)
		if (target.text)
			check_target(build, step, &target);
}

/* ---- members of a combination ---- */

static void check_member(struct graph_build *build, size_t step, const struct name *member)
{
	size_t source = graph_find(build->graph, member->text);
	bool request = text_equal(text_of(member->text), build->pipeline);
	if (request || (source != STEP_NONE && reads(build, step, source)))
		return;
	fault_add(build->faults, CODE_UNKNOWN_REFERENCE, member->place,
		  source == STEP_NONE ? build_suggest(build, text_of(member->text)) : NULL,
		  "step `%s` names `%s`, which is not one of its inputs", build->graph->steps[step].name, member->text);
}

static void check_members(struct graph_build *build, const struct step *self, size_t step)
{
	struct name member = {0};
	const struct merge_rules *rules = self->kind->merges;
	for (size_t i = 0; rules && rules->members && rules->members(self, i, &member); i++)
		if (member.text)
			check_member(build, step, &member);
}

static void check_watched(struct graph_build *build, const struct step *self, struct name watched, size_t step)
{
	size_t found = graph_find(build->graph, watched.text);
	if (found == STEP_NONE)
		fault_add(build->faults, CODE_UNKNOWN_REFERENCE, watched.place, build_suggest(build, text_of(watched.text)),
			  "step `%s` names `%s`, and no step of pipeline `%s` has that name", self->name, watched.text,
			  build->graph->name);
	else if (found == step)
		fault_add(build->faults, CODE_UNKNOWN_REFERENCE, watched.place, NULL, "step `%s` names itself", self->name);
}

/* Whether a step can explain the one that it is to explain. */
static void check_explained(struct graph_build *build, const struct step *self, size_t step)
{
	const struct step_spec *spec = &build->steps[step];
	const struct graph_step *made = &build->graph->steps[step];
	const struct step *explained = made->explained;
	const char *later = NULL;
	struct error error = {0};
	if (!explained)
		return;
	if (spec->inputs_join_type != JOIN_INNER)
		fault_add(build->faults, CODE_STEP_OPTIONS, spec->here, NULL,
			  "step `%s` explains one answer, so it waits for all its inputs: leave its inputsJoinType out",
			  self->name);
	if (spec->batch.size > 0)
		fault_add(build->faults, CODE_STEP_OPTIONS, spec->batch.here, NULL,
			  "step `%s` explains the answer to each message, so it processes them one by one: leave its `batch` out",
			  self->name);
	if (build->graph->steps[made->explained_index].model_switch.count)
		fault_add(build->faults, CODE_STEP_OPTIONS, spec->options_here, NULL,
			  "step `%s` explains `%s`, which chooses its model by a tensor: explain the steps of those "
			  "models", self->name,
			  explained->name);
	else if (explained->kind && explained->options && !self->kind->monitors->explains(self, explained, &later, &error))
		fault_add(build->faults, CODE_STEP_OPTIONS, error.place.line ? error.place : spec->options_here, NULL, "%s",
			  error.text);
	if (later)
		fault_add(build->faults, CODE_FIELD_LATER, spec->options_here, NULL, "step `%s` explains `%s`, %s", self->name,
			  explained->name, later);
}

static void check_quorum(struct graph_build *build, const struct step *self, size_t need, size_t step)
{
	const struct step_spec *spec = &build->steps[step];
	size_t inputs = spec->inputs.count ? spec->inputs.count : 1;
	if (need > inputs)
		fault_add(build->faults, CODE_STEP_OPTIONS, spec->options_here, NULL,
			  "step `%s` needs %zu of its inputs, and has %zu", self->name, need, inputs);
}

/* A batch is one visit with the rows of several messages, joined: it has no sources to tell apart, and no
 * message of its own to remember. */
static void check_batch(struct graph_build *build, const struct step *self, const struct step_facts *facts,
			const struct step_spec *spec)
{
	if (spec->batch.size > 0 && self->kind->merges)
		fault_add(build->faults, CODE_STEP_OPTIONS, spec->batch.here, NULL,
			  "step `%s` combines the inputs of each message, so it processes them one by one: leave its `batch` out",
			  self->name);
	else if (spec->batch.size > 0 && facts->marks)
		fault_add(build->faults, CODE_STEP_OPTIONS, spec->batch.here, NULL,
			  "step `%s` marks each message, so it processes them one by one: leave its `batch` out, or write `as: "
			  "tensors`",
			  self->name);
	else if (spec->batch.size > 0 && step_is_stateful(self) && !facts->makes_offspring)
		fault_add(build->faults, CODE_STEP_OPTIONS, spec->batch.here, NULL,
			  "step `%s` keeps state of each message, so it processes them one by one: leave its `batch` out",
			  self->name);
}

/* What the kind's own options say of other steps. */
static void check_options(struct graph_build *build, size_t step)
{
	const struct step_spec *spec = &build->steps[step];
	if (!spec->kind || !spec->options)
		return;
	const struct step self = {.kind = spec->kind,
				  .name = build->graph->steps[step].name,
				  .pipeline = build->graph->name,
				  .options = spec->options,
				  .place = spec->here};
	const struct step_facts facts = step_facts(&self);
	if (facts.later)
		fault_add(build->faults, CODE_STEP_KIND_LATER, facts.later_place, NULL, "%s", facts.later);
	check_batch(build, &self, &facts, spec);
	check_targets(build, &self, step);
	check_members(build, &self, step);
	if (facts.watched.text)
		check_watched(build, &self, facts.watched, step);
	check_explained(build, &self, step);
	check_quorum(build, &self, facts.quorum.need, step);
}

void build_reach(struct graph_build *build)
{
	if (!build->edges || !build->graph->order)
		return;
	if (build->graph->cyclic && build->graph->spec->allow_cycles)
		check_all_run(build);
	mark_answers(build);
	for (size_t i = 0; i < build->graph->count; i++)
		if (!build->graph->steps[i].key) /* an observer has the options of its step */
			check_options(build, i);
}
