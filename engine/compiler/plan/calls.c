/* calls.c: Targets of the calls of a pipeline's steps, and their endpoints.
 *
 * A kind names its targets and their storage by its call rules. The other options of the model (server, modelSettings)
 * are found through their rows.
 */
#include "compiler/plan/compile.h"
#include "compiler/graph/file_refusals.h"
#include "compiler/graph/model_name.h"
#include "compiler/graph/named_versions.h"
#include "compiler/graph/step_options.h"
#include "compiler/yaml/fault_codes.h"
#include "compiler/resources/inline_models.h"

const char *call_target_name(enum call_target target)
{
	static const char *const names[] = {
		[CALL_MODEL] = "model", [CALL_PIPELINE] = "pipeline", [CALL_EXPERIMENT] = "experiment"};
	return names[target];
}

const char *experiment_call_refusal(const struct spec *spec, const struct graph *graph, size_t step, const char *name)
{
	if (graph_experiment_find(graph, step, CALL_EXPERIMENT, name))
		return NULL;
	return spec_find(spec, RESOURCE_EXPERIMENT, name) ? EXPERIMENT_MUTE : "is not among the files; add it";
}

/* ---- models ---- */

static struct model_facts facts_of_resource(const struct resource *resource)
{
	const struct model_spec *spec = resource->spec;
	struct model_facts facts = {.name = resource->name.text};
	if (spec) {
		facts.storage_uri = spec->storage_uri.text;
		facts.server = spec->server.text;
		facts.requirements = spec->requirements;
		facts.environment = spec->environment;
	}
	return facts;
}

struct endpoint plan_model(struct compiler *compiler, const struct resource *model)
{
	struct model_facts facts = facts_of_resource(model);
	return endpoint_find(&facts, compiler->spec, &compiler->options->servers, compiler->arena);
}

static const char *storage_of(const struct graph *graph, size_t step)
{
	struct step self = step_seen(graph, step);
	return step_facts(&self).storage;
}

/* Perturbations go where the explained step's calls go, whose notes say what is wrong with it. */
static struct endpoint endpoint_of(struct compiler *compiler, struct pipeline_plan *plan, size_t caller, const char *model,
				   bool own)
{
	const bool explains = plan->graph->steps[caller].explained != NULL;
	const size_t step = explains ? plan->graph->steps[caller].explained_index : caller;
	const struct step_spec *spec = plan->graph->steps[step].spec;
	const struct resource *resource = named_model_find(compiler->spec, model, compiler->arena);
	struct model_facts facts = {.name = model};
	const struct resource *made_of = plan->graph->resource->made_of;
	/* A step that chooses among models says nothing about one of them. */
	bool chooses = plan->graph->steps[step].model_switch.count > 0 || !own;
	const char *storage = chooses ? NULL : storage_of(plan->graph, step);
	const char *server = chooses ? NULL : step_option_text(spec, "server");
	if (resource)
		facts = facts_of_resource(resource);
	else
		facts.requirements = step_option_names(spec, "requirements");
	facts.name = model;
	facts.is_node = made_of && made_of->kind->type == RESOURCE_DEPLOYMENT;
	if (resource && strcmp(resource->name.text, model_served_name(model)) != 0)
		note_add(compiler, &plan->notes, spec->name.place,
			 "`%s`, which step `%s` calls, is planned as the Model `%s` of the files: the control plane resolves the "
			 "version",
			 model, plan->graph->steps[step].name, resource->name.text);
	/* A step may name an artifact, and its Model say where that is served. */
	const bool served = resource && !server && model_uri_is_address(facts.storage_uri) && !model_uri_is_address(storage);
	if ((storage || server) && !served) {
		facts.storage_uri = storage;
		facts.server = server;
	} else if (!resource && !explains) {
		note_add(compiler, &plan->notes, spec->name.place, "model `%s`, which step `%s` calls, is not among the files",
			 model, plan->graph->steps[step].name);
	}
	struct endpoint endpoint = endpoint_find(&facts, compiler->spec, &compiler->options->servers, compiler->arena);
	endpoint.form = (struct call_form){step_option_choice(spec, "protocol"), step_option_choice(spec, "method")};
	if (resource)
		endpoint.served_name = resource->version_of;
	if (endpoint.origin != ENDPOINT_NONE || !endpoint.advice || explains)
		return endpoint;
	note_add(compiler, &plan->notes, spec->name.place, "model `%s` has no endpoint: %s", model, endpoint.advice);
	return endpoint;
}

/* ---- callees ---- */

/* `own`: the step's options are about this callee. */
static void add_callee(struct compiler *compiler, struct pipeline_plan *plan, struct callee callee, bool own)
{
	struct callee *callees = arena_grow(compiler->arena, plan->callees, plan->callee_count, &plan->callee_room, PLAN_LIST_FIRST,
					    sizeof *callees);
	if (!callees)
		return;
	if (callee.target == CALL_MODEL)
		callee.endpoint = endpoint_of(compiler, plan, callee.step, callee.name, own);
	plan->callees = callees;
	callees[plan->callee_count++] = callee;
}

/* Where the experiment names it, as a candidate or as its mirror. */
static struct place choice_place(const struct experiment_spec *experiment, const char *name)
{
	const struct candidate *candidates = experiment->candidates.items;
	for (size_t i = 0; i < experiment->candidates.count; i++)
		if (strings_equal(candidates[i].name.text, name))
			return candidates[i].name.place;
	return strings_equal(experiment->mirror_name.text, name) ? experiment->mirror_name.place : experiment->default_name.place;
}

/* Pipelines run in the worker of their caller, so they must be among the files. */
static void check_choice(struct compiler *compiler, const struct graph_experiment *experiment, const char *name)
{
	if (experiment->target != CALL_PIPELINE || spec_find(compiler->spec, RESOURCE_PIPELINE, name))
		return;
	const struct name choice = {.text = name, .place = choice_place(experiment->spec, name)};
	if (!pipeline_version_refuse(compiler, experiment->name, &choice))
		fault_add(compiler->spec->faults, CODE_ABSENT_CALLEE, choice.place, NULL,
			  "the experiment `%s` splits among pipelines, and `%s` is not among the files", experiment->name, name);
}

static void add_choices(struct compiler *compiler, struct pipeline_plan *plan, size_t step,
			const struct graph_experiment *experiment, const char *called)
{
	/* Perturbations are not copied. */
	const char *mirror = plan->graph->steps[step].explained ? NULL : experiment->spec->mirror_name.text;
	for (size_t i = 0; i < experiment->count; i++) {
		const char *name = experiment->shares[i].name;
		check_choice(compiler, experiment, name);
		add_callee(compiler, plan,
			   (struct callee){.step = step,
					   .target = experiment->target,
					   .name = name,
					   .how = arena_print(compiler->arena, "%g %% of experiment %s",
							      experiment->probabilities[i] * 100, experiment->name)},
			   called && strcmp(called, name) == 0);
	}
	if (!mirror)
		return;
	check_choice(compiler, experiment, mirror);
	add_callee(compiler, plan,
		   (struct callee){.step = step,
				   .target = experiment->target,
				   .name = mirror,
				   .how = arena_print(compiler->arena, "%lld %% as shadow copies, not part of the answer",
						      (long long)experiment->spec->mirror_percent),
				   .copy = true},
		   false);
}

static void add_call(struct compiler *compiler, struct pipeline_plan *plan, struct callee callee)
{
	const size_t step = callee.step;
	const char *name = callee.name;
	callee.target = graph_callee(plan->graph, callee.target, name);
	const struct place place = plan->graph->steps[step].spec->name.place;
	const struct graph_experiment *experiment =
		callee.copy ? NULL : graph_experiment_find(plan->graph, step, callee.target, name);
	if (experiment) {
		add_choices(compiler, plan, step, experiment, callee.target == CALL_EXPERIMENT ? NULL : name);
		return;
	}
	add_callee(compiler, plan, callee, true);
	if (callee.target == CALL_PIPELINE && !spec_find(compiler->spec, RESOURCE_PIPELINE, name))
		note_add(compiler, &plan->notes, place, "pipeline `%s`, which step `%s` calls, is not among the files", name,
			 plan->graph->steps[step].name);
	if (callee.target != CALL_EXPERIMENT)
		return;
	note_add(compiler, &plan->notes, place, "experiment `%s`, which step `%s` calls, %s", name, plan->graph->steps[step].name,
		 experiment_call_refusal(compiler->spec, plan->graph, step, name));
}

static void add_switch(struct compiler *compiler, struct pipeline_plan *plan, size_t index)
{
	const struct model_switch *chosen = &plan->graph->steps[index].model_switch;
	for (size_t i = 0; i < chosen->count; i++)
		if (chosen->models[i].text)
			add_call(compiler, plan,
				 (struct callee){.step = index,
						 .target = CALL_MODEL,
						 .name = chosen->models[i].text,
						 .how = arena_print(compiler->arena, "when `" TEXT_FORMAT "` says %zu or `%s`",
								    TEXT_ARGUMENTS(chosen->decision), i, chosen->models[i].text)});
}

/* The engine compares the reply of the mirror with the answer where its own stage gives that. */
static const char *copy_text(struct compiler *compiler, struct pipeline_plan *plan, size_t index, const char *name)
{
	const struct graph_step *step = &plan->graph->steps[index];
	const bool is_mirror = step->split && strings_equal(step->split->spec->mirror_name.text, name);
	if (!is_mirror)
		return "a shadow copy, not part of the answer";
	if (plan->stage_of[index] == plan->answer_stage)
		return "a shadow copy, not part of the answer, but compared with it";
	note_add(compiler, &plan->notes, step->spec->name.place,
		 "another stage than that of step `%s` answers, so engines do not compare the replies of its mirror `%s`: metrics "
		 "and alerts count no disagreement, and all copies as left out; `sluice experiments analyze %s` compares them",
		 step->name, name, step->split->name);
	return "a shadow copy, not part of the answer, and compared with it by commands alone";
}

/* Whom the step's kind says that it calls, or sends copies to. */
static void add_reported(struct compiler *compiler, struct pipeline_plan *plan, size_t index, bool copies)
{
	bool (*hook)(const struct step *, size_t, enum call_target *, const char **) = copies ? step_shadows : step_calls;
	struct step self = step_seen(plan->graph, index);
	struct callee callee = {.step = index, .copy = copies};
	for (size_t i = 0; hook(&self, i, &callee.target, &callee.name); i++) {
		if (!callee.name)
			continue;
		callee.how = copies ? copy_text(compiler, plan, index, callee.name) : NULL;
		add_call(compiler, plan, callee);
	}
}

void plan_calls(struct compiler *compiler, struct pipeline_plan *plan)
{
	for (size_t i = 0; i < plan->graph->count; i++) {
		const struct graph_step *step = &plan->graph->steps[i];
		add_switch(compiler, plan, i);
		/* Perturbations go to the candidate that answered. */
		const struct graph_experiment *experiment =
			step->explained ? plan->graph->steps[step->explained_index].experiment : step->experiment;
		if (experiment)
			add_choices(compiler, plan, i, experiment, NULL);
		if (experiment || step->model_switch.count || !step->spec->kind || !step->spec->options ||
		    step_option_text(step->spec, "local"))
			continue;
		add_reported(compiler, plan, i, false);
		add_reported(compiler, plan, i, true);
	}
}
