/* configure.c: see configure.h. */
#include "serving/configure.h"

#include "base/number.h"
#include "step/setting.h"

#define CALL_BYTES_MAX ((size_t)16 << 20) /* of a model's request and of its reply */
#define MS_NS 1000000

static int64_t rest_timeout_ms(const struct resource *resource)
{
	int64_t timeout_ms = 0;
	const struct annotation *annotations = resource->annotations.items;
	for (size_t i = 0; i < resource->annotations.count; i++)
		if (annotations[i].key.text && strcmp(annotations[i].key.text, "seldon.io/rest-timeout") == 0)
			(void)number_read_int64(text_of(annotations[i].value), &timeout_ms);
	return timeout_ms;
}

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
	config->timeout_ms = rest_timeout_ms(resource);
	config->lanes_least = (size_t)spec->replicas_min;
	config->lanes_most = (size_t)spec->replicas_max;
	config->batching = (struct model_batching){.rows_most = (size_t)spec->batch_size_max,
						   .latency_ms = spec->batch_latency_ns / MS_NS,
						   .timeout_ms = spec->batch_timeout_ns / MS_NS};
	return read_settings(&spec->settings, arena, &config->parameters, error);
}

bool caller_configure(const struct plan *plan, const struct pipeline_plan *pipeline, struct arena *arena,
		      struct caller_config *config, struct error *error)
{
	struct model_config *models = ARENA_ARRAY(arena, struct model_config, pipeline->callee_count);
	*config = (struct caller_config){.models = models, .request_bytes = CALL_BYTES_MAX, .reply_bytes = CALL_BYTES_MAX};
	config->outage_deadletter = pipeline->graph->spec->on_outage == OUTAGE_DEADLETTER;
	for (size_t i = 0; models && i < pipeline->callee_count; i++) {
		const struct callee *callee = &pipeline->callees[i];
		if (callee->target != CALL_MODEL)
			continue;
		struct model_config *model = &models[config->model_count++];
		const struct resource *resource = spec_find(plan->spec, RESOURCE_MODEL, callee->name);
		*model = (struct model_config){.name = callee->name,
					       .place = pipeline->graph->steps[callee->step].spec->name.place,
					       .addresses = endpoint_addresses(&callee->endpoint, callee->name, arena)};
		if (resource && resource->spec && !read_model(resource, arena, model, error))
			return false;
	}
	return !arena_failed(arena) || error_memory(error, ERROR_SYSTEM, "reading the models of a pipeline");
}
