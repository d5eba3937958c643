/* protocol_fallback.h: Protocol fallback of a server that offers gRPC and REST on one host.
 *
 * Calls use gRPC, which costs less. When no gRPC server answers there, or it lacks the service, calls use REST,
 * and gRPC is tried again every 10 s. When neither answers, the server is unreachable and the protocol is not
 * changed.
 *
 * Pure: the clock is an argument.
 */
#ifndef SLUICE_SERVING_PROTOCOL_FALLBACK_H
#define SLUICE_SERVING_PROTOCOL_FALLBACK_H

#include "plan/address.h"
#include "serving/attempts.h"

#define GRPC_AGAIN_US 10000000 /* until gRPC is asked again */

struct protocol_fallback {
	bool by_rest;
	bool told;	  /* that it is */
	bool asking;	  /* whether gRPC is there again */
	int64_t again_us; /* when it is to be asked */
	char words[200];  /* why it is not called */
};

/* Where calls go now. */
const struct model_address *protocol_fallback_address(const struct protocol_fallback *way, const struct model_address *address);

/* Of the two, the one at which this attempt was made. */
const struct model_address *protocol_fallback_asked(const struct model_address *address, const struct attempt *attempt);

/* What came of an attempt at that address. True: it met nobody who serves models, and is
 * to be made anew, by the other protocol; `turned`: that it was already, and that the server
 * lacks the service by gRPC is as if it were away. */
bool protocol_fallback_turns(struct protocol_fallback *way, const struct model_address *address, struct attempt *attempt,
			     bool turned, int64_t now_us);

/* Whether the change of ways is to be told, once the other one has answered: by REST, because of
 * `words`, or (NULL) by gRPC again. */
bool protocol_fallback_to_tell(struct protocol_fallback *way, const struct model_address *address, const struct attempt *attempt,
			       const char **words);

/* True: gRPC is to be asked whether it is there; protocol_fallback_said() is told. */
bool protocol_fallback_to_ask(struct protocol_fallback *way, int64_t now_us);
void protocol_fallback_said(struct protocol_fallback *way, const struct attempt *attempt);

#endif
