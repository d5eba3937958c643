/* attempts.h: how often a model is asked, and what its answers mean.
 *
 * A call is one or more attempts. A failure of the outside (5xx, too many requests, no
 * answer in time, an answer that breaks off) is tried again, soon and then less soon, as
 * long as the message's deadline allows; what the server says is the caller's fault (4xx)
 * never is. A 4xx that names an output which the step asks for, and nothing that was sent,
 * is REMOTE: the caller did not ask for it. A reply that is no reply is REMOTE too, and is never passed on; asking again
 * would bring the same, so it is not repeated.
 *
 * An attempt that the server never came to answer (refused, lost) counts no try: the
 * call waits until there is a server, or until its deadline. One exception: a connection
 * that is lost over and over while the same server answers others is lost by this call.
 *
 * Pure: the clock is handed in, so the same policy serves real connections and the
 * stubs of `sluice test`. One thread, that of the call.
 */
#ifndef SLUICE_SERVING_ATTEMPTS_H
#define SLUICE_SERVING_ATTEMPTS_H

#include "step/step.h"

#define ATTEMPTS_MAX 3 /* the first, and two more */
#define ATTEMPT_TIMEOUT_MS_DEFAULT 30000

struct attempts {
	struct call *call;
	int64_t timeout_ms; /* of each */
	unsigned made;	    /* attempts_take() counts them */
	unsigned unmet;	    /* in a row, that count no try */
	bool outage_fails;  /* onOutage: deadletter: they do count */
	bool lost;	    /* the last one, on the way */
};

/* What came of one attempt. */
enum attempt_end {
	ATTEMPT_REPLIED, /* with `status`, and what belongs to it */
	ATTEMPT_BROKE,	 /* the answer broke off */
	ATTEMPT_TIMED_OUT,
	ATTEMPT_REFUSED, /* no connection */
	ATTEMPT_LOST,	 /* the connection ended before any of an answer came */
};

struct attempt {
	enum attempt_end end;
	int status;		       /* of HTTP; of gRPC, as HTTP would say it */
	struct text words;	       /* status other than 200: the server's; no status: what happened */
	const char *where;	       /* the address; NULL: it has none */
	const struct payload *payload; /* a reply that was read; NULL: `fault`, or `body` */
	const struct error *fault;     /* it could not be read */
	struct text body;	       /* OIP JSON; lives as long as the call's message */
	bool others_answered;	       /* the server answered other calls since this one's last attempt */
	bool loading;		       /* the server does not know the model, which it may be about to load */
};

/* `model_timeout_ms`: the model's own (annotation seldon.io/rest-timeout); 0: none. The
 * step's own timeout goes before it, the pipeline's behind it. */
void attempts_begin(struct attempts *attempts, struct call *call, int64_t model_timeout_ms);

/* True: the call has its end, `call->reply` or `call->error`. False: try again at
 * `*again_ms`. */
bool attempts_take(struct attempts *attempts, const struct attempt *attempt, int64_t now_ms, int64_t *again_ms);

/* The call ends without a further attempt, because `why`; the last attempt is told. */
void attempts_end(struct attempts *attempts, const struct attempt *last, const char *why);

/* Whether it says that the server is ill, rather than the request. */
bool attempt_is_failure(const struct attempt *attempt);

#endif
