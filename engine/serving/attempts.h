/* attempts.h: how often a model is asked, and what its answers mean.
 *
 * A call is one or more attempts. A failure of the outside (5xx, a connection refused
 * or lost, no answer in time) is tried again, soon and then less soon, as long as the
 * message's deadline allows; what the server says is the caller's fault (4xx) never
 * is. A reply that is no reply is REMOTE too, and is never passed on; asking again
 * would bring the same, so it is not repeated.
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
};

/* What came of one attempt. */
enum attempt_end {
	ATTEMPT_REPLIED, /* with `status`, and what belongs to it */
	ATTEMPT_BROKE,	 /* no connection, or it was lost on the way */
	ATTEMPT_TIMED_OUT,
};

struct attempt {
	enum attempt_end end;
	int status;
	struct text words;	       /* status other than 200: the server's; BROKE: what happened */
	const struct payload *payload; /* a reply that was never bytes; NULL: `body` */
	struct text body;	       /* lives as long as the call's message */
	size_t header_length;	       /* Inference-Header-Content-Length; 0: all JSON */
};

/* `model_timeout_ms`: the model's own (annotation seldon.io/rest-timeout); 0: none. The
 * step's own timeout goes before it, the pipeline's behind it. */
void attempts_begin(struct attempts *attempts, struct call *call, int64_t model_timeout_ms);

/* True: the call has its end, `call->reply` or `call->error`. False: try again at
 * `*again_ms`. */
bool attempts_take(struct attempts *attempts, const struct attempt *attempt, int64_t now_ms, int64_t *again_ms);

#endif
