/* idempotent_calls.h: Calls with an idempotency key: each key is answered from one request, whichever gateways its calls come
 * through.
 *
 * A call first claims its key in the claims topic (gateway/calls/idempotency_claims.h). Its request is produced when that claim is
  * the first in the log. Its outcome is passed on when the origin of the request is in the log too. So whoever has an answer can be
 * sure that each later call with this key gets the same. Such a call searches the answer in the outputs (gateway/calls/polls.h), or
 * gets 409 until it is there. Another body under the same key gets 422. A call that an engine declined before its first step, by
 * admission or since its deadline had passed, frees its key, so that it may be sent again; of a submitted request, which is not
 * waited for, the key stays taken. A call whose request Kafka refuses by its size frees its key, too, and so does one whose
 * deadline passes before its claim is read: nothing was sent.
 * One whose deadline passes later stays open for Kafka's report of its request, so that the claim gets its origin.
 *
 * Calls are refused with 503 until the claims of the last CLAIMS_KEPT_MS have been read, and when the topic cannot be read any
 * more. Belongs to its loop's thread.
 */
#pragma once

#include "gateway/access/access_rate.h"
#include "gateway/calls/calls.h"
#include "gateway/calls/idempotent_limits.h"
#include "gateway/calls/polls.h"

#define IDEMPOTENCY_HEADER "idempotency-key" /* of HTTP, and metadata of gRPC */
#define IDEMPOTENCY_REPLAYED_HEADER "idempotent-replayed" /* of an answer from an earlier request: true */
#define IDEMPOTENCY_KEY_BYTES_MAX ((size_t)255)

struct keyed_calls;

struct keyed_config { /* borrowed */
	const char *brokers;
	struct properties consumer, producer;
	struct calls *calls;
	struct polls *polls;
};

/* Blocks until Kafka answers. Kafka must have the claims topic. The targets are of the namespace. */
struct keyed_calls *keyed_calls_open(struct loop *loop, const struct keyed_config *config, const struct gateway_targets *targets,
				     struct error *error);

/* To be called before the calls and polls are closed: open keyed calls are forgotten without an outcome. NULL is fine. */
void keyed_calls_close(struct keyed_calls *keyed);

/* To be called when the targets of calls are replaced. Calls whose claims are not read yet are refused. */
void keyed_calls_follow(struct keyed_calls *keyed);

struct keyed_request {
	const struct call_request *call; /* copied */
	const char *inputs;		 /* topic of the target */
	struct access_identity caller;
	bool has_share; /* there are several callers, and each has a share of the claims and of the open calls */
	bool is_recognised; /* else it is refused: others would have the same identity */
	struct text key; /* as the caller sent it */
};

/* Starts a call, or answers it from an earlier request. `ended` is called later, or at once. */
void keyed_calls_begin(struct keyed_calls *keyed, const struct keyed_request *request);

/* Ends the calls of a gateway that stops, after calls_stop(). Returns the number of those that it had not ended. */
size_t keyed_calls_stop(struct keyed_calls *keyed);

/* Waits until calls with keys are taken, or that time of clock_ms() has come. */
void keyed_calls_catch_up(struct keyed_calls *keyed, int64_t until_ms);

/* Whether calls with keys are taken: the claims have been read. False: `error` has the reason. */
bool keyed_calls_are_ready(const struct keyed_calls *keyed, struct error *error);

/* Whether claims can be read now. False: no call with a key is taken until they can, and `error` has the reason. */
bool keyed_calls_are_well(const struct keyed_calls *keyed, struct error *error);
