/* body_budget.h: Memory budget of bodies, of requests and of their answers, which several servers may share.
 *
 * A body is charged for the memory that it has taken. A server refuses a body that would take more than is left, and
 * gives the charge back when the request is over. The answer is added to the charge, until its caller has read it; a short one
 * also beyond the limit, so that callers hear why they are refused. No peer is charged for more than its share, so that one peer
 * cannot keep all others out. One thread.
 */
#pragma once

#include "base/text.h"
#include "net/peers.h"

struct body_budget {
	size_t limit_bytes;
	size_t peer_limit_bytes; /* of the bodies of one peer; 0: no limit of its own */
	size_t used_bytes;
	struct peers peers; /* peers that have a connection to any of the servers */
};

/* Charge of one body. */
struct body_charge {
	struct peer *peer; /* of the budget's table, borrowed from the connection; NULL: charged to no peer */
	size_t bytes;
	bool holds_peer; /* it holds a reference of its own to the peer */
};

/* Whether the budget has memory for `more` bytes at the end of the body, which doubles when it grows. No budget
 * (NULL): always. */
static inline bool body_budget_allows(const struct body_budget *budget, const struct buffer *body, const struct body_charge *charge,
				      size_t more)
{
	if (!budget)
		return true;
	size_t need = body->length + more, doubled = 2 * body->capacity;
	size_t capacity = need <= body->capacity ? body->capacity : need > doubled ? need : doubled;
	if (capacity > body->ceiling_bytes && need <= body->ceiling_bytes)
		capacity = body->ceiling_bytes;
	size_t added = capacity > charge->bytes ? capacity - charge->bytes : 0;
	if (added == 0)
		return true;
	return budget->used_bytes + added <= budget->limit_bytes &&
	       (!charge->peer || !budget->peer_limit_bytes || charge->peer->body_bytes + added <= budget->peer_limit_bytes);
}

/* The body is charged for `bytes` from now on. */
static inline void body_budget_charge(struct body_budget *budget, struct body_charge *charge, size_t bytes)
{
	if (budget)
		budget->used_bytes = budget->used_bytes - charge->bytes + bytes;
	if (charge->peer)
		charge->peer->body_bytes = charge->peer->body_bytes - charge->bytes + bytes;
	charge->bytes = bytes;
}

#define BODY_BUDGET_SHORT_BYTES ((size_t)16 << 10) /* of an answer that is never refused */

/* Adds an answer to the charge of its request. False: the budget has no memory for it. */
static inline bool body_budget_add_answer(struct body_budget *budget, struct body_charge *charge, size_t bytes)
{
	if (!budget)
		return true;
	if (bytes > BODY_BUDGET_SHORT_BYTES &&
	    (budget->used_bytes + bytes > budget->limit_bytes ||
	     (charge->peer && budget->peer_limit_bytes && charge->peer->body_bytes + bytes > budget->peer_limit_bytes)))
		return false;
	body_budget_charge(budget, charge, charge->bytes + bytes);
	return true;
}

/* Keeps the peer for a request that outlives its connection: its body stays charged to the peer until it is given
 * back. */
static inline void body_budget_hold(struct body_budget *budget, struct body_charge *charge)
{
	if (charge->peer && !charge->holds_peer) /* it is in the table: no memory */
		charge->holds_peer = peers_enter(&budget->peers, &charge->peer->address) != NULL;
}

/* Gives the charge back at the end of the request. */
static inline void body_budget_give_back(struct body_budget *budget, struct body_charge *charge)
{
	body_budget_charge(budget, charge, 0);
	if (charge->holds_peer)
		peers_leave(&budget->peers, charge->peer);
	*charge = (struct body_charge){0};
}
