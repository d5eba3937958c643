/* revision.c: see revision.h. */
#include "engine/setup/revision.h"

#include <assert.h>
#include <inttypes.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/memory.h"
#include "compiler/graph/file_refusals.h"
#include "compiler/plan/plan.h"
#include "experiments/rollouts/rollout_check.h"
#include "compiler/graph/model_name.h"
#include "engine/run/metrics_asked.h"
#include "engine/setup/model_clients.h"
#include "engine/setup/model_survey.h"
#include "compiler/yaml/fault_codes.h"
#include "compiler/resources/inline_models.h"
#include "compiler/resources/normal_form.h"
#include "compiler/resources/rows.h"

/* ---- startup check ---- */

#define OTHERS_BYTES_MAX 160 /* of the names in one error, which also has an advice */

/* A called pipeline runs inside its caller, so it cannot have state of its own. */
static bool check_called_pipeline(const struct plan *all, const struct pipeline_plan *plan, const struct callee *callee,
				  struct error *error)
{
	const struct graph_step *step = &plan->graph->steps[callee->step];
	for (size_t i = 0; i < all->count; i++) {
		const struct pipeline_plan *called = &all->pipelines[i];
		if (strcmp(called->graph->name, callee->name) != 0)
			continue;
		for (size_t j = 0; j < called->stage_count; j++)
			if (called->stages[j].state)
				return error_set(
					error, ERROR_CONFIG, step->spec->name.place,
					"step `%s` of pipeline %s calls the pipeline `%s`, which remembers %s: send requests "
					"to its topic instead, and read its answers by externalInputs",
					step->name, plan->graph->name, callee->name, called->stages[j].state);
		return true;
	}
	return error_set(error, ERROR_CONFIG, step->spec->name.place,
			 "step `%s` of pipeline %s calls the pipeline `%s`, which is not among the files; add it", step->name,
			 plan->graph->name, callee->name);
}

/* The other models without an endpoint, each once, as in "; nor have `b`, `c` and 7 more, which `sluice plan` lists". */
static const char *missing_others(const struct plan *all, const char *first, struct arena *arena)
{
	const char *names = "";
	size_t more = 0;
	for (size_t i = 0; names && i < all->count; i++)
		for (size_t j = 0; names && j < all->pipelines[i].callee_count; j++) {
			const struct callee *callee = &all->pipelines[i].callees[j];
			const char *quoted = arena_print(arena, "`%s`", callee->name);
			if (callee->target != CALL_MODEL || callee->endpoint.origin != ENDPOINT_NONE || !quoted ||
			    strcmp(callee->name, first) == 0 || strstr(names, quoted))
				continue;
			if (strlen(names) + strlen(quoted) > OTHERS_BYTES_MAX)
				more++;
			else
				names = arena_print(arena, "%s%s %s", names, names[0] ? "," : "; nor have", quoted);
		}
	return names && more > 0 ? arena_print(arena, "%s and %zu more, which `sluice plan` lists", names, more) : names;
}

static bool refuse_missing(const struct plan *all, const struct callee *callee, const struct graph_step *step, struct arena *arena,
			   struct error *error)
{
	const char *others = missing_others(all, callee->name, arena);
	if (!others || !callee->endpoint.advice)
		return error_memory(error, ERROR_SYSTEM, "checking which models are called");
	return error_set(error, ERROR_CONFIG, step->spec->name.place, "step `%s`: model `%s` has no endpoint: %s%s", step->name,
			 callee->name, callee->endpoint.advice, others);
}

static bool check_callee(const struct plan *all, const struct pipeline_plan *plan, const struct callee *callee, struct arena *arena,
			 struct error *error)
{
	const struct graph_step *step = &plan->graph->steps[callee->step];
	struct place place = step->spec->name.place;
	if (callee->target == CALL_PIPELINE)
		return check_called_pipeline(all, plan, callee, error);
	if (callee->target == CALL_EXPERIMENT)
		return error_set(error, ERROR_CONFIG, step->spec->options_here.line > 0 ? step->spec->options_here : place,
				 "step `%s` of pipeline %s calls the experiment `%s`, which %s",
				 step->name, plan->graph->name, callee->name,
				 experiment_call_refusal(all->spec, plan->graph, callee->step, callee->name));
	if (callee->endpoint.origin == ENDPOINT_NONE)
		return refuse_missing(all, callee, step, arena, error);
	if (endpoint_addresses(&callee->endpoint, callee->name, arena).count > 0)
		return true;
	if (arena_failed(arena))
		return error_memory(error, ERROR_SYSTEM, "checking which models are called");
	if (callee->endpoint.origin == ENDPOINT_STUB)
		return error_set(error, ERROR_CONFIG, place,
				 "step `%s`: model `%s` is at %s, a stub, which is not a server; serve it by `sluice models "
				 "serve`, and give --server %s=http://HOST:PORT",
				 step->name, callee->name, callee->endpoint.addresses, callee->name);
	return error_set(error, ERROR_CONFIG, place,
			 "step `%s`: model `%s` is at %s (%s), which cannot be called; write http://HOST:PORT or grpc://HOST:PORT",
			 step->name, callee->name, callee->endpoint.addresses, endpoint_origin_text(callee->endpoint.origin));
}

static bool check_calls(const struct plan *all, const struct pipeline_plan *plan, struct arena *arena, struct error *error)
{
	for (size_t i = 0; i < plan->callee_count; i++)
		if (!check_callee(all, plan, &plan->callees[i], arena, error))
			return false;
	return true;
}

static const struct fault *fault_of(const struct faults *faults, const char *code)
{
	for (size_t i = 0; i < faults_total(faults); i++)
		if (strcmp(faults_at(faults, i)->code->code, code) == 0)
			return faults_at(faults, i);
	return NULL;
}

/* Whether every pipeline of the plan can run as it is written. A CONFIG error names the first that cannot, the
 * reason, and what to do. The arena is for memory of the check. */
static bool startup_check(const struct plan *plan, struct arena *arena, struct error *error)
{
	const struct fault *shared = fault_of(plan->spec->faults, CODE_TWO_READERS);
	if (plan->count == 0)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "there is no pipeline in these files, so there is nothing to run");
	for (size_t i = 0; i < plan->count; i++)
		if (!check_calls(plan, &plan->pipelines[i], arena, error))
			return false;
	return !shared || error_set(error, ERROR_CONFIG, shared->place, "%s", shared->message);
}

/* Whether the faults report no protection that is requested but not enforced; otherwise CONFIG. `has_gateway`: the
 * caller has a gateway, which checks by itself what it enforces (gateway/access/access_settings.h). */
static bool startup_check_protection(const struct faults *faults, bool has_gateway, struct error *error)
{
	const struct fault *fault = fault_of(faults, CODE_PROTECTION_LATER);
	if (!fault && !has_gateway)
		fault = fault_of(faults, CODE_PROTECTION_OF_GATEWAY);
	return !fault || error_set(error, ERROR_CONFIG, fault->place,
				   "%s; `run` starts without it only with --insecure-ignore-security", fault->message);
}

#define REVISION_ARENA_BYTES ((size_t)1 << 30) /* as for a plan: a thousand pipelines take 30 MiB */
#define NORMAL_BYTES_MAX ((size_t)16 << 20)    /* of one resource in its normal form */
#define PEM_BYTES_MAX ((size_t)1 << 20)

/* ---- reading ---- */

/* The address of a model at the built-in server. Models of the same name in different parts of a deployment have
 * different addresses there. */
static const char *built_in_address(const struct revision_options *options, const char *model, struct arena *arena)
{
	return model_served_name(model) == model ? options->built_in : arena_print(arena, "%s/%s", options->built_in, model);
}

static void lead_to_built_in(struct plan *plan, const struct revision_options *options, struct arena *arena)
{
	for (size_t i = 0; i < plan->count; i++)
		for (size_t j = 0; j < plan->pipelines[i].callee_count; j++) {
			struct callee *callee = &plan->pipelines[i].callees[j];
			struct endpoint *endpoint = &callee->endpoint;
			if (options->built_in_only || endpoint->origin == ENDPOINT_NONE || endpoint->origin == ENDPOINT_STUB)
				*endpoint = (struct endpoint){.origin = ENDPOINT_GIVEN,
							      .addresses = built_in_address(options, callee->name, arena)};
		}
}

/* Removes refused pipelines from the plan. False: the revision is refused as a whole, because a refused pipeline is
 * already running, or because none is left. */
static bool may_go_on(struct plan *plan, const struct plan *before)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->pipelines[i].types.refused && before && plan_find(before, plan->pipelines[i].graph->name))
			return false;
	return plan_errors(plan) == 0 && (plan_leave_refused(plan) == 0 || plan->count > 0);
}

/* Whether all files that the steps name are local. If not, the caller gets the list of files to fetch; faults are
 * reported without them. */
static bool files_are_here(struct revision *revision, const struct revision_options *options)
{
	if (options->remote_files && files_left(revision->files) > 0 && plan_errors(&revision->plan) == 0) {
		*options->remote_files = revision->files;
		revision->files = NULL;
		return false;
	}
	files_stay_here(revision->files, false);
	return true;
}

static struct files *files_given(const struct revision_options *options, struct error *error)
{
	struct files *files = options->remote_files ? *options->remote_files : NULL;
	if (files)
		*options->remote_files = NULL;
	else
		files = files_open(error);
	if (files && options->remote_files)
		files_stay_here(files, true);
	return files;
}

static bool protection_is_given(const struct revision *revision, const struct revision_options *options, struct error *error)
{
	const struct protection protection = spec_protection(&revision->spec);
	const bool has_gateway = options->has_gateway || (options->may_have_gateway && runtime_has_listener(revision->runtime));
	return startup_check_protection(revision->spec.faults, has_gateway, error) &&
	       (!options->metrics || metrics_check_protection(options->metrics, &protection, error));
}

static bool make_plan(struct revision *revision, const struct revision_options *options, struct error *error)
{
	const struct models_metadata none = {0};
	const struct plan_options plan_options = {.kinds = options->kinds,
						  .metadata = &none,
						  .servers = options->servers,
						  .prefix = options->prefix,
						  .secrets = options->secrets,
						  .models_served = options->built_in != NULL,
						  .files_alone = !options->names_only,
						  .files = files_source(revision->files)};
	const struct faults *faults = revision->spec.faults;
	const struct resource *runtime = spec_first(&revision->spec, RESOURCE_RUNTIME);
	revision->runtime = runtime ? runtime->spec : NULL;
	if (!plan_make(&revision->spec, &plan_options, revision->arena, &revision->plan, error) ||
	    !files_are_here(revision, options))
		return false;
	if (!options->has_keeper) /* which has accepted them */
		rollouts_check(&revision->spec, revision->arena);
	if ((options->forms && !plan_name_changelogs(&revision->plan, options->forms, revision->arena)) ||
	    !plan_name_formers(&revision->plan, &options->apart, revision->arena))
		return error_memory(error, ERROR_SYSTEM, "reading files");
	if (options->one_namespace && options->namespace)
		plan_keep_namespace(&revision->plan, options->namespace);
	bool good = may_go_on(&revision->plan, options->before), is_empty = options->may_be_empty && revision->plan.count == 0;
	revision->views = ARENA_ARRAY(revision->arena, struct files_view, revision->plan.count);
	for (size_t i = 0; revision->views && i < revision->plan.count; i++)
		files_view_begin(&revision->views[i], revision->files);
	if (!revision->views)
		return error_memory(error, ERROR_SYSTEM, "reading files");
	if (options->built_in)
		lead_to_built_in(&revision->plan, options, revision->arena);
	if (options->has_keeper)
		faults_drop(revision->spec.faults, CODE_OF_KEEPER, NULL, NULL);
	receivers_allow(revision->spec.faults, options->receivers, options->receiver_count);
	if (faults_total(faults) > 0)
		options->report.faults(options->report.context, faults);
	return good && (options->insecure || protection_is_given(revision, options, error)) &&
	       (is_empty || startup_check(&revision->plan, revision->arena, error)) &&
	       (is_empty || !options->survey ||
		model_survey_check(options, &revision->spec, &plan_options, revision->arena, &revision->plan, error));
}

/* A copy of a resource with the namespace and lineage that the options force. */
static struct resource *resource_apart(const struct resource *resource, const struct revision_options *options, struct arena *arena)
{
	struct resource *copy = ARENA_NEW(arena, struct resource);
	struct pipeline_spec *pipeline = ARENA_NEW(arena, struct pipeline_spec);
	if (!copy || !pipeline)
		return NULL;
	*copy = *resource;
	if (options->namespace_forced)
		copy->namespace = options->namespace_forced;
	if (options->lineage_full && resource->kind->type == RESOURCE_PIPELINE && resource->spec) {
		*pipeline = *(const struct pipeline_spec *)resource->spec;
		pipeline->lineage = LINEAGE_FULL;
		copy->spec = pipeline;
	}
	return copy;
}

static bool set_apart(struct spec *spec, const struct revision_options *options, struct error *error)
{
	if (!options->namespace_forced && !options->lineage_full)
		return true;
	const struct resource **resources = ARENA_ARRAY(spec->arena, const struct resource *, spec->count);
	for (size_t i = 0; resources && i < spec->count; i++)
		resources[i] = resource_apart(spec->resources[i], options, spec->arena);
	if (arena_failed(spec->arena))
		return error_memory(error, ERROR_SYSTEM, "reading files");
	spec->resources = resources;
	return true;
}

/* Hash of a certificate's contents, which may be renewed in the same file. A file that cannot be read is reported
 * when it is used. */
static uint64_t file_content(const char *path, uint64_t seed, struct arena *arena)
{
	struct error error = {0};
	struct text text;
	return path && file_read(path, PEM_BYTES_MAX, arena, &text, &error) ? hash_bytes(text.bytes, text.length, seed) : seed;
}

static uint64_t certificates_of(const struct spec *spec, struct arena *arena)
{
	uint64_t content = 0;
	for (size_t i = 0; i < spec->count; i++) {
		const struct resource *resource = spec->resources[i];
		if (resource->kind->type != RESOURCE_SERVER || !resource->spec)
			continue;
		const struct server_tls *tls = &((const struct server_spec *)resource->spec)->tls;
		content = file_content(tls->authorities, content, arena);
		content = file_content(tls->certificate, content, arena);
		content = file_content(tls->key, content, arena);
	}
	return content;
}

static bool spec_read_any(struct spec *spec, const struct revision_options *options, const struct spec_options *spec_options,
			  struct error *error)
{
	return options->path_count == 0
		       ? spec_read_documents(spec, options->documents, options->document_count, spec_options, error)
		       : spec_read(spec, options->paths, options->path_count, spec_options, error);
}

static bool secrets_withhold(struct revision *revision, const struct revision_options *options, struct error *error)
{
	struct faults *faults = revision->spec.faults;
	const size_t count = faults_total(faults);
	struct withheld_secret *withheld = ARENA_ARRAY(revision->arena, struct withheld_secret, count + 1);
	for (size_t i = 0; withheld && i < count; i++) {
		const struct fault *fault = faults_at(faults, i);
		const struct place *place = &fault->place;
		if (strcmp(fault->code->code, CODE_BAD_SECRET) != 0)
			continue;
		const char *why = arena_print(revision->arena,
					      "%s:%u:%u: %s, and apply the document; what needs this secret does not work",
					      place->file, place->line, place->column, fault->message);
		if (!why)
			break;
		options->report.warning(options->report.context, why);
		withheld[revision->withheld_count++] = (struct withheld_secret){place->file, why};
	}
	revision->withheld = withheld;
	faults_drop(faults, CODE_BAD_SECRET, NULL, NULL);
	return !arena_failed(revision->arena) || error_memory(error, ERROR_SYSTEM, "reading documents");
}

static bool revision_read(struct revision *revision, const struct revision_options *options, struct error *error)
{
	const struct spec_options spec_options = {
		.kinds = options->kinds,
		.namespace = options->namespace,
		.model_pipelines = true,
		.models_asked = options->models_asked,
		.names = options->names};
	revision->arena = arena_open(REVISION_ARENA_BYTES);
	if (!revision->arena)
		return error_memory(error, ERROR_SYSTEM, "reading files");
	revision->spec_is_open = spec_open(&revision->spec, error);
	revision->spec.is_one_set = options->path_count > 0; /* documents were accepted before */
	revision->files = revision->spec_is_open ? files_given(options, error) : NULL;
	if (!revision->files || !files_alias(revision->files, options->aliases, options->alias_count, error) ||
	    !spec_read_any(&revision->spec, options, &spec_options, error) ||
	    (options->has_keeper && !secrets_withhold(revision, options, error)) ||
	    !set_apart(&revision->spec, options, error))
		return false;
	revision->certificates = certificates_of(&revision->spec, revision->arena);
	revision->spec.tables = options->tables;
	revision->has_tables = options->tables != NULL;
	bool good = make_plan(revision, options, error);
	revision->spec.tables = NULL; /* borrowed until here */
	return good;
}

struct revision *revision_open(const struct revision_options *options, struct error *error)
{
	struct revision *revision = memory_take(1, sizeof *revision);
	if (!revision)
		return error_null(error_memory(error, ERROR_SYSTEM, "reading files"));
	static _Atomic uint64_t revisions;
	revision->number = ++revisions;
	if (revision_read(revision, options, error))
		return revision;
	revision_close(revision);
	return NULL;
}

struct revision *revision_open_in_workspace(const struct workspace *workspace, const struct revision_options *options,
					    struct error *error)
{
	struct revision_options whole = *options;
	whole.kinds = workspace->kinds;
	whole.names = workspace->arena;
	whole.report = workspace->report;
	return revision_open(&whole, error);
}

void revision_close(struct revision *revision)
{
	if (!revision)
		return;
	if (revision->spec_is_open)
		spec_close(&revision->spec);
	files_close(revision->files);
	arena_close(revision->arena);
	memory_give(revision);
}

struct files_view *revision_view(const struct revision *revision, const struct pipeline_plan *pipeline)
{
	assert((size_t)(pipeline - revision->plan.pipelines) < revision->plan.count);
	return &revision->views[pipeline - revision->plan.pipelines];
}

/* ---- versions ---- */

/* Appends a resource in its normal form, so that two ways to write the same resource are equal. */
static void add_resource(const struct resource *resource, const struct step_kind *const *kinds, struct arena *arena,
			 struct buffer *out)
{
	const struct node *node = resource_normal(resource, kinds, arena);
	if (node)
		node_print_json(node, out);
	else
		out->failed = true;
}

static void add_server(const struct revision *revision, const struct resource *server, const struct step_kind *const *kinds,
		       struct arena *arena, struct buffer *out)
{
	add_resource(server, kinds, arena, out);
	buffer_print(out, "\n%llx", (unsigned long long)revision->certificates);
}

static void add_callee(const struct revision *revision, const struct callee *callee, const struct step_kind *const *kinds,
		       struct arena *arena, struct buffer *out)
{
	const struct resource *model = spec_model(&revision->spec, callee->name);
	const char *named = callee->endpoint.server;
	const struct resource *server = named ? spec_find(&revision->spec, RESOURCE_SERVER, named) : NULL;
	/* Not the whole name: that of a running pipeline's model gets an owner when another pipeline comes that uses the name. */
	buffer_print(out, "\n%s %s", model_served_name(callee->name), callee->endpoint.addresses ? callee->endpoint.addresses : "");
	if (server)
		add_server(revision, server, kinds, arena, out);
	if (model)
		add_resource(model, kinds, arena, out);
}

/* Recorded tables do not follow from the weights. */
static void add_tables(const struct graph *graph, struct buffer *out)
{
	for (size_t i = 0; i < graph->count; i++)
		if (graph->steps[i].assignment)
			buffer_print(out, "\n%" PRIx64, graph->steps[i].assignment->version);
	for (size_t i = 0; i < graph->experiment_count; i++) {
		const struct graph_experiment *experiment = graph->experiments[i];
		if (!experiment_is_rolled_out(experiment->spec)) /* a rollout's table is not of the plan */
			buffer_print(out, "\n%" PRIx64, experiment->assignment->version);
	}
}

static void add_pipeline(const struct revision *revision, const struct pipeline_plan *pipeline,
			 const struct step_kind *const *kinds, struct arena *arena, struct buffer *out)
{
	add_resource(pipeline->graph->resource, kinds, arena, out);
	buffer_print(out, "\n%s", pipeline->group);
	for (size_t i = 0; i < pipeline->topic_count; i++)
		buffer_print(out, "\n%d %s %d", (int)pipeline->topics[i].role, pipeline->topics[i].name,
			     (int)pipeline->topics[i].best_effort);
	for (size_t i = 0; i < pipeline->graph->count; i++)
		buffer_print(out, "\n%lld", (long long)pipeline->graph->steps[i].timeout_ms);
	for (size_t i = 0; i < pipeline->graph->experiment_count; i++)
		if (!pipeline->graph->experiments[i]->inside) /* one written in a step is part of the pipeline */
			add_resource(spec_find(&revision->spec, RESOURCE_EXPERIMENT, pipeline->graph->experiments[i]->name), kinds,
				     arena, out);
	if (revision->has_tables)
		add_tables(pipeline->graph, out);
	for (size_t i = 0; i < pipeline->callee_count; i++)
		add_callee(revision, &pipeline->callees[i], kinds, arena, out);
}

/* Appends the resources with settings for the calls of all models. */
static void add_performance(const struct spec *spec, const struct step_kind *const *kinds, struct arena *arena, struct buffer *out)
{
	for (size_t i = 0; i < spec->count; i++)
		if (spec->resources[i]->kind->rows == performance_rows)
			add_resource(spec->resources[i], kinds, arena, out);
}

/* Hash of a pipeline together with the pipelines that it calls, which run inside it. */
static uint64_t content_of(const struct revision *revision, const struct pipeline_plan *pipeline,
			   const struct step_kind *const *kinds, struct arena *arena, struct buffer *text)
{
	uint64_t content = files_view_content(revision_view(revision, pipeline));
	const struct plan *plan = &revision->plan;
	struct called_pipeline *called = ARENA_ARRAY(arena, struct called_pipeline, plan->count);
	size_t count = called ? called_pipelines_find(plan, pipeline, called) : 0;
	add_pipeline(revision, pipeline, kinds, arena, text);
	if (pipeline->callee_count > 0)
		add_performance(&revision->spec, kinds, arena, text);
	for (size_t i = 0; i < plan->count; i++)
		for (size_t j = 0; j < count; j++)
			if (plan->pipelines[i].graph == called[j].graph && &plan->pipelines[i] != pipeline) {
				add_pipeline(revision, &plan->pipelines[i], kinds, arena, text);
				content = content * 31 + files_view_content(revision_view(revision, &plan->pipelines[i]));
			}
	return content;
}

uint64_t revision_version(const struct revision *revision, const struct pipeline_plan *pipeline,
			  const struct step_kind *const *kinds)
{
	struct buffer text;
	struct arena *arena = arena_open(REVISION_ARENA_BYTES);
	buffer_open(&text, NORMAL_BYTES_MAX);
	uint64_t version = 0;
	if (arena) {
		uint64_t content = content_of(revision, pipeline, kinds, arena, &text);
		version = buffer_failed(&text) ? 0 : hash_bytes(text.bytes, text.length, content) | 1;
	}
	buffer_close(&text);
	arena_close(arena);
	return version;
}

bool revision_differs(const struct revision *before, const struct revision *now, const struct step_kind *const *kinds)
{
	for (size_t i = 0; i < now->plan.count; i++) {
		const struct pipeline_plan *plan = &now->plan.pipelines[i], *old = plan_find(&before->plan, plan->graph->name);
		if (!old || revision_version(before, old, kinds) != revision_version(now, plan, kinds))
			return true;
	}
	return now->plan.count != before->plan.count;
}
