/* call_feedback.c: see call_feedback.h. */
#include "gateway/calls/call_feedback.h"

#include <stdio.h>

#include "message/records/feedback.h"

/* Without an id, an origin and a unit in the body, the header with the request's id names it. */
static bool feedback_make(const struct call_source *source, const struct call_feedback *given, struct feedback *feedback,
			  struct error *error)
{
	const char *header;
	bool read = given->is_seldon ? feedback_read_seldon(given->json, given->arena, feedback, error)
				     : feedback_read(given->json, given->arena, feedback, error);
	if (!read)
		return false;
	if (feedback->id.length + feedback->origin.topic.length + feedback->unit.length == 0)
		feedback->id = call_id_find(source, &header);
	if (given->is_seldon && feedback->id.length + feedback->origin.topic.length + feedback->unit.length == 0)
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "the feedback names no request: its `response` has no meta.puid. With --compat seldon, or "
				 "`compat: seldon` in serviceConfig, answers have it; else send the answer's header seldon-puid "
				 "with the feedback");
	if (feedback->time_ms == 0)
		feedback->time_ms = source->now_ms;
	return feedback_check(feedback, source->now_ms, error) && feedback_encode(feedback, given->record, error);
}

bool call_feedback_prepare(const struct call_source *source, const struct call_feedback *given, struct call_request *call,
			   struct call_refusal *refusal)
{
	struct feedback feedback;
	struct error error = {0};
	if (!call->target->takes_feedback) {
		refusal->status = 409;
		(void)snprintf(refusal->words, sizeof refusal->words,
			       "pipeline %s has no experiment and no metric of truth or reward, so it takes no feedback",
			       call->target->name);
		return false;
	}
	if (source->header(source->context, HEADER_IDEMPOTENCY_KEY).bytes) {
		refusal->status = 400;
		(void)snprintf(refusal->words, sizeof refusal->words,
			       "feedback takes no " IDEMPOTENCY_HEADER "; send it without. Feedback that comes twice with one "
			       "`feedback_id` counts once");
		return false;
	}
	if (!call_deadline_read(source, &call->deadline_ms, refusal))
		return false;
	if (!feedback_make(source, given, &feedback, &error)) {
		refusal->status = error.kind == ERROR_INPUT ? 400 : error.kind == ERROR_LIMIT ? 413 : 500;
		(void)snprintf(refusal->words, sizeof refusal->words, "%s", error.text);
		return false;
	}
	call->body = buffer_view(given->record);
	call->key = feedback_key(&feedback, given->arena);
	call->id = call->key.length <= CALL_ID_BYTES_MAX ? call->key : (struct text){0};
	return true;
}
