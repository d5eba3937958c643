/* dispatch_outage.c: Calls of a model that is unreachable: which of them wait, which end, and for how long they have waited. */
#include "models/calls/dispatch_parts.h"

#include "base/number/duration.h"

void call_end_away(struct dispatch *dispatch, struct queued_call *queued_call)
{
	struct call *call = queued_call->attempts.call;
	call->attempts = queued_call->attempts.made;
	error_set(&call->error, ERROR_REMOTE, PLACE_NONE,
		  "%s : the model is unreachable, and is not called until it is back; the last that came: %s", call->name,
		  dispatch->health.words);
	call_queue_end(&dispatch->call_queue, queued_call);
}

bool dispatch_can_wait(const struct dispatch *dispatch, const struct queued_call *queued_call)
{
	int64_t deadline_ms = call_deadline_ms(queued_call->attempts.call);
	return !queued_call->attempts.outage_fails && !queued_call->attempts.call->once &&
	       (deadline_ms == 0 || dispatch->health.breaker.again_us < deadline_ms * US_PER_MS);
}

void dispatch_dismiss(struct dispatch *dispatch)
{
	for (struct queued_call *queued_call = dispatch->call_queue.line.first, *next; queued_call; queued_call = next) {
		next = queued_call->next;
		if (dispatch_can_wait(dispatch, queued_call))
			continue;
		queued_calls_remove(&dispatch->call_queue.line, queued_call);
		call_end_away(dispatch, queued_call);
	}
}

bool dispatch_ends_away(const struct dispatch *dispatch, const struct queued_call *queued_call, int64_t now_us)
{
	const struct health *health = &dispatch->health;
	return (health_is_away(health, now_us) && !dispatch_can_wait(dispatch, queued_call)) ||
	       (queued_call->attempts.call->outage_fails && health_is_tried(health));
}

bool dispatch_is_held_up(const struct dispatch *dispatch)
{
	return dispatch->unanswered || dispatch_away(dispatch);
}

int64_t dispatch_unreachable_us(const struct dispatch *dispatch, int64_t now_us)
{
	return outage_clock_us(&dispatch->outage_clock, dispatch_is_held_up(dispatch), now_us);
}

void dispatch_note_outage(struct dispatch *dispatch, int64_t now_us)
{
	outage_clock_note(&dispatch->outage_clock, dispatch_is_held_up(dispatch), now_us);
}

int64_t dispatch_outage_us(const struct dispatch *dispatch, int64_t now_us)
{
	if (dispatch->config->outage_fails)
		return 0;
	return dispatch_is_held_up(dispatch) ? now_us : dispatch->outage_clock.latest_us;
}

const char *dispatch_away(const struct dispatch *dispatch)
{
	bool away = dispatch->health.breaker.state != BREAKER_CLOSED && !dispatch->health.doubt;
	return away ? dispatch->health.words : NULL;
}
