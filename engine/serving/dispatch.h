/* dispatch.h: the calls of one model, from its line to their end.
 *
 * Calls wait in a line, in order; as many are under way as the server's pace and the
 * user's lanes allow; those that fit together are merged; a failed one pauses and stands
 * in line again, before the others. While the breaker is open the line waits. What a server
 * that is left out (replicas.h) does not answer is recalled: withdrawn, and sent to another.
 * That is no try, and costs nothing of what repetitions may cost (retry_budget.h): it takes from one
 * server what it gives another, and RECALLS_MOST times at most.
 *
 * Pure: what is sent, how, and what time it is are handed in, so that a day of outage is
 * tried in a moment. A dispatch belongs to one thread. It enters `answered` only from
 * dispatch_outcome(), dispatch_ready() and dispatch_turn(), and may be called from there.
 */
#ifndef SLUICE_SERVING_DISPATCH_H
#define SLUICE_SERVING_DISPATCH_H

#include "serving/caller.h"
#include "serving/queued_call.h"

struct dispatch;

struct dispatch_outside {
	void *context;
	/* Sends the queued call's call to its replica, at most `timeout_ms` long; its end comes by
	 * dispatch_outcome(), later. False: it cannot be sent (too long, memory). */
	bool (*send)(void *context, struct queued_call *queued_call, int64_t timeout_ms, struct error *error);
	/* Nobody waits any more: no outcome. */
	void (*withdraw)(void *context, struct queued_call *queued_call);
	/* Asks whether a replica is ready; answered by dispatch_ready(), later. False: it has no
	 * way to say so. */
	bool (*ask_ready)(void *context, struct dispatch *dispatch, size_t replica);
	void (*answered)(void *context, struct call *call);
	/* What the transport keeps with a queued call is given back. */
	void (*discard)(void *context, struct queued_call *queued_call);
};

struct dispatch_config {
	const struct model_config *model;
	bool outage_fails;
	uint64_t seed;
};

/* Configuration and outside are borrowed. */
struct dispatch *dispatch_open(const struct dispatch_config *config, const struct dispatch_outside *outside, int64_t now_us,
			       struct error *error);
void dispatch_close(struct dispatch *dispatch); /* forgets all; NULL is fine */

/* False: memory. */
bool dispatch_call(struct dispatch *dispatch, struct call *call, int64_t now_us, struct error *error);
void dispatch_forget(struct dispatch *dispatch, struct call *call); /* fine when it is not under way */

/* A queued call that was sent has its end. */
void dispatch_outcome(struct dispatch *dispatch, struct queued_call *queued_call, struct attempt *attempt, int64_t now_us);
void dispatch_ready(struct dispatch *dispatch, size_t replica, bool ready, int64_t now_us);

/* We ourselves stood still for `pause_us`, up to now, and what came meanwhile has still to be told (net/loop.h). It is
 * not taken for the time of the model, or for anybody's silence. Deadlines go on. */
void dispatch_paused(struct dispatch *dispatch, int64_t pause_us, int64_t now_us);

/* Answers what is over, and sends what can go. Due at dispatch_due_us(): 0: at once;
 * INT64_MAX: not by itself. */
void dispatch_turn(struct dispatch *dispatch, int64_t now_us);
int64_t dispatch_due_us(const struct dispatch *dispatch, int64_t now_us);

/* Why the model is away, as its last failure said it; NULL: it is not. */
const char *dispatch_away(const struct dispatch *dispatch);

/* When calls of the model last waited because none of its servers could be reached: while the breaker is open for that,
 * and from an attempt that nobody answered until one that somebody did. Now, if so; 0: never, or they do not wait (onOutage). */
int64_t dispatch_outage_us(const struct dispatch *dispatch, int64_t now_us);

struct dispatch_counts {
	size_t waiting;	  /* in line or paused */
	size_t under_way; /* merged ones as one */
	size_t limit;	  /* of those, at present */
	uint64_t sent;
	uint64_t repeated;
	uint64_t merged; /* calls that went as part of another */
};

struct dispatch_counts dispatch_counts(const struct dispatch *dispatch);

#endif
