/* frame_debt.h: Table of the peers whose HTTP/2 connections used up tokens of their budgets of frames (net/grpc/frame_budget.h).
 *
 * A caller that floods, is closed, and connects again would have a full budget each time. So the tokens that a connection used and
 * did not earn are the debt of its peer, which later connections of that peer have less at their beginning. Debt decays with time.
 *
 * Many honest callers may share one address with one that floods: a proxy, a network of IPv6. So debt refuses no connection. Each
 * begins with FRAME_DEBT_LEAST at least, which is more than clients send before their first request, and earns as any other.
 * Nor is that much of each connection's use counted as debt.
 *
 * The table is of fixed size. A peer has one row, by its address; another peer's smaller debt there is forgotten. A table starts as
 * `{0}`. Pure: the clock is an argument. No memory.
 */
#pragma once

#include "net/grpc/frame_budget.h"
#include "net/peers.h"

#define FRAME_DEBT_ROWS 256
#define FRAME_DEBT_LEAST 32	/* tokens with which each connection begins */
#define FRAME_DEBT_A_SECOND 100 /* tokens by which a debt decays: it is over 10 s after the last flood */
#define FRAME_DEBT_MOST (FRAME_BUDGET_BURST - FRAME_DEBT_LEAST)

struct frame_debt {
	struct peer_address peer;
	int64_t tokens, at_ms; /* its tokens at that time */
};

struct frame_debts {
	struct frame_debt rows[FRAME_DEBT_ROWS];
};

/* Tokens with which a new connection of the peer begins: FRAME_DEBT_LEAST to FRAME_BUDGET_BURST. */
int64_t frame_debts_allow(const struct frame_debts *debts, const struct peer_address *peer, int64_t now_ms);

/* Adds the tokens that a connection has used when it ends. */
void frame_debts_add(struct frame_debts *debts, const struct peer_address *peer, int64_t tokens, int64_t now_ms);
