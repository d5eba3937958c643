/* dispatch.h: Dispatch of one model's calls: queues, sends, retries and answers them.
 *
 * Calls are queued in order. The concurrency limit, within the user's limits, decides how many are in flight.
 * Calls that fit together are batched. A failed call pauses and is queued again, before the others. While the
 * breaker is open the queue waits. A call that a server which is left out (replicas.h) does not answer is
 * recalled: withdrawn, and sent to another server. A recall is not a try and takes nothing from the retry
 * budget (retry_budget.h): it takes from one server what it gives to another. A call is recalled at most
 * RECALLS_MOST times.
 *
 * Pure: transport and clock are arguments, so that a test runs through a day of outage in a moment. A dispatch
 * belongs to one thread. It calls `answered` only from dispatch_outcome(), dispatch_ready() and
 * dispatch_turn(). Its functions may be called from there.
 */
#pragma once

#include <stdatomic.h>

#include "models/calls/breaker.h"
#include "models/calls/caller.h"
#include "models/calls/queued_call.h"

/* Demand for one model in a process: the calls that are queued for it by the callers of all threads.
 *
 * Perturbations of explanations are sent when no other call is queued. Explanations beside the answer run in threads of their own,
 * so the calls that go first are in the queues of other callers. Each dispatch of the model declares its calls here, and asks here
 * before it sends a perturbation. It waits for nothing: it looks again.
 *
 * Any thread may call. A demand outlives the callers that use it.
 */
struct model_demand {
	atomic_size_t waiting; /* queued calls that are no perturbations */
	atomic_size_t limit;   /* concurrency limit that the last answered one of them left; 0: none was answered */
};

/* A queue that has declared `declared` calls has `now`, and has declared that. */
static inline void model_demand_declare(struct model_demand *demand, size_t *declared, size_t now)
{
	if (now != *declared)
		atomic_fetch_add_explicit(&demand->waiting, now - *declared, memory_order_relaxed);
	*declared = now;
}

/* The calls that others have queued, for a queue that has declared `declared`. */
static inline size_t model_demand_of_others(const struct model_demand *demand, size_t declared)
{
	return atomic_load_explicit(&demand->waiting, memory_order_relaxed) - declared;
}

static inline void model_demand_limit(struct model_demand *demand, size_t limit)
{
	if (atomic_load_explicit(&demand->limit, memory_order_relaxed) != limit)
		atomic_store_explicit(&demand->limit, limit, memory_order_relaxed);
}

/* The smaller one of that limit and `own`. */
static inline size_t model_demand_least_limit(const struct model_demand *demand, size_t own)
{
	const size_t limit = atomic_load_explicit(&demand->limit, memory_order_relaxed);
	return limit > 0 && limit < own ? limit : own;
}

struct dispatch;

struct dispatch_environment {
	void *context;
	/* Sends the queued call's call to its replica, with a timeout of `timeout_ms`. Its outcome comes later,
	 * by dispatch_outcome(). False: it cannot be sent (too long, memory). */
	bool (*send)(void *context, struct queued_call *queued_call, int64_t timeout_ms, struct error *error);
	/* Withdraws a call that is not waited for any more: it has no outcome. */
	void (*withdraw)(void *context, struct queued_call *queued_call);
	/* Asks whether a replica is ready. The answer comes later, by dispatch_ready(). False: the replica's
	 * protocol has no such request. */
	bool (*ask_ready)(void *context, struct dispatch *dispatch, size_t replica);
	void (*answered)(void *context, struct call *call);
	/* How long ago the record of a message's request was written; 0: it is not known. */
	int64_t (*age_us)(void *context, const struct message *message);
	/* Releases the transport's data of a queued call. */
	void (*discard)(void *context, struct queued_call *queued_call);
};

struct dispatch_config {
	const struct model_config *model;
	bool outage_fails;
	uint64_t seed;
	struct model_counts *counts; /* NULL: not counted */
	struct model_demand *demand; /* of all queues of the model in the process; NULL: this is the only one */
};

/* Borrows the configuration and the environment. */
struct dispatch *dispatch_open(const struct dispatch_config *config, const struct dispatch_environment *environment, int64_t now_us,
			       struct error *error);
void dispatch_close(struct dispatch *dispatch); /* forgets all calls; NULL is fine */

/* Calls a model, by a call that is not under way. False: memory. */
bool dispatch_call(struct dispatch *dispatch, struct call *call, int64_t now_us, struct error *error);
void dispatch_forget(struct dispatch *dispatch, struct call *call); /* also if it is not under way */

/* The outcome of a queued call that was sent. */
void dispatch_outcome(struct dispatch *dispatch, struct queued_call *queued_call, struct attempt *attempt, int64_t now_us);
void dispatch_ready(struct dispatch *dispatch, size_t replica, bool ready, int64_t now_us);

/* This process was suspended for `pause_us`, up to now, and what came meanwhile is not read yet (net/loop.h).
 * The pause is not counted as time that the model took, nor as silence of a server. Deadlines are not extended. */
void dispatch_paused(struct dispatch *dispatch, int64_t pause_us, int64_t now_us);

/* Answers finished calls, and sends those that can be sent. Due at dispatch_due_us(). 0: at once; INT64_MAX:
 * not until something else happens. */
void dispatch_turn(struct dispatch *dispatch, int64_t now_us);
int64_t dispatch_due_us(const struct dispatch *dispatch, int64_t now_us);

/* Why the model is unavailable, from its last failure; NULL: it is available. */
const char *dispatch_away(const struct dispatch *dispatch);

/* Last time at which calls of the model waited because none of its servers was reachable. They wait while the
 * breaker is open for that reason, and from an attempt without an answer until the next answer. Now, if they
 * wait now; 0: never, or calls do not wait (onOutage). */
int64_t dispatch_outage_us(const struct dispatch *dispatch, int64_t now_us);

/* How long a call has waited here in the queue while its model could be reached, before it was first sent: it waited for the
 * calls before it. What it waited since its model takes too few at once (queued_call.h) is its model's, and so is what comes later,
 * pauses and further attempts too. */
int64_t dispatch_waited_us(const struct dispatch *dispatch, const struct call *call, int64_t now_us);

/* What the call waits for; STANDING_ON_ITS_WAY also if it is not under way here. */
enum standing dispatch_standing(const struct dispatch *dispatch, const struct call *call);

struct dispatch_counts {
	enum breaker_state breaker;
	size_t waiting;	  /* queued or paused */
	size_t under_way; /* a batch counts as one */
	size_t limit;	  /* present limit of calls in flight */
	int64_t oldest_us; /* when the oldest call under way was sent, without the pauses of this process since; 0: none is */
	uint64_t sent;
	uint64_t repeated;
	uint64_t merged; /* calls that were sent as part of a batch */
};

struct dispatch_counts dispatch_counts(const struct dispatch *dispatch);
