/* dispatch_outcome.c: Outcomes of calls that were sent: what they teach of the model, and whether a call ends, waits or pauses. */
#include "models/calls/dispatch_parts.h"

#include <assert.h>

#include "base/number/duration.h"
#include "models/calls/overload.h"

void dispatch_paused(struct dispatch *dispatch, int64_t pause_us, int64_t now_us)
{
	for (struct queued_call *queued_call = dispatch->call_queue.sent.first; queued_call; queued_call = queued_call->next)
		queued_call_paused(queued_call, pause_us, now_us);
	replicas_paused(&dispatch->health.replicas, pause_us, now_us);
}

/* Whether the call had too little time to be answered, and its server is not known to be silent. */
static bool had_no_time(struct dispatch *dispatch, const struct queued_call *queued_call, const struct attempt *attempt,
			int64_t now_us)
{
	struct replica *replica = &dispatch->health.replicas.items[queued_call->replica];
	if (attempt->end == ATTEMPT_TIMED_OUT && queued_call_lay_still(queued_call, now_us))
		return true;
	if (!overload_cut_short(queued_call, now_us))
		return false;
	if (attempt->end == ATTEMPT_TIMED_OUT)
		replica_timed_out(replica, queued_call->at_us);
	return attempt->end != ATTEMPT_TIMED_OUT || !replica_is_silent(replica, now_us);
}

static void count_outcome(const struct dispatch *dispatch, const struct attempt *attempt, uint64_t took_us)
{
	struct model_counts *counts = dispatch->config->counts;
	int status = attempt->end == ATTEMPT_REPLIED ? attempt->status : attempt->end == ATTEMPT_TIMED_OUT ? 504 : 503;
	duration_count(&counts->duration, took_us);
	attempt_count(&counts->outcomes, attempt->by_grpc ? COUNTED_GRPC : COUNTED_REST, status, took_us);
}

/* Updates the state of the model from an outcome; a failure that is `excused` says nothing of it. */
static void learn(struct dispatch *dispatch, struct queued_call *queued_call, struct attempt *attempt, bool excused, int64_t now_us)
{
	int64_t took_us = now_us - queued_call->at_us;
	const bool perturbs = queued_call_perturbs(queued_call);
	if (dispatch->config->counts && !perturbs)
		count_outcome(dispatch, attempt, (uint64_t)took_us);
	attempt->others_answered = dispatch->health.answers != queued_call->answers_seen;
	if (attempt_is_failure(attempt) && excused) {
		health_withdraw(&dispatch->health, queued_call->replica, queued_call->probe);
		return;
	}
	if (perturbs) /* as large as no other call: its time says nothing of theirs */
		took_us = -1;
	else
		took_us = queued_call_likely_us(queued_call, attempt, took_us,
						dispatch->health.replicas.items[queued_call->replica].latency_us);
	const struct health_latency latency = {took_us, queued_call->abreast};
	if (health_learn(&dispatch->health, attempt, queued_call->replica, queued_call->probe, latency,
			 dispatch->call_queue.line.first != NULL, now_us))
		dispatch_dismiss(dispatch);
	if (dispatch->config->demand && !perturbs)
		model_demand_limit(dispatch->config->demand, dispatch->health.concurrency_limit.limit);
	queued_call->answers_seen = dispatch->health.answers;
}

static void dispatch_conclude(struct dispatch *dispatch, struct queued_call *queued_call, const struct attempt *attempt, bool probe,
			      int64_t now_us)
{
	int64_t again_ms, now_ms = now_us / US_PER_MS;
	bool away = dispatch->health.breaker.state == BREAKER_OPEN && !dispatch->health.doubt;
	if (attempts_take(&queued_call->attempts, attempt, now_ms, &again_ms)) {
		call_queue_end(&dispatch->call_queue, queued_call);
	} else if (again_ms <= now_ms || away) {
		/* The next probe is another call, so that no call is used for all of them. */
		call_queue_wait(&dispatch->call_queue, queued_call, !probe);
		if (away && !dispatch_can_wait(dispatch, queued_call)) {
			queued_calls_remove(&dispatch->call_queue.line, queued_call);
			queued_call->attempts.call->attempts = queued_call->attempts.made;
			attempts_end(&queued_call->attempts, attempt, "the model is not asked until it is back");
			call_queue_end(&dispatch->call_queue, queued_call);
		}
	} else {
		int64_t pause_us = (again_ms - now_ms) * US_PER_MS;
		int64_t drawn_us = pause_us / 2 + (int64_t)(health_draw(&dispatch->health) % (uint64_t)pause_us);
		call_queue_pause(&dispatch->call_queue, queued_call, now_us + drawn_us);
	}
}

static void conclude_merged(struct dispatch *dispatch, struct queued_call *call_batch, const struct attempt *attempt,
			    int64_t now_us)
{
	struct batch_outcome outcome;
	bool probe = call_batch->probe;
	if (batch_outcome_split(&outcome, &dispatch->call_batching, call_batch, attempt))
		for (struct queued_call *member; (member = batch_outcome_next(&outcome));)
			dispatch_conclude(dispatch, member, &outcome.attempt, probe, now_us);
}

void dispatch_outcome(struct dispatch *dispatch, struct queued_call *queued_call, struct attempt *attempt, int64_t now_us)
{
	assert(queued_call->state == QUEUED_CALL_SENT);
	queued_calls_remove(&dispatch->call_queue.sent, queued_call);
	dispatch_note_outage(dispatch, now_us);
	const bool excused = had_no_time(dispatch, queued_call, attempt, now_us);
	if (!excused)
		dispatch->unanswered = attempt->end != ATTEMPT_REPLIED;
	learn(dispatch, queued_call, attempt, excused, now_us);
	if (queued_call->members)
		conclude_merged(dispatch, queued_call, attempt, now_us);
	else
		dispatch_conclude(dispatch, queued_call, attempt, queued_call->probe, now_us);
	dispatch_turn(dispatch, now_us);
}

void dispatch_ready(struct dispatch *dispatch, size_t replica, bool ready, int64_t now_us)
{
	dispatch_note_outage(dispatch, now_us);
	if (health_reported(&dispatch->health, replica, ready, now_us))
		dispatch_dismiss(dispatch);
	dispatch_turn(dispatch, now_us);
}
