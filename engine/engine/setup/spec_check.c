/* spec_check.c: see spec_check.h. */
#include "engine/setup/spec_check.h"

#include <stdio.h>
#include <unistd.h>

#include "base/number/duration.h"
#include "experiments/rollouts/rollout_check.h"
#include "kafka/broker_list.h"
#include "kafka/client_setting.h"
#include "compiler/plan/plan.h"
#include "compiler/graph/type_list.h"
#include "models/files.h"
#include "models/remote_file.h"
#include "compiler/yaml/fault_codes.h"
#include "compiler/resources/kafka_setting.h"

#define GRAPH_BYTES_MAX ((size_t)512 << 20)
#define TYPED_NODES_MAX 4096 /* of a pipeline: each step may hand on all that those before it made */

/* Values in a tree, as far as they matter. */
static size_t nodes_of(const struct node *node)
{
	size_t count = 1;
	for (size_t i = 0; i < node->count && count <= TYPED_NODES_MAX; i++)
		count += nodes_of(node->type == NODE_MAP ? node->entries[i].value : node->items[i]);
	return count;
}

/* Whether the resource has an error of its own: kinds infer from options that are whole.
 * Faults are sorted by file and place, and a document ends where the next begins. */
static bool faulty(const struct spec *spec, size_t index)
{
	const struct place from = spec->resources[index]->place;
	uint32_t next = UINT32_MAX;
	for (size_t i = 0; i < spec->count; i++) {
		struct place other = spec->resources[i]->place;
		if (other.file == from.file && other.line > from.line && other.line < next)
			next = other.line;
	}
	for (size_t i = 0; i < faults_total(spec->faults); i++) {
		const struct fault *fault = faults_at(spec->faults, i);
		if (fault->code->severity == SEVERITY_ERROR && fault->place.file == from.file && fault->place.line >= from.line &&
		    fault->place.line < next)
			return true;
	}
	return false;
}

/* ---- files ---- */

/* The files of this machine. One that is not there may still be made, as by `sluice fit`, so it is
 * a warning; and what is elsewhere is not asked for, so that lint needs no network. */
struct near_files {
	struct files *files;
	struct faults *faults;
	struct arena *arena; /* for paths */
	struct file_source source;
};

static bool near_read(void *context, const struct name *file, const char *digest, struct text *content, struct error *error)
{
	struct near_files *self = context;
	const struct file_source *files = files_source(self->files);
	const char *path = files_path(file, self->arena);
	if (!path)
		return error_memory(error, ERROR_SYSTEM, "looking for a file");
	if (!remote_file_is_url(path) && access(path, F_OK) == 0)
		return files->read(files->context, file, digest, content, error);
	if (!remote_file_is_url(path))
		fault_add(self->faults, CODE_ABSENT_FILE, file->place, NULL, "there is no file %s", path);
	else if (!remote_file_check(path, file->place, error))
		return false;
	return error_set(error, ERROR_REMOTE, file->place, "%s is not read by this command", path);
}

/* ---- rollouts ---- */

/* A rule of a stage that needs truths of the stage itself: without a default's traffic comparisons keep what they had. One that is
 * implied needs them if truths are expected, as a longer `outcomeWindow` than the usual one says. NULL: none does. */
static const struct rollout_rule *stage_truth_find(const struct planned_stage *stage, bool expects_truths)
{
	for (size_t i = 0; i < stage->rule_count; i++) {
		const struct rollout_rule *rule = &stage->rules[i];
		const bool keeps = planned_stage_is_whole(stage) && rollout_rule_compares(rule);
		if (rollout_rule_is_of_truth(stage, rule) && (!rule->implied || expects_truths) && !rule->only_rolls_back && !keeps)
			return rule;
	}
	return NULL;
}

static struct place stage_place(const struct experiment_spec *experiment, size_t i)
{
	const struct rollout_stage *stages = experiment->progressive.stages.items;
	const struct promotion_policy *policy = &experiment->promotion;
	if (experiment_keeps_weights(experiment))
		return policy->interval_place.line > 0 ? policy->interval_place : policy->here;
	return experiment->progressive.stages.count > 0 ? stages[i].here : experiment->progressive.schedule_place;
}

/* Stages that end before a truth of theirs counts. All of a schedule last as long, so one of it is named. */
static void check_truths(const struct experiment_spec *experiment, const struct rollout_plan *plan, struct faults *faults)
{
	const int64_t window_ms = experiment_window_ms(experiment);
	const size_t count = experiment->progressive.schedule.count > 0 ? 1 : plan->stage_count;
	char lasts[DURATION_TEXT_MAX], window[DURATION_TEXT_MAX];
	duration_print(window_ms * NS_PER_MS, window);
	for (size_t i = 0; i < count; i++) {
		const struct planned_stage *stage = &plan->stages[i];
		const struct rollout_rule *rule = stage_truth_find(stage, window_ms > EXPERIMENT_WINDOW_MS);
		char room[ROLLOUT_RULE_NAME_BYTES], name[32];
		if (!rule || stage->duration_ms > window_ms)
			continue;
		const char *metric = rollout_rule_metric(plan, rule);
		duration_print(stage->duration_ms * NS_PER_MS, lasts);
		(void)snprintf(name, sizeof name, "stage %zu", i + 1);
		fault_add(faults, CODE_IGNORED_SETTING, stage_place(experiment, i), NULL,
			  "%s lasts %s, and a truth counts %s after its request, so `%s` %s; write a longer %s, or an "
			  "`outcomeWindow` in progressiveDeployment%s that is much shorter than it",
			  stage->at_ends ? "the interval" : name, lasts, window, metric ? metric : rollout_rule_name(rule, room),
			  2 * stage->duration_ms > window_ms ? "cannot be shown before the stage is extended"
							     : "can never be shown in it",
			  stage->at_ends ? "interval" : "stage", stage->at_ends ? ", which needs no stages then," : "");
	}
}

/* Without a default the weights split the traffic, and there is no rollout. Of bandits it was said that they choose. */
static void check_rollout(const struct experiment_spec *experiment, struct faults *faults)
{
	struct rollout_plan plan;
	const bool is_staged = experiment->progressive.here.line > 0 && experiment->progressive.enabled;
	const bool has_policy = experiment->promotion.here.line > 0 && experiment->bandits.here.line == 0;
	if ((is_staged || has_policy) && rollout_check(experiment, &plan, faults))
		check_truths(experiment, &plan, faults);
}

static bool metric_is_declared(const struct spec *spec, const char *name)
{
	for (size_t i = 0; i < spec->count; i++) {
		const struct resource *resource = spec->resources[i];
		const struct pipeline_spec *pipeline = resource->kind->type == RESOURCE_PIPELINE ? resource->spec : NULL;
		if (pipeline && metric_spec_find(&pipeline->metrics, name))
			return true;
	}
	return false;
}

/* A percentile of the latency is what engines measure, also where a pipeline declares a metric of that name. */
static void check_percentiles(const struct experiment_spec *experiment, const struct spec *spec)
{
	const struct success_criterion *criteria = experiment->criteria.items;
	for (size_t i = 0; i < experiment->criteria.count; i++) {
		const char *metric = criteria[i].metric;
		if (metric && latency_percentile(metric) > 0 && metric_is_declared(spec, metric))
			fault_add(spec->faults, CODE_IGNORED_SETTING, criteria[i].here, NULL,
				  "the rollout judges the latency by `%s`, and not the metric of that name which a pipeline "
				  "declares; to judge that one, give it another name",
				  metric);
	}
}

static void check_experiment(const struct experiment_spec *experiment, const struct spec *spec)
{
	check_rollout(experiment, spec->faults);
	if (experiment_is_rolled_out(experiment))
		check_percentiles(experiment, spec);
}

static void check_rollouts(const struct spec *spec)
{
	for (size_t i = 0; i < spec->count; i++)
		if (spec->resources[i]->kind->type == RESOURCE_EXPERIMENT && !faulty(spec, i))
			check_experiment(spec->resources[i]->spec, spec);
}

/* Those that are written in a step. */
static void check_inside(const struct graph *graph, const struct spec *spec)
{
	for (size_t i = 0; i < graph->experiment_count; i++)
		if (graph->experiments[i]->inside)
			check_experiment(graph->experiments[i]->spec, spec);
}

/* ---- Kafka's settings ---- */

static bool check_settings(const struct item_list *settings, enum kafka_client client, struct faults *faults)
{
	const struct client_setting *items = settings->items;
	for (size_t i = 0; i < settings->count; i++) {
		struct error error = {0};
		if (!kafka_setting_passes(items[i].name.text, items[i].value, client) ||
		    client_setting_fits(items[i].name.text, items[i].value, &error))
			continue;
		if (error.kind != ERROR_CONFIG)
			return false;
		fault_add(faults, CODE_SETTING_REFUSED, items[i].name.place, NULL, "%s", error.text);
	}
	return true;
}

static void check_brokers(const struct name *brokers, struct faults *faults)
{
	struct error error = {0};
	if (brokers->text && !broker_list_check(brokers->text, &error))
		fault_add(faults, CODE_SETTING_REFUSED, brokers->place, NULL, "%s", error.text);
}

static bool check_kafka(const struct runtime_spec *runtime, struct faults *faults)
{
	check_brokers(&runtime->bootstrap_servers, faults);
	for (size_t i = 0; i < runtime->brokers.count; i++)
		check_brokers(&runtime->brokers.items[i], faults);
	return check_settings(&runtime->consumer_settings, KAFKA_CONSUMER, faults) &&
	       check_settings(&runtime->producer_settings, KAFKA_PRODUCER, faults);
}

static bool check_runtimes(const struct spec *spec)
{
	bool good = true;
	const struct resource *resource;
	for (size_t at = 0; good && (resource = spec_next(spec, RESOURCE_RUNTIME, &at));) {
		const struct runtime_spec *runtime = resource->spec;
		good = !runtime || check_kafka(runtime, spec->faults);
	}
	return good;
}

/* A gateway has one topic of replies, so that `run` refuses these files. */
static void check_gateway_namespaces(const struct spec *spec)
{
	const struct resource *runtime = spec_first(spec, RESOURCE_RUNTIME), *first = NULL, *pipeline;
	const struct runtime_spec *settings = runtime ? runtime->spec : NULL;
	if (!runtime_has_listener(settings))
		return;
	for (size_t at = 0; (pipeline = spec_next(spec, RESOURCE_PIPELINE, &at));) {
		first = first ? first : pipeline;
		if (strcmp(namespace_or_default(first->namespace), namespace_or_default(pipeline->namespace)) == 0)
			continue;
		fault_add(spec->faults, CODE_IGNORED_SETTING,
			  listener_is_wanted(&settings->http) ? settings->http.here : settings->grpc.here, NULL,
			  "`run` refuses to start with these files: its gateway has one namespace, and pipeline `%s` is of %s, "
			  "`%s` of %s. Start one for each namespace, as by `sluice gateway -n %s`",
			  first->name.text ? first->name.text : "", namespace_or_default(first->namespace),
			  pipeline->name.text ? pipeline->name.text : "", namespace_or_default(pipeline->namespace),
			  namespace_or_default(pipeline->namespace));
		return;
	}
}

/* ---- pipelines ---- */

/* What the checks of all pipelines share. */
struct pipelines_check {
	const struct spec *spec;
	struct files *files;
	bool draws_laws;
	bool *filled; /* by customMetrics of the runtime: an answer has a tensor of that name */
};

static const struct item_list *custom_metrics(const struct spec *spec)
{
	static const struct item_list none;
	const struct resource *runtime = spec_first(spec, RESOURCE_RUNTIME);
	return runtime && runtime->spec ? &((const struct runtime_spec *)runtime->spec)->metrics.custom : &none;
}

static void note_filled(const struct pipelines_check *check, const struct tensor_types *answer)
{
	const struct item_list *customs = custom_metrics(check->spec);
	const struct metric_spec *custom = customs->items;
	for (size_t i = 0; i < customs->count; i++)
		check->filled[i] |= custom[i].name.text && types_find(answer, text_of(custom[i].name.text));
}

/* Types are checked here, and plan_check() knows none. */
static bool is_filled(void *context, const struct fault *fault)
{
	const struct pipelines_check *check = context;
	const struct item_list *customs = custom_metrics(check->spec);
	const struct metric_spec *custom = customs->items;
	for (size_t i = 0; i < customs->count; i++)
		if (check->filled[i] && custom[i].name.place.file == fault->place.file &&
		    custom[i].name.place.line == fault->place.line && custom[i].name.place.column == fault->place.column)
			return true;
	return false;
}

/* Names and types in expressions, as far as they are known without a model's metadata. */
static void check_types(const struct pipelines_check *check, const struct graph *graph, struct arena *arena)
{
	const struct spec *spec = check->spec;
	struct near_files near = {.files = check->files, .faults = spec->faults, .arena = arena};
	near.source = (struct file_source){&near, near_read};
	const struct types_known known = {.files = &near.source, .spec = spec, .draws_laws = check->draws_laws};
	const struct called_model *called = ARENA_ARRAY(arena, struct called_model, graph->count);
	struct graph_types types = {0};
	if (!called || !types_infer(graph, called, &known, arena, spec->faults, &types))
		return;
	note_filled(check, &types.answer);
	metrics_check_types(graph, &types, arena, spec->faults);
	alerts_check_types(graph, &types, arena, spec->faults);
}

/* What is wrong within a pipeline; false, too, where what is beyond cannot be known. */
static bool check_graph(const struct pipelines_check *check, size_t index, const struct graph *graph, struct arena *scratch)
{
	const struct spec *spec = check->spec;
	const struct resource *resource = spec->resources[index];
	const bool large = nodes_of(resource->node) > TYPED_NODES_MAX, whole = !large && !faulty(spec, index);
	if (large)
		fault_add(spec->faults, CODE_LARGE_PIPELINE, resource->name.place, NULL,
			  "pipeline `%s` has more than %d values: names and types in its expressions are not checked here",
			  graph->name, TYPED_NODES_MAX);
	if (whole)
		check_types(check, graph, scratch);
	if (!faulty(spec, index)) {
		check_inside(graph, spec);
		metrics_check_criteria(graph, spec->faults);
	}
	return whole && !faulty(spec, index);
}

/* The graph of each Pipeline, at the index of its resource. */
static struct graph **graphs_build(const struct spec *spec, struct arena *arena)
{
	struct graph **graphs = ARENA_ARRAY(arena, struct graph *, spec->count + 1);
	struct graph **built = ARENA_ARRAY(arena, struct graph *, spec->count + 1);
	size_t count = 0;
	for (size_t i = 0; graphs && built && i < spec->count; i++) {
		if (spec->resources[i]->kind->type == RESOURCE_PIPELINE)
			graphs[i] = graph_build(spec->resources[i], spec, arena, spec->faults);
		if (graphs[i])
			built[count++] = graphs[i];
	}
	return built && graphs_link(built, count, arena) ? graphs : NULL;
}

/* References, cycles, types, stages and the like, and what lies between pipelines: so all graphs stay until the end. */
static bool check_pipelines(const struct spec *spec, struct files *files, bool draws_laws, struct arena *arena,
			    struct arena *scratch)
{
	check_rollouts(spec);
	struct graph *const *graphs = graphs_build(spec, arena);
	const struct graph **whole = ARENA_ARRAY(arena, const struct graph *, spec->count + 1);
	const struct pipelines_check check = {spec, files, draws_laws, ARENA_ARRAY(arena, bool, custom_metrics(spec)->count + 1)};
	size_t count = 0;
	bool good = graphs && whole && check.filled;
	for (size_t i = 0; good && i < spec->count; i++) {
		if (!graphs[i])
			continue;
		whole[count] = graphs[i];
		count += check_graph(&check, i, graphs[i], scratch);
		good = !arena_failed(arena) && !arena_failed(scratch);
		arena_reset(scratch);
	}
	if (good) {
		plan_check(spec, whole, count, arena);
		faults_drop(spec->faults, CODE_IDLE_METRIC, is_filled, (void *)(uintptr_t)&check);
	}
	return good && !arena_failed(arena);
}

bool spec_check(const struct spec *spec, bool draws_laws, struct error *error)
{
	struct arena *arena = arena_open(GRAPH_BYTES_MAX), *scratch = arena_open(GRAPH_BYTES_MAX);
	struct files *files = files_open(error);
	bool good = arena && scratch && files && check_runtimes(spec) && check_pipelines(spec, files, draws_laws, arena, scratch);
	check_gateway_namespaces(spec);
	arena_close(arena);
	arena_close(scratch);
	files_close(files);
	return good || error_memory(error, ERROR_SYSTEM, "checking pipelines");
}
