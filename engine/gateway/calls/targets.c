/* targets.c: see targets.h. */
#include "gateway/calls/targets.h"

#include "base/memory.h"
#include "gateway/access/access.h"
#include "message/records/reply.h"
#include "compiler/yaml/header_names.h"

#define NAME_ARENA_BYTES ((size_t)64 << 10)

/* ---- targets that cannot answer a waiting caller ---- */

static const char *externals_refusal(const struct externals *externals, struct arena *arena)
{
	const struct external *external = &externals->items[0];
	return arena_print(arena, "it joins requests with what pipeline `%s` gives, so no answer is of one request alone",
			   external->pipeline);
}

/* Why a pipeline that splits or merges messages cannot answer a request by one answer; NULL: it can, because a later
 * step collects the children. */
static const char *offspring_refusal(const struct graph *graph, struct arena *arena)
{
	size_t step = graph->offspring ? graph->offspring->of[graph->count] : STEP_NONE;
	if (step == STEP_NONE)
		return NULL;
	return arena_print(arena, "its step `%s` (%s) answers by messages of its own, and not each request by one",
			   graph->steps[step].name, graph->steps[step].spec->kind->name);
}

const char *gateway_refusal_of(const struct graph *graph, struct arena *arena)
{
	if (graph->inputs.count > 0)
		return externals_refusal(&graph->inputs, arena);
	if (graph->triggers.count > 0)
		return externals_refusal(&graph->triggers, arena);
	return graph->has_output ? offspring_refusal(graph, arena) : NULL;
}

/* ---- topics ---- */

static uint32_t topic_place(struct gateway_targets *targets, const char *name)
{
	size_t place = 0;
	while (place < targets->topic_count && strcmp(targets->topics[place], name) != 0)
		place++;
	if (place == targets->topic_count)
		targets->topics[targets->topic_count++] = name;
	return (uint32_t)place;
}

static bool topics_keep(struct gateway_targets *targets, const struct gateway_targets *before, struct arena *arena)
{
	for (size_t i = 0; before && i < before->topic_count; i++) {
		const char *name = arena_copy(arena, before->topics[i], strlen(before->topics[i]));
		if (!name)
			return false;
		targets->topics[targets->topic_count++] = name;
	}
	return true;
}

/* ---- experiments ---- */

static void fronts_find(struct gateway_targets *targets)
{
	for (size_t i = 0; i < targets->count; i++) {
		struct gateway_target *target = &targets->items[i];
		const struct resource *experiment = spec_experiment_of(targets->spec, target->name);
		const struct text name = text_of(experiment ? experiment->name.text : NULL);
		const struct gateway_target *front =
			experiment ? gateway_target_find(targets, text_of(target->namespace), name) : NULL;
		target->front = front && front->plan->graph->resource->made_of == experiment ? front : NULL;
	}
}

/* ---- headers ---- */

bool gateway_header_is_secret(struct text name)
{
	static const char *const secrets[] = {"authorization", "cookie", "proxy-authorization", ACCESS_API_KEY_HEADER};
	for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
		if (text_equal_caseless(name, text_of(secrets[i])))
			return true;
	return reply_header_is_own(name);
}

/* If memory runs out, the arena has failed. */
static void header_add(struct name_list *headers, struct name name, struct arena *arena)
{
	if (!gateway_header_is_secret(text_of(name.text)))
		header_names_add(headers, text_of(name.text), name.place, arena);
}

static void headers_add(struct name_list *headers, const struct experiment_spec *experiment, struct arena *arena)
{
	const struct candidate *candidates = experiment->candidates.items;
	for (size_t i = 0; i < experiment->candidates.count; i++) {
		const struct traffic_header *matched = candidates[i].headers.items;
		for (size_t j = 0; j < candidates[i].headers.count; j++)
			header_add(headers, matched[j].name, arena);
	}
	for (size_t i = 0; i < experiment->bandits.context_features.count; i++) /* each may be a tensor or a header */
		header_add(headers, experiment->bandits.context_features.items[i], arena);
}

static struct name_list headers_read(const struct plan *plan, struct arena *arena)
{
	struct name_list headers = {0};
	for (size_t i = 0; i < plan->count; i++)
		for (size_t j = 0; j < plan->pipelines[i].graph->experiment_count; j++)
			headers_add(&headers, plan->pipelines[i].graph->experiments[j]->spec, arena);
	for (size_t i = 0; i < plan->spec->headers.count; i++)
		header_add(&headers, plan->spec->headers.items[i], arena);
	return headers;
}

/* ---- targets ---- */

/* NULL: it is made of none. */
static const struct resource *deployment_made(const struct pipeline_plan *plan)
{
	const struct resource *of = plan->graph->resource->made_of;
	return of && of->kind->type == RESOURCE_DEPLOYMENT ? of : NULL;
}

/* A shadow of a deployment has a pipeline of its own, which answers nobody. */
static const struct resource *deployment_of(const struct pipeline_plan *plan)
{
	const struct resource *of = deployment_made(plan);
	return of && strcmp(of->name.text, plan->graph->name) == 0 ? of : NULL;
}

/* That of the resource which callers name: the pipeline, or what it was made of. */
static int64_t version_of(const struct resource *pipeline)
{
	return pipeline->made_of ? pipeline->made_of->version : pipeline->version;
}

/* Checks that a pipeline has the namespace and prefix of the other targets, because there is one topic of replies. */
static bool is_of_one_namespace(const struct gateway_targets *targets, const struct pipeline_plan *plan, struct error *error)
{
	return (strcmp(plan->namespace, targets->namespace) == 0 && strcmp(plan->prefix, targets->prefix) == 0) ||
	       error_set(error, ERROR_CONFIG, plan->graph->resource->name.place,
			 "pipeline %s is of namespace %s, and others of the files are of %s; start a gateway for each namespace, "
			 "`sluice gateway -n NAMESPACE`",
			 plan->graph->name, plan->namespace, targets->namespace);
}

/* Those of the pipelines. The replies topic stays the same when the last pipeline is deleted. */
static bool names_choose(struct gateway_targets *targets, const struct plan *plan, const struct gateway_targets *before,
			 struct arena *arena)
{
	const bool has_any = plan->count > 0;
	targets->prefix = has_any ? plan->pipelines[0].prefix : arena_copy(arena, before->prefix, strlen(before->prefix));
	targets->namespace =
		has_any ? plan->pipelines[0].namespace : arena_copy(arena, before->namespace, strlen(before->namespace));
	return targets->prefix && targets->namespace;
}

bool gateway_targets_make(const struct plan *plan, const struct gateway_targets *before, struct arena *arena,
			  struct gateway_targets *targets, struct error *error)
{
	*targets = (struct gateway_targets){.items = ARENA_ARRAY(arena, struct gateway_target, plan->count + 1)};
	targets->topics = ARENA_ARRAY(arena, const char *, 2 * plan->count + (before ? before->topic_count : 0) + 2);
	if (plan->count == 0 && !before)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "the files have no pipeline, so nothing can be asked; name its file");
	if (!targets->items || !targets->topics || !topics_keep(targets, before, arena) ||
	    !names_choose(targets, plan, before, arena))
		return error_memory(error, ERROR_SYSTEM, "preparing a gateway");
	targets->spec = plan->spec;
	const struct resource *runtime = spec_first(plan->spec, RESOURCE_RUNTIME);
	targets->has_seldon_errors = runtime && ((const struct runtime_spec *)runtime->spec)->compat == COMPAT_SELDON;
	for (size_t i = 0; i < plan->count; i++) {
		const struct pipeline_plan *pipeline = &plan->pipelines[i];
		const char *inputs = plan_topic_of(pipeline, TOPIC_INPUTS), *feedback = plan_topic_of(pipeline, TOPIC_FEEDBACK);
		if (!is_of_one_namespace(targets, pipeline, error))
			return false;
		if (!inputs)
			continue;
		targets->items[targets->count++] = (struct gateway_target){
			.name = pipeline->graph->name,
			.namespace = pipeline->namespace,
			.plan = pipeline,
			.deployment = deployment_of(pipeline),
			.version = version_of(pipeline->graph->resource),
			.topic = topic_place(targets, inputs),
			.feedback = feedback ? topic_place(targets, feedback) : 0,
			.takes_feedback = feedback != NULL,
			.outputs = plan_topic_of(pipeline, TOPIC_OUTPUTS),
			.explanations = plan_topic_of(pipeline, TOPIC_EXPLANATIONS),
			.direct = pipeline->direct,
			.answers = pipeline->graph->has_output,
			.answers_roam = pipeline->answer_stage > 0,
			.refusal = gateway_refusal_of(pipeline->graph, arena),
		};
	}
	fronts_find(targets);
	const char *cancels = topic_cancels_name(arena, targets->prefix, targets->namespace);
	targets->cancels = cancels ? topic_place(targets, cancels) : 0;
	targets->read = headers_read(plan, arena);
	return !arena_failed(arena) || error_memory(error, ERROR_SYSTEM, "preparing a gateway");
}

char *gateway_topic_name(const char *(*name)(struct arena *arena, const char *prefix, const char *namespace),
			 const struct gateway_targets *targets)
{
	struct arena *arena = arena_open(NAME_ARENA_BYTES);
	const char *made = arena ? name(arena, targets->prefix, targets->namespace) : NULL;
	char *kept = made ? memory_take(strlen(made) + 1, 1) : NULL;
	if (kept)
		memcpy(kept, made, strlen(made));
	arena_close(arena);
	return kept;
}

const struct gateway_target *gateway_target_find(const struct gateway_targets *targets, struct text namespace, struct text name)
{
	for (size_t i = 0; i < targets->count; i++) {
		const struct gateway_target *target = &targets->items[i];
		if (text_is(name, target->name) && (namespace.length == 0 || text_is(namespace, target->namespace)))
			return target;
	}
	return NULL;
}

const struct gateway_target *gateway_target_only(const struct gateway_targets *targets, size_t *count)
{
	const struct gateway_target *last = NULL;
	*count = 0;
	for (size_t i = 0; i < targets->count; i++) {
		const struct gateway_target *target = &targets->items[i];
		const bool is_shadow = !target->deployment && deployment_made(target->plan);
		last = is_shadow ? last : target;
		*count += !is_shadow;
	}
	return *count == 1 ? last : NULL;
}

struct text gateway_target_version(const struct gateway_target *target, char digits[GATEWAY_VERSION_BYTES])
{
	return (struct text){digits, number_write_int64(digits, target->version > 0 ? target->version : 1)};
}

bool gateway_targets_have_model(const struct gateway_targets *targets, struct text name)
{
	for (size_t i = 0; targets->spec && i < targets->spec->count; i++) {
		const struct resource *resource = targets->spec->resources[i];
		if (resource->kind->type == RESOURCE_MODEL && resource->name.text && text_is(name, resource->name.text))
			return true;
	}
	return false;
}
