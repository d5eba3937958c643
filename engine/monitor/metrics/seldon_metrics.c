/* seldon_metrics.c: see seldon_metrics.h. */
#include "monitor/metrics/seldon_metrics.h"

#include <stdio.h>

#include "net/grpc/grpc_wire.h"
#include "compiler/resources/deployment_callee.h"

#define SERVER TEXT("sluice")
#define CODE_BYTES 12

bool seldon_metrics_are_wanted(const struct plan *plan)
{
	const struct resource *runtime = spec_first(plan->spec, RESOURCE_RUNTIME);
	return runtime && runtime_has_seldon_metrics(runtime->spec);
}

struct seldon_scrape {
	const struct plan *plan;
	const struct metric_subject *models;
	size_t model_count;
	struct text instance;
	struct arena *arena;
	struct metric_subject *items; /* of the current scope */
	size_t count, capacity;
};

static bool durations_are_empty(const struct duration_counts *durations)
{
	for (size_t i = 0; i <= DURATION_LIMITS; i++)
		if (durations->buckets[i] > 0)
			return false;
	return true;
}

static const struct duration_counts *ends_of(const struct metric_subject *model, size_t protocol, size_t code)
{
	return &((const struct model_counts *)model->values)->outcomes.ends[protocol][code];
}

static struct text code_name(struct arena *arena, size_t protocol, size_t code)
{
	int status = counted_codes[code];
	if (status == 0)
		return TEXT(SUBJECT_OTHER);
	if (protocol == COUNTED_GRPC)
		return text_of(grpc_status_name(grpc_status_for_http(status)));
	return text_of(arena_print(arena, "%d", status));
}

static struct text method_type(size_t protocol)
{
	return protocol == COUNTED_GRPC ? TEXT("grpc") : TEXT("rest");
}

static void scope_begin(struct seldon_scrape *scrape, size_t capacity)
{
	scrape->items = ARENA_ARRAY(scrape->arena, struct metric_subject, capacity + 1);
	scrape->capacity = scrape->items ? capacity : 0;
	scrape->count = 0;
}

static void subject_put(struct seldon_scrape *scrape, struct metric_subject subject)
{
	if (scrape->count < scrape->capacity)
		scrape->items[scrape->count++] = subject;
}

/* ---- Core 2 ---- */

static void list_models(struct seldon_scrape *scrape)
{
	scope_begin(scrape, scrape->model_count * COUNTED_PROTOCOLS * COUNTED_CODES);
	for (size_t i = 0; i < scrape->model_count; i++)
		for (size_t protocol = 0; protocol < COUNTED_PROTOCOLS; protocol++)
			for (size_t code = 0; code < COUNTED_CODES; code++) {
				const struct metric_subject *model = &scrape->models[i];
				const struct duration_counts *ends = ends_of(model, protocol, code);
				const struct text name = model->labels[1];
				const struct metric_subject subject = {{SERVER, scrape->instance, name, name, method_type(protocol),
									code_name(scrape->arena, protocol, code)},
								       ends};
				if (!durations_are_empty(ends))
					subject_put(scrape, subject);
			}
}

/* Sums of all models by protocol, and by code. */
static void list_codes(struct seldon_scrape *scrape)
{
	scope_begin(scrape, (size_t)COUNTED_PROTOCOLS * COUNTED_CODES);
	for (size_t protocol = 0; protocol < COUNTED_PROTOCOLS; protocol++)
		for (size_t code = 0; code < COUNTED_CODES; code++) {
			struct duration_counts *sum = ARENA_NEW(scrape->arena, struct duration_counts);
			for (size_t i = 0; sum && i < scrape->model_count; i++)
				duration_counts_add(sum, ends_of(&scrape->models[i], protocol, code));
			if (sum && !durations_are_empty(sum))
				subject_put(scrape, (struct metric_subject){{SERVER, scrape->instance, method_type(protocol),
									     code_name(scrape->arena, protocol, code)},
									    sum});
		}
}

static void list_protocols(struct seldon_scrape *scrape)
{
	scope_begin(scrape, COUNTED_PROTOCOLS);
	for (size_t protocol = 0; protocol < COUNTED_PROTOCOLS; protocol++) {
		struct duration_counts *sum = ARENA_NEW(scrape->arena, struct duration_counts);
		for (size_t i = 0; sum && i < scrape->model_count; i++)
			for (size_t code = 0; code < COUNTED_CODES; code++)
				duration_counts_add(sum, ends_of(&scrape->models[i], protocol, code));
		if (sum)
			subject_put(scrape, (struct metric_subject){{SERVER, scrape->instance, method_type(protocol)}, sum});
	}
}

/* ---- Core 1 ---- */

/* Adds a histogram of a deployment, or adds it to the last one, of all further ones. */
static void client_put(struct seldon_scrape *scrape, const struct metric_subject *subject)
{
	const struct text other = TEXT(SUBJECT_OTHER);
	if (scrape->count + 1 < scrape->capacity) {
		scrape->items[scrape->count++] = *subject;
		return;
	}
	if (scrape->count < scrape->capacity) {
		const struct duration_counts *sum = ARENA_NEW(scrape->arena, struct duration_counts);
		scrape->items[scrape->count] = (struct metric_subject){
			{other, other, TEXT(""), other, other, TEXT(""), TEXT(""), other, other}, sum};
		scrape->count += sum != NULL;
	}
	if (scrape->count == scrape->capacity && scrape->capacity > 0)
		duration_counts_add((void *)(uintptr_t)scrape->items[scrape->count - 1].values, subject->values);
}

/* The methods of a component, as the executor names them by the paths of REST. */
static const struct {
	enum call_method method;
	enum node_act act;
	const char *service;
} client_services[] = {{CALL_PREDICT, ACT_PREDICT, "/predict"},
		       {CALL_TRANSFORM_INPUT, ACT_TRANSFORM_INPUT, "/transform-input"},
		       {CALL_ROUTE, ACT_ROUTE, "/route"},
		       {CALL_AGGREGATE, ACT_AGGREGATE, "/aggregate"},
		       {CALL_TRANSFORM_OUTPUT, ACT_TRANSFORM_OUTPUT, "/transform-output"}};

#define CLIENT_SERVICES (sizeof client_services / sizeof *client_services)

static const struct metric_subject *model_find(const struct seldon_scrape *scrape, const char *name)
{
	for (size_t i = 0; i < scrape->model_count; i++)
		if (text_is(scrape->models[i].labels[1], name))
			return &scrape->models[i];
	return NULL;
}

static void list_ends(struct seldon_scrape *scrape, struct metric_subject subject, const struct metric_subject *model)
{
	for (size_t protocol = 0; protocol < COUNTED_PROTOCOLS; protocol++)
		for (size_t code = 0; code < COUNTED_CODES; code++) {
			subject.values = ends_of(model, protocol, code);
			subject.labels[7] = protocol == COUNTED_GRPC ? TEXT("unary") : TEXT("post");
			subject.labels[8] = code_name(scrape->arena, protocol, code);
			if (!durations_are_empty(subject.values))
				client_put(scrape, &subject);
		}
}

/* A node whose methods share the name of one model is listed once, by the first of its methods. */
static void list_node(struct seldon_scrape *scrape, const struct callee_scope *scope, const struct graph_node *node)
{
	const struct graph_node *children = node->children.items;
	const char *name = node->name.text ? node->name.text : scope->predictor->name.text, *before = NULL;
	for (size_t i = 0; i < CLIENT_SERVICES; i++) {
		const char *callee = (node_acts(node) & client_services[i].act) != 0
					     ? callee_name(scope, node, client_services[i].method)
					     : NULL;
		const struct metric_subject *model = callee && (!before || strcmp(before, callee) != 0)
							     ? model_find(scrape, callee)
							     : NULL;
		before = callee ? callee : before;
		if (model)
			list_ends(scrape,
				  (struct metric_subject){.labels = {text_of(scope->deployment->name.text),
								     text_of(scope->predictor->name.text), TEXT(""),
								     text_of(client_services[i].service), text_of(name), TEXT(""),
								     TEXT("")}},
				  model);
	}
	for (size_t i = 0; i < node->children.count; i++)
		list_node(scrape, scope, &children[i]);
}

static void list_clients(struct seldon_scrape *scrape)
{
	const struct spec *spec = scrape->plan->spec;
	scope_begin(scrape, scrape->plan->count * SELDON_CLIENT_HISTOGRAMS);
	for (size_t i = 0; i < spec->count; i++) {
		const struct resource *resource = spec->resources[i];
		if (resource->kind->type != RESOURCE_DEPLOYMENT || !resource->spec)
			continue;
		const struct deployment_spec *deployment = resource->spec;
		const struct deployment_predictor *predictors = deployment->predictors.items;
		for (size_t k = 0; k < deployment->predictors.count; k++)
			list_node(scrape, &(struct callee_scope){resource, &predictors[k], scrape->arena}, &predictors[k].graph);
	}
}

void seldon_metrics_write(const struct plan *plan, const char *instance, const struct metric_subject *models, size_t count,
			  struct arena *arena, struct exposition *exposition)
{
	struct seldon_scrape scrape = {.plan = plan,
				       .models = models,
				       .model_count = count,
				       .instance = text_of(instance),
				       .arena = arena};
	list_models(&scrape);
	exposition_write(exposition, SCOPE_SELDON_MODEL, scrape.items, scrape.count);
	list_codes(&scrape);
	exposition_write(exposition, SCOPE_SELDON_MODEL_API, scrape.items, scrape.count);
	list_protocols(&scrape);
	exposition_write(exposition, SCOPE_SELDON_MODELS, scrape.items, scrape.count);
	list_clients(&scrape);
	exposition_write(exposition, SCOPE_SELDON_CLIENT, scrape.items, scrape.count);
}
