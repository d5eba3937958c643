/* rest_submit.c: Submitted requests over REST, and polls for their answers; see rest.h and polls.h. */
#include "gateway/calls/call_outcome.h"
#include "gateway/calls/idempotent_calls.h"
#include "gateway/calls/polls.h"
#include "gateway/rest.h"
#include "message/json/json_write.h"

/* ---- submit ---- */

bool rest_prefers_async(const struct http_incoming *incoming)
{
	struct text value;
	for (size_t place = 0; (value = http_incoming_known_at(incoming, HEADER_PREFER, place)).bytes; place++)
		while (value.length > 0) {
			struct text one = text_take_until(&value, ',');
			if (text_equal_caseless(text_trimmed(text_take_until(&one, ';'), " \t"), TEXT("respond-async")))
				return true;
		}
	return false;
}

static bool target_is_polled(const struct gateway_target *target)
{
	return target->answers && target->outputs && !target->refusal;
}

/* Names the topic to read instead of a place to poll. */
static void outcome_name_outputs(struct call_outcome *outcome, const struct gateway_target *target, struct buffer *body)
{
	outcome->submission = (struct text){0};
	if (!target->outputs)
		return;
	buffer_text(body, (struct text){outcome->body.bytes, outcome->body.length - 1});
	json_write_string_after(body, TEXT(",\"outputs\":"), text_of(target->outputs));
	buffer_byte(body, '}');
	outcome->body = buffer_view(body);
}

void rest_submitted(void *context, const struct call_outcome *outcome)
{
	const struct rest *rest = http_incoming_context(context);
	const bool is_taken = outcome->submission.length > 0 && outcome->target.length > 0;
	const struct gateway_target *target =
		is_taken ? gateway_target_find(rest->targets, (struct text){0}, outcome->target) : NULL;
	struct header headers[] = {{TEXT("Preference-Applied"), TEXT("respond-async")},
				   {TEXT(IDEMPOTENCY_REPLAYED_HEADER), TEXT("true")}};
	const bool is_replayed = headers_find(outcome->headers, TEXT(IDEMPOTENCY_REPLAYED_HEADER)) != NULL;
	struct call_outcome located = *outcome;
	struct buffer body;
	buffer_open(&body, CALL_ERROR_BYTES_MAX);
	if (is_taken)
		located.headers = (struct headers){is_replayed ? 2 : 1, headers};
	if (target && !target_is_polled(target))
		outcome_name_outputs(&located, target, &body);
	rest_call_ended(context, &located);
	buffer_close(&body);
}

/* ---- poll ---- */

/* Sets the time that the caller allows a poll, by the headers of calls; without them, it stays as it is. False: it is refused. */
static bool rest_poll_time_read(const struct rest_request *request, int64_t *allowed_ms)
{
	const struct call_source source = rest_source(request);
	struct call_refusal refusal = {504, "the request's deadline has passed already; allow more time"};
	int64_t deadline_ms;
	if (!call_has_deadline(&source))
		return true;
	if (call_deadline_read(&source, &deadline_ms, &refusal)) {
		*allowed_ms = deadline_ms - source.now_ms;
		if (*allowed_ms > 0)
			return true;
	}
	rest_refuse(request, refusal.status, "%s", refusal.words);
	return false;
}

bool rest_poll_prepare(const struct rest_request *request, struct poll_request *poll)
{
	const struct gateway_target *target = rest_target_find(request);
	if (!target)
		return false;
	poll->inputs = request->rest->targets->topics[target->topic];
	poll->outputs = target->outputs;
	poll->target = text_of(target->name);
	if (!submission_read(request->submission, &poll->submission))
		rest_refuse(request, 404, SUBMISSION_UNKNOWN_WORDS);
	else if (target->refusal)
		rest_refuse(request, 409, "pipeline %s does not answer each request by one answer: %s. Read its outputs",
			    target->name, target->refusal);
	else if (!target->answers || !target->outputs)
		rest_refuse(request, 409, "pipeline %s has no output, so there is nothing to poll", target->name);
	else
		return rest_poll_time_read(request, &poll->allowed_ms);
	return false;
}

static bool on_asked_whether_left(void *context)
{
	return http_incoming_is_over(context);
}

bool rest_poll_begin(const struct rest_request *request, struct poll_request *poll)
{
	poll->share = rest_caller_share(request);
	const enum poll_start start = polls_begin(request->rest->polls, poll);
	if (start != POLL_STARTED)
		rest_refuse_by_limit(request, poll_refusal_status(start), poll_refusal_words(start));
	return start == POLL_STARTED;
}

void rest_poll_explanations(const struct rest_request *request)
{
	struct poll_request poll = {.ended = rest_call_ended, .is_over = on_asked_whether_left, .context = request->incoming};
	const struct gateway_target *target = rest_target_find(request);
	if (!target)
		return;
	poll.inputs = request->rest->targets->topics[target->topic];
	poll.outputs = poll.explanations = target->explanations;
	poll.target = text_of(target->name);
	if (!submission_read(request->submission, &poll.submission)) {
		poll.id = request->submission;
		poll.caller = rest_caller(request);
	}
	if (poll.id.length > CALL_ID_BYTES_MAX || (poll.id.length > 0 && request->rest->access && poll.caller.length == 0))
		rest_refuse(request, 404, REQUEST_UNKNOWN_WORDS);
	else if (!target->explanations)
		rest_refuse(request, 409, "pipeline %s has no step of kind `explain`, so there is no explanation to poll",
			    target->name);
	else if (rest_poll_time_read(request, &poll.allowed_ms))
		(void)rest_poll_begin(request, &poll);
}

void rest_poll(const struct rest_request *request)
{
	struct poll_request poll = {.ended = rest_call_ended, .is_over = on_asked_whether_left, .context = request->incoming};
	if (rest_poll_prepare(request, &poll))
		(void)rest_poll_begin(request, &poll);
}
