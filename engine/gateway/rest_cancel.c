/* rest_cancel.c: Cancellation of submitted requests over REST; see rest.h and observe/cancel_board.h.
 *
 * A search for the answer comes first: it shows whether the caller has the request's id, nonce included, and whether there is
 * anything to cancel. The engine that ends the request decides whether the cancellation came in time. So each request has one
 * outcome, which polls and watches have. */
#include <stdio.h>

#include "base/memory.h"
#include "gateway/calls/call_outcome.h"
#include "gateway/rest.h"
#include "message/json/json_write.h"

#define CANCEL_MS 10000 /* for Kafka to take the cancellation, if the caller does not say for how long it waits */
#define NAME_BYTES_MAX 256
#define STATE_BYTES_MAX ((size_t)1024)
#define AWAITED_WORDS                                                                                                              \
	"the caller of this request waited until its deadline, after which no engine begins it; only submitted requests can be "   \
	"cancelled; GET this path"

struct cancellation {
	const struct rest *rest;
	struct http_incoming *incoming;
	struct submission submission;
	struct poll_found found;
	int64_t deadline_ms; /* of the caller, since 1970; 0: it did not say */
	struct text place; /* the path, as long as the request */
	char pipeline[NAME_BYTES_MAX];
};

static void cancellation_close(struct cancellation *cancellation)
{
	memory_give(cancellation);
}

/* ---- answers ---- */

static void answer_state(const struct cancellation *cancellation, int status, const char *state)
{
	char id[SUBMISSION_ID_BYTES_MAX];
	struct buffer body;
	buffer_open(&body, STATE_BYTES_MAX);
	json_write_string_after(&body, TEXT("{\"id\":"), (struct text){id, submission_write(&cancellation->submission, id)});
	buffer_print(&body, ",\"status\":\"%s\"}", state);
	http_server_answer(cancellation->incoming, status, "application/json", buffer_view(&body), NULL, 0);
	buffer_close(&body);
}

static void answer_error(const struct cancellation *cancellation, int status, enum error_kind kind, const char *words,
			 struct arena *arena)
{
	char id[SUBMISSION_ID_BYTES_MAX];
	const struct text named = {id, submission_write(&cancellation->submission, id)};
	struct call_outcome outcome;
	struct buffer body;
	buffer_open(&body, CALL_ERROR_BYTES_MAX);
	call_outcome_refused(&outcome, status, kind, words, cancellation->place, named, &body);
	outcome.id = named;
	outcome.arena = arena;
	rest_call_ended(cancellation->incoming, &outcome);
	buffer_close(&body);
}

/* ---- the cancellation ---- */

static void on_taken(void *context, const struct call_outcome *outcome)
{
	struct cancellation *cancellation = context;
	if (outcome->end == CALL_ACCEPTED)
		answer_state(cancellation, 202, "cancelling");
	else
		rest_call_ended(cancellation->incoming, outcome);
	cancellation_close(cancellation);
}

/* The cancellation is written though the caller leaves: it has asked for it. */
static bool is_never_over(void *context)
{
	(void)context;
	return false;
}

/* The files may have changed since the search began. */
static void cancellation_begin(struct cancellation *cancellation, struct arena *arena)
{
	const struct rest *rest = cancellation->rest;
	const int64_t now_ms = loop_time_of_day_ms(rest->loop);
	const struct call_request call = {
		.target = gateway_target_find(rest->targets, (struct text){0}, text_of(cancellation->pipeline)),
		.cancels = true,
		.key = submission_nonce(&cancellation->submission),
		.arrived_ms = now_ms,
		.deadline_ms = cancellation->deadline_ms > 0 ? cancellation->deadline_ms : now_ms + CANCEL_MS,
		.place = cancellation->place,
		.ended = on_taken,
		.is_over = is_never_over,
		.context = cancellation,
	};
	if (call.target) {
		calls_begin(rest->calls, &call);
		return;
	}
	answer_error(cancellation, 404, ERROR_INPUT, "the pipeline was removed", arena);
	cancellation_close(cancellation);
}

/* ---- the search ---- */

static void rest_cancel_on_searched(void *context, const struct call_outcome *outcome)
{
	struct cancellation *cancellation = context;
	const struct poll_found *found = &cancellation->found;
	if (found->outcome == ANSWER_PENDING && !found->is_awaited) {
		cancellation_begin(cancellation, outcome->arena);
		return;
	}
	if (found->outcome == ANSWER_PENDING)
		answer_error(cancellation, 409, ERROR_INPUT, AWAITED_WORDS, outcome->arena);
	else if (found->outcome != ANSWER_FOUND)
		rest_call_ended(cancellation->incoming, outcome);
	else if (found->was_cancelled)
		answer_state(cancellation, 200, "cancelled");
	else
		answer_error(cancellation, 409, ERROR_INPUT, "the request has its answer, so nothing is cancelled; GET this path",
			     outcome->arena);
	cancellation_close(cancellation);
}

/* NULL: memory ran out. */
static struct cancellation *cancellation_open(const struct rest_request *request, const struct poll_request *poll,
					      const struct gateway_target *target)
{
	struct cancellation *cancellation = memory_take(1, sizeof *cancellation);
	if (!cancellation)
		return NULL;
	*cancellation = (struct cancellation){.rest = request->rest,
					      .incoming = request->incoming,
					      .submission = poll->submission,
					      .found = POLL_FOUND_NOTHING,
					      .place = request->path};
	if (poll->allowed_ms > 0)
		cancellation->deadline_ms = loop_time_of_day_ms(request->rest->loop) + poll->allowed_ms;
	(void)snprintf(cancellation->pipeline, sizeof cancellation->pipeline, "%s", target->name);
	return cancellation;
}

void rest_cancel(const struct rest_request *request)
{
	struct poll_request poll = {.ended = rest_cancel_on_searched};
	if (request->rest->draining) {
		rest_refuse(request, 503, "this gateway is stopping; ask another one");
		return;
	}
	if (!rest_poll_prepare(request, &poll))
		return;
	struct cancellation *cancellation = cancellation_open(request, &poll, rest_target_find(request));
	poll.context = cancellation;
	if (cancellation)
		poll.found = &cancellation->found;
	if (!cancellation)
		rest_refuse_by_limit(request, 503, poll_refusal_words(POLL_NO_PLACE));
	else if (!rest_poll_begin(request, &poll))
		cancellation_close(cancellation);
}
