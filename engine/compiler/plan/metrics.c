/* metrics.c: Metrics of each pipeline: those that it declares, and customMetrics of the SeldonRuntime; and their checks against
 * the types of its answers. */
#include "base/suggest.h"
#include "message/records/answer_label.h"
#include "message/records/feedback.h"
#include "compiler/plan/compile.h"
#include "compiler/graph/names.h"
#include "compiler/graph/type_list.h"
#include "compiler/yaml/fault_codes.h"

#define CHECK_BYTES ((size_t)1 << 20) /* of one expression */
#define LATENCY_NAME "latency_ms"
#define VARIANT_NAME "variant"

/* Plain names that a metric can use beside the tensors of the answer. Only `reward` comes with feedback. */
static const char *const own_names[] = {LATENCY_NAME, FEEDBACK_REWARD, VARIANT_NAME, "model", "version",
					"pipeline",   "key",	       "id",	     "ts"};
#define OWN_NAMES (sizeof own_names / sizeof *own_names)

static const char *const owners[] = {"answer", "request", "truth", "params"};
#define OWNERS (sizeof owners / sizeof *owners)

struct metric_reading {
	const struct graph *graph;
	const struct graph_types *types;
	struct arena *arena;
	struct faults *faults;
	struct pipeline_metric *metric;
	bool is_faulty; /* a fault was added for one of its names */
};

/* ---- names ---- */

static bool own_type(struct text name, struct value_type *type)
{
	if (text_is(name, LATENCY_NAME) || text_is(name, FEEDBACK_REWARD))
		type->class = VALUE_FLOAT;
	return type->class == VALUE_FLOAT || expression_is_mark(name);
}

static bool tensor_type(const struct tensor_types *types, const struct expression_name *name, struct value_type *type)
{
	const struct tensor_type *found = types_find(types, name->name);
	if (found) {
		*type = found->type;
		type->parameters = found->parameters;
	}
	return found || !types->complete || name->optional;
}

static struct text nearest_name(const struct metric_reading *reading, const struct expression_name *name)
{
	struct suggestion suggestion = suggest_begin(name->name);
	const struct tensor_types *types = &reading->types->answer;
	for (size_t i = 0; i < OWN_NAMES; i++)
		suggest_offer(&suggestion, text_of(own_names[i]));
	for (size_t i = 0; i < types->count; i++)
		suggest_offer(&suggestion, types->items[i].name);
	return suggestion.nearest;
}

/* A tensor whose name is like one of ours is probably that one, misspelt. */
static bool plain_type(struct metric_reading *reading, const struct expression_name *name, struct value_type *type,
		       const char **suggest)
{
	const struct tensor_types *types = &reading->types->answer;
	const struct tensor_type *found = types_find(types, name->name);
	if (!found && own_type(name->name, type)) {
		reading->metric->of_reward |= text_is(name->name, FEEDBACK_REWARD);
		reading->metric->of_latency |= text_is(name->name, LATENCY_NAME);
		reading->metric->of_feedback |= reading->metric->of_reward;
		return true;
	}
	reading->metric->of_variant |= !found && text_is(name->name, VARIANT_NAME);
	for (size_t i = 0; i < OWN_NAMES && !found; i++)
		if (text_is(name->name, own_names[i]))
			return false; /* its type is known to who asks */
	reading->metric->of_answer = true;
	struct text nearest = {0};
	if (!found)
		nearest = nearest_name(reading, name);
	*suggest = arena_copy(reading->arena, nearest.bytes ? nearest.bytes : "", nearest.length);
	*suggest = nearest.length > 0 ? *suggest : NULL;
	if (!tensor_type(types, name, type))
		return false;
	if (!found && nearest.length > 0 && !types->complete)
		fault_add(reading->faults, CODE_MISSING_TENSOR, name->place, nearest.bytes,
			  "a metric has no name `" TEXT_FORMAT "` of its own, so it counts the tensor of that name in answers",
			  TEXT_ARGUMENTS(name->name));
	return true;
}

/* Only what the answer has is there when it is counted. */
static void owner_refuse(struct metric_reading *reading, const struct expression_name *name)
{
	struct suggestion suggestion = suggest_begin(name->owner);
	const bool is_step = names_find(reading->graph->names, name->owner) != STEP_NONE;
	for (size_t i = 0; i < OWNERS; i++)
		suggest_offer(&suggestion, text_of(owners[i]));
	reading->is_faulty = true;
	if (is_step)
		fault_add(reading->faults, CODE_METRIC_OWNER, name->place, NULL,
			  "a metric sees the answer, not what step `" TEXT_FORMAT
			  "` gave; add the tensor to the answer, and write answer." TEXT_FORMAT,
			  TEXT_ARGUMENTS(name->owner), TEXT_ARGUMENTS(name->name));
	else
		fault_add(reading->faults, CODE_METRIC_OWNER, name->place, suggestion.nearest.bytes,
			  "a metric knows no `" TEXT_FORMAT "." TEXT_FORMAT
			  "`; before the dot, write answer, request, truth or params",
			  TEXT_ARGUMENTS(name->owner), TEXT_ARGUMENTS(name->name));
}

static bool metric_type_of(void *context, const struct expression_name *name, struct value_type *type, const char **suggest)
{
	struct metric_reading *reading = context;
	*type = (struct value_type){0};
	if (name->owner.length == 0)
		return plain_type(reading, name, type, suggest);
	const bool answer = text_is(name->owner, "answer"), request = text_is(name->owner, "request");
	reading->metric->of_truth |= text_is(name->owner, "truth");
	reading->metric->of_feedback |= reading->metric->of_truth;
	reading->metric->of_answer |= answer;
	reading->metric->of_request |= request || text_is(name->owner, "params");
	if (!text_is_one_of(name->owner, owners, OWNERS))
		owner_refuse(reading, name);
	if (answer || request)
		return tensor_type(answer ? &reading->types->answer : &reading->types->request, name, type);
	return true;
}

/* ---- expressions ---- */

/* False: a fault was added. */
static bool expression_read(struct metric_reading *reading, const struct expression *expression, struct value_type *type)
{
	const struct expression_types types = {reading, metric_type_of};
	struct error error = {0};
	if (expression_check(expression, &types, reading->arena, type, &error))
		return !reading->is_faulty;
	if (error.kind == ERROR_CONFIG || error.kind == ERROR_INPUT)
		fault_add(reading->faults, CODE_WRONG_EXPRESSION, error.place.line ? error.place : expression_place(expression),
			  NULL, "%s", error.text);
	return false;
}

static void labels_read(struct metric_reading *reading)
{
	const struct metric_label *labels = reading->metric->spec.labels.items;
	for (size_t i = 0; i < reading->metric->spec.labels.count; i++) {
		struct value_type type = {0};
		if (!labels[i].value || !expression_read(reading, labels[i].value, &type))
			continue;
		const bool is_time = type.class == VALUE_TIME || type.class == VALUE_DURATION;
		if (type.class == VALUE_FLOAT || is_time)
			fault_add(reading->faults, CODE_WRONG_EXPRESSION, expression_place(labels[i].value), NULL,
				  "the label `%s` is a %s, so nearly each value would be a series of its own; make it a text, an "
				  "integer or true and false%s",
				  labels[i].name.text, is_time ? "time" : "float",
				  is_time ? ", as in hour(ts)" : ", as in cast(round(x), INT64)");
	}
}

static void metric_read(struct metric_reading *reading, struct pipeline_metric *metric)
{
	struct value_type type = {0};
	reading->metric = metric;
	reading->is_faulty = false;
	if (metric->spec.value && expression_read(reading, metric->spec.value, &type) && type.class == VALUE_TEXT)
		fault_add(
			reading->faults, CODE_WRONG_EXPRESSION, expression_place(metric->spec.value), NULL,
			"the value of metric `%s` is a text, which cannot be counted; compare it with another, or write number(x)",
			metric->spec.name.text);
	labels_read(reading);
}

void metrics_check_types(const struct graph *graph, const struct graph_types *types, struct arena *arena, struct faults *faults)
{
	struct metric_reading reading = {.graph = graph, .types = types, .arena = arena, .faults = faults};
	const struct metric_spec *items = graph->spec->metrics.items;
	for (size_t i = 0; i < graph->spec->metrics.count && i < METRICS_MAX; i++)
		if (items[i].name.text && items[i].value)
			metric_read(&reading, &(struct pipeline_metric){.spec = items[i]});
}

void pipeline_metric_read(struct pipeline_metric *metric, const struct metric_spec *spec, const struct graph *graph,
			  struct arena *arena, struct faults *faults)
{
	static const struct graph_types unknown = {0};
	struct metric_reading reading = {.graph = graph, .types = &unknown, .arena = arena, .faults = faults};
	*metric = (struct pipeline_metric){.spec = *spec};
	metric_read(&reading, metric);
}

static bool feedback_note(void *context, const struct expression_name *name, struct value_type *type, const char **suggest)
{
	bool *found = context;
	(void)suggest;
	*type = (struct value_type){0};
	*found |= text_is(name->owner, "truth") || (name->owner.length == 0 && text_is(name->name, FEEDBACK_REWARD));
	return true;
}

static bool metric_needs_feedback(const struct metric_spec *metric, struct arena *arena)
{
	bool found = false;
	const struct expression_types types = {&found, feedback_note};
	const struct metric_label *labels = metric->labels.items;
	struct value_type type;
	struct error ignored = {0};
	if (metric->value)
		(void)expression_check(metric->value, &types, arena, &type, &ignored);
	for (size_t i = 0; i < metric->labels.count; i++)
		if (labels[i].value)
			(void)expression_check(labels[i].value, &types, arena, &type, &ignored);
	return found;
}

bool metrics_need_feedback(const struct graph *graph, struct arena *arena)
{
	const struct metric_spec *items = graph->spec->metrics.items;
	bool found = false;
	for (size_t i = 0; i < graph->spec->metrics.count && !found; i++)
		found = metric_needs_feedback(&items[i], arena);
	return found;
}

bool graph_computes(const struct graph *graph, const char *metric)
{
	const struct metric_spec *items = graph->spec->metrics.items;
	struct arena *arena = arena_open(CHECK_BYTES);
	bool found = false;
	for (size_t i = 0; arena && metric && i < graph->spec->metrics.count && !found; i++)
		found = items[i].name.text && strcmp(items[i].name.text, metric) == 0 && metric_needs_feedback(&items[i], arena);
	arena_close(arena);
	return found;
}

/* ---- metrics by which rollouts judge ---- */

static void check_criterion(const struct graph *graph, const char *experiment, const char *name, struct arena *arena,
			    struct faults *faults)
{
	const struct metric_spec *metric = metric_spec_find(&graph->spec->metrics, name);
	if (metric && metric->per_unit == METRIC_SUM)
		fault_add(faults, CODE_ROLLOUT, metric->per_unit_place, NULL,
			  "the rollout of `%s` cannot judge by `%s` as sums of units: a sum grows while a stage lasts, so a "
			  "threshold would mean another thing at each look; write `perUnit: ratio` or mean, or leave the criterion "
			  "out and compare the sums by `sluice experiments analyze`",
			  experiment, name);
	if (metric && !metric_needs_feedback(metric, arena))
		fault_add(faults, CODE_IGNORED_SETTING, metric->here, NULL,
			  "the rollout of `%s` judges by `%s` of feedback alone, and this metric is known without feedback; let "
			  "its value name `truth` or `" FEEDBACK_REWARD "`, or send `metrics: {%s: NUMBER}` as feedback",
			  experiment, name, name);
}

void metrics_check_criteria(const struct graph *graph, struct faults *faults)
{
	struct arena *arena = arena_open(CHECK_BYTES);
	for (size_t i = 0; arena && i < graph->reachable_count; i++) {
		const struct graph_experiment *experiment = graph->reachable[i];
		const char *names[EXPERIMENT_METRICS_MAX];
		const size_t count = experiment->judged ? experiment_metrics(experiment->spec, names) : 0;
		for (size_t j = 0; j < count && j < EXPERIMENT_METRICS_MAX; j++)
			check_criterion(graph, experiment->name, names[j], arena, faults);
	}
	arena_close(arena);
}

/* ---- metrics of a pipeline ---- */

/* What customMetrics say of a metric that a pipeline declares: its description and its buckets, where it has none. */
static void custom_apply(const struct compiler *compiler, struct metric_spec *metric, const struct metric_spec *custom)
{
	if (metric->type != custom->type)
		fault_add(compiler->spec->faults, CODE_CONTRADICTION, metric->here, NULL,
			  "the metric `%s` has another type in `customMetrics`, line %u; give both the same", metric->name.text,
			  custom->here.line);
	metric->help = metric->help ? metric->help : custom->help;
	if (metric->buckets_place.line == 0)
		metric->buckets = custom->buckets;
}

/* Where a histogram has none: those of Prometheus' own clients. */
static const double usual_buckets[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};

/* An answer that is kept has so many bits. */
static void feedback_metrics_check(const struct compiler *compiler, const struct pipeline_metric *metrics, size_t count)
{
	size_t found = 0;
	for (size_t i = 0; i < count; i++)
		if (metrics[i].of_feedback && ++found > FEEDBACK_METRICS_COUNTED)
			fault_add(compiler->spec->faults, CODE_IGNORED_SETTING, metrics[i].spec.here, NULL,
				  "`/metrics` has at most %d metrics of truth and reward of a pipeline; `%s` is computed by "
				  "`sluice experiments analyze` only",
				  FEEDBACK_METRICS_COUNTED, metrics[i].spec.name.text);
}

/* `count` metrics share the samples of the pipeline. */
static void metric_form(const struct compiler *compiler, struct pipeline_metric *metric, size_t count)
{
	const struct metric_spec *spec = &metric->spec;
	const struct metric_label *labels = spec->labels.items;
	struct series_form *form = &metric->form;
	const bool has_buckets = spec->buckets.count > 0;
	const size_t label_count = spec->labels.count < SERIES_LABELS_MAX ? spec->labels.count : SERIES_LABELS_MAX;
	const char **names = ARENA_ARRAY(compiler->arena, const char *, label_count + 1);
	for (size_t i = 0; names && i < label_count && labels[i].value; i++) {
		names[i] = labels[i].name.text;
		form->label_count++;
	}
	metric->labels = names;
	form->type = (enum series_type)spec->type;
	if (form->type == SERIES_HISTOGRAM) {
		form->buckets = has_buckets ? spec->buckets.items : usual_buckets;
		form->bucket_count = has_buckets ? spec->buckets.count : sizeof usual_buckets / sizeof *usual_buckets;
		form->bucket_count = form->bucket_count < SERIES_BUCKETS_MAX ? form->bucket_count : SERIES_BUCKETS_MAX;
	}
	const size_t places = PIPELINE_METRIC_SERIES / count / series_samples(form);
	form->places = form->label_count == 0 || places == 0 ? 1 : places;
}

static void pipeline_metrics_make(const struct compiler *compiler, struct pipeline_plan *plan)
{
	struct metric_reading reading = {plan->graph, &plan->types, compiler->arena, compiler->spec->faults, NULL, false};
	static const struct item_list none = {0};
	const struct item_list *declared = &plan->graph->spec->metrics;
	const struct item_list *customs = compiler->runtime ? &compiler->runtime->metrics.custom : &none;
	const struct metric_spec *items = declared->items, *custom = customs->items;
	if (declared->count + customs->count == 0)
		return;
	struct pipeline_metric *made = ARENA_ARRAY(compiler->arena, struct pipeline_metric, declared->count + customs->count);
	size_t count = 0;
	for (size_t i = 0; made && i < declared->count && i < METRICS_MAX; i++) {
		if (!items[i].name.text || !items[i].value)
			continue;
		struct pipeline_metric *metric = &made[count++];
		const struct metric_spec *same = metric_spec_find(customs, items[i].name.text);
		metric->spec = items[i];
		if (same)
			custom_apply(compiler, &metric->spec, same);
		if (compiler->options)
			metric_read(&reading, metric);
	}
	for (size_t i = 0; made && i < customs->count && count < METRICS_MAX; i++)
		if (custom[i].name.text && !metric_spec_find(declared, custom[i].name.text))
			made[count++] = (struct pipeline_metric){.spec = custom[i]};
	for (size_t i = 0; made && i < count; i++)
		metric_form(compiler, &made[i], count);
	feedback_metrics_check(compiler, made, made ? count : 0);
	plan->metrics = made;
	plan->metric_count = made ? count : 0;
}

static bool custom_is_filled(const struct compiler *compiler, const char *name)
{
	for (size_t i = 0; i < compiler->plan->count; i++) {
		const struct pipeline_plan *plan = &compiler->plan->pipelines[i];
		if (metric_spec_find(&plan->graph->spec->metrics, name) || types_find(&plan->types.answer, text_of(name)))
			return true;
	}
	return false;
}

void plan_metrics(const struct compiler *compiler)
{
	for (size_t i = 0; i < compiler->plan->count; i++) {
		pipeline_metrics_make(compiler, &compiler->plan->pipelines[i]);
		if (compiler->options)
			metrics_check_criteria(compiler->plan->pipelines[i].graph, compiler->spec->faults);
	}
	plan_metric_families(compiler);
	if (!compiler->runtime)
		return;
	const struct metric_spec *custom = compiler->runtime->metrics.custom.items;
	for (size_t i = 0; i < compiler->runtime->metrics.custom.count; i++)
		if (custom[i].name.text && !custom_is_filled(compiler, custom[i].name.text))
			fault_add(compiler->spec->faults, CODE_IDLE_METRIC, custom[i].name.place, NULL,
				  "nothing in the files is known to fill the metric `%s`: no pipeline has `metrics` of that name, "
				  "and no answer is known to have a tensor of that name",
				  custom[i].name.text);
}
