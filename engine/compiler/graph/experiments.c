/* experiments.c: Experiments of a graph: those that its steps name or have, and those whose default its steps call. Part
 * of graph_build(). */
#include "compiler/graph/build.h"
#include "compiler/resources/experiment_walk.h"
#include "compiler/yaml/fault_codes.h"
#include "compiler/resources/rows.h"
#include "compiler/step/assignment_table.h"

#define EXPERIMENTS_AT_FIRST 4

struct experiments {
	struct arena *arena;
	const struct spec *spec;
	struct graph *graph;
	const struct graph_experiment **items;
	size_t count, room;
};

/* ---- one experiment ---- */

/* The form of the policy by which bandits choose. False: memory ran out. */
static bool context_make(struct arena *arena, const struct experiment_spec *spec, const struct share *shares, size_t count,
			 struct context_form *context)
{
	const struct name_list *features = &spec->bandits.context_features;
	struct text *arms = ARENA_ARRAY(arena, struct text, count);
	struct text *names = ARENA_ARRAY(arena, struct text, features->count + 1);
	if (!arms || !names)
		return false;
	for (size_t i = 0; i < count; i++)
		arms[i] = text_of(shares[i].name);
	for (size_t i = 0; i < features->count; i++)
		names[i] = text_of(features->items[i].text);
	const bool has_context = experiment_bandit(spec, count, features->count).features > 0;
	*context = context_form_of(arms, count, names, has_context ? features->count : 0);
	return true;
}

/* NULL: it starts without, or memory ran out, of which the arena tells. */
static const struct bandit_prior *priors_make(struct arena *arena, const struct experiment_spec *spec, const struct share *shares,
					      size_t count)
{
	struct bandit_prior *priors = ARENA_ARRAY(arena, struct bandit_prior, ASSIGNMENT_WAYS_MAX);
	return priors && experiment_priors(spec, shares, count, priors) ? priors : NULL;
}

/* The choice of the default; `count`: there is none. */
static size_t default_find(const struct experiment_spec *spec, const struct share *shares, size_t count)
{
	size_t i = 0;
	while (i < count && !(spec->default_name.text && strcmp(shares[i].name, spec->default_name.text) == 0))
		i++;
	return i;
}

/* An Avro answer has no unit but the key of its record. Where requests decide the format, that is not known here. */
static bool answers_carry_unit(const struct graph *graph, const struct experiment_spec *spec)
{
	const char *format = graph->spec->output.format;
	return !spec->unit || !format || format_named(text_of(format)) != &format_avro;
}

static const struct graph_experiment *experiment_make(const struct experiments *all, const char *name,
							      const struct experiment_spec *spec, bool inside)
{
	struct arena *arena = all->arena;
	struct graph_experiment *made = ARENA_NEW(arena, struct graph_experiment);
	struct share *shares = ARENA_ARRAY(arena, struct share, ASSIGNMENT_WAYS_MAX);
	double *probabilities = ARENA_ARRAY(arena, double, ASSIGNMENT_WAYS_MAX);
	size_t count = shares ? experiment_shares(spec, shares) : 0;
	if (count > 0 && experiment_is_rolled_out(spec))
		assignment_weigh(all->spec->tables, name, shares, count);
	const struct assignment *assignment = count > 0 ? assignment_choose(arena, all->spec->tables, name, shares, count) : NULL;
	if (!made || !probabilities || !assignment)
		return NULL;
	for (size_t i = 0; i < ASSIGNMENT_BUCKETS; i++)
		probabilities[assignment->ways[i]]++;
	for (size_t i = 0; i < count; i++)
		probabilities[i] /= ASSIGNMENT_BUCKETS; /* once, so that a whole is exactly 1 */
	bool has_bandits = spec->bandits.here.line > 0;
	struct context_form context = {0};
	if (has_bandits && !context_make(arena, spec, shares, count, &context))
		return NULL;
	const bool moves = experiment_is_rolled_out(spec);
	const enum experiment_exposures exposures = experiment_exposures_of(spec);
	const bool is_thin = exposures == EXPOSURES_THIN, fits = answers_carry_unit(all->graph, spec);
	*made = (struct graph_experiment){
		.name = name,
		.spec = spec,
		.inside = inside,
		.target = spec->resource_type == EXPERIMENT_PIPELINE ? CALL_PIPELINE : CALL_MODEL,
		.count = count,
		.shares = shares,
		.probabilities = probabilities,
		.assignment = assignment,
		.number = all->count,
		.learns = has_bandits,
		.context = context,
		.exposes = exposures == EXPOSURES_FULL || (is_thin && !fits),
		.carried = is_thin && fits,
		.judged = moves && exposures == EXPOSURES_FULL,
	};
	const size_t given = default_find(spec, shares, count);
	made->given = given;
	made->audience = audience_of(&spec->layer, spec->holdout);
	made->layer = spec->layer.name.text ? text_of(spec->layer.name.text) : (struct text){0};
	made->fallback = spec->fallback == FALLBACK_DEFAULT ? given : count;
	made->priors = has_bandits ? priors_make(arena, spec, shares, count) : NULL;
	made->paired = moves && experiment_has_baseline(spec) ? given : count;
	return made;
}

/* False: memory ran out. */
static bool experiment_list(struct experiments *all, const struct graph_experiment *made)
{
	const struct graph_experiment **items =
		arena_grow(all->arena, all->items, all->count, &all->room, EXPERIMENTS_AT_FIRST, sizeof *items);
	if (!items)
		return false;
	all->items = items;
	items[all->count++] = made;
	return true;
}

/* The experiment of that specification; a new one is added to the list. NULL: it has no choices, or memory ran out. */
static const struct graph_experiment *experiment_of(struct experiments *all, const char *name, const struct experiment_spec *spec,
						    bool inside)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->items[i]->spec == spec)
			return all->items[i];
	const struct graph_experiment *made = experiment_make(all, name, spec, inside);
	return made && experiment_list(all, made) ? made : NULL;
}

/* ---- an experiment whose choices are the ways of a step ---- */

/* As it would be written. */
static bool split_specify(struct arena *arena, const struct step_split *split, const struct share *shares, size_t count,
			  struct experiment_spec *spec)
{
	struct candidate *candidates = ARENA_ARRAY(arena, struct candidate, count);
	for (size_t i = 0; candidates && i < count; i++)
		candidates[i].name.text = shares[i].name;
	*spec = (struct experiment_spec){.candidates = {.count = count, .items = candidates},
					 .default_name.text = shares[0].name,
					 .mirror_name.text = split->mirror,
					 .mirror_percent = split->mirror_percent,
					 .mirror_percent_place = split->mirror_percent_place,
					 .mirror_tolerance = split->mirror_tolerance,
					 .exposures = split->exposes ? EXPOSURES_FULL : EXPOSURES_THIN};
	return candidates;
}

/* It has the table of the step, under the names of its own choices. */
static const struct graph_experiment *split_make(const struct experiments *all, size_t step, const struct step_split *split)
{
	struct graph_experiment *made = ARENA_NEW(all->arena, struct graph_experiment);
	struct experiment_spec *spec = ARENA_NEW(all->arena, struct experiment_spec);
	struct share *shares = ARENA_ARRAY(all->arena, struct share, ASSIGNMENT_WAYS_MAX);
	double *probabilities = ARENA_ARRAY(all->arena, double, ASSIGNMENT_WAYS_MAX);
	size_t buckets[ASSIGNMENT_WAYS_MAX], count = shares ? graph_shares(all->graph, step, shares, buckets) : 0;
	if (!made || !spec || !probabilities || count == 0)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		shares[i].name = split->variants[i];
		probabilities[i] = (double)buckets[i] / ASSIGNMENT_BUCKETS;
	}
	*made = (struct graph_experiment){.name = split->name,
					  .spec = spec,
					  .inside = true,
					  .of_ways = true,
					  .target = CALL_ANY,
					  .count = count,
					  .shares = shares,
					  .probabilities = probabilities,
					  .assignment = all->graph->steps[step].assignment,
					  .fallback = count,
					  .paired = count,
					  .exposes = split->exposes,
					  .carried = !split->exposes,
					  .number = all->count};
	return split_specify(all->arena, split, shares, count, spec) ? made : NULL;
}

static void find_split(struct experiments *all, size_t index)
{
	struct graph_step *step = &all->graph->steps[index];
	const struct route_rules *routes = step->spec->kind ? step->spec->kind->routes : NULL;
	struct step_split split = {0};
	if (!step->assignment || !routes->split || !routes->split(step->spec->options, &split))
		return;
	const struct graph_experiment *made = split_make(all, index, &split);
	if (made && experiment_list(all, made))
		step->split = made;
}

/* ---- the experiments of a graph ---- */

static void find_named(struct experiments *all, const char *name, size_t step, bool own)
{
	const struct resource *resource = spec_find(all->spec, RESOURCE_EXPERIMENT, name);
	const struct graph_experiment *found =
		resource && resource->spec ? experiment_of(all, resource->name.text, resource->spec, false) : NULL;
	if (own)
		all->graph->steps[step].experiment = found;
}

/* The experiments whose default is the callee. */
static void find_by_default(struct experiments *all, enum call_target target, const char *name)
{
	const struct resource *resource;
	for (size_t at = 0; (resource = spec_next(all->spec, RESOURCE_EXPERIMENT, &at));) {
		const struct experiment_spec *spec = resource->spec;
		if (!spec || !resource->name.text || !spec->default_name.text ||
		    strcmp(spec->default_name.text, name) != 0)
			continue;
		if ((spec->resource_type == EXPERIMENT_PIPELINE ? CALL_PIPELINE : CALL_MODEL) == target)
			(void)experiment_of(all, resource->name.text, spec, false);
	}
}

static void find_called(struct experiments *all, size_t index, enum call_target target, const char *name)
{
	target = graph_callee(all->graph, target, name);
	if (target == CALL_EXPERIMENT)
		find_named(all, name, index, false);
	else
		find_by_default(all, target, name);
}

static void find_of_step(struct experiments *all, size_t index)
{
	struct graph_step *graph_step = &all->graph->steps[index];
	const struct step_spec *spec = graph_step->spec;
	const struct experiment_spec *written = step_experiment_written(spec);
	const struct step step = step_seen(all->graph, index);
	enum call_target target;
	const char *name;
	if (written) {
		const char *own = experiment_written_name(spec, all->graph->name, all->arena);
		graph_step->experiment = own ? experiment_of(all, own, written, true) : NULL;
		return;
	}
	bool splits = spec->kind && spec->kind->routes && spec->kind->routes->is_experiment;
	if (!spec->kind || !spec->options)
		return;
	for (size_t i = 0; i < graph_step->model_switch.count; i++)
		if (graph_step->model_switch.models[i].text)
			find_called(all, index, CALL_MODEL, graph_step->model_switch.models[i].text);
	for (size_t nth = 0; step_calls(&step, nth, &target, &name); nth++) {
		if (!name)
			continue;
		if (splits)
			find_named(all, name, index, true);
		else
			find_called(all, index, target, name);
	}
}

static void find_experiments(struct graph *graph, const struct spec *spec, struct arena *arena)
{
	struct experiments all = {.arena = arena, .spec = spec, .graph = graph};
	for (size_t i = 0; i < graph->count; i++) {
		find_of_step(&all, i);
		find_split(&all, i);
	}
	graph->experiments = all.items;
	graph->experiment_count = all.count;
	graph->reachable = all.items;
	graph->reachable_count = all.count;
}

const struct graph_experiment *graph_experiment_find(const struct graph *graph, size_t step, enum call_target target,
						     const char *name)
{
	const struct graph_experiment *own = graph->steps[step].experiment;
	if (own && target == CALL_EXPERIMENT)
		return own;
	for (size_t i = 0; i < graph->experiment_count; i++) {
		const struct graph_experiment *experiment = graph->experiments[i];
		const char *key = target == CALL_EXPERIMENT ? experiment->name : experiment->spec->default_name.text;
		bool named = !experiment->inside;
		if (named && key && (target == CALL_EXPERIMENT || experiment->target == target) && strcmp(key, name) == 0)
			return experiment;
	}
	return NULL;
}

static size_t choices_of(const struct graph_experiment *experiment)
{
	return experiment->count + (experiment->spec->mirror_name.text != NULL);
}

static void choice_take(const struct graph_experiment *experiment, size_t nth, enum call_target *target, const char **name)
{
	*target = experiment->target;
	*name = nth < experiment->count ? experiment->shares[nth].name : experiment->spec->mirror_name.text;
}

bool graph_calls(const struct graph *graph, size_t index, size_t nth, enum call_target *target, const char **name)
{
	const struct graph_step *graph_step = &graph->steps[index];
	const struct step step = step_seen(graph, index);
	if (graph_step->experiment) {
		if (nth < choices_of(graph_step->experiment))
			choice_take(graph_step->experiment, nth, target, name);
		return nth < choices_of(graph_step->experiment);
	}
	for (size_t i = 0; step_calls(&step, i, target, name); i++) {
		if (!*name)
			continue;
		*target = graph_callee(graph, *target, *name);
		const struct graph_experiment *experiment = graph_experiment_find(graph, index, *target, *name);
		size_t count = experiment ? choices_of(experiment) : 1;
		if (nth < count && experiment)
			choice_take(experiment, nth, target, name);
		if (nth < count)
			return true;
		nth -= count;
	}
	return false;
}

const struct graph_experiment *graph_step_experiment(const struct graph *graph, size_t index)
{
	const struct graph_step *step = &graph->steps[index];
	const struct graph_experiment *experiment = step->experiment;
	const struct step self = step_seen(graph, index);
	enum call_target target;
	const char *name;
	for (size_t nth = 0; !experiment && step->spec->options && step_calls(&self, nth, &target, &name); nth++)
		if (name)
			experiment = graph_experiment_find(graph, index, graph_callee(graph, target, name), name);
	return experiment;
}

bool graph_step_mirrors(const struct graph *graph, size_t step)
{
	const struct graph_experiment *experiment = graph_step_experiment(graph, step), *split = graph->steps[step].split;
	return (experiment && experiment->spec->mirror_name.text) || (split && split->spec->mirror_name.text);
}

bool graph_step_carries(const struct graph *graph, size_t step)
{
	const struct graph_experiment *experiment = graph_step_experiment(graph, step), *split = graph->steps[step].split;
	return (experiment && experiment->carried) || (split && split->carried);
}

/* A batch is one call for several messages, which may have different candidates. */
static void check_batch(struct graph_build *build, size_t index)
{
	const struct graph_step *step = &build->graph->steps[index];
	const struct graph_experiment *experiment = graph_step_experiment(build->graph, index);
	if (experiment)
		fault_add(build->faults, CODE_STEP_OPTIONS, step->spec->batch.here, NULL,
			  "the experiment `%s` chooses for each message of step `%s`: leave its `batch` out", experiment->name,
			  step->name);
}

/* A keeper knows a rollout by the name of its experiment. */
static void check_rollout(struct graph_build *build, size_t index)
{
	const struct graph_experiment *own = build->graph->steps[index].experiment;
	struct experiment_walk walk = experiment_walk_begin(build->spec);
	struct experiment_found other;
	if (!own || !own->inside || !experiment_is_rolled_out(own->spec))
		return;
	while (experiment_walk_next(&walk, build->arena, &other))
		if (other.spec != own->spec && strcmp(other.name, own->name) == 0) {
			fault_add(build->faults, CODE_REPEATED_NAME, build->graph->steps[index].spec->options_here, NULL,
				  "the experiment of step `%s` has a rollout and the name `%s`, which another experiment has; "
				  "give it another `name`",
				  build->graph->steps[index].name, own->name);
			return;
		}
}

/* What a pipeline answers is no function of its inputs alone: it may have state, and calls of its own. */
static void check_explained(struct graph_build *build, size_t index)
{
	const struct graph_step *step = &build->graph->steps[index];
	const struct graph_experiment *experiment =
		step->explained ? build->graph->steps[step->explained_index].experiment : NULL;
	if (experiment && experiment->target == CALL_PIPELINE)
		fault_add(build->faults, CODE_STEP_OPTIONS, step->spec->options_here, NULL,
			  "step `%s` explains `%s`, whose experiment chooses among pipelines; explained are the answers of models: "
			  "explain them inside those pipelines",
			  step->name, step->explained->name);
}

struct unit_names {
	const struct graph *graph;
	struct text unknown; /* a name of the message that has no value before a candidate has answered; empty: there is none */
	bool varies;	     /* by another name than those of the pipeline and the step */
};

/* A generated pipeline is not the only one with its experiment, and in another one an experiment may come before. */
static bool unit_name_is_late(const struct graph *graph, const struct expression_name *name)
{
	if (name->owner.length > 0 || name->optional)
		return false;
	return text_is(name->name, "model") || text_is(name->name, "version") ||
	       (text_is(name->name, "variant") && graph->experiment_count == 1 && !graph->resource->made_of);
}

/* A plain name may be a tensor of any request. A step may be one of another pipeline with the experiment: here it is missing. */
static bool unit_name_exists(void *context, const struct expression_name *name, struct value_type *type, const char **suggest)
{
	struct unit_names *names = context;
	*type = (struct value_type){0};
	*suggest = NULL;
	if (unit_name_is_late(names->graph, name))
		names->unknown = name->name;
	names->varies |= name->owner.length > 0 || !(text_is(name->name, "pipeline") || text_is(name->name, "step"));
	const bool is_outcome = text_is(name->owner, "truth") || text_is(name->owner, "answer");
	return !is_outcome || names_find(names->graph->names, name->owner) != STEP_NONE;
}

static void report_unit(struct graph_build *build, const struct graph_experiment *experiment, const struct unit_names *names)
{
	const struct expression *unit = experiment->spec->unit;
	const bool is_fixed = !names->varies && !expression_has_headers(unit) && !expression_is_constant(unit);
	if (names->unknown.length > 0)
		fault_add(build->faults, CODE_WRONG_EXPRESSION, expression_place(unit), NULL,
			  "the unit of experiment `%s` in pipeline `%s`: `" TEXT_FORMAT
			  "` is known when a candidate has answered, so "
			  "no request has a unit; name what requests have, such as `header(\"user\")`",
			  experiment->name, build->graph->name, TEXT_ARGUMENTS(names->unknown));
	else if (is_fixed)
		fault_add(
			build->faults, CODE_IGNORED_SETTING, expression_place(unit), NULL,
			"the unit of experiment `%s` is the same for each request of pipeline `%s`, so all get one candidate; name "
			"what they differ in, such as `header(\"user\")`",
			experiment->name, build->graph->name);
}

/* Outcomes come after the choice. */
static void check_unit(struct graph_build *build, const struct graph_experiment *experiment)
{
	struct unit_names names = {.graph = build->graph};
	const struct expression_types types = {&names, unit_name_exists};
	const struct expression *unit = experiment->spec->unit;
	struct value_type type;
	struct error error = {0};
	if (unit && !expression_check(unit, &types, build->arena, &type, &error) && error.kind == ERROR_CONFIG)
		fault_add(build->faults, CODE_WRONG_EXPRESSION, error.place.line ? error.place : expression_place(unit), NULL,
			  "the unit of experiment `%s` in pipeline `%s`: %s", experiment->name, build->graph->name, error.text);
	else if (unit)
		report_unit(build, experiment, &names);
}

void build_experiments(struct graph_build *build)
{
	find_experiments(build->graph, build->spec, build->arena);
	for (size_t i = 0; i < build->graph->experiment_count; i++)
		if (build->graph->experiments[i]->spec)
			check_unit(build, build->graph->experiments[i]);
	for (size_t i = 0; i < build->graph->count; i++) {
		if (build->graph->steps[i].split)
			experiment_mirror_check(build->graph->steps[i].split->spec, build->faults);
		if (build->steps[i].batch.size > 0 && build->steps[i].kind)
			check_batch(build, i);
		if (build->steps[i].kind)
			check_rollout(build, i);
		check_explained(build, i);
	}
}
