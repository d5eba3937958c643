/* rest.c: calls as OIP REST requests; see rest.h. */
#include "serving/rest.h"

#include "base/memory.h"
#include "message/oip_json.h"

#define CONNECTION_IDLE_S 60
#define CONNECT_MS 2000
#define WORDS_MAX 200 /* of a server's own, in our error */

/* One call on its way. */
struct errand {
	struct http_request request;
	struct rest *rest;
	struct call *call;
	struct buffer body;
	struct errand *next; /* in the pool, or waiting */
	size_t place;        /* among those under way */
};

struct target {
	const char *model;
	const char *url;
};

struct rest {
	struct loop *loop;
	struct http *http;
	struct loop_timer room_timer; /* due at once when a call was forgotten while others wait */
	struct rest_limits limits;
	struct arena *arena; /* of the targets */
	struct target *targets;
	size_t target_count;
	struct errand **under_way; /* limits.calls of them at most */
	size_t running;
	struct errand *first_waiting;
	struct errand *last_waiting;
	struct errand *pool;
	void (*answered)(void *context, struct call *call);
	void *context;
};

static void on_room(void *context);

/* ---- opening and closing ---- */

static bool copy_targets(struct rest *rest, struct models models)
{
	rest->targets = ARENA_ARRAY(rest->arena, struct target, models.count);
	for (size_t i = 0; rest->targets && i < models.count; i++) {
		const struct model_endpoint *endpoint = &models.items[i];
		rest->targets[i].model = arena_copy(rest->arena, endpoint->model, strlen(endpoint->model));
		rest->targets[i].url = arena_print(rest->arena, "%s/v2/models/%s/infer", endpoint->url, endpoint->model);
	}
	rest->target_count = models.count;
	return !arena_failed(rest->arena);
}

struct rest *rest_open(struct loop *loop, struct models models, const struct rest_limits *limits,
		       void (*answered)(void *context, struct call *call), void *context, struct error *error)
{
	struct rest *rest = memory_take(1, sizeof *rest);
	if (!rest) {
		error_memory(error, ERROR_SYSTEM, "opening a client of models");
		return NULL;
	}
	rest->loop = loop;
	rest->limits = *limits;
	rest->room_timer = (struct loop_timer){.due = on_room, .context = rest};
	rest->answered = answered;
	rest->context = context;
	rest->arena = arena_open((size_t)1 << 20);
	rest->under_way = memory_take(limits->calls, sizeof(struct errand *));
	const struct http_limits http = {.connections_a_host = (long)limits->calls,
					 .connection_idle_s = CONNECTION_IDLE_S,
					 .reply_bytes = limits->reply_bytes,
					 .connect_ms = CONNECT_MS};
	if (rest->under_way && rest->arena && copy_targets(rest, models) && (rest->http = http_open(loop, &http, error)))
		return rest;
	error_memory(error, ERROR_SYSTEM, "opening a client of models");
	rest_close(rest);
	return NULL;
}

static void errands_close(struct errand *errand)
{
	while (errand) {
		struct errand *next = errand->next;
		buffer_close(&errand->body);
		memory_give(errand);
		errand = next;
	}
}

void rest_close(struct rest *rest)
{
	if (!rest)
		return;
	http_close(rest->http);
	loop_timer_stop(rest->loop, &rest->room_timer);
	for (size_t i = 0; i < rest->running; i++) {
		rest->under_way[i]->next = NULL;
		errands_close(rest->under_way[i]);
	}
	errands_close(rest->first_waiting);
	errands_close(rest->pool);
	arena_close(rest->arena);
	memory_give(rest->under_way);
	memory_give(rest);
}

/* ---- errands ---- */

static struct errand *errand_take(struct rest *rest)
{
	struct errand *errand = rest->pool;
	if (errand) {
		rest->pool = errand->next;
		return errand;
	}
	errand = memory_take(1, sizeof *errand);
	if (!errand)
		return NULL;
	errand->rest = rest;
	buffer_open(&errand->body, rest->limits.request_bytes);
	return errand;
}

static void errand_give(struct errand *errand)
{
	errand->call = NULL;
	errand->next = errand->rest->pool;
	errand->rest->pool = errand;
}

static void errand_add_running(struct errand *errand)
{
	struct rest *rest = errand->rest;
	errand->place = rest->running;
	rest->under_way[rest->running++] = errand;
}

static void errand_remove_running(struct errand *errand)
{
	struct rest *rest = errand->rest;
	struct errand *last = rest->under_way[--rest->running];
	rest->under_way[errand->place] = last;
	last->place = errand->place;
}

/* ---- what came back ---- */

static bool judge_status(const struct call *call, const struct http_reply *reply, const char *url, struct error *error)
{
	if (reply->status >= 200 && reply->status < 300)
		return true;
	struct text words = reply->body;
	if (words.length > WORDS_MAX)
		words.length = WORDS_MAX;
	/* What the client got wrong stays wrong; being overloaded or broken may pass. */
	bool ours = reply->status >= 400 && reply->status < 500 && reply->status != 408 && reply->status != 429;
	return error_set(error, ours ? ERROR_INPUT : ERROR_REMOTE, PLACE_NONE, "model %s at %s answered %ld: " TEXT_FORMAT,
			 call->name, url, reply->status, TEXT_ARGUMENTS(words));
}

static bool read_reply(struct call *call, const struct http_reply *reply, const char *url, struct error *error)
{
	if (reply->status == 0) {
		*error = reply->error;
		return false;
	}
	if (!judge_status(call, reply, url, error))
		return false;
	struct arena *arena = call->message->arena;
	char *body = arena_copy(arena, reply->body.bytes, reply->body.length); /* the tensors borrow from it */
	struct payload *payload = ARENA_NEW(arena, struct payload);
	if (!body || !payload)
		return error_memory(error, ERROR_LIMIT, "keeping a model's answer");
	struct oip_reply answer;
	struct error fault = {0};
	if (!oip_json_decode_reply(arena, (struct text){body, reply->body.length}, 0, &answer, &fault))
		return error_set(error, fault.kind, PLACE_NONE, "model %s at %s answered what cannot be read: %s", call->name, url,
				 fault.text);
	*payload = answer.payload;
	call->reply = payload;
	return true;
}

static void start_waiting(struct rest *rest);

static void on_done(struct http_request *request, const struct http_reply *reply)
{
	struct errand *errand = request->context;
	struct rest *rest = errand->rest;
	struct call *call = errand->call;
	errand_remove_running(errand);
	read_reply(call, reply, request->url, &call->error);
	errand_give(errand);
	rest->answered(rest->context, call);
	start_waiting(rest);
}

/* ---- what goes out ---- */

static const char *url_of(const struct rest *rest, const char *model)
{
	for (size_t i = 0; i < rest->target_count; i++)
		if (strcmp(rest->targets[i].model, model) == 0)
			return rest->targets[i].url;
	return NULL;
}

static bool errand_start(struct errand *errand, struct error *error)
{
	struct rest *rest = errand->rest;
	const struct call *call = errand->call;
	const char *url = url_of(rest, call->name);
	if (!url)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "no endpoint is known for model %s; name its server", call->name);
	buffer_clear(&errand->body);
	if (!oip_json_encode_request(call->request, call->message->id, &errand->body, NULL, error))
		return false;
	errand->request = (struct http_request){.url = url,
						.content_type = "application/json",
						.body = buffer_view(&errand->body),
						.timeout_ms = call->timeout_ms > 0 ? call->timeout_ms : rest->limits.timeout_ms,
						.done = on_done,
						.context = errand};
	if (!http_start(rest->http, &errand->request, error))
		return false;
	errand_add_running(errand);
	return true;
}

static void start_waiting(struct rest *rest)
{
	while (rest->first_waiting && rest->running < rest->limits.calls) {
		struct errand *errand = rest->first_waiting;
		struct call *call = errand->call;
		rest->first_waiting = errand->next;
		if (errand_start(errand, &call->error))
			continue;
		errand_give(errand);
		rest->answered(rest->context, call);
	}
}

static void on_room(void *context)
{
	start_waiting(context);
}

static void wait_in_line(struct rest *rest, struct errand *errand)
{
	errand->next = NULL;
	if (rest->first_waiting)
		rest->last_waiting->next = errand;
	else
		rest->first_waiting = errand;
	rest->last_waiting = errand;
}

bool rest_call(struct rest *rest, struct call *call, struct error *error)
{
	struct errand *errand = errand_take(rest);
	if (!errand)
		return error_memory(error, ERROR_SYSTEM, "calling a model");
	errand->call = call;
	if (rest->first_waiting || rest->running == rest->limits.calls) {
		wait_in_line(rest, errand);
		return true;
	}
	if (errand_start(errand, error))
		return true;
	errand_give(errand);
	return false;
}

static bool forget_waiting(struct rest *rest, const struct call *call)
{
	struct errand *before = NULL;
	for (struct errand *errand = rest->first_waiting; errand; before = errand, errand = errand->next) {
		if (errand->call != call)
			continue;
		*(before ? &before->next : &rest->first_waiting) = errand->next;
		if (rest->last_waiting == errand)
			rest->last_waiting = before;
		errand_give(errand);
		return true;
	}
	return false;
}

void rest_forget(struct rest *rest, struct call *call)
{
	if (forget_waiting(rest, call))
		return;
	for (size_t i = 0; i < rest->running; i++) {
		struct errand *errand = rest->under_way[i];
		if (errand->call != call)
			continue;
		http_forget(rest->http, &errand->request);
		errand_remove_running(errand);
		errand_give(errand);
		/* Who waits is started from the loop, for the stage may not be entered from here.
		 * No timer, no memory: then the next answer makes room. */
		struct error error = {0};
		if (rest->first_waiting)
			loop_timer_set(rest->loop, &rest->room_timer, loop_now_ms(rest->loop), &error);
		return;
	}
}
