/* breaker.h: Circuit breaker of one model: counts failures, opens, and half-opens after a pause.
 *
 * Five failures in a row open it; no call is sent while it is open. After a pause, which doubles while the
 * model stays unavailable, one call is sent as a probe. If the probe succeeds, the breaker closes; if it fails,
 * the breaker opens again. The model may be asked whether it is ready before the probe is sent.
 *
 * A model that fails only a part of its calls is not unavailable: a pause would delay calls that it can answer.
 * So the number of failures in a row that opens the breaker depends on the model. It is five, plus eight times
 * the usual number of failures before an answer, and at most BREAKER_FAILURES_MOST. If every other attempt
 * fails, it is 13, which one row of failures in some thousands reaches. A model that answers one attempt in
 * twelve, or fewer, counts as unavailable.
 *
 * Pure: clock and random numbers are arguments.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define BREAKER_FAILURES 5
#define BREAKER_FAILURES_USUAL 8 /* allowed in addition: so many times the usual number */
#define BREAKER_FAILURES_MOST 100
#define BREAKER_PAUSE_US 250000
#define BREAKER_PAUSE_MAX_US 4000000

enum breaker_state {
	BREAKER_CLOSED,
	BREAKER_OPEN,	 /* until `again_us` */
	BREAKER_PROBING, /* one call may be sent as a probe, or is in flight */
};

struct breaker {
	enum breaker_state state;
	unsigned failures; /* in a row, while closed */
	unsigned usual;	   /* recent moving mean of failures before an answer, in 65,536ths */
	unsigned openings; /* in a row */
	int64_t again_us;
	bool probe_out;
};

/* Whether a call may be sent now. If the breaker is not closed, the call is then the probe. */
bool breaker_admits(struct breaker *breaker, int64_t now_us);
/* The probe was not sent after all, or its call was forgotten. */
void breaker_withdraw(struct breaker *breaker);

/* Outcome of a call. `chance` is drawn from the whole range, so that pauses differ between workers. */
void breaker_succeeded(struct breaker *breaker);
void breaker_failed(struct breaker *breaker, bool probe, int64_t now_us, uint64_t chance);
