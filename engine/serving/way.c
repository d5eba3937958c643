/* way.c: see way.h. */
#include "serving/way.h"

#include <stdio.h>

const struct model_address *way_address(const struct way *way, const struct model_address *address)
{
	return way->by_rest ? address->rest : address;
}

const struct model_address *way_asked(const struct model_address *address, const struct attempt *attempt)
{
	return address->rest && attempt->where != address->host ? address->rest : address;
}

/* UNIMPLEMENTED is 501 here: that port speaks gRPC, and serves something else. */
static bool met_nobody(const struct model_address *address, const struct attempt *attempt)
{
	return attempt->end == ATTEMPT_REFUSED ||
	       (attempt->end == ATTEMPT_REPLIED && attempt->status == 501 && way_asked(address, attempt) == address);
}

bool way_turns(struct way *way, const struct model_address *address, struct attempt *attempt, bool turned, int64_t now_us)
{
	if (!address->rest || !met_nobody(address, attempt))
		return false;
	if (turned)
		attempt->end = ATTEMPT_REFUSED;
	way->by_rest = !turned && way_asked(address, attempt) == address;
	if (!way->by_rest)
		return !turned;
	(void)snprintf(way->words, sizeof way->words, TEXT_FORMAT, TEXT_ARGUMENTS(attempt->words));
	way->again_us = now_us + WAY_AGAIN_US;
	return true;
}

bool way_to_tell(struct way *way, const struct model_address *address, const struct attempt *attempt, const char **words)
{
	if (!address->rest || attempt->end != ATTEMPT_REPLIED || met_nobody(address, attempt))
		return false;
	if (way->told == way->by_rest || way_asked(address, attempt) != way_address(way, address))
		return false;
	way->told = way->by_rest;
	*words = way->by_rest ? way->words : NULL;
	return true;
}

bool way_to_ask(struct way *way, int64_t now_us)
{
	if (!way->by_rest || way->asking || now_us < way->again_us)
		return false;
	way->asking = true;
	way->again_us = now_us + WAY_AGAIN_US;
	return true;
}

void way_said(struct way *way, const struct attempt *attempt)
{
	way->asking = false;
	if (attempt->end == ATTEMPT_REPLIED && attempt->status == 200)
		way->by_rest = false;
}
