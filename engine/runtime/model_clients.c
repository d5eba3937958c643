/* model_clients.c: see model_clients.h. */
#include "runtime/model_clients.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"
#include "serving/chaos.h"
#include "serving/configure.h"

#define AWAY_NAMED_MAX 8 /* limit of unreachable models of one client that are kept by name; a reader gets one of them */
#define MODEL_NAME_BYTES 256
#define AWAY_WORDS_BYTES ERROR_TEXT_MAX

/* ---- pipelines that are called ---- */

static bool is_called(const struct called_pipeline *called, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(called[i].name, name) == 0)
			return true;
	return false;
}

/* The pipelines that its steps call, followed by those that these call. */
size_t called_pipelines_find(const struct plan *plan, const struct pipeline_plan *pipeline, struct called_pipeline *called)
{
	size_t count = 0;
	for (size_t at = 0; pipeline; pipeline = at < count ? plan_find(plan, called[at++].name) : NULL)
		for (size_t i = 0; i < pipeline->callee_count; i++) {
			const struct callee *callee = &pipeline->callees[i];
			const struct pipeline_plan *other =
				callee->target == CALL_PIPELINE ? plan_find(plan, callee->name) : NULL;
			if (other && !is_called(called, count, callee->name))
				called[count++] = (struct called_pipeline){.name = callee->name, .graph = other->graph};
		}
	return count;
}

/* ---- callers ---- */

/* The index of a model; `model_count`: there is none of that name. */
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

/* Whether both give the same addresses to models of the same name. Other settings of a step apply to each call. */
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
		else if (models[at].cache.backend == CACHE_NONE) /* only this caller configures a cache */
			models[at].cache = caller->models[i].cache;
	}
	shared->models = models;
	shared->model_count = count;
	return true;
}

/* ---- notices of callers ---- */

/* A model that is unreachable from some workers. */
struct away_model {
	size_t workers; /* 0: the entry is free */
	int64_t since_ms;
	char name[MODEL_NAME_BYTES];
	char words[AWAY_WORDS_BYTES];
};

/* Unreachable models of one client. Written by the calling workers when a model becomes unreachable or reachable,
 * read by the engine. */
struct model_news {
	const struct log_sink *log;
	pthread_mutex_t lock;
	struct away_model away[AWAY_NAMED_MAX];
};

static struct model_news *model_news_open(const struct log_sink *log, struct arena *lasting)
{
	struct model_news *news = ARENA_NEW(lasting, struct model_news);
	if (news) {
		news->log = log;
		pthread_mutex_init(&news->lock, NULL);
	}
	return news;
}

/* The entry of that model, or a free one. NULL: all entries are used by other models. */
static struct away_model *away_model_at(struct model_news *news, const char *model)
{
	struct away_model *empty = NULL;
	for (size_t i = 0; i < AWAY_NAMED_MAX; i++) {
		if (news->away[i].workers > 0 && strcmp(news->away[i].name, model) == 0)
			return &news->away[i];
		if (news->away[i].workers == 0 && !empty)
			empty = &news->away[i];
	}
	return empty;
}

/* Returns for how long the model was away, if it is reachable again; below 0: not known. */
static int64_t model_news_note(struct model_news *news, const char *model, const char *words)
{
	int64_t lasted_ms = -1;
	pthread_mutex_lock(&news->lock);
	struct away_model *at = away_model_at(news, model);
	if (at && words) {
		if (at->workers++ == 0)
			at->since_ms = clock_ms();
		(void)snprintf(at->name, sizeof at->name, "%s", model);
		(void)snprintf(at->words, sizeof at->words, "%s", words);
	} else if (at && at->workers > 0) {
		at->workers--;
		lasted_ms = clock_ms() - at->since_ms;
	}
	pthread_mutex_unlock(&news->lock);
	return lasted_ms;
}

bool model_news_away(const struct caller_config *caller, char *words, size_t size)
{
	struct model_news *news = caller->told_context;
	bool found = false;
	pthread_mutex_lock(&news->lock);
	for (size_t i = 0; i < AWAY_NAMED_MAX && !found; i++) {
		found = news->away[i].workers > 0;
		if (found)
			(void)snprintf(words, size, "%s: %s", news->away[i].name, news->away[i].words);
	}
	pthread_mutex_unlock(&news->lock);
	return found;
}

bool model_news_is_away(const struct caller_config *caller, const char *model, char *words, size_t size)
{
	struct model_news *news = caller->told_context;
	pthread_mutex_lock(&news->lock);
	const struct away_model *entry = away_model_at(news, model);
	bool found = entry && entry->workers > 0;
	if (found)
		(void)snprintf(words, size, "%s", entry->words);
	pthread_mutex_unlock(&news->lock);
	return found;
}

/* Runs on the thread of the worker that calls. */
static void say_model(void *context, const char *model, const char *words)
{
	struct model_news *news = context;
	const struct log_fields fields = {.model = model};
	int64_t lasted_ms = model_news_note(news, model, words);
	if (words)
		log_say(news->log, LOG_LEVEL_WARN, &fields, "model %s is unreachable: %s", model, words);
	else if (lasted_ms < 0)
		log_say(news->log, LOG_LEVEL_INFO, &fields, "model %s is reachable again", model);
	else
		log_say(news->log, LOG_LEVEL_INFO, &fields, "model %s is reachable again, after %" PRId64 ".%" PRId64 " s", model,
			lasted_ms / MS_PER_S, lasted_ms % MS_PER_S / (MS_PER_S / 10));
}

static void say_way(void *context, const char *model, const struct model_address *address, const char *words)
{
	const struct model_news *news = context;
	const struct log_fields fields = {.model = model};
	if (words)
		log_say(news->log, LOG_LEVEL_WARN, &fields, "model %s is called by REST at %s until %s answers by gRPC: %s", model,
			address->rest->base, address->host, words);
	else
		log_say(news->log, LOG_LEVEL_INFO, &fields, "model %s is called by gRPC again at %s", model, address->host);
}

static void say_cache(void *context, const char *model, const char *words)
{
	const struct model_news *news = context;
	const struct log_fields fields = {.model = model};
	if (words)
		log_say(news->log, LOG_LEVEL_WARN, &fields, "replies of model %s are not cached: %s", model, words);
	else
		log_say(news->log, LOG_LEVEL_INFO, &fields, "replies of model %s are cached again", model);
}

/* Configures one client for a pipeline and for those that it calls. In an outage the setting of the calling pipeline
 * applies. */
static bool caller_gather(const struct plan *plan, const struct pipeline_plan *pipeline, const struct called_pipeline *called,
			  size_t count, struct arena *arena, struct caller_config *caller, struct error *error)
{
	if (!caller_configure(plan, pipeline, arena, caller, error))
		return false;
	for (size_t i = 0; i < count; i++) {
		struct caller_config theirs;
		const struct pipeline_plan *other = plan_find(plan, called[i].name);
		assert(other); /* lint has checked that it exists */
		if (!caller_configure(plan, other, arena, &theirs, error))
			return false;
		if (!agree(caller, &theirs))
			return error_set(
				error, ERROR_CONFIG, other->graph->resource->name.place,
				"pipelines %s and %s call models of the same name at different addresses, and the first calls "
				"the second; rename one of the models",
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
	caller.wire = config->chaos ? &wire_chaos : config->wire;
	caller.wire_context = config->chaos ? config->chaos : config->wire_context;
	caller.seed = config->seed ? config->seed : caller.seed;
	for (size_t i = 0; i < callers->count; i++)
		if (may_share(&callers->items[i], &caller))
			return share(&callers->items[i], &caller, arena) ? &callers->items[i] : NULL;
	caller.away = ARENA_NEW(lasting, _Atomic size_t);
	caller.told_context = model_news_open(config->log, lasting);
	if (!caller.away || !caller.told_context)
		return NULL;
	callers->items[callers->count] = caller;
	return &callers->items[callers->count++];
}
