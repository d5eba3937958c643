/* gateway_readiness.h: Readiness of a gateway, for probes: can it answer calls, and why not. Pure. Private to the gateway.
 *
 * A gateway is not ready while it stops, while it cannot read replies, when its replies topic is gone, and when no
 * broker of Kafka has answered it for GATEWAY_SILENCE_S. A pipeline is not ready either while the topic of its requests or of its
 * answers is gone. That time is longer than an election of leaders takes, and one broker that answers is enough. It is
 * ready again with the first answer. A pipeline that a worker of its process answers directly needs no Kafka that answers, but its
 * topics: while Kafka says that one of them is gone, the worker takes no request.
 *
 * Nor is it ready until it takes calls with idempotency keys (gateway/calls/idempotent_calls.h), and while no call can be allowed:
  * tokens alone let calls in, and their keys are not there (access_is_ready()).
 */
#pragma once

#include "gateway/gateway.h"

struct keyed_calls;

struct gateway_readiness {
	const struct gateway_config *config;
	const struct gateway_targets *targets;
	const struct calls *calls;
	bool leaving;
	const struct access *access; /* NULL: everybody may do everything */
	const struct keyed_calls *keyed; /* NULL: it takes no calls with keys */
};

/* Whether calls of the target are answered; NULL: of any target. False: `error` has the reason. */
bool gateway_readiness_find(const struct gateway_readiness *readiness, const struct gateway_target *target, struct error *error);
