/* model_clients.c: see model_clients.h. */
#include "engine/setup/model_clients.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/hash.h"
#include "models/calls/caller_config.h"
#include "models/calls/chaos.h"
#include "models/calls/dispatch.h"

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

#define NEEDS_DEPTH_MAX 16 /* pipelines that call pipelines, as in engine/worker/subpipelines.c */

struct called_needs {
	size_t count, room;
	const char **names;
};

static bool needs_is_listed(const struct called_needs *needs, const char *name)
{
	for (size_t i = 0; i < needs->count; i++)
		if (strcmp(needs->names[i], name) == 0)
			return true;
	return false;
}

/* A join that goes on without a source may answer without the models before it. */
static bool graph_waits_for_all(const struct graph *graph)
{
	bool waits = true;
	for (size_t i = 0; i < graph->count; i++)
		waits = waits && graph->steps[i].inputs.type == JOIN_INNER;
	return waits;
}

static bool callee_is_needed(const struct graph *graph, const struct callee *callee)
{
	const struct graph_step *step = &graph->steps[callee->step];
	return !callee->how && !callee->copy && step->answers && step->triggers.count == 0;
}

static void needs_add(struct called_needs *needs, const struct plan *plan, const struct pipeline_plan *pipeline, unsigned depth)
{
	if (!pipeline || depth == NEEDS_DEPTH_MAX || !graph_waits_for_all(pipeline->graph))
		return;
	for (size_t i = 0; i < pipeline->callee_count; i++) {
		const struct callee *callee = &pipeline->callees[i];
		if (!callee_is_needed(pipeline->graph, callee))
			continue;
		if (callee->target == CALL_PIPELINE)
			needs_add(needs, plan, plan_find(plan, callee->name), depth + 1);
		else if (needs->count < needs->room && !needs_is_listed(needs, callee->name))
			needs->names[needs->count++] = callee->name;
	}
}

bool called_needs_find(const struct plan *plan, struct called_pipeline *called, size_t count, struct arena *arena)
{
	size_t room = 0;
	for (size_t i = 0; i < plan->count; i++)
		room += plan->pipelines[i].callee_count;
	for (size_t i = 0; i < count; i++) {
		struct called_needs needs = {.room = room, .names = ARENA_ARRAY(arena, const char *, room + 1)};
		if (!needs.names)
			return false;
		needs_add(&needs, plan, plan_find(plan, called[i].name), 0);
		called[i].needed_count = needs.count;
		called[i].needed = needs.names;
	}
	return true;
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

/* A model at its addresses: two clients may call models of one name at different ones. */
struct away_model {
	struct away_model *next;
	const char *name;
	uint64_t at;	/* hash of its addresses */
	size_t clients; /* from which it is unreachable */
	int64_t since_ms;
	char words[ERROR_TEXT_MAX];
};

struct model_news {
	const struct log_sink *log;
	_Atomic size_t away; /* entries with clients; read before the lock is taken */
	pthread_mutex_t lock;
	struct away_model *models;
};

/* What a client's notices refer to. */
struct client_news {
	struct model_news *news;
	const struct caller_config *caller;
};

struct model_news *model_news_open(const struct log_sink *log, struct arena *lasting)
{
	struct model_news *news = ARENA_NEW(lasting, struct model_news);
	if (news) {
		news->log = log;
		pthread_mutex_init(&news->lock, NULL);
	}
	return news;
}

static uint64_t addresses_hash(const struct model_addresses *addresses)
{
	uint64_t hash = addresses->count;
	for (size_t i = 0; i < addresses->count; i++) {
		const struct model_address *address = &addresses->items[i];
		const char *url = address->url ? address->url : "";
		hash = hash_bytes(address->host, strlen(address->host), hash);
		hash = hash_bytes(address->model, strlen(address->model), hash);
		hash = hash_bytes(url, strlen(url), hash);
	}
	return hash;
}

/* NULL: it was not expected. */
static struct away_model *away_model_at(const struct model_news *news, const struct model_config *model)
{
	uint64_t at = addresses_hash(&model->addresses);
	struct away_model *entry = news->models;
	while (entry && (entry->at != at || strcmp(entry->name, model->name) != 0))
		entry = entry->next;
	return entry;
}

bool model_news_expect(struct model_news *news, const struct model_clients *callers, struct arena *lasting)
{
	bool good = true;
	for (size_t i = 0; i < callers->count; i++)
		for (size_t j = 0; good && j < callers->items[i].model_count; j++) {
			const struct model_config *model = &callers->items[i].models[j];
			if (away_model_at(news, model))
				continue;
			struct away_model *made = ARENA_NEW(lasting, struct away_model);
			const char *name = arena_copy(lasting, model->name, strlen(model->name));
			good = made && name;
			if (!good)
				continue;
			*made = (struct away_model){.name = name, .at = addresses_hash(&model->addresses)};
			pthread_mutex_lock(&news->lock);
			made->next = news->models;
			news->models = made;
			pthread_mutex_unlock(&news->lock);
		}
	return good;
}

/* ---- demands ---- */

/* A model at its addresses, as an away_model. */
struct demanded_model {
	struct demanded_model *next;
	const char *name;
	uint64_t at;
	struct model_demand demand;
};

/* NULL: memory ran out. */
static struct model_demand *demand_of(struct model_demands *demands, const struct model_config *model, struct arena *lasting)
{
	const uint64_t at = addresses_hash(&model->addresses);
	for (struct demanded_model *one = demands->first; one; one = one->next)
		if (one->at == at && strcmp(one->name, model->name) == 0)
			return &one->demand;
	struct demanded_model *made = ARENA_NEW(lasting, struct demanded_model);
	const char *name = arena_copy(lasting, model->name, strlen(model->name));
	if (!made || !name)
		return NULL;
	made->name = name;
	made->at = at;
	made->next = demands->first;
	demands->first = made;
	return &made->demand;
}

bool model_demands_set(struct model_demands *demands, struct caller_config *caller, struct arena *arena, struct arena *lasting)
{
	struct model_demand **items = ARENA_ARRAY(arena, struct model_demand *, caller->model_count + 1);
	for (size_t i = 0; items && i < caller->model_count; i++)
		if (!(items[i] = demand_of(demands, &caller->models[i], lasting)))
			return false;
	caller->demands = items;
	return items != NULL;
}

/* ---- news of clients ---- */

static void client_add(struct model_news *news, struct away_model *entry, const char *words)
{
	if (entry->clients++ == 0) {
		entry->since_ms = clock_ms();
		atomic_fetch_add(&news->away, 1);
	}
	(void)snprintf(entry->words, sizeof entry->words, "%s", words);
}

static void client_remove(struct model_news *news, struct away_model *entry)
{
	if (entry->clients > 0 && --entry->clients == 0)
		atomic_fetch_sub(&news->away, 1);
}

/* `words` NULL: the client reaches it again, or has left. Returns for how long it was unreachable; below 0: not known. */
static int64_t client_note(const struct client_news *client, const char *model, const char *words)
{
	struct model_news *news = client->news;
	int64_t lasted_ms = -1;
	size_t at = model_find(client->caller, model);
	assert(at < client->caller->model_count);
	pthread_mutex_lock(&news->lock);
	struct away_model *entry = away_model_at(news, &client->caller->models[at]);
	if (entry && words) {
		client_add(news, entry, words);
	} else if (entry) {
		lasted_ms = clock_ms() - entry->since_ms;
		client_remove(news, entry);
	}
	pthread_mutex_unlock(&news->lock);
	return lasted_ms;
}

size_t model_news_count(struct model_news *news, const struct stage_config *stage)
{
	size_t count = 0;
	if (atomic_load(&news->away) == 0)
		return 0;
	pthread_mutex_lock(&news->lock);
	for (size_t i = 0; i < stage->own_model_count; i++) {
		const struct away_model *entry = away_model_at(news, &stage->own_models[i]);
		count += entry && entry->clients > 0;
	}
	pthread_mutex_unlock(&news->lock);
	return count;
}

bool model_news_away(struct model_news *news, const struct stage_config *stage, char *words, size_t size)
{
	bool found = false;
	pthread_mutex_lock(&news->lock);
	for (size_t i = 0; i < stage->own_model_count && !found; i++) {
		const struct away_model *entry = away_model_at(news, &stage->own_models[i]);
		found = entry && entry->clients > 0;
		if (found)
			(void)snprintf(words, size, "%s: %s", entry->name, entry->words);
	}
	pthread_mutex_unlock(&news->lock);
	return found;
}

bool model_news_is_away(struct model_news *news, const char *model, char *words, size_t size)
{
	bool found = false;
	if (atomic_load(&news->away) == 0)
		return false;
	pthread_mutex_lock(&news->lock);
	for (const struct away_model *entry = news->models; entry && !found; entry = entry->next) {
		found = entry->clients > 0 && strcmp(entry->name, model) == 0;
		if (found)
			(void)snprintf(words, size, "%s", entry->words);
	}
	pthread_mutex_unlock(&news->lock);
	return found;
}

/* Runs on the thread of the worker that calls, as those below. */
static void say_model(void *context, const char *model, const char *words)
{
	const struct client_news *client = context;
	const struct log_fields fields = {.model = model};
	int64_t lasted_ms = client_note(client, model, words);
	const struct log_sink *log = client->news->log;
	if (words)
		log_say(log, LOG_LEVEL_WARN, &fields, "model %s is unreachable: %s", model, words);
	else if (lasted_ms < 0)
		log_say(log, LOG_LEVEL_INFO, &fields, "model %s is reachable again", model);
	else
		log_say(log, LOG_LEVEL_INFO, &fields, "model %s is reachable again, after %" PRId64 ".%" PRId64 " s", model,
			lasted_ms / MS_PER_S, lasted_ms % MS_PER_S / (MS_PER_S / 10));
}

static void note_left(void *context, const char *model)
{
	(void)client_note(context, model, NULL);
}

static void say_way(void *context, const char *model, const struct model_address *address, const char *words)
{
	const struct client_news *client = context;
	const struct log_fields fields = {.model = model};
	if (words)
		log_say(client->news->log, LOG_LEVEL_WARN, &fields, "model %s is called by REST at %s until %s answers by gRPC: %s",
			model, address->rest->base, address->host, words);
	else
		log_say(client->news->log, LOG_LEVEL_INFO, &fields, "model %s is called by gRPC again at %s", model, address->host);
}

static void say_cache(void *context, const char *model, const char *words)
{
	const struct client_news *client = context;
	const struct log_fields fields = {.model = model};
	if (words)
		log_say(client->news->log, LOG_LEVEL_WARN, &fields, "replies of model %s are not cached: %s", model, words);
	else
		log_say(client->news->log, LOG_LEVEL_INFO, &fields, "replies of model %s are cached again", model);
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

bool model_clients_find(struct model_clients *callers, struct model_news *news, const struct engine_config *config,
			const struct plan *plan, const struct pipeline_plan *pipeline, struct stage_config *stage,
			struct arena *arena, struct error *error)
{
	struct caller_config caller;
	if (!caller_gather(plan, pipeline, stage->called, stage->called_count, arena, &caller, error))
		return false;
	stage->own_model_count = caller.model_count;
	stage->own_models = caller.models;
	caller.reported = say_model;
	caller.left = note_left;
	caller.protocol_changed = say_way;
	caller.cache_reported = say_cache;
	caller.wire = config->chaos ? &wire_chaos : config->wire;
	caller.wire_context = config->chaos ? config->chaos : config->wire_context;
	caller.seed = config->seed ? config->seed : caller.seed;
	for (size_t i = 0; i < callers->count; i++)
		if (may_share(&callers->items[i], &caller)) {
			stage->caller = &callers->items[i];
			return share(&callers->items[i], &caller, arena);
		}
	struct client_news *client = ARENA_NEW(arena, struct client_news);
	if (!client)
		return false;
	*client = (struct client_news){news, &callers->items[callers->count]};
	caller.report_context = client;
	callers->items[callers->count] = caller;
	stage->caller = &callers->items[callers->count++];
	return true;
}
