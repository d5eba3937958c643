/* plan.c: Compiler from a spec to a plan; see plan.h. Its phases are in stages.c, topics.c, calls.c, delivery.c and
 * volume.c. */
#include "compiler/plan/compile.h"

#include "compiler/graph/named_versions.h"
#include "compiler/plan/type_bounds.h"
#include "compiler/resources/deployment_pipeline.h"
#include "compiler/yaml/fault_codes.h"

/* ---- graphs ---- */

static const struct runtime_spec *runtime_of(const struct spec *spec)
{
	const struct resource *runtime = spec_first(spec, RESOURCE_RUNTIME);
	return runtime ? runtime->spec : NULL;
}

static void name_topics(const struct compiler *compiler, struct pipeline_plan *plan)
{
	const struct runtime_spec *runtime = compiler->runtime;
	plan->namespace = namespace_or_default(plan->graph->resource->namespace);
	plan->prefix = compiler->options && compiler->options->prefix ? compiler->options->prefix : PREFIX_DEFAULT;
	if (runtime && runtime->topic_prefix)
		plan->prefix = runtime->topic_prefix;
}

static bool rooms_open(struct compiler *compiler, size_t most)
{
	compiler->plan->pipelines = ARENA_ARRAY(compiler->arena, struct pipeline_plan, most + 1);
	compiler->pipelines.items = ARENA_ARRAY(compiler->arena, struct name_entry, most + 1);
	return compiler->plan->pipelines && compiler->pipelines.items;
}

static void pipeline_add(struct compiler *compiler, const struct graph *graph)
{
	struct plan *plan = compiler->plan;
	struct pipeline_plan *pipeline = &plan->pipelines[plan->count];
	pipeline->graph = graph;
	name_topics(compiler, pipeline);
	pipeline->key = text_of(graph->spec->input.key);
	compiler->pipelines.items[compiler->pipelines.count++] = (struct name_entry){text_of(graph->name), plan->count++};
}

/* The resource of that type of which the pipeline was generated; NULL: it was not. */
static const struct resource *made_into(const struct resource *pipeline, enum resource_type type)
{
	const struct resource *made_of = pipeline->made_of;
	return made_of && made_of->kind->type == type ? made_of : NULL;
}

/* Of a model that no Model describes, an option of the command may say where it is, as for the steps that call it. */
static bool has_endpoint(struct compiler *compiler, const char *model)
{
	const struct resource *resource = named_model_find(compiler->spec, model, compiler->arena);
	const struct model_facts facts = {.name = model};
	if (resource && compiler->options->models_served)
		return true;
	const struct endpoint endpoint =
		resource ? plan_model(compiler, resource)
			 : endpoint_find(&facts, compiler->spec, &compiler->options->servers, compiler->arena);
	return endpoint.origin != ENDPOINT_NONE;
}

/* The model for lack of which an Experiment has no pipeline of its name: the first one among its choices that has no endpoint, by
 * the files and by these servers (`--server`). With `models_served` each Model of the files has one. NULL: there is none. */
static const char *plan_unserved_model(const struct spec *spec, const struct plan_options *options,
				       const struct resource *experiment, struct arena *arena)
{
	struct compiler compiler = {.arena = arena, .spec = spec, .options = options};
	const struct experiment_spec *split = experiment->spec;
	struct share shares[ASSIGNMENT_WAYS_MAX];
	const size_t count = experiment_shares(split, shares);
	if (split->resource_type == EXPERIMENT_PIPELINE)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (!has_endpoint(&compiler, shares[i].name))
			return shares[i].name;
	return split->mirror_name.text && !has_endpoint(&compiler, split->mirror_name.text) ? split->mirror_name.text : NULL;
}

const char *plan_model_of_servers(const struct spec *spec, const struct resource *pipeline, struct arena *arena)
{
	const struct resource *experiment = made_into(pipeline, RESOURCE_EXPERIMENT);
	const struct plan_options options = {.models_served = true};
	return experiment ? plan_unserved_model(spec, &options, experiment, arena) : NULL;
}

/* Leaves out the generated pipeline of a Model that no server has, and of an Experiment with such a Model, because it
 * could not be called. */
static bool is_left_out(struct compiler *compiler, const struct resource *pipeline)
{
	const struct resource *model = made_into(pipeline, RESOURCE_MODEL);
	const struct resource *experiment = made_into(pipeline, RESOURCE_EXPERIMENT);
	if (compiler->options->models_served)
		return false;
	if (experiment)
		return plan_unserved_model(compiler->spec, compiler->options, experiment, compiler->arena);
	return model && plan_model(compiler, model).origin == ENDPOINT_NONE;
}

static bool build_graphs(struct compiler *compiler)
{
	const struct spec *spec = compiler->spec;
	size_t count = 0;
	struct graph **graphs = ARENA_ARRAY(compiler->arena, struct graph *, spec->count + 1);
	if (!graphs || !rooms_open(compiler, spec->count))
		return false;
	for (size_t i = 0; i < spec->count; i++) {
		const struct resource *resource = spec->resources[i];
		if (resource->kind->type != RESOURCE_PIPELINE || is_left_out(compiler, resource))
			continue;
		struct graph *graph =
			graph_build_served(resource, spec, &compiler->options->servers, compiler->arena, spec->faults);
		if (!graph && arena_failed(compiler->arena))
			return false;
		if (!graph)
			continue;
		graphs[count++] = graph;
		pipeline_add(compiler, graph);
	}
	names_sort(&compiler->pipelines);
	return graphs_link(graphs, count, compiler->arena);
}

/* ---- types ---- */

static void infer_types(struct compiler *compiler, struct pipeline_plan *plan)
{
	/* Kinds infer from options that are whole. */
	if (compiler->faulty)
		return;
	struct called_model *called = ARENA_ARRAY(compiler->arena, struct called_model, plan->graph->count);
	size_t *times = ARENA_ARRAY(compiler->arena, size_t, plan->graph->count);
	if (!called || !times)
		return;
	for (size_t i = 0; i < plan->callee_count; i++) {
		const struct callee *callee = &plan->callees[i];
		if (callee->target == CALL_MODEL && times[callee->step]++ == 0)
			called[callee->step] = (struct called_model){callee->name, callee->endpoint.stub};
		else
			called[callee->step] = (struct called_model){0};
	}
	const struct types_known known = {.metadata = compiler->options->metadata,
					  .files = compiler->options->files,
					  .bytes_left = &compiler->types_left,
					  .spec = compiler->spec};
	types_infer(plan->graph, called, &known, compiler->arena, compiler->spec->faults, &plan->types);
}

/* ---- notes ---- */

static void note_cycle(struct compiler *compiler, struct pipeline_plan *plan)
{
	const struct pipeline_spec *spec = plan->graph->spec;
	if (plan->graph->cyclic && spec->allow_cycles && spec->max_step_revisits == 0)
		note_add(compiler, &plan->notes, plan->graph->resource->name.place,
			 "it has a cycle, and maxStepRevisits is 0: a request that reaches a step again is answered with a "
			 "LIMIT error");
}

static void note_built_in(struct compiler *compiler, struct pipeline_plan *plan)
{
	for (size_t i = 0; i < plan->graph->count; i++) {
		const struct graph_step *step = &plan->graph->steps[i];
		enum call_target target;
		struct step self = step_seen(plan->graph, i);
		const char *model = NULL;
		if (!step->written)
			continue;
		self.kind = step->written->kind;
		self.options = step->written->options;
		self.explained = NULL;
		(void)step_calls(&self, 0, &target, &model);
		note_add(compiler, &plan->notes, step->spec->name.place,
			 "step `%s` is built in, of kind `%s`, because no Server, endpoint or stub offers model `%s`; to call a "
			 "server that has it, name that with `server`",
			 step->name, step->spec->kind->name, model ? model : step->name);
	}
}

static void note_unused_steps(struct compiler *compiler, struct pipeline_plan *plan)
{
	const bool *leaves = leaf_steps(plan->graph, compiler->arena);
	for (size_t i = 0; leaves && plan->graph->has_output && i < plan->graph->count; i++)
		if (leaves[i] && !plan->graph->steps[i].answers && !plan->graph->steps[i].explained)
			note_add(compiler, &plan->notes, plan->graph->steps[i].spec->name.place,
				 "step `%s` runs, and nothing reads its output: it neither changes the answer nor makes it fail",
				 plan->graph->steps[i].name);
}

static void plan_pipeline(struct compiler *compiler, struct pipeline_plan *plan)
{
	plan_stages(compiler, plan);
	if (arena_failed(compiler->arena))
		return;
	plan_stage_graphs(compiler, plan);
	plan_truth_relay(compiler, plan);
	plan_topics(compiler, plan);
	plan_calls(compiler, plan);
	plan_model_topics(compiler, plan);
	plan_delivery(compiler, plan);
	infer_types(compiler, plan);
	plan_observers(compiler, plan);
	plan_volume(compiler, plan);
	if (made_into(plan->graph->resource, RESOURCE_EXPERIMENT))
		note_add(compiler, &plan->notes, plan->graph->resource->name.place,
			 "it is made of the Experiment of this name, so that it can be called");
	if (made_into(plan->graph->resource, RESOURCE_MODEL))
		note_add(compiler, &plan->notes, plan->graph->resource->name.place,
			 "it is made of the Model of this name, which no other resource names, so that it can be asked");
	note_cycle(compiler, plan);
	note_built_in(compiler, plan);
	note_unused_steps(compiler, plan);
}

static void note_explainers(struct compiler *compiler, const struct resource *resource)
{
	const struct deployment_spec *deployment = resource->spec;
	const struct deployment_predictor *predictors = deployment->predictors.items;
	for (size_t i = 0; i < deployment->predictors.count; i++)
		if (explainer_refusal(deployment, &predictors[i]))
			note_add(compiler, &compiler->plan->notes, predictors[i].explainer.here,
				 "the explainer of the predictor `%s` is not run: its answers have no explanation",
				 predictors[i].name.text);
}

static bool plan_has_experiment(const struct plan *plan, const struct resource *experiment)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->pipelines[i].graph->resource->made_of == experiment)
			return true;
	return false;
}

static const char *uncallable_reason(const struct compiler *compiler, const struct resource *experiment)
{
	const struct resource *pipeline = spec_find(compiler->spec, RESOURCE_PIPELINE, experiment->name.text);
	if (pipeline && pipeline->made_of != experiment)
		return "a Pipeline has its name";
	if (!experiment_answers(experiment->spec))
		return "it has no candidate and no default";
	const char *model = plan_unserved_model(compiler->spec, compiler->options, experiment, compiler->arena);
	return model ? arena_print(compiler->arena, "its model `%s` has no endpoint", model) : "its pipeline has errors";
}

static bool plan_others(struct compiler *compiler)
{
	const struct spec *spec = compiler->spec;
	struct plan *plan = compiler->plan;
	plan->models = ARENA_ARRAY(compiler->arena, struct model_plan, spec->count + 1);
	for (size_t i = 0; plan->models && i < spec->count; i++) {
		const struct resource *resource = spec->resources[i];
		enum resource_type type = resource->kind->type;
		if (type == RESOURCE_MODEL && resource->name.text)
			plan->models[plan->model_count++] = (struct model_plan){resource, plan_model(compiler, resource)};
		if (type == RESOURCE_DEPLOYMENT)
			note_explainers(compiler, resource);
		if (type == RESOURCE_EXPERIMENT && resource->name.text && !plan_has_experiment(plan, resource))
			note_add(compiler, &plan->notes, resource->name.place,
				 "Experiment `%s` cannot be called by its name, because %s", resource->name.text,
				 uncallable_reason(compiler, resource));
	}
	return !arena_failed(compiler->arena);
}

/* ---- whom steps call, when all pipelines are known ---- */

static void check_called_pipeline(const struct compiler *compiler, const struct graph *graph, size_t step, const char *name)
{
	size_t index = names_find(&compiler->pipelines, text_of(name));
	const struct pipeline_plan *called = index == NAME_NONE ? NULL : &compiler->plan->pipelines[index];
	for (size_t i = 0; called && i < called->stage_count; i++)
		if (called->stages[i].state)
			fault_add(compiler->spec->faults, CODE_CALLED_REMEMBERS, graph->steps[step].spec->name.place, NULL,
				  "step `%s` of pipeline %s calls the pipeline `%s`, which remembers %s: send to its topic "
				  "instead, and read its answers by externalInputs",
				  graph->steps[step].name, graph->name, name, called->stages[i].state);
}

/* Without the options of a command only the files are known: a Server with endpoints may have any model. */
static void check_choices(const struct compiler *compiler, const struct pipeline_plan *plan)
{
	const struct spec *spec = compiler->spec;
	for (size_t i = 0; i < plan->graph->count; i++) {
		const struct model_switch *choice = &plan->graph->steps[i].model_switch;
		for (size_t j = 0; j < choice->count; j++) {
			const struct name *model = &choice->models[j];
			bool offered = spec_find(spec, RESOURCE_MODEL, model->text) || endpoint_server_offers(spec);
			for (size_t k = 0; k < plan->callee_count && !offered; k++)
				offered = strcmp(plan->callees[k].name, model->text) == 0 &&
					  plan->callees[k].endpoint.origin != ENDPOINT_NONE;
			if (!offered)
				fault_add(spec->faults, CODE_UNKNOWN_CHOICE, model->place, NULL,
					  "`%s` is chosen here, and the files have no Model of that name, nor does a Server "
					  "offer it",
					  model->text);
		}
	}
}

static void check_calls(const struct compiler *compiler)
{
	for (size_t i = 0; i < compiler->plan->count; i++) {
		const struct pipeline_plan *plan = &compiler->plan->pipelines[i];
		for (size_t step = 0; step < plan->graph->count; step++) {
			enum call_target target;
			const char *name;
			for (size_t nth = 0; graph_calls(plan->graph, step, nth, &target, &name); nth++)
				if (target == CALL_PIPELINE)
					check_called_pipeline(compiler, plan->graph, step, name);
		}
		check_choices(compiler, plan);
	}
}

void plan_check(const struct spec *spec, const struct graph *const *graphs, size_t count, struct arena *arena)
{
	struct plan plan = {.spec = spec};
	struct compiler compiler = {.arena = arena, .spec = spec, .plan = &plan, .runtime = runtime_of(spec)};
	if (!rooms_open(&compiler, count))
		return;
	for (size_t i = 0; i < count; i++)
		pipeline_add(&compiler, graphs[i]);
	names_sort(&compiler.pipelines);
	bool good = plan_feeds(&compiler);
	for (size_t i = 0; good && i < count; i++) {
		plan_stages(&compiler, &plan.pipelines[i]);
		good = !arena_failed(arena);
		if (good) {
			plan_topics(&compiler, &plan.pipelines[i]);
			plan_delivery(&compiler, &plan.pipelines[i]);
			good = !arena_failed(arena);
		}
	}
	if (good) {
		plan_between(&compiler);
		check_calls(&compiler);
		for (size_t i = 0; i < count; i++)
			plan_absent_callees(&compiler, graphs[i]);
		plan_candidates(&compiler);
		plan_alerts(&compiler);
		plan_requirements(&compiler);
		plan_metrics(&compiler);
	}
}

size_t plan_leave_refused(struct plan *plan)
{
	size_t kept = 0, count = plan->count;
	for (size_t i = 0; i < count; i++)
		if (!plan->pipelines[i].types.refused)
			plan->pipelines[kept++] = plan->pipelines[i];
	plan->count = kept;
	return count - kept;
}

void plan_keep_namespace(struct plan *plan, const char *namespace)
{
	size_t kept = 0;
	for (size_t i = 0; i < plan->count; i++)
		if (strcmp(plan->pipelines[i].namespace, namespace) == 0)
			plan->pipelines[kept++] = plan->pipelines[i];
	if (kept > 0)
		plan->count = kept;
}

size_t plan_errors(const struct plan *plan)
{
	const struct faults *faults = plan->spec->faults;
	size_t errors = 0;
	for (size_t i = 0; faults_count(faults, SEVERITY_ERROR) > 0 && i < faults_total(faults); i++) {
		const struct fault_code *code = faults_at(faults, i)->code;
		errors += code->severity == SEVERITY_ERROR && strcmp(code->code, CODE_MANY_TENSORS) != 0;
	}
	return errors;
}

bool plan_make(const struct spec *spec, const struct plan_options *options, struct arena *arena, struct plan *plan,
	       struct error *error)
{
	struct compiler compiler = {
		.arena = arena, .spec = spec, .options = options, .plan = plan, .runtime = runtime_of(spec),
				    .types_left = PLAN_TYPES_BYTES};
	*plan = (struct plan){.spec = spec, .secrets = options->secrets};
	if (!build_graphs(&compiler))
		return error_memory(error, ERROR_SYSTEM, "making the graphs of a plan");
	compiler.faulty = faults_count(spec->faults, SEVERITY_ERROR) > 0;
	if (!plan_feeds(&compiler))
		return error_memory(error, ERROR_SYSTEM, "making a plan");
	for (size_t i = 0; i < plan->count && !arena_failed(arena); i++)
		plan_pipeline(&compiler, &plan->pipelines[i]);
	if (!arena_failed(arena)) {
		if (!options->models_served)
			plan_shared_addresses(&compiler);
		plan_between(&compiler);
		check_calls(&compiler);
		plan_candidates(&compiler);
		plan_alerts(&compiler);
		plan_requirements(&compiler);
		plan_metrics(&compiler);
	}
	if (arena_failed(arena) || !plan_others(&compiler))
		return error_memory(error, ERROR_SYSTEM, "making a plan");
	return true;
}
