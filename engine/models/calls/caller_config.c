/* caller_config.c: see caller_config.h. */
#include "models/calls/caller_config.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/number/random_seed.h"
#include "base/secret.h"
#include "compiler/resources/annotations.h"
#include "compiler/resources/inline_models.h"
#include "compiler/resources/rows.h"
#include "compiler/step/call_parameters.h"

#define CALL_BYTES_MAX ((size_t)16 << 20) /* of a model's request and of its reply */
#define CACHE_TTL_MS 300000

static bool read_settings(const struct item_list *settings, struct arena *arena, struct parameters *parameters, struct error *error)
{
	const struct model_parameter *from = settings->items;
	struct parameter *items = ARENA_ARRAY(arena, struct parameter, settings->count);
	if (!items)
		return error_memory(error, ERROR_SYSTEM, "reading modelSettings");
	for (size_t i = 0; i < settings->count; i++)
		if (!setting_read(from[i].name.text, from[i].value.text, from[i].type, from[i].value.place, &items[i], error))
			return false;
	*parameters = (struct parameters){settings->count, items};
	return true;
}

static bool read_model(const struct resource *resource, struct arena *arena, struct model_config *config, struct error *error)
{
	const struct model_spec *spec = resource->spec;
	config->place = resource->name.place;
	config->timeout_ms = annotations_timeout_ms(resource);
	config->concurrency_least = (size_t)spec->replicas_min;
	config->concurrency_most = (size_t)spec->replicas_max;
	config->batching = (struct model_batching){.rows_most = (size_t)spec->batch_size_max,
						   .latency_ms = spec->batch_latency_ns / NS_PER_MS,
						   .timeout_ms = spec->batch_timeout_ns / NS_PER_MS};
	return read_settings(&spec->settings, arena, &config->parameters, error);
}

/* The next fragment of all files; a later one overrides an earlier one. */
static const struct performance_spec *next_performance(const struct spec *spec, size_t *at)
{
	while (*at < spec->count) {
		const struct resource *resource = spec->resources[(*at)++];
		if (resource->kind->rows == performance_rows && resource->spec)
			return resource->spec;
	}
	return NULL;
}

/* Reads settings that apply to all models, where the model has none of its own. */
static void read_performance(const struct performance_spec *all, struct model_config *config)
{
	if (config->batching.rows_most == 0)
		config->batching = (struct model_batching){.rows_most = (size_t)all->batching.rows_most,
							   .latency_ms = all->batching.latency_ns / NS_PER_MS,
							   .timeout_ms = all->batching.timeout_ns / NS_PER_MS};
	if (config->concurrency_least == 0 && config->concurrency_most == 0) {
		config->concurrency_least = (size_t)all->scaling.least;
		config->concurrency_most = (size_t)all->scaling.most;
	}
	if (all->pooling.enabled)
		config->pool = (struct model_pool){.connections = (size_t)all->pooling.connections,
						   .idle_ms = all->pooling.idle_ns / NS_PER_MS};
	if (!all->caching.enabled)
		return;
	config->cache.backend = all->caching.place == CACHE_IN_REDIS ? CACHE_REDIS : CACHE_MEMORY;
	config->cache.redis = all->caching.redis;
	config->cache.ttl_ms = all->caching.ttl_ns ? all->caching.ttl_ns / NS_PER_MS : CACHE_TTL_MS;
	config->cache.redis_tls = all->caching.tls;
	config->cache.redis_files = (struct tls_files){.authorities = all->caching.authorities,
							.certificate = all->caching.certificate,
							.key = all->caching.key};
}

/* Fetches the login of the Redis of that fragment. */
static bool read_login(const struct performance_spec *all, const char *secrets, struct arena *arena, struct model_config *config,
		       struct error *error)
{
	if (!all->caching.enabled || !all->caching.login.text)
		return true;
	if (secret_fault(all->caching.login.text)) { /* of a document in force, whose secret is withheld (revision.h) */
		config->cache = (struct model_cache){0};
		return true;
	}
	config->cache.login = secret_fetch_bound(secrets, all->caching.login.text, "login", all->caching.login.place, arena, error);
	return config->cache.login != NULL;
}

/* The TLS settings of the Server; NULL: none. */
static const struct tls_files *tls_of(const struct spec *spec, const char *server, struct arena *arena)
{
	const struct resource *resource = server ? spec_find(spec, RESOURCE_SERVER, server) : NULL;
	const struct server_tls *tls = resource && resource->spec ? &((const struct server_spec *)resource->spec)->tls : NULL;
	struct tls_files *files = NULL;
	if (tls && (tls->authorities || tls->certificate || tls->key) && (files = ARENA_NEW(arena, struct tls_files)))
		*files = (struct tls_files){.authorities = tls->authorities, .certificate = tls->certificate, .key = tls->key};
	return files;
}

/* The version of the resource that has the model's addresses: its Server, itself, or the resource that it is written in. NULL: it
 * is of a file. */
static const char *address_version(const struct plan *plan, const struct pipeline_plan *pipeline, const struct callee *callee,
				   struct arena *arena)
{
	const struct resource *model = spec_model(plan->spec, callee->name), *written = pipeline->graph->resource;
	const char *named = callee->endpoint.server;
	const struct resource *of = named ? spec_find(plan->spec, RESOURCE_SERVER, named) : NULL;
	of = of ? of : model;
	of = of ? of : written->made_of ? written->made_of : written;
	if (of->version == 0)
		return NULL;
	return of == model ? arena_print(arena, "version %" PRId64, of->version)
			   : arena_print(arena, "version %" PRId64 " of %s `%s`", of->version, of->kind->name, of->name.text);
}

static struct model_config *model_named(struct model_config *models, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(models[i].name, name) == 0)
			return &models[i];
	return NULL;
}

/* Adds what a step that calls it sets: a step that sets the cache time of replies has them kept, in memory by default. */
static void configure_step(struct model_config *model, const struct graph_step *step)
{
	if (step->kept_ms > 0 && model->cache.backend == CACHE_NONE)
		model->cache.backend = CACHE_MEMORY;
}

bool model_configure(const struct spec *spec, const char *name, struct arena *arena, struct model_config *config,
		     struct error *error)
{
	const struct resource *resource = spec_model(spec, name);
	size_t at = 0;
	config->name = name;
	if (resource && resource->spec && !read_model(resource, arena, config, error))
		return false;
	for (const struct performance_spec *all; (all = next_performance(spec, &at));)
		read_performance(all, config);
	return true;
}

/* The logins of Redis; a later fragment overrides an earlier one. */
static bool read_logins(const struct plan *plan, struct arena *arena, struct model_config *config, struct error *error)
{
	size_t at = 0;
	for (const struct performance_spec *all; (all = next_performance(plan->spec, &at));)
		if (!read_login(all, plan->secrets, arena, config, error))
			return false;
	return true;
}

bool caller_configure(const struct plan *plan, const struct pipeline_plan *pipeline, struct arena *arena,
		      struct caller_config *config, struct error *error)
{
	struct model_config *models = ARENA_ARRAY(arena, struct model_config, pipeline->callee_count);
	*config = (struct caller_config){.models = models, .request_bytes = CALL_BYTES_MAX, .reply_bytes = CALL_BYTES_MAX};
	config->seed = random_seeded().state;
	config->outage_deadletter = pipeline->graph->spec->on_outage == OUTAGE_DEADLETTER;
	for (size_t i = 0; models && i < pipeline->callee_count; i++) {
		const struct callee *callee = &pipeline->callees[i];
		if (callee->target != CALL_MODEL)
			continue;
		const struct graph_step *step = &pipeline->graph->steps[callee->step];
		struct model_config *model = model_named(models, config->model_count, callee->name);
		if (model) {
			configure_step(model, step);
			continue;
		}
		model = &models[config->model_count++];
		*model = (struct model_config){.place = step->spec->name.place};
		if (!model_configure(plan->spec, callee->name, arena, model, error) ||
		    !read_logins(plan, arena, model, error))
			return false;
		model->addresses = endpoint_addresses(&callee->endpoint, callee->name, arena);
		model->tls = tls_of(plan->spec, callee->endpoint.server, arena);
		model->version = address_version(plan, pipeline, callee, arena);
		model->cache.namespace = pipeline->namespace;
		configure_step(model, step);
	}
	return !arena_failed(arena) || error_memory(error, ERROR_SYSTEM, "reading the models of a pipeline");
}
