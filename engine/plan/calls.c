/* calls.c: Targets of the calls of a pipeline's steps, and their endpoints.
 *
 * A kind names its targets and their storage by its call rules. The other options of the model (server, modelSettings)
 * are found through their rows.
 */
#include "plan/build.h"
#include "plan/compile.h"
#include "plan/step_options.h"

const char *call_target_name(enum call_target target)
{
	static const char *const names[] = {
		[CALL_MODEL] = "model", [CALL_PIPELINE] = "pipeline", [CALL_EXPERIMENT] = "experiment"};
	return names[target];
}

/* What the reference dialect's parameters tell that no other model has. */
static const char *built_in_role(const struct step_spec *step)
{
	static const char *const drift[] = {"reference_window", "detection_threshold", "drift_methods"};
	static const char *const explainer[] = {"explanation_method", "background_samples"};
	if (step_has_parameter(step, drift, sizeof drift / sizeof *drift))
		return "drift detector";
	return step_has_parameter(step, explainer, sizeof explainer / sizeof *explainer) ? "explainer" : NULL;
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
	return step_storage(&self);
}

static struct endpoint endpoint_of(struct compiler *compiler, struct pipeline_plan *plan, size_t step, const char *model)
{
	const struct step_spec *spec = plan->graph->steps[step].spec;
	const struct resource *resource = spec_find(compiler->spec, RESOURCE_MODEL, model);
	struct model_facts facts = {.name = model};
	/* A step that chooses among models says nothing about one of them. */
	bool chooses = plan->graph->steps[step].model_switch.count > 0;
	const char *storage = chooses ? NULL : storage_of(plan->graph, step);
	const char *server = chooses ? NULL : step_option_text(spec, "server");
	if (resource)
		facts = facts_of_resource(resource);
	else
		facts.requirements = step_option_names(spec, "requirements");
	if (storage || server) {
		facts.storage_uri = storage;
		facts.server = server;
	} else if (!resource) {
		note_add(compiler, &plan->notes, spec->name.place, "model `%s`, which step `%s` calls, is not among the files",
			 model, plan->graph->steps[step].name);
	}
	struct endpoint endpoint = endpoint_find(&facts, compiler->spec, &compiler->options->servers, compiler->arena);
	endpoint.form = (struct call_form){step_option_choice(spec, "protocol"), step_option_choice(spec, "method")};
	if (endpoint.origin != ENDPOINT_NONE || !endpoint.advice)
		return endpoint;
	const char *role = built_in_role(spec);
	if (role)
		note_add(compiler, &plan->notes, spec->name.place,
			 "step `%s` is the built-in %s, because no Server, endpoint or stub offers model `%s`; it cannot run "
			 "yet",
			 spec->name.text, role, model);
	else
		note_add(compiler, &plan->notes, spec->name.place, "model `%s` has no endpoint: %s", model, endpoint.advice);
	return endpoint;
}

/* ---- callees ---- */

static void add_callee(struct compiler *compiler, struct pipeline_plan *plan, struct callee callee)
{
	struct callee *callees = list_room(compiler->arena, plan->callees, plan->callee_count, &plan->callee_room, sizeof *callees);
	if (!callees)
		return;
	if (callee.target == CALL_MODEL)
		callee.endpoint = endpoint_of(compiler, plan, callee.step, callee.name);
	plan->callees = callees;
	callees[plan->callee_count++] = callee;
}

static void add_candidates(struct compiler *compiler, struct pipeline_plan *plan, size_t step,
			   const struct experiment_spec *experiment)
{
	const struct candidate *candidates = experiment->candidates.items;
	enum call_target target = experiment->resource_type == EXPERIMENT_PIPELINE ? CALL_PIPELINE : CALL_MODEL;
	for (size_t i = 0; i < experiment->candidates.count; i++)
		if (candidates[i].name.text)
			add_callee(compiler, plan,
				   (struct callee){
					   .step = step,
					   .target = target,
					   .name = candidates[i].name.text,
					   .how = arena_print(compiler->arena, "weight %lld", (long long)candidates[i].weight)});
	if (experiment->mirror_name.text)
		add_callee(compiler, plan,
			   (struct callee){.step = step, .target = target, .name = experiment->mirror_name.text, .how = "mirror"});
}

static void add_call(struct compiler *compiler, struct pipeline_plan *plan, struct callee callee)
{
	const size_t step = callee.step;
	const char *name = callee.name;
	callee.target = graph_callee(plan->graph, callee.target, name);
	const struct place place = plan->graph->steps[step].spec->name.place;
	add_callee(compiler, plan, callee);
	if (callee.target == CALL_PIPELINE && !spec_find(compiler->spec, RESOURCE_PIPELINE, name))
		note_add(compiler, &plan->notes, place, "pipeline `%s`, which step `%s` calls, is not among the files", name,
			 plan->graph->steps[step].name);
	if (callee.target != CALL_EXPERIMENT)
		return;
	const struct resource *experiment = spec_find(compiler->spec, RESOURCE_EXPERIMENT, name);
	if (experiment && experiment->spec)
		add_candidates(compiler, plan, step, experiment->spec);
	else
		note_add(compiler, &plan->notes, place, "experiment `%s`, which step `%s` calls, is not among the files", name,
			 plan->graph->steps[step].name);
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

/* Whom the step's kind says that it calls, or sends copies to. */
static void add_said(struct compiler *compiler, struct pipeline_plan *plan, size_t index, bool copies)
{
	bool (*hook)(const struct step *, size_t, enum call_target *, const char **) = copies ? step_shadows : step_calls;
	struct step self = step_seen(plan->graph, index);
	struct callee callee = {.step = index, .how = copies ? "a shadow copy, not part of the answer" : NULL, .copy = copies};
	for (size_t i = 0; hook(&self, i, &callee.target, &callee.name); i++)
		if (callee.name)
			add_call(compiler, plan, callee);
}

void plan_calls(struct compiler *compiler, struct pipeline_plan *plan)
{
	for (size_t i = 0; i < plan->graph->count; i++) {
		const struct graph_step *step = &plan->graph->steps[i];
		add_switch(compiler, plan, i);
		if (step->model_switch.count || !step->spec->kind || !step->spec->options || step_option_text(step->spec, "local"))
			continue;
		add_said(compiler, plan, i, false);
		add_said(compiler, plan, i, true);
	}
}
