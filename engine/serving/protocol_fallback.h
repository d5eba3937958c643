/* protocol_fallback.h: by which of its two protocols a server is called that offers both on one host.
 *
 * By gRPC, which costs less. Where nothing answers there, or who does has no such service,
 * calls go by REST, and now and then gRPC is asked whether it is there. Where neither
 * answers the server is away, and nothing is said of ways.
 *
 * Pure: the clock is handed in.
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
