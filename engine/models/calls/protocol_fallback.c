/* protocol_fallback.c: see protocol_fallback.h. */
#include "models/calls/protocol_fallback.h"

#include <stdio.h>

const struct model_address *protocol_fallback_address(const struct protocol_fallback *way, const struct model_address *address)
{
	return way->by_rest ? address->rest : address;
}

const struct model_address *protocol_fallback_asked(const struct model_address *address, const struct attempt *attempt)
{
	return address->rest && attempt->where != address->host ? address->rest : address;
}

/* Whether no server of the protocol answered. UNIMPLEMENTED is 501 here: the port has gRPC, but another service. */
static bool met_nobody(const struct model_address *address, const struct attempt *attempt)
{
	return attempt->end == ATTEMPT_REFUSED ||
	       (attempt->end == ATTEMPT_REPLIED && attempt->status == 501 && protocol_fallback_asked(address, attempt) == address);
}

bool protocol_fallback_turns(struct protocol_fallback *way, const struct model_address *address, struct attempt *attempt,
			     bool turned, int64_t now_us)
{
	if (!address->rest || !met_nobody(address, attempt))
		return false;
	if (turned)
		attempt->end = ATTEMPT_REFUSED;
	way->by_rest = !turned && protocol_fallback_asked(address, attempt) == address;
	if (!way->by_rest)
		return !turned;
	(void)snprintf(way->words, sizeof way->words, TEXT_FORMAT, TEXT_ARGUMENTS(attempt->words));
	way->again_us = now_us + GRPC_AGAIN_US;
	return true;
}

bool protocol_fallback_to_tell(struct protocol_fallback *way, const struct model_address *address, const struct attempt *attempt,
			       const char **words)
{
	if (!address->rest || attempt->end != ATTEMPT_REPLIED || met_nobody(address, attempt))
		return false;
	if (way->reported == way->by_rest || protocol_fallback_asked(address, attempt) != protocol_fallback_address(way, address))
		return false;
	way->reported = way->by_rest;
	*words = way->by_rest ? way->words : NULL;
	return true;
}

bool protocol_fallback_to_ask(struct protocol_fallback *way, int64_t now_us)
{
	if (!way->by_rest || way->asking || now_us < way->again_us)
		return false;
	way->asking = true;
	way->again_us = now_us + GRPC_AGAIN_US;
	return true;
}

void protocol_fallback_answered(struct protocol_fallback *way, const struct attempt *attempt)
{
	assert(way->asking);
	way->asking = false;
	if (attempt->end == ATTEMPT_REPLIED && attempt->status == 200)
		way->by_rest = false;
}
