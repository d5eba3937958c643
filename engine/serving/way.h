/* way.h: by which of its two protocols a server is called that offers both on one host.
 *
 * By gRPC, which costs less. Where nothing answers there, or who does has no such service,
 * calls go by REST, and now and then gRPC is asked whether it is there. Where neither
 * answers the server is away, and nothing is said of ways.
 *
 * Pure: the clock is handed in.
 */
#ifndef SLUICE_SERVING_WAY_H
#define SLUICE_SERVING_WAY_H

#include "plan/address.h"
#include "serving/attempts.h"

#define WAY_AGAIN_US 10000000 /* until gRPC is asked again */

struct way {
	bool by_rest;
	bool told;	  /* that it is */
	bool asking;	  /* whether gRPC is there again */
	int64_t again_us; /* when it is to be asked */
	char words[200];  /* why it is not called */
};

/* Where calls go now. */
const struct model_address *way_address(const struct way *way, const struct model_address *address);

/* Of the two, the one at which this attempt was made. */
const struct model_address *way_asked(const struct model_address *address, const struct attempt *attempt);

/* What came of an attempt at that address. True: it met nobody who serves models, and is
 * to be made anew, by the other protocol; `turned`: that it was already, and that the server
 * lacks the service by gRPC is as if it were away. */
bool way_turns(struct way *way, const struct model_address *address, struct attempt *attempt, bool turned, int64_t now_us);

/* Whether the change of ways is to be told, once the other one has answered: by REST, because of
 * `words`, or (NULL) by gRPC again. */
bool way_to_tell(struct way *way, const struct model_address *address, const struct attempt *attempt, const char **words);

/* True: gRPC is to be asked whether it is there; way_said() is told. */
bool way_to_ask(struct way *way, int64_t now_us);
void way_said(struct way *way, const struct attempt *attempt);

#endif
