/* model_service.c: see model_service.h. */
#include "models/server/model_service.h"

#include "base/clock.h"
#include "base/memory.h"
#include "net/http/refusal.h"

#define DELAY_NEVER INT64_MAX

#define LOOK_MS 1000 /* interval of checks whether waiting callers are still connected */

struct delayed_replies_waiting {
	struct delayed_replies_waiting *next, *previous;
	struct delayed_replies *later;
	struct loop_timer timer; /* time of its answer, or of the next check */
	int64_t due_ms;
	void *request;
	struct model_service_answer answer;
	char bytes[]; /* the words and the body */
};

struct delayed_replies {
	struct loop *loop;
	struct delayed_replies_config config;
	struct delayed_replies_waiting *first;
};

static struct delayed_replies *delayed_replies_open(struct loop *loop, const struct delayed_replies_config *config,
						    struct error *error)
{
	assert(loop && config->send && config->is_over);
	struct delayed_replies *later = memory_take(1, sizeof *later);
	if (later)
		*later = (struct delayed_replies){.loop = loop, .config = *config};
	else
		error_memory(error, ERROR_SYSTEM, "opening a model server");
	return later;
}

static void waiting_end(struct delayed_replies_waiting *waiting)
{
	if (waiting->next)
		waiting->next->previous = waiting->previous;
	*(waiting->previous ? &waiting->previous->next : &waiting->later->first) = waiting->next;
	loop_timer_stop(waiting->later->loop, &waiting->timer);
	memory_give(waiting);
}

/* delayed answers are not sent; NULL is fine */
static void delayed_replies_close(struct delayed_replies *later)
{
	if (!later)
		return;
	while (later->first)
		waiting_end(later->first);
	memory_give(later);
}

static void delayed_replies_send_now(struct delayed_replies *later, void *request, const struct model_service_answer *answer)
{
	later->config.send(request, answer);
}

static void send_waiting(struct delayed_replies_waiting *waiting)
{
	delayed_replies_send_now(waiting->later, waiting->request, &waiting->answer);
	waiting_end(waiting);
}

/* Waits on. For a caller that has disconnected, the answer sends nothing and frees the request. */
static void wait_on(struct delayed_replies_waiting *waiting)
{
	struct delayed_replies *later = waiting->later;
	struct error error = {0};
	int64_t now_ms = loop_now_ms(later->loop), look_ms = now_ms + LOOK_MS;
	if (waiting->due_ms <= now_ms || later->config.is_over(waiting->request) ||
	    !loop_timer_set(later->loop, &waiting->timer, waiting->due_ms < look_ms ? waiting->due_ms : look_ms, &error))
		send_waiting(waiting);
}

static void delayed_reply_on_due(void *context)
{
	wait_on(context);
}

/* Copies the answer. Sends it at once if memory is short. */
static void delayed_replies_send(struct delayed_replies *later, void *request, const struct model_service_answer *answer,
				 int64_t delay_ms)
{
	assert(request);
	struct delayed_replies_waiting *waiting = memory_take_raw(sizeof *waiting + answer->words.length + answer->body.length);
	if (!waiting) {
		delayed_replies_send_now(later, request, answer);
		return;
	}
	int64_t now_ms = loop_now_ms(later->loop);
	*waiting = (struct delayed_replies_waiting){.next = later->first,
						    .later = later,
						    .timer = {.due = delayed_reply_on_due, .context = waiting},
						    .due_ms = delay_ms < DELAY_NEVER - now_ms ? now_ms + delay_ms : DELAY_NEVER,
						    .request = request,
						    .answer = *answer};
	if (waiting->next)
		waiting->next->previous = waiting;
	later->first = waiting;
	char *body = waiting->bytes + answer->words.length;
	if (answer->words.length)
		memcpy(waiting->bytes, answer->words.bytes, answer->words.length);
	if (answer->body.length)
		memcpy(body, answer->body.bytes, answer->body.length);
	waiting->answer.words.bytes = waiting->bytes;
	waiting->answer.body.bytes = body;
	wait_on(waiting);
}

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
