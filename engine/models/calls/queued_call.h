/* queued_call.h: Queued call of a model, and lists of them. Private to serving.
 *
 * A queued call has one state and is in at most one list. A call batch is a queued call that carries the rows of
 * several others, its members.
 */
#pragma once

#include "models/calls/attempts.h"

/* Spell in which a model's line is full: the model has as many calls as it takes at once, and others wait. So a line
 * of the model's own making is told from one that works off a backlog.
 *
 * Requests that were written before the spell began are a backlog: of an outage of Kafka, or of a restart. They are taken at once,
 * and all calls wait for them until the line has room again. A model that is loaded to 90% by what comes catches up in nine times
 * as long as the oldest of them had waited for the engine. One that has no room after FULL_LINE_CATCHES_UP times as long cannot
 * take what comes, and what calls wait from then on is its own making. Without a backlog, so is what they wait after a peak's
 * time. What was written during the spell is no backlog, however late the engine takes it: it takes no more while the line is as
 * long as it may be.
 *
 * Pure: the clock is an argument.
 */
#define FULL_LINE_CATCHES_UP 10
#define FULL_LINE_PEAK_US ((int64_t)5000000) /* a line that is full for a shorter time is one of a moment */

struct full_line { /* zeroed: it has room */
	bool is_full;
	int64_t since_us;   /* while it is full */
	int64_t backlog_us; /* how long the oldest request in it had been written when the spell began, or when it came */
};

/* A call joins the line, whose request was written so long ago. */
static inline void full_line_join(struct full_line *line, int64_t age_us, int64_t now_us)
{
	const int64_t before_us = line->is_full ? age_us - (now_us - line->since_us) : age_us;
	line->backlog_us = before_us > line->backlog_us ? before_us : line->backlog_us;
}

/* Calls have been sent as far as the model takes them. */
static inline void full_line_note(struct full_line *line, bool is_full, int64_t now_us)
{
	if (!is_full)
		line->backlog_us = 0;
	else if (!line->is_full)
		line->since_us = now_us;
	line->is_full = is_full;
}

/* How much of the time in line since `from_us` is of the model's own making. */
static inline int64_t full_line_own_us(const struct full_line *line, int64_t from_us, int64_t now_us)
{
	const int64_t catch_up_us = FULL_LINE_CATCHES_UP * line->backlog_us,
		      caught_up_us = line->since_us + (catch_up_us > FULL_LINE_PEAK_US ? catch_up_us : FULL_LINE_PEAK_US),
		      own_us = now_us - (from_us > caught_up_us ? from_us : caught_up_us);
	return line->is_full && own_us > 0 ? own_us : 0;
}

enum queued_call_state {
	QUEUED_CALL_FREE,
	QUEUED_CALL_WAITS,  /* queued */
	QUEUED_CALL_PAUSED, /* until `at_us`, then queued again */
	QUEUED_CALL_SENT,   /* since `at_us` */
	QUEUED_CALL_MERGED, /* a member of a batch that is sent */
	QUEUED_CALL_OVER,   /* finished; answered in the loop's next turn */
};

/* Additional data of a batch: the call that contains those of its members. */
struct batch_call {
	struct arena *arena;
	struct message message;
	struct call call;
	struct payload payload;
};

struct dispatch;

struct queued_call {
	struct dispatch *dispatch; /* its owner */
	enum queued_call_state state;
	struct queued_call *next, *previous;
	struct attempts attempts; /* its `call` is NULL if it was forgotten while in a batch */
	int64_t at_us;
	int64_t outage_before_us;    /* how long its model had been unreachable when the call began */
	int64_t paused_us;	     /* QUEUED_CALL_SENT: not counted in the time since `at_us` */
	size_t abreast;		     /* QUEUED_CALL_SENT: calls in flight when it was sent, with it */
	size_t replica;		     /* the last one */
	uint64_t answers_seen;	     /* of the model, at this call's last outcome */
	bool probe;		     /* tests whether the model is available again */
	bool hurried;		     /* QUEUED_CALL_SENT: its deadline left little time (overload.h) */
	bool alone;		     /* not to be merged (again) */
	bool turned;		     /* QUEUED_CALL_SENT: again, by the other protocol (protocol_fallback.h) */
	unsigned recalls;	     /* how often its call was recalled */
	struct queued_call *members; /* of a batch, by next_member; NULL: no batch */
	struct queued_call *next_member;
	struct queued_call *call_batch; /* QUEUED_CALL_MERGED: its batch */
	size_t rows;			/* of its request, when it was merged; of a batch, all */
	struct batch_call *batch_call;
	void *sending; /* the transport's data, reused by later calls */
};

struct queued_calls {
	struct queued_call *first, *last;
	size_t count;
};

void queued_calls_add(struct queued_calls *list, struct queued_call *queued_call);
void queued_calls_add_first(struct queued_calls *list, struct queued_call *queued_call);
void queued_calls_add_by_time(struct queued_calls *list, struct queued_call *queued_call); /* sorted by at_us */
void queued_calls_remove(struct queued_calls *list, struct queued_call *queued_call);
struct queued_call *queued_calls_take(struct queued_calls *list); /* the first; NULL: none */

/* A perturbation of an explanation. It is sent when no other call is queued. */
bool queued_call_perturbs(const struct queued_call *queued_call);
/* Adds a call behind the queued ones, but before perturbations. */
void queued_calls_add_in_turn(struct queued_calls *line, struct queued_call *queued_call);
/* The queued calls before the perturbations at the end of the line. */
size_t queued_calls_ahead(const struct queued_calls *line);

#define LOOKED_THROUGH_MAX 256 /* queued calls that a search looks at */

/* Moves a call that has not failed yet to the front, as the probe: it shows more about the model, and less is
 * lost with it. */
void queued_calls_prefer_untried(struct queued_calls *line);

/* Limits how many other servers one call can reach, if it makes every server hang. */
#define RECALLS_MOST 2

/* Whether it was never sent. */
bool queued_call_is_untried(const struct queued_call *queued_call);
/* How long an untried call has stood in line by no fault of its model, which has been unreachable for `outage_us` in all: without
 * its outages, and without what is of its own making. And sets `waited_ms` of the call, or of a batch's, that leaves the line. One
 * that was tried keeps it. */
int64_t queued_call_waited_us(const struct queued_call *queued_call, const struct full_line *line, int64_t outage_us,
			      int64_t now_us);
void queued_call_note_wait(const struct queued_call *queued_call, const struct full_line *line, int64_t outage_us, int64_t now_us);

/* The call is recalled from its server, to be sent to another. The last time it is sent alone, because it may
 * be the reason why its server did not answer. */
void queued_call_recalled(struct queued_call *queued_call);

/* This process was suspended for the `pause_us` up to now, so the call's progress meanwhile is unknown. The
 * pause is left out of the call's time, which is then a lower bound. */
void queued_call_paused(struct queued_call *queued_call, int64_t pause_us, int64_t now_us);

/* Whether such pauses are most of the call's time: a missing answer then does not count against its server. */
bool queued_call_lay_still(const struct queued_call *queued_call, int64_t now_us);

/* Likely duration of a call whose reply was read after `took_us`, on a server that usually takes `usual_us`, or 0. This process may
 * have been busy when the reply arrived, or have paused meanwhile. So the duration lies between the time without both and all of
 * it. The usual duration is taken if it lies there. Below 0: not known. */
int64_t queued_call_likely_us(const struct queued_call *queued_call, const struct attempt *attempt, int64_t took_us,
			      int64_t usual_us);

/* Timeout of its next attempt: its own timeout, or the rest of its deadline if that is shorter. */
int64_t queued_call_timeout_ms(const struct queued_call *queued_call, int64_t now_us);
