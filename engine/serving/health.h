/* health.h: what is known of a model's servers: which is asked next, how many calls at a
 * time, and whether any.
 *
 * It draws its knowledge from what came of each call, and says what may be done now.
 * Pure: the clock is handed in, chance comes from a seed.
 */
#ifndef SLUICE_SERVING_HEALTH_H
#define SLUICE_SERVING_HEALTH_H

#include "base/random.h"
#include "serving/attempts.h"
#include "serving/breaker.h"
#include "serving/concurrency_limit.h"
#include "serving/replicas.h"

struct health {
	struct replicas replicas;
	struct breaker breaker;
	struct concurrency_limit concurrency_limit;
	struct random chance;
	uint64_t answers; /* of all replicas, of any kind */
	bool asking;	  /* a replica whether it is ready, before a probe goes out */
	bool ready;	  /* it said so */
	size_t asked;
	bool only_500;	 /* all failures in a row were answers with this status, which may be about the requests */
	bool doubt;	 /* so the breaker opened, and a server that is ready closes it */
	char words[200]; /* of the failure that opened the breaker */
};

/* The replicas are the owner's. */
void health_open(struct health *health, struct replicas replicas, size_t lanes_least, size_t lanes_most, uint64_t seed,
		 int64_t now_us);

uint64_t health_draw(struct health *health); /* from the whole range */

enum health_verdict {
	HEALTH_GO,   /* a call may go out: health_choose() next, and nothing between */
	HEALTH_STAY, /* none may */
	HEALTH_ASK,  /* the replica `asked` is to be asked whether it is ready first: health_said() */
};

enum health_verdict health_admits(struct health *health, int64_t now_us);

/* The replica for the call that was admitted, which is sent now; another than `but`, at which it
 * failed, if it can be; `probe`: to see whether the model is back. */
size_t health_choose(struct health *health, size_t but, bool *probe, int64_t now_us);

/* The call that was sent did not go out, or is not waited for any more. */
void health_withdraw(struct health *health, size_t replica, bool probe);

/* The call that was sent is taken from a replica that does not answer. True: the model is away still. */
bool health_recalled(struct health *health, size_t replica, bool probe, int64_t now_us);

/* What came of it; `latency_us` below 0: it is not known. True: the model is away, as from now or still. */
bool health_learn(struct health *health, const struct attempt *attempt, size_t replica, bool probe, int64_t latency_us,
		  bool more_wait, int64_t now_us);

/* The replica that was to be asked has no way to say so. */
void health_cannot_say(struct health *health);

/* A replica was asked whether it is ready. True: the model is away still. */
bool health_said(struct health *health, size_t replica, bool ready, int64_t now_us);

/* Whether nobody is asked now, for longer than it takes to ask whether it is ready. */
bool health_is_away(const struct health *health, int64_t now_us);

#endif
