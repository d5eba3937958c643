/* body_budget.h: Memory budget of request bodies, which several servers may share.
 *
 * A body is charged for the memory that it has taken; a server refuses what would take
 * more than is left, and gives the charge back when the request is over. One thread.
 */
#ifndef SLUICE_NET_BODY_BUDGET_H
#define SLUICE_NET_BODY_BUDGET_H

#include "base/text.h"

struct body_budget {
	size_t limit_bytes;
	size_t used_bytes;
};

/* Whether `more` bytes fit behind what the body has, which doubles when it grows. `charged`: what
 * the body is charged for. No budget (NULL): always. */
static inline bool body_budget_allows(const struct body_budget *budget, const struct buffer *body, size_t charged, size_t more)
{
	if (!budget)
		return true;
	size_t need = body->length + more, doubled = 2 * body->capacity;
	size_t capacity = need <= body->capacity ? body->capacity : need > doubled ? need : doubled;
	return capacity <= charged || budget->used_bytes + (capacity - charged) <= budget->limit_bytes;
}

/* The body is charged for `bytes` from now on. */
static inline void body_budget_charge(struct body_budget *budget, size_t *charged, size_t bytes)
{
	if (budget)
		budget->used_bytes = budget->used_bytes - *charged + bytes;
	*charged = bytes;
}

#endif
