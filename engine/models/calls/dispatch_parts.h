/* dispatch_parts.h: Parts of a dispatch of calls, for its files alone: dispatch.c queues and sends, dispatch_outcome.c takes what
 * came of a call, and dispatch_outage.c has what both need while a model is unreachable.
 */
#pragma once

#include "models/calls/call_batch.h"
#include "models/calls/call_queue.h"
#include "models/calls/dispatch.h"
#include "models/calls/health.h"
#include "models/calls/queued_call.h"
#include "models/calls/retry_budget.h"

/* Clock of a model's outages: when the last one was, and how long they have lasted in all, as far as they delayed
 * calls. So the time that a call stood in line is told from the time that its model kept it waiting.
 *
 * `stands`: an outage lasts, since the last note at the latest. It is noted before that changes.
 */
struct outage_clock {		     /* zeroed: there was none */
	int64_t latest_us;	     /* of an outage; 0: there was none */
	int64_t noted_us, lasted_us; /* all together, until the last note */
};

static inline int64_t outage_clock_us(const struct outage_clock *clock, bool stands, int64_t now_us)
{
	return clock->lasted_us + (stands ? now_us - clock->noted_us : 0);
}

static inline void outage_clock_note(struct outage_clock *clock, bool stands, int64_t now_us)
{
	clock->lasted_us = outage_clock_us(clock, stands, now_us);
	clock->noted_us = now_us;
	if (stands)
		clock->latest_us = now_us;
}

struct dispatch {
	const struct dispatch_config *config;
	const struct dispatch_environment *environment;
	struct call_queue call_queue;
	struct call_batching call_batching;
	struct health health;
	struct retry_budget budget;
	bool answering;
	bool unanswered;		  /* the last attempt that ended was not answered */
	struct outage_clock outage_clock; /* while that, or the breaker, delays calls */
	struct full_line full_line;
	size_t declared; /* calls of this queue in the model's demand */
	bool holds;	 /* perturbations are queued because of calls in other queues */
	struct dispatch_counts counts;
};

/* ---- an unreachable model: dispatch_outage.c ---- */

/* Ends a call because the model is away; it is in no list. */
void call_end_away(struct dispatch *dispatch, struct queued_call *queued_call);

/* Whether the call may wait until the model is tried again. */
bool dispatch_can_wait(const struct dispatch *dispatch, const struct queued_call *queued_call);

/* Fails queued calls that cannot wait until the model is tried again. */
void dispatch_dismiss(struct dispatch *dispatch);

/* Whether the model is away and the call ends because of that: it cannot wait until the model is tried again, or something else
 * answers for it while another call tries. */
bool dispatch_ends_away(const struct dispatch *dispatch, const struct queued_call *queued_call, int64_t now_us);

/* Whether calls wait because the last attempt was not answered, or because the breaker is open. */
bool dispatch_is_held_up(const struct dispatch *dispatch);

/* The time that calls have waited for that, up to now. */
int64_t dispatch_unreachable_us(const struct dispatch *dispatch, int64_t now_us);

/* Notes an outage. Called before the state of the model changes. */
void dispatch_note_outage(struct dispatch *dispatch, int64_t now_us);
