/* attempts.h: Attempts of one call: the retry policy, and the meaning of each reply of a model.
 *
 * A call is one or more attempts. An attempt that fails for reasons outside the request is retried: 5xx, too
 * many requests, a timeout, a reply that breaks off. The pauses grow, and the message's deadline ends the
 * retries. A 4xx that blames the request is never retried. It is REMOTE if it names an output which the step
 * asks for, and nothing that was sent: the request did not cause it. A reply that cannot be read is REMOTE too,
 * and is never passed on; it is not retried, because the next reply would be the same.
 *
 * An attempt that the server never began to answer (refused, lost) does not count as a try. The call waits
 * until a server is reachable, or until its deadline. One exception: if the connection is lost repeatedly while
 * the same server answers other calls, this call is taken as the cause, and the attempt counts.
 *
 * Pure: the clock is an argument. Belongs to the thread of the call.
 */
#pragma once

#include "compiler/step/step.h"

#define ATTEMPTS_MAX 3 /* the first, and two more */
#define ATTEMPT_TIMEOUT_MS_DEFAULT 30000

struct attempts {
	struct call *call;
	int64_t timeout_ms; /* of each attempt */
	unsigned made;	    /* tries, counted by attempts_take() */
	unsigned unmet;	    /* attempts in a row that do not count as tries */
	bool outage_fails;  /* onOutage: deadletter: unmet attempts count as tries */
	bool lost;	    /* the connection of the last attempt was lost */
};

/* Outcome of one attempt. */
enum attempt_end {
	ATTEMPT_REPLIED, /* with `status` and its fields */
	ATTEMPT_BROKE,	 /* the reply broke off */
	ATTEMPT_TIMED_OUT,
	ATTEMPT_REFUSED, /* no connection */
	ATTEMPT_LOST,	 /* the connection closed before any of a reply came */
};

struct attempt {
	enum attempt_end end;
	int status;		       /* HTTP status, or the HTTP equivalent of the gRPC status */
	struct text words;	       /* status not 200: the server's text; no status: what happened */
	const char *where;	       /* the address; NULL: none */
	const struct payload *payload; /* the reply, decoded; NULL: see `fault` or `body` */
	const struct error *fault;     /* the reply could not be decoded */
	struct text body;	       /* OIP JSON; lives as long as the call's message */
	bool others_answered;	       /* the server answered other calls since this call's last attempt */
	bool by_grpc;		       /* it was sent by gRPC, not by REST */
	int64_t unread_us;	       /* so long before it was read it may have arrived */
	bool loading;		       /* the server does not have the model, but may be about to load it */
};

/* `model_timeout_ms`: the timeout of the model itself (annotation seldon.io/rest-timeout); 0: none. It is used
 * after the step's own timeout and before the pipeline's. */
void attempts_begin(struct attempts *attempts, struct call *call, int64_t model_timeout_ms);

/* Records one attempt. True: the call is finished, with `call->reply` or `call->error`. False: retry at
 * `*again_ms`. */
bool attempts_take(struct attempts *attempts, const struct attempt *attempt, int64_t now_ms, int64_t *again_ms);

/* Finishes the call without a further attempt. The error contains the last attempt and `why`. */
void attempts_end(struct attempts *attempts, const struct attempt *last, const char *why);

/* Whether the attempt shows a failure of the server, not of the request. */
bool attempt_is_failure(const struct attempt *attempt);
