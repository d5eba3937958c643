/* model_service.c: see model_service.h. */
#include "models/server/model_service.h"

#include "base/clock.h"
#include "net/http/refusal.h"

#define KEPT_BYTES_MAX ((size_t)1 << 20) /* memory of a reply that is kept for the next one */

bool model_service_open(struct model_service *models, struct loop *loop, const struct model_service_config *config,
			const struct delayed_replies_config *later, struct error *error)
{
	models->config = *config;
	buffer_open(&models->reply, MODEL_SERVICE_REPLY_BYTES_MAX);
	models->arena = arena_open(MODEL_SERVICE_ARENA_BYTES);
	return models->arena ? (models->later = delayed_replies_open(loop, later, error)) != NULL
			     : error_memory(error, ERROR_SYSTEM, "opening a model server");
}

void model_service_close(struct model_service *models)
{
	delayed_replies_close(models->later);
	arena_close(models->arena);
	buffer_close(&models->reply);
}

void model_service_tidy(struct model_service *models)
{
	arena_reset(models->arena);
	if (models->reply.capacity > KEPT_BYTES_MAX) {
		buffer_close(&models->reply);
		buffer_open(&models->reply, MODEL_SERVICE_REPLY_BYTES_MAX);
	}
	buffer_clear(&models->reply);
}

/* ---- models ---- */

struct catalog_model *model_service_find(struct model_service *models, struct text name, struct text version,
					 struct model_service_refusal *refusal)
{
	struct catalog_model *model = catalog_find(models->config.catalog, name, version);
	if (model)
		return model;
	struct catalog_model *fitting[2];
	refusal->status = HTTP_NOT_FOUND;
	if (catalog_fitting(models->config.catalog, name, fitting) > 1)
		refusal->words = arena_print(models->arena, "`" TEXT_FORMAT "` is `%s` and `%s` here; call one by its whole name",
					     TEXT_ARGUMENTS(name), fitting[0]->name, fitting[1]->name);
	else if (version.length)
		refusal->words = arena_print(models->arena, "there is no model `" TEXT_FORMAT "` of version `" TEXT_FORMAT "` here",
					     TEXT_ARGUMENTS(name), TEXT_ARGUMENTS(version));
	else
		refusal->words = arena_print(models->arena, "there is no model `" TEXT_FORMAT "` here", TEXT_ARGUMENTS(name));
	return NULL;
}

/* Loads a model. The catalog decides unless the files name another source: a stub is found by its name. */
bool model_service_load(struct model_service *models, struct text name, struct model_service_refusal *refusal)
{
	struct error error = {0};
	const struct model_service_config *config = &models->config;
	const char *named = arena_copy(models->arena, name.bytes, name.length);
	if (named && config->load && !config->load(config->context, named, &error)) {
		refusal->words = arena_print(models->arena, "%s", error.text);
		refusal->status = error.kind == ERROR_SYSTEM				  ? HTTP_INTERNAL_ERROR
				  : catalog_find(config->catalog, name, (struct text){0}) ? HTTP_BAD_REQUEST
											  : HTTP_NOT_FOUND;
		return false;
	}
	struct catalog_model *model = model_service_find(models, name, (struct text){0}, refusal);
	if (!model)
		return false;
	model->unloaded = false;
	model->ready = model->kind != NULL;
	*refusal = (struct model_service_refusal){HTTP_UNAVAILABLE, model->why.text};
	return model->ready;
}

bool model_service_unload(struct model_service *models, struct text name, struct model_service_refusal *refusal)
{
	struct catalog_model *model = model_service_find(models, name, (struct text){0}, refusal);
	if (model) {
		model->unloaded = true;
		model->ready = false;
	}
	return model != NULL;
}

/* ---- inference ---- */

static void model_service_refuse(struct stub_reply *reply, struct model_service_refusal refusal)
{
	*reply = (struct stub_reply){.status = refusal.status, .words = text_of(refusal.words)};
}

static void sign(struct stub_reply *reply, const struct catalog_model *model, struct arena *arena)
{
	struct payload *payload = ARENA_NEW(arena, struct payload);
	if (!payload)
		return;
	*payload = *reply->payload;
	payload->model_name = text_of(model->name);
	payload_set_version(payload, arena, text_of(model->version));
	reply->payload = payload;
}

static enum error_kind answer_kind(int status)
{
	const enum error_kind kind = refusal_kind(status);
	return kind == ERROR_INPUT && status >= HTTP_INTERNAL_ERROR ? ERROR_SYSTEM : kind;
}

static void answer_count(struct served_counts *counts, const struct stub_reply *reply, int64_t us)
{
	if (reply->status != HTTP_OK)
		count_add(&counts->errors[answer_kind(reply->status) - 1], 1);
	duration_count(&counts->duration, (uint64_t)(us + reply->delay_ms * US_PER_MS));
}

void model_service_count_refused(struct model_service *models, struct text name, struct text version, int status)
{
	struct catalog_model *model = catalog_find(models->config.catalog, name, version);
	if (!model)
		return;
	count_add(&model->counts.calls, 1);
	count_add(&model->counts.errors[answer_kind(status) - 1], 1);
}

void model_service_infer(struct model_service *models, struct text name, struct text version, const struct message *message,
			 struct text bytes, struct stub_reply *reply)
{
	struct model_service_refusal refusal;
	struct catalog_model *model = model_service_find(models, name, version, &refusal);
	if (!model) {
		model_service_refuse(reply, refusal);
		return;
	}
	if (!model->ready) {
		refusal.words = arena_print(models->arena, "model `%s` is not ready: %s", model->name, model_reason(model));
		refusal.status = HTTP_UNAVAILABLE;
		model_service_refuse(reply, refusal);
		model_service_count_refused(models, name, version, refusal.status);
		return;
	}
	const int64_t begun_us = clock_us();
	count_add(&model->counts.calls, 1);
	uint64_t earlier = catalog_count_call(models->config.catalog, model, message->payload_id, bytes);
	bool answered = model->kind->answer(model->opened, &message->payload, earlier, models->arena, reply);
	if (answered && reply->payload && reply->status == HTTP_OK)
		sign(reply, model, models->arena);
	if (arena_failed(models->arena))
		model_service_refuse(reply,
				     (struct model_service_refusal){HTTP_CONTENT_TOO_LARGE,
								    "the request is larger than this server has memory for"});
	if (!reply->silent)
		answer_count(&model->counts, reply, clock_us() - begun_us);
}

void model_service_send(struct model_service *models, void *request, const struct stub_reply *reply,
			const struct model_service_answer *answer)
{
	if (reply->silent || reply->delay_ms > 0)
		delayed_replies_send(models->later, request, answer, reply->silent ? DELAY_NEVER : reply->delay_ms);
	else
		delayed_replies_send_now(models->later, request, answer);
}

/* ---- metadata ---- */

static struct tensor_types model_service_known(struct tensor_types types)
{
	for (size_t i = 0; i < types.count; i++)
		if (!types.items[i].type.datatype_known)
			return (struct tensor_types){0};
	return types;
}

struct model_signature model_service_signature(const struct catalog_model *model)
{
	struct model_signature signature = {0};
	if (model->signature)
		signature = (struct model_signature){.inputs = model_service_known(model->signature->inputs),
						     .outputs = model_service_known(model->signature->outputs)};
	return signature;
}

const char *model_state(const struct catalog_model *model)
{
	return model->ready ? "READY" : "UNAVAILABLE";
}

const char *model_reason(const struct catalog_model *model)
{
	if (model->ready)
		return "";
	return model->kind ? "it was unloaded" : model->why.text;
}
