/* model_clients.c: see model_clients.h. */
#include "runtime/model_clients.h"

#include <assert.h>

#include "serving/chaos.h"
#include "serving/configure.h"

/* ---- pipelines that are called ---- */

static bool is_called(const struct called_pipeline *called, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(called[i].name, name) == 0)
			return true;
	return false;
}

/* Those that its steps call, and behind them those that these call. */
size_t called_pipelines_find(const struct plan *plan, const struct pipeline_plan *pipeline, struct called_pipeline *called)
{
	size_t count = 0;
	for (size_t at = 0; pipeline; pipeline = at < count ? plan_find(plan, called[at++].name) : NULL)
		for (size_t i = 0; i < pipeline->callee_count; i++) {
			const struct callee *callee = &pipeline->callees[i];
			const struct pipeline_plan *other = plan_find(plan, callee->name);
			if (callee->target == CALL_PIPELINE && other && !is_called(called, count, callee->name))
				called[count++] = (struct called_pipeline){.name = callee->name, .graph = other->graph};
		}
	return count;
}

/* ---- callers ---- */

/* `model_count`: it is not there. */
static size_t model_find(const struct caller_config *caller, const char *name)
{
	size_t at = 0;
	while (at < caller->model_count && strcmp(caller->models[at].name, name) != 0)
		at++;
	return at;
}

static bool same_addresses(const struct model_addresses *a, const struct model_addresses *b)
{
	bool same = a->count == b->count;
	for (size_t i = 0; same && i < a->count; i++)
		same = a->items[i].protocol == b->items[i].protocol && a->items[i].tls == b->items[i].tls &&
		       strcmp(a->items[i].host, b->items[i].host) == 0 && strcmp(a->items[i].model, b->items[i].model) == 0 &&
		       strcmp(a->items[i].url ? a->items[i].url : "", b->items[i].url ? b->items[i].url : "") == 0;
	return same;
}

/* Steps may say of one model that it is in different places. What else they say of it is said of each call. */
static bool agree(const struct caller_config *one, const struct caller_config *other)
{
	for (size_t i = 0; i < other->model_count; i++) {
		size_t at = model_find(one, other->models[i].name);
		if (at < one->model_count && !same_addresses(&one->models[at].addresses, &other->models[i].addresses))
			return false;
	}
	return true;
}

static bool may_share(const struct caller_config *shared, const struct caller_config *caller)
{
	return shared->outage_deadletter == caller->outage_deadletter && agree(shared, caller);
}

static bool share(struct caller_config *shared, const struct caller_config *caller, struct arena *arena)
{
	struct model_config *models = ARENA_ARRAY(arena, struct model_config, shared->model_count + caller->model_count);
	if (!models)
		return false;
	size_t count = shared->model_count;
	if (count > 0)
		memcpy(models, shared->models, count * sizeof *models);
	for (size_t i = 0; i < caller->model_count; i++) {
		size_t at = model_find(shared, caller->models[i].name);
		if (at == shared->model_count)
			models[count++] = caller->models[i];
		else if (models[at].cache.backend == CACHE_NONE) /* only this one keeps replies */
			models[at].cache = caller->models[i].cache;
	}
	shared->models = models;
	shared->model_count = count;
	return true;
}

/* On the thread of the worker that calls: stdio keeps lines apart. */
static void say_model(void *context, const char *model, const char *words)
{
	FILE *out = context;
	if (words)
		fprintf(out, "model %s is away: %s\n", model, words);
	else
		fprintf(out, "model %s is back\n", model);
	fflush(out);
}

static void say_way(void *context, const char *model, const struct model_address *address, const char *words)
{
	FILE *out = context;
	if (words)
		fprintf(out, "model %s is called by REST at %s until %s answers by gRPC: %s\n", model, address->rest->base,
			address->host, words);
	else
		fprintf(out, "model %s is called by gRPC again at %s\n", model, address->host);
	fflush(out);
}

static void say_cache(void *context, const char *model, const char *words)
{
	FILE *out = context;
	if (words)
		fprintf(out, "replies of model %s are not kept, %s\n", model, words);
	else
		fprintf(out, "replies of model %s are kept again\n", model);
	fflush(out);
}

/* Models that called pipelines call are called by the same client, and in an outage as the caller says. */
static bool caller_gather(const struct plan *plan, const struct pipeline_plan *pipeline, const struct called_pipeline *called,
			  size_t count, struct arena *arena, struct caller_config *caller, struct error *error)
{
	if (!caller_configure(plan, pipeline, arena, caller, error))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct caller_config theirs;
		const struct pipeline_plan *other = plan_find(plan, called[i].name);
		assert(other); /* lint saw it */
		if (!caller_configure(plan, other, arena, &theirs, error))
			return false;
		if (!agree(caller, &theirs))
			return error_set(
				error, ERROR_CONFIG, other->graph->resource->name.place,
				"pipelines %s and %s call a model of one name in different places, and the first calls the "
				"second; give one of the models another name",
				pipeline->graph->name, called[i].name);
		if (!share(caller, &theirs, arena))
			return false;
	}
	return true;
}

const struct caller_config *model_clients_find(struct model_clients *callers, const struct engine_config *config,
					       const struct plan *plan, const struct pipeline_plan *pipeline,
					       const struct called_pipeline *called, size_t called_count, struct arena *arena,
					       struct arena *lasting, struct error *error)
{
	struct caller_config caller;
	if (!caller_gather(plan, pipeline, called, called_count, arena, &caller, error))
		return NULL;
	caller.told = say_model;
	caller.way_told = say_way;
	caller.cache_told = say_cache;
	caller.told_context = config->out;
	caller.wire = config->chaos ? &wire_chaos : NULL;
	caller.wire_context = config->chaos;
	for (size_t i = 0; i < callers->count; i++)
		if (may_share(&callers->items[i], &caller))
			return share(&callers->items[i], &caller, arena) ? &callers->items[i] : NULL;
	caller.away = ARENA_NEW(lasting, _Atomic size_t);
	if (!caller.away)
		return NULL;
	callers->items[callers->count] = caller;
	return &callers->items[callers->count++];
}
