/* health.h: Health of one model's servers: chooses the replica of the next call, limits the calls in flight,
 * and stops calls while the model is unavailable.
 *
 * It learns from the outcome of each call. Pure: the clock is an argument, and random numbers come from a seed.
 */
#pragma once

#include "base/number/random.h"
#include "models/calls/attempts.h"
#include "models/calls/breaker.h"
#include "models/calls/concurrency_limit.h"
#include "models/calls/replicas.h"

/* Drain of one model's queue: the time that its answered calls took, divided by the calls at once. Means
 * over a few of the last calls, and over more of them.
 *
 * One moment in which the model, or this process, was not scheduled makes all calls in flight slow. The queue of a
 * thousand calls does not take as long as a hundred such moments, and meanwhile the number of calls at once changes.
 * So what is expected of a long queue is the mean of many calls.
 *
 * Pure.
 */
#define QUEUE_DRAIN_MEANS 4

struct queue_drain {
	uint64_t count; /* of calls noted */
	double us_each[QUEUE_DRAIN_MEANS];
};

/* A call was answered after that time, and as many as `abreast` calls were in flight when it was sent, with it. */
void queue_drain_note(struct queue_drain *drain, int64_t latency_us, size_t abreast);

/* Time until so many queued calls are answered, by the mean of a quarter as many. 0: no call was noted. */
int64_t queue_drain_wait_us(const struct queue_drain *drain, size_t queued);

struct health {
	struct replicas replicas;
	struct breaker breaker;
	struct concurrency_limit concurrency_limit;
	struct queue_drain queue_drain; /* of all replicas */
	struct random chance;
	uint64_t answers; /* of all replicas, of any kind */
	bool asking;	  /* a replica is being asked whether it is ready, before a probe is sent */
	bool ready;	  /* that replica is ready */
	size_t asked;
	bool only_500;	 /* all failures in a row were replies with status 500, which the requests may cause */
	bool doubt;	 /* the breaker opened for that, and a ready server closes it */
	char words[200]; /* of the failure that opened the breaker */
};

/* The owner keeps the replicas. */
void health_open(struct health *health, struct replicas replicas, size_t concurrency_least, size_t concurrency_most, uint64_t seed,
		 int64_t now_us);

uint64_t health_draw(struct health *health); /* from the whole range */

enum health_verdict {
	HEALTH_GO,   /* a call may be sent: call health_choose() next, and nothing in between */
	HEALTH_STAY, /* no call may be sent */
	HEALTH_ASK,  /* first ask the replica `asked` whether it is ready: health_reported() */
};

enum health_verdict health_admits(struct health *health, int64_t now_us);

/* Returns the replica for the call that was admitted, which is sent now. Avoids `but`, where the call failed,
 * if another is possible. `probe`: the call tests whether the model is available again. */
size_t health_choose(struct health *health, size_t but, bool *probe, int64_t now_us);

/* The call was not sent after all, or is not waited for any more. */
void health_withdraw(struct health *health, size_t replica, bool probe);

/* The call was recalled from a replica that does not answer. True: the model is still unavailable. */
bool health_recalled(struct health *health, size_t replica, bool probe, int64_t now_us);

struct health_latency {
	int64_t us;	/* below 0: unknown */
	size_t abreast; /* calls in flight when it was sent, with it; the limit may be far above them */
};

/* The outcome of the call. `more_wait`: other calls wait. True: the model is unavailable, from now on or still. */
bool health_learn(struct health *health, const struct attempt *attempt, size_t replica, bool probe, struct health_latency latency,
		  bool more_wait, int64_t now_us);

/* The replica that was to be asked has no request for readiness. */
void health_cannot_say(struct health *health);

/* A replica answered whether it is ready. True: the model is still unavailable. */
bool health_reported(struct health *health, size_t replica, bool ready, int64_t now_us);

/* Whether the breaker blocks all calls, for longer than a question about readiness takes. */
bool health_is_away(const struct health *health, int64_t now_us);

/* Whether one call, or a question about readiness, is finding out whether the model is available again. */
bool health_is_tried(const struct health *health);
