/* rest.c: calls as OIP REST requests; see rest.h.
 *
 * A call's way: it waits in line, is under way as an HTTP request, and is answered, or
 * pauses and waits in line again.
 */
#include "serving/rest.h"

#include "base/memory.h"
#include "message/json_scan.h"
#include "message/oip_json.h"
#include "serving/attempts.h"

#define CONNECTION_IDLE_S 60
#define CONNECT_MS 2000
#define WORDS_MAX 200 /* of a body that is no error in JSON, in our error */

/* One call on its way. */
struct errand {
	struct http_request request;
	struct attempts attempts;
	struct loop_timer again_timer;
	struct rest *rest;
	const char *url;
	struct buffer body;
	struct errand *next; /* in the line, or in the pool */
	struct errand *next_active, *previous_active;
	bool in_line;
	bool forgotten; /* while in line: the line gives it back */
};

struct target {
	const char *model;
	const char *url;
};

struct rest {
	struct loop *loop;
	struct http *http;
	struct rest_limits limits;
	struct arena *arena; /* of the targets */
	struct target *targets;
	size_t target_count;
	struct errand *active; /* all that have a call */
	struct errand *first_in_line, *last_in_line;
	size_t under_way;
	struct loop_timer line_timer; /* due at once: the line moves on, in the next turn */
	struct errand *pool;
	void (*answered)(void *context, struct call *call);
	void *context;
};

static void move_line(void *context);

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
	rest->line_timer = (struct loop_timer){.due = move_line, .context = rest};
	rest->answered = answered;
	rest->context = context;
	rest->arena = arena_open((size_t)1 << 20);
	const struct http_limits http = {.connections_a_host = (long)limits->calls,
					 .connection_idle_s = CONNECTION_IDLE_S,
					 .reply_bytes = limits->reply_bytes,
					 .connect_ms = CONNECT_MS};
	if (rest->arena && copy_targets(rest, models) && (rest->http = http_open(loop, &http, error)))
		return rest;
	error_memory(error, ERROR_SYSTEM, "opening a client of models");
	rest_close(rest);
	return NULL;
}

static void errand_close(struct errand *errand)
{
	loop_timer_stop(errand->rest->loop, &errand->again_timer);
	buffer_close(&errand->body);
	memory_give(errand);
}

void rest_close(struct rest *rest)
{
	if (!rest)
		return;
	http_close(rest->http);
	loop_timer_stop(rest->loop, &rest->line_timer);
	for (struct errand *errand = rest->first_in_line, *next; errand; errand = next) {
		next = errand->next;
		if (errand->forgotten)
			errand_close(errand);
	}
	for (struct errand *errand = rest->active, *next; errand; errand = next) {
		next = errand->next_active;
		errand_close(errand);
	}
	for (struct errand *errand = rest->pool, *next; errand; errand = next) {
		next = errand->next;
		errand_close(errand);
	}
	arena_close(rest->arena);
	memory_give(rest);
}

/* ---- errands ---- */

static struct errand *errand_make(struct rest *rest)
{
	struct errand *errand = memory_take(1, sizeof *errand);
	if (!errand)
		return NULL;
	errand->rest = rest;
	buffer_open(&errand->body, rest->limits.request_bytes);
	return errand;
}

static struct errand *errand_begin(struct rest *rest, struct call *call, const char *url)
{
	struct errand *errand = rest->pool;
	if (errand)
		rest->pool = errand->next;
	else if (!(errand = errand_make(rest)))
		return NULL;
	errand->url = url;
	errand->in_line = errand->forgotten = false;
	attempts_begin(&errand->attempts, call, 0);
	errand->previous_active = NULL;
	errand->next_active = rest->active;
	if (rest->active)
		rest->active->previous_active = errand;
	rest->active = errand;
	return errand;
}

/* The call is the caller's again; the errand is given back, by the line if it stands
 * there. */
static void errand_end(struct errand *errand)
{
	struct rest *rest = errand->rest;
	if (errand->next_active)
		errand->next_active->previous_active = errand->previous_active;
	*(errand->previous_active ? &errand->previous_active->next_active : &rest->active) = errand->next_active;
	errand->forgotten = errand->in_line;
	if (errand->in_line)
		return;
	errand->next = rest->pool;
	rest->pool = errand;
}

static void errand_stand_in_line(struct errand *errand)
{
	struct rest *rest = errand->rest;
	errand->in_line = true;
	errand->next = NULL;
	if (rest->first_in_line)
		rest->last_in_line->next = errand;
	else
		rest->first_in_line = errand;
	rest->last_in_line = errand;
}

static struct errand *line_take(struct rest *rest)
{
	struct errand *errand = rest->first_in_line;
	rest->first_in_line = errand->next;
	errand->in_line = false;
	return errand;
}

/* ---- what came back ---- */

/* A server's error is JSON with its words under `error`; else what it sent, cut. */
static struct text words_of(struct arena *arena, struct text body)
{
	struct json_scan scan;
	struct error fault = {0};
	struct text key, words = {0};
	json_begin(&scan, body, "the error", arena, &fault);
	if (json_peek(&scan) == JSON_OBJECT && json_enter(&scan)) {
		while (json_key(&scan, &key)) {
			if (text_is(key, "error") && json_peek(&scan) == JSON_STRING)
				json_string(&scan, &words);
			else
				json_skip(&scan);
		}
	}
	if (json_end(&scan) && words.length > 0)
		return words;
	return (struct text){body.bytes, body.length < WORDS_MAX ? body.length : WORDS_MAX};
}

/* True: the call has its end. */
static bool judge(struct errand *errand, const struct http_reply *reply, int64_t *again_ms)
{
	struct call *call = errand->attempts.call;
	struct arena *arena = call->message->arena;
	struct attempt attempt = {.status = (int)reply->status};
	if (reply->status == 0 && reply->error.kind != ERROR_REMOTE) {
		call->error = reply->error; /* ours: too long an answer, no memory */
		return true;
	}
	if (reply->status == 0) {
		attempt.end = reply->timed_out ? ATTEMPT_TIMED_OUT : ATTEMPT_BROKE;
		attempt.words = text_of(reply->error.text);
	} else if (reply->status == 200) {
		/* The tensors borrow from the body. */
		attempt.body = (struct text){arena_copy(arena, reply->body.bytes, reply->body.length), reply->body.length};
		if (!attempt.body.bytes)
			return !error_memory(&call->error, ERROR_LIMIT, "keeping a model's answer");
	} else {
		attempt.words = words_of(arena, reply->body);
	}
	return attempts_take(&errand->attempts, &attempt, loop_now_ms(errand->rest->loop), again_ms);
}

static void answer(struct errand *errand)
{
	struct rest *rest = errand->rest;
	struct call *call = errand->attempts.call;
	errand_end(errand);
	rest->answered(rest->context, call);
}

static void on_again(void *context)
{
	struct errand *errand = context;
	errand_stand_in_line(errand);
	move_line(errand->rest);
}

static void on_done(struct http_request *request, const struct http_reply *reply)
{
	struct errand *errand = request->context;
	struct rest *rest = errand->rest;
	int64_t again_ms;
	rest->under_way--;
	errand->again_timer = (struct loop_timer){.due = on_again, .context = errand};
	if (judge(errand, reply, &again_ms) ||
	    !loop_timer_set(rest->loop, &errand->again_timer, again_ms, &errand->attempts.call->error))
		answer(errand);
	move_line(rest);
}

/* ---- what goes out ---- */

static bool errand_start(struct errand *errand, struct error *error)
{
	struct rest *rest = errand->rest;
	const struct call *call = errand->attempts.call;
	buffer_clear(&errand->body);
	if (!oip_json_encode_request(call->request, call->message->id, &errand->body, NULL, error))
		return false;
	errand->request = (struct http_request){.url = errand->url,
						.content_type = "application/json",
						.body = buffer_view(&errand->body),
						.timeout_ms = errand->attempts.timeout_ms,
						.done = on_done,
						.context = errand};
	if (!http_start(rest->http, &errand->request, error))
		return false;
	rest->under_way++;
	return true;
}

/* Entered from the loop alone: it may answer a call that cannot be started. */
static void move_line(void *context)
{
	struct rest *rest = context;
	while (rest->first_in_line && rest->under_way < rest->limits.calls) {
		struct errand *errand = line_take(rest);
		if (errand->forgotten) {
			errand->next = rest->pool;
			rest->pool = errand;
		} else if (!errand_start(errand, &errand->attempts.call->error)) {
			answer(errand);
		}
	}
}

static const char *url_of(const struct rest *rest, const char *model)
{
	for (size_t i = 0; i < rest->target_count; i++)
		if (strcmp(rest->targets[i].model, model) == 0)
			return rest->targets[i].url;
	return NULL;
}

bool rest_call(struct rest *rest, struct call *call, struct error *error)
{
	const char *url = url_of(rest, call->name);
	if (!url)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "no endpoint is known for model %s; name its server", call->name);
	struct errand *errand = errand_begin(rest, call, url);
	if (!errand)
		return error_memory(error, ERROR_SYSTEM, "calling a model");
	if (rest->first_in_line || rest->under_way == rest->limits.calls) {
		errand_stand_in_line(errand);
		return true;
	}
	if (errand_start(errand, error))
		return true;
	errand_end(errand);
	return false;
}

void rest_forget(struct rest *rest, struct call *call)
{
	struct errand *errand = rest->active;
	while (errand && errand->attempts.call != call)
		errand = errand->next_active;
	if (!errand)
		return;
	if (errand->request.exchange) {
		struct error error = {0};
		http_forget(rest->http, &errand->request);
		rest->under_way--;
		/* Who is next is started from the loop, for the flow may not be entered from here.
		 * Should the timer fail, the next answer moves the line. */
		if (rest->first_in_line)
			loop_timer_set(rest->loop, &rest->line_timer, loop_now_ms(rest->loop), &error);
	}
	loop_timer_stop(rest->loop, &errand->again_timer);
	errand_end(errand);
}
