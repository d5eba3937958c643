/* frame_debt.c: Table of the peers that used up tokens of their budgets of frames; see frame_debt.h. */
#include "net/grpc/frame_debt.h"

#include "base/hash.h"

static size_t debt_row(const struct peer_address *peer)
{
	return hash_bytes(peer->bytes, sizeof peer->bytes, 0) % FRAME_DEBT_ROWS;
}

static int64_t debt_left(const struct frame_debt *debt, int64_t now_ms)
{
	const int64_t decayed = now_ms > debt->at_ms ? (now_ms - debt->at_ms) * FRAME_DEBT_A_SECOND / 1000 : 0;
	return decayed < debt->tokens ? debt->tokens - decayed : 0;
}

int64_t frame_debts_allow(const struct frame_debts *debts, const struct peer_address *peer, int64_t now_ms)
{
	const struct frame_debt *debt = &debts->rows[debt_row(peer)];
	const bool is_its_own = memcmp(&debt->peer, peer, sizeof *peer) == 0;
	return FRAME_BUDGET_BURST - (is_its_own ? debt_left(debt, now_ms) : 0);
}

void frame_debts_add(struct frame_debts *debts, const struct peer_address *peer, int64_t tokens, int64_t now_ms)
{
	struct frame_debt *debt = &debts->rows[debt_row(peer)];
	const int64_t left = debt_left(debt, now_ms), added = tokens - FRAME_DEBT_LEAST;
	const bool is_its_own = memcmp(&debt->peer, peer, sizeof *peer) == 0;
	if (added <= 0 || (!is_its_own && added <= left))
		return;
	const int64_t sum = is_its_own ? left + added : added;
	*debt = (struct frame_debt){*peer, sum < FRAME_DEBT_MOST ? sum : FRAME_DEBT_MOST, now_ms};
}
