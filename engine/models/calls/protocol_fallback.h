/* protocol_fallback.h: Protocol fallback of a server that offers gRPC and REST on one host.
 *
 * Calls use gRPC, which costs less. When no gRPC server answers there, or it lacks the service, calls use REST,
 * and gRPC is tried again every 10 s. When neither answers, the server is unreachable and the protocol is not
 * changed.
 *
 * Pure: the clock is an argument.
 */
#pragma once

#include "compiler/graph/address.h"
#include "models/calls/attempts.h"

#define GRPC_AGAIN_US 10000000 /* until gRPC is tried again */

struct protocol_fallback {
	bool by_rest;
	bool reported;	  /* the fallback was reported */
	bool asking;	  /* a question whether gRPC is available again is in flight */
	int64_t again_us; /* time of the next such question */
	char words[200];  /* why gRPC is not used */
};

/* The address of calls at present. */
const struct model_address *protocol_fallback_address(const struct protocol_fallback *way, const struct model_address *address);

/* The one of the two addresses at which this attempt was made. */
const struct model_address *protocol_fallback_asked(const struct model_address *address, const struct attempt *attempt);

/* The outcome of an attempt at that address. True: no model server answered there, and the call is to be sent
 * again by the other protocol. `turned`: it was sent again already; if the server lacks the gRPC service, it
 * then counts as unreachable. */
bool protocol_fallback_turns(struct protocol_fallback *way, const struct model_address *address, struct attempt *attempt,
			     bool turned, int64_t now_us);

/* Whether a change of protocol is to be reported, once the other one has answered: to REST, because of `words`,
 * or (NULL) back to gRPC. */
bool protocol_fallback_to_tell(struct protocol_fallback *way, const struct model_address *address, const struct attempt *attempt,
			       const char **words);

/* True: ask whether gRPC is available, and pass the outcome to protocol_fallback_answered(). */
bool protocol_fallback_to_ask(struct protocol_fallback *way, int64_t now_us);
void protocol_fallback_answered(struct protocol_fallback *way, const struct attempt *attempt);
