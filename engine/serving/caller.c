/* caller.c: see caller.h.
 *
 * A call's way: it waits in line, is under way as an HTTP request, and is answered, or
 * pauses and waits in line again.
 */
#include "serving/caller.h"

#include "base/memory.h"
#include "message/json_scan.h"
#include "message/oip_json.h"
#include "net/http.h"
#include "serving/attempts.h"

#define CONNECTION_IDLE_S 60
#define CONNECT_MS 2000
#define CALLS_MAX 64 /* of one worker under way at once: what a saturated server has use for */
#define WORDS_MAX 200 /* of a body that is no error in JSON, in our error */

/* One call on its way. */
struct errand {
	struct http_request request;
	struct attempts attempts;
	struct loop_timer again_timer;
	struct caller *caller;
	const char *url;
	struct buffer body;
	struct errand *next; /* in the line, or in the pool */
	struct errand *next_active, *previous_active;
	bool in_line;
	bool forgotten; /* while in line: the line gives it back */
};

struct caller {
	struct loop *loop;
	struct http *http;
	const struct caller_config *config;
	struct errand *active; /* all that have a call */
	struct errand *first_in_line, *last_in_line;
	size_t lanes; /* the widest that a model has */
	size_t under_way;
	struct loop_timer line_timer; /* due at once: the line moves on, in the next turn */
	struct errand *pool;
	void (*answered)(void *context, struct call *call);
	void *context;
};

static void move_line(void *context);

/* ---- opening and closing ---- */

/* REST is spoken at the first address where it is. */
static const char *rest_url(const struct model_config *model)
{
	for (size_t i = 0; i < model->addresses.count; i++)
		if (model->addresses.items[i].protocol == PROTOCOL_OIP_REST)
			return model->addresses.items[i].url;
	return NULL;
}

struct caller *caller_open(struct loop *loop, const struct caller_config *config,
			   void (*answered)(void *context, struct call *call), void *context, struct error *error)
{
	struct caller *caller = memory_take(1, sizeof *caller);
	if (!caller) {
		error_memory(error, ERROR_SYSTEM, "opening a client of models");
		return NULL;
	}
	caller->loop = loop;
	caller->config = config;
	caller->line_timer = (struct loop_timer){.due = move_line, .context = caller};
	for (size_t i = 0; i < config->model_count; i++) {
		size_t lanes = config->models[i].lanes_most ? config->models[i].lanes_most : CALLS_MAX;
		caller->lanes = lanes > caller->lanes ? lanes : caller->lanes;
	}
	caller->answered = answered;
	caller->context = context;
	const struct http_limits http = {.connections_a_host = (long)CALLS_MAX,
					 .connection_idle_s = CONNECTION_IDLE_S,
					 .reply_bytes = config->reply_bytes,
					 .connect_ms = CONNECT_MS};
	if ((caller->http = http_open(loop, &http, error)))
		return caller;
	error_memory(error, ERROR_SYSTEM, "opening a client of models");
	caller_close(caller);
	return NULL;
}

static void errand_close(struct errand *errand)
{
	loop_timer_stop(errand->caller->loop, &errand->again_timer);
	buffer_close(&errand->body);
	memory_give(errand);
}

void caller_close(struct caller *caller)
{
	if (!caller)
		return;
	http_close(caller->http);
	loop_timer_stop(caller->loop, &caller->line_timer);
	for (struct errand *errand = caller->first_in_line, *next; errand; errand = next) {
		next = errand->next;
		if (errand->forgotten)
			errand_close(errand);
	}
	for (struct errand *errand = caller->active, *next; errand; errand = next) {
		next = errand->next_active;
		errand_close(errand);
	}
	for (struct errand *errand = caller->pool, *next; errand; errand = next) {
		next = errand->next;
		errand_close(errand);
	}
	memory_give(caller);
}

/* ---- errands ---- */

static struct errand *errand_make(struct caller *caller)
{
	struct errand *errand = memory_take(1, sizeof *errand);
	if (!errand)
		return NULL;
	errand->caller = caller;
	buffer_open(&errand->body, caller->config->request_bytes);
	return errand;
}

static struct errand *errand_begin(struct caller *caller, struct call *call, const char *url)
{
	struct errand *errand = caller->pool;
	if (errand)
		caller->pool = errand->next;
	else if (!(errand = errand_make(caller)))
		return NULL;
	errand->url = url;
	errand->in_line = errand->forgotten = false;
	attempts_begin(&errand->attempts, call, 0);
	errand->previous_active = NULL;
	errand->next_active = caller->active;
	if (caller->active)
		caller->active->previous_active = errand;
	caller->active = errand;
	return errand;
}

/* The call is the caller's again; the errand is given back, by the line if it stands
 * there. */
static void errand_end(struct errand *errand)
{
	struct caller *caller = errand->caller;
	if (errand->next_active)
		errand->next_active->previous_active = errand->previous_active;
	*(errand->previous_active ? &errand->previous_active->next_active : &caller->active) = errand->next_active;
	errand->forgotten = errand->in_line;
	if (errand->in_line)
		return;
	errand->next = caller->pool;
	caller->pool = errand;
}

static void errand_stand_in_line(struct errand *errand)
{
	struct caller *caller = errand->caller;
	errand->in_line = true;
	errand->next = NULL;
	if (caller->first_in_line)
		caller->last_in_line->next = errand;
	else
		caller->first_in_line = errand;
	caller->last_in_line = errand;
}

static struct errand *line_take(struct caller *caller)
{
	struct errand *errand = caller->first_in_line;
	caller->first_in_line = errand->next;
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
	return attempts_take(&errand->attempts, &attempt, loop_now_ms(errand->caller->loop), again_ms);
}

static void answer(struct errand *errand)
{
	struct caller *caller = errand->caller;
	struct call *call = errand->attempts.call;
	errand_end(errand);
	caller->answered(caller->context, call);
}

static void on_again(void *context)
{
	struct errand *errand = context;
	errand_stand_in_line(errand);
	move_line(errand->caller);
}

static void on_done(struct http_request *request, const struct http_reply *reply)
{
	struct errand *errand = request->context;
	struct caller *caller = errand->caller;
	int64_t again_ms;
	caller->under_way--;
	errand->again_timer = (struct loop_timer){.due = on_again, .context = errand};
	if (judge(errand, reply, &again_ms) ||
	    !loop_timer_set(caller->loop, &errand->again_timer, again_ms, &errand->attempts.call->error))
		answer(errand);
	move_line(caller);
}

/* ---- what goes out ---- */

static bool errand_start(struct errand *errand, struct error *error)
{
	struct caller *caller = errand->caller;
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
	if (!http_start(caller->http, &errand->request, error))
		return false;
	caller->under_way++;
	return true;
}

/* Entered from the loop alone: it may answer a call that cannot be started. */
static void move_line(void *context)
{
	struct caller *caller = context;
	while (caller->first_in_line && caller->under_way < caller->lanes) {
		struct errand *errand = line_take(caller);
		if (errand->forgotten) {
			errand->next = caller->pool;
			caller->pool = errand;
		} else if (!errand_start(errand, &errand->attempts.call->error)) {
			answer(errand);
		}
	}
}

static const char *url_of(const struct caller *caller, const char *model)
{
	for (size_t i = 0; i < caller->config->model_count; i++)
		if (strcmp(caller->config->models[i].name, model) == 0)
			return rest_url(&caller->config->models[i]);
	return NULL;
}

bool caller_call(struct caller *caller, struct call *call, struct error *error)
{
	const char *url = url_of(caller, call->name);
	if (!url)
		return error_set(error, ERROR_CONFIG, PLACE_NONE, "no endpoint is known for model %s; name its server", call->name);
	struct errand *errand = errand_begin(caller, call, url);
	if (!errand)
		return error_memory(error, ERROR_SYSTEM, "calling a model");
	if (caller->first_in_line || caller->under_way == caller->lanes) {
		errand_stand_in_line(errand);
		return true;
	}
	if (errand_start(errand, error))
		return true;
	errand_end(errand);
	return false;
}

void caller_forget(struct caller *caller, struct call *call)
{
	struct errand *errand = caller->active;
	while (errand && errand->attempts.call != call)
		errand = errand->next_active;
	if (!errand)
		return;
	if (errand->request.exchange) {
		struct error error = {0};
		http_forget(caller->http, &errand->request);
		caller->under_way--;
		/* Who is next is started from the loop, for the flow may not be entered from here.
		 * Should the timer fail, the next answer moves the line. */
		if (caller->first_in_line)
			loop_timer_set(caller->loop, &caller->line_timer, loop_now_ms(caller->loop), &error);
	}
	loop_timer_stop(caller->loop, &errand->again_timer);
	errand_end(errand);
}
