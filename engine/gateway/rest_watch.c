/* rest_watch.c: Watches of submitted requests over REST: server-sent events; see rest.h and answer_watches.h. */
#include "gateway/calls/answer_watches.h"
#include "gateway/calls/idempotent_limits.h"
#include "gateway/rest.h"

#define PATH_END "/watch"

static void stream_begin(void *context)
{
	static const struct http_answer_header headers[] = {
		{"Cache-Control", "no-store"},
		{"X-Accel-Buffering", "no"}, /* else a proxy of nginx keeps events back */
	};
	http_server_begin(context, 200, "text/event-stream", headers, sizeof headers / sizeof *headers);
}

static bool stream_send(void *context, struct text piece)
{
	return http_server_send(context, piece);
}

static void stream_end(void *context)
{
	http_server_end(context);
}

static bool caller_is_over(void *context)
{
	return http_incoming_is_over(context);
}

static const struct answer_watch_caller rest_watcher = {rest_call_ended, stream_begin, stream_send, stream_end, caller_is_over};

/* The path of the request itself. */
static struct text location_of(const struct rest_request *request)
{
	const struct text place = {request->path.bytes, request->path.length - (sizeof PATH_END - 1)};
	if (text_ends_with(place, request->submission))
		return place;
	const char *path = arena_print(request->rest->arena, TEXT_FORMAT "/requests/" TEXT_FORMAT, TEXT_ARGUMENTS(place),
				       TEXT_ARGUMENTS(request->submission));
	return path ? text_of(path) : place;
}

static void watch_begin(const struct rest_request *request, const struct poll_request *poll)
{
	const struct rest *rest = request->rest;
	struct access_identity caller;
	const bool has_share = rest_caller_find(request, &caller) && rest->access;
	const struct answer_watch_request watch = {.inputs = poll->inputs,
						   .outputs = poll->outputs,
						   .submission = poll->submission,
						   .location = location_of(request),
						   .allowed_ms = poll->allowed_ms,
						   .share = keyed_caller(&caller, has_share),
						   .heads_only = request->is_head,
						   .caller = &rest_watcher,
						   .context = request->incoming};
	switch (answer_watches_begin(rest->watches, &watch)) {
	case WATCH_NO_SHARE:
		rest_refuse(request, 429, "this caller has %d requests watched, which is its share; end a watch, or poll",
			    WATCHES_MAX / WATCHES_SHARES);
		return;
	case WATCH_NO_PLACE:
		rest_refuse_by_limit(request, 503, "this gateway has its maximum of watches; poll, or try again later");
		return;
	case WATCH_STARTED:
		return;
	}
}

/* Whether the caller had the last event (answer_watches.h). A 204 keeps a browser from connecting again. */
static bool all_was_said(const struct rest_request *request)
{
	return text_equal(http_incoming_header(request->incoming, "last-event-id"), request->submission);
}

void rest_watch(const struct rest_request *request)
{
	struct poll_request poll = {.found = NULL};
	if (request->rest->draining)
		rest_refuse(request, 503, "this gateway is stopping; ask another one");
	else if (!rest_poll_prepare(request, &poll))
		return;
	else if (all_was_said(request))
		http_server_answer(request->incoming, 204, NULL, (struct text){0}, NULL, 0);
	else
		watch_begin(request, &poll);
}
