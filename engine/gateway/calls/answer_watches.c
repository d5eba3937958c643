/* answer_watches.c: see answer_watches.h. */
#include "gateway/calls/answer_watches.h"

#include <inttypes.h>

#include "base/base64.h"
#include "base/memory.h"
#include "message/json/json_scan.h"
#include "message/json/json_write.h"

static void event_begin(struct buffer *out, const char *name, struct text id, bool is_last)
{
	buffer_clear(out);
	buffer_print(out, "event: %s\n", name);
	if (is_last)
		buffer_print(out, "id: " TEXT_FORMAT "\n", TEXT_ARGUMENTS(id));
	json_write_string_after(out, TEXT("data: {\"id\":"), id);
}

static void watch_event_accepted(struct buffer *out, struct text id)
{
	event_begin(out, "accepted", id, false);
	buffer_string(out, "}\n\n");
}

/* The event of a watch that ends before the request. */
static void watch_event_pending(struct buffer *out, struct text id)
{
	event_begin(out, "pending", id, false);
	buffer_string(out, ",\"status\":202}\n\n");
}

/* ---- bodies ---- */

static bool body_is_json(const struct call_outcome *outcome)
{
	struct text type = outcome->content_type, kind = text_trimmed(text_take_until(&type, ';'), " \t");
	struct json_scan scan;
	struct error error = {0};
	if (outcome->header_length.length > 0 || !text_equal_caseless(kind, TEXT("application/json")))
		return false;
	json_begin(&scan, outcome->body, "the answer", outcome->arena, &error);
	json_skip(&scan);
	return json_end(&scan);
}

/* The ends of lines in valid JSON are blanks between its values; in an event they would end the data. */
static void json_write_in_line(struct buffer *out, struct text json)
{
	char *room = buffer_room(out, json.length);
	for (size_t i = 0; room && i < json.length; i++)
		room[i] = json.bytes[i] == '\n' || json.bytes[i] == '\r' ? ' ' : json.bytes[i];
	if (room)
		buffer_grown(out, json.length);
}

static void body_write(struct buffer *out, const struct call_outcome *outcome)
{
	if (body_is_json(outcome)) {
		buffer_string(out, ",\"body\":");
		json_write_in_line(out, outcome->body);
		return;
	}
	buffer_string(out, ",\"body_base64\":\"");
	char *room = buffer_room(out, base64_write_room(outcome->body.length));
	if (room)
		buffer_grown(out, base64_write(outcome->body, room));
	buffer_byte(out, '"');
}

static void headers_write(struct buffer *out, const struct call_outcome *outcome)
{
	const struct headers headers = outcome->headers;
	uint64_t length;
	if (outcome->header_length.length > 0 && number_read_uint64(outcome->header_length, &length))
		buffer_print(out, ",\"header_length\":%" PRIu64, length);
	for (size_t i = 0; i < headers.count; i++) {
		json_write_string_after(out, i == 0 ? TEXT(",\"headers\":{") : TEXT(","), headers.items[i].name);
		json_write_string_after(out, TEXT(":"), headers.items[i].value);
	}
	if (headers.count > 0)
		buffer_byte(out, '}');
}

/* ---- the last event ---- */

static const char *event_name(enum call_end end)
{
	return end == CALL_ANSWERED ? "answer" : end == CALL_FILTERED ? "filtered" : "failed";
}

static void end_begin(struct buffer *out, const struct call_outcome *outcome, struct text id)
{
	event_begin(out, event_name(outcome->end), id, outcome->status != 503);
	buffer_print(out, ",\"status\":%d", outcome->status);
}

void watch_event_end(struct buffer *out, const struct call_outcome *outcome, struct text id, struct text location)
{
	end_begin(out, outcome, id);
	if (outcome->id.length > 0)
		json_write_string_after(out, TEXT(",\"request_id\":"), outcome->id);
	if (outcome->end != CALL_FILTERED) {
		json_write_string_after(out, TEXT(",\"content_type\":"), call_outcome_type(outcome));
		headers_write(out, outcome);
		body_write(out, outcome);
	}
	buffer_string(out, "}\n\n");
	if (!buffer_failed(out))
		return;
	end_begin(out, outcome, id);
	json_write_string_after(out, TEXT(",\"location\":"), location);
	buffer_string(out, "}\n\n");
}

#define TICK_MS 50
#define FAR_MS INT64_MAX
#define WATCH_ARENA_BYTES ((size_t)4096) /* of topics' names and a path */

struct answer_watch {
	struct answer_watches *watches;
	struct arena *arena; /* NULL: the slot is free */
	struct answer_watch_request request;
	struct poll_found found;
	int64_t began_ms, until_ms, search_ms, comment_ms,
		look_ms;   /* begin, end; next search, comment, and look after the caller */
	bool has_begun;	   /* the stream */
	bool is_searching; /* polls have the watch */
	bool is_over;	   /* the caller has its end */
};

struct answer_watches {
	struct loop *loop;
	struct answer_watches_config config;
	struct answer_watch items[WATCHES_MAX];
	size_t count, searching;
	struct loop_timer timer; /* is always set, so that a turn allocates no memory */
	struct buffer event;
	bool is_draining;
};

/* ---- the end of a watch ---- */

/* A search cannot be stopped: it keeps the slot until it ends. */
static void watch_release(struct answer_watch *watch)
{
	watch->is_over = true;
	if (watch->is_searching)
		return;
	arena_close(watch->arena);
	watch->arena = NULL;
	watch->watches->count--;
}

static void watch_end(struct answer_watch *watch)
{
	watch->request.caller->end(watch->request.context);
	watch_release(watch);
}

static void watch_refuse(struct answer_watch *watch, const struct call_outcome *outcome)
{
	watch->request.caller->refuse(watch->request.context, outcome);
	watch_release(watch);
}

static struct text id_write(const struct answer_watch *watch, char out[SUBMISSION_ID_BYTES_MAX])
{
	return (struct text){out, submission_write(&watch->request.submission, out)};
}

static void watch_refuse_busy(struct answer_watch *watch)
{
	char id[SUBMISSION_ID_BYTES_MAX];
	const struct text named = id_write(watch, id);
	struct call_outcome outcome;
	call_outcome_refused(&outcome, 503, ERROR_LIMIT, poll_refusal_words(POLL_NO_PLACE), watch->request.location, named,
			     &watch->watches->event);
	outcome.id = named;
	outcome.arena = watch->arena;
	watch_refuse(watch, &outcome);
}

/* ---- events ---- */

/* Sends the event, or another piece. False: the caller has disconnected, and the watch has ended. */
static bool watch_send(struct answer_watch *watch, struct text piece)
{
	watch->comment_ms = loop_now_ms(watch->watches->loop) + WATCH_COMMENT_MS;
	if (!buffer_failed(&watch->watches->event) && watch->request.caller->send(watch->request.context, piece))
		return true;
	watch_end(watch);
	return false;
}

static void watch_send_last(struct answer_watch *watch)
{
	if (watch_send(watch, buffer_view(&watch->watches->event)))
		watch_end(watch);
}

static void watch_give_up(struct answer_watch *watch)
{
	char id[SUBMISSION_ID_BYTES_MAX];
	watch_event_pending(&watch->watches->event, id_write(watch, id));
	watch_send_last(watch);
}

/* False: the watch has ended. */
static bool stream_begin(struct answer_watch *watch)
{
	char id[SUBMISSION_ID_BYTES_MAX];
	watch->has_begun = true;
	watch->request.caller->begin(watch->request.context);
	if (watch->request.heads_only) {
		watch_end(watch);
		return false;
	}
	watch_event_accepted(&watch->watches->event, id_write(watch, id));
	return watch_send(watch, buffer_view(&watch->watches->event));
}

/* ---- searches ---- */

static void search_plan(struct answer_watch *watch)
{
	const int64_t now_ms = loop_now_ms(watch->watches->loop);
	int64_t pause_ms = (now_ms - watch->began_ms) / 4;
	if (pause_ms < WATCH_PAUSE_MS_LEAST)
		pause_ms = WATCH_PAUSE_MS_LEAST;
	if (pause_ms > WATCH_PAUSE_MS_MAX)
		pause_ms = WATCH_PAUSE_MS_MAX;
	watch->search_ms = now_ms + pause_ms;
}

/* While Kafka does not say, an answer may yet come. */
static bool outcome_is_last(const struct answer_watch *watch)
{
	return watch->found.outcome != ANSWER_PENDING && watch->found.outcome != ANSWER_UNKNOWN;
}

static void outcome_send(struct answer_watch *watch, const struct call_outcome *outcome)
{
	char id[SUBMISSION_ID_BYTES_MAX];
	watch_event_end(&watch->watches->event, outcome, id_write(watch, id), watch->request.location);
	watch_send_last(watch);
}

static void answer_watches_on_searched(void *context, const struct call_outcome *outcome)
{
	struct answer_watch *watch = context;
	const bool is_there = watch->found.outcome == ANSWER_FOUND || watch->found.outcome == ANSWER_PENDING;
	watch->is_searching = false;
	watch->watches->searching--;
	if (watch->is_over)
		watch_release(watch);
	else if (!watch->has_begun && !is_there)
		watch_refuse(watch, outcome);
	else if (!watch->has_begun && !stream_begin(watch))
		return;
	else if (outcome_is_last(watch))
		outcome_send(watch, outcome);
	else
		search_plan(watch);
}

/* What is left of the time that the caller gave; 0: it gave none. */
static int64_t watch_left_ms(const struct answer_watch *watch)
{
	const int64_t left_ms = watch->until_ms - loop_now_ms(watch->watches->loop);
	return watch->request.allowed_ms == 0 ? 0 : left_ms > 0 ? left_ms : 1;
}

static void search_begin(struct answer_watch *watch)
{
	struct answer_watches *watches = watch->watches;
	const struct poll_request poll = {.inputs = watch->request.inputs,
					  .outputs = watch->request.outputs,
					  .submission = watch->request.submission,
					  .allowed_ms = watch->has_begun ? 0 : watch_left_ms(watch),
					  .found = &watch->found,
					  .ended = answer_watches_on_searched,
					  .context = watch};
	if (watches->config.search(watches->config.searcher, &poll)) {
		watch->is_searching = true;
		watches->searching++;
	} else if (watch->has_begun) {
		search_plan(watch);
	} else {
		watch_refuse_busy(watch);
	}
}

/* The watch whose search is due for the longest time; NULL: none is due. */
static struct answer_watch *watch_next(struct answer_watches *watches, int64_t now_ms)
{
	struct answer_watch *next = NULL;
	for (struct answer_watch *watch = watches->items; watch < watches->items + WATCHES_MAX; watch++)
		if (watch->arena && !watch->is_over && !watch->is_searching && watch->search_ms <= now_ms &&
		    (!next || watch->search_ms < next->search_ms))
			next = watch;
	return next;
}

/* ---- turns ---- */

/* A caller that leaves before its stream begins is let go when its first search ends. */
static void watch_look(struct answer_watch *watch, int64_t now_ms)
{
	if (now_ms >= watch->look_ms) {
		watch->look_ms = now_ms + WATCH_LOOK_MS;
		if (watch->request.caller->is_over(watch->request.context)) {
			watch_end(watch);
			return;
		}
	}
	if (watch->watches->is_draining || now_ms >= watch->until_ms)
		watch_give_up(watch);
	else if (now_ms >= watch->comment_ms)
		(void)watch_send(watch, TEXT(WATCH_COMMENT));
}

static void answer_watches_on_due(void *context)
{
	struct answer_watches *watches = context;
	struct error error = {0};
	struct answer_watch *next;
	const int64_t now_ms = loop_now_ms(watches->loop);
	(void)loop_timer_set(watches->loop, &watches->timer, watches->count > 0 ? now_ms + TICK_MS : FAR_MS, &error);
	buffer_clear(&watches->event);
	for (struct answer_watch *watch = watches->items; watch < watches->items + WATCHES_MAX; watch++)
		if (watch->arena && watch->has_begun && !watch->is_over)
			watch_look(watch, now_ms);
	while (watches->searching < WATCH_SEARCHES && (next = watch_next(watches, now_ms)))
		search_begin(next);
}

/* ---- the beginning ---- */

static bool share_is_used(const struct answer_watches *watches, uint64_t share)
{
	size_t used = 0;
	for (const struct answer_watch *watch = watches->items; watch < watches->items + WATCHES_MAX; watch++)
		used += watch->arena && watch->request.share == share;
	return share != 0 && used >= WATCHES_MAX / WATCHES_SHARES;
}

static void watch_fill(struct answer_watch *watch, const struct answer_watch_request *request, int64_t now_ms)
{
	struct answer_watch_request *own = &watch->request;
	*own = *request;
	own->inputs = arena_copy(watch->arena, request->inputs, strlen(request->inputs));
	own->outputs = arena_copy(watch->arena, request->outputs, strlen(request->outputs));
	own->location = (struct text){arena_copy(watch->arena, request->location.bytes, request->location.length),
				      request->location.length};
	watch->found = POLL_FOUND_NOTHING;
	if (own->allowed_ms > WATCH_MS_MAX)
		own->allowed_ms = WATCH_MS_MAX;
	watch->began_ms = watch->search_ms = watch->look_ms = now_ms;
	watch->until_ms = now_ms + (own->allowed_ms > 0 ? own->allowed_ms : WATCH_MS_MAX);
}

enum answer_watch_start answer_watches_begin(struct answer_watches *watches, const struct answer_watch_request *request)
{
	struct answer_watch *watch = watches->items;
	struct error error = {0};
	const int64_t now_ms = loop_now_ms(watches->loop);
	if (share_is_used(watches, request->share))
		return WATCH_NO_SHARE;
	while (watch < watches->items + WATCHES_MAX && watch->arena)
		watch++;
	struct arena *arena = watch < watches->items + WATCHES_MAX ? arena_open(WATCH_ARENA_BYTES) : NULL;
	if (!arena)
		return WATCH_NO_PLACE;
	*watch = (struct answer_watch){.watches = watches, .arena = arena};
	watch_fill(watch, request, now_ms);
	if (arena_failed(arena)) {
		arena_close(arena);
		watch->arena = NULL;
		return WATCH_NO_PLACE;
	}
	watches->count++;
	(void)loop_timer_set(watches->loop, &watches->timer, now_ms, &error);
	return WATCH_STARTED;
}

size_t answer_watches_count(const struct answer_watches *watches)
{
	return watches->count;
}

/* ---- opening and closing ---- */

struct answer_watches *answer_watches_open(struct loop *loop, const struct answer_watches_config *config, struct error *error)
{
	assert(loop && config->search);
	struct answer_watches *watches = memory_take(1, sizeof *watches);
	if (!watches)
		return error_null(error_memory(error, ERROR_SYSTEM, "opening a gateway"));
	watches->loop = loop;
	watches->config = *config;
	watches->timer = (struct loop_timer){.due = answer_watches_on_due, .context = watches};
	buffer_open(&watches->event, WATCH_EVENT_BYTES_MAX);
	if (loop_timer_set(loop, &watches->timer, FAR_MS, error))
		return watches;
	answer_watches_close(watches);
	return NULL;
}

void answer_watches_drain(struct answer_watches *watches)
{
	watches->is_draining = true;
}

void answer_watches_close(struct answer_watches *watches)
{
	if (!watches)
		return;
	loop_timer_stop(watches->loop, &watches->timer);
	for (size_t i = 0; i < WATCHES_MAX; i++)
		arena_close(watches->items[i].arena);
	buffer_close(&watches->event);
	memory_give(watches);
}
