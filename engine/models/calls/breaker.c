/* breaker.c: see breaker.h. */
#include "models/calls/breaker.h"

#define USUAL_ONE 65536u
#define USUAL_SHARE 64 /* an answer has a weight of one 64th */

bool breaker_admits(struct breaker *breaker, int64_t now_us)
{
	if (breaker->state == BREAKER_CLOSED)
		return true;
	if (breaker->state == BREAKER_OPEN && now_us >= breaker->again_us)
		breaker->state = BREAKER_PROBING;
	if (breaker->state == BREAKER_OPEN || breaker->probe_out)
		return false;
	breaker->probe_out = true;
	return true;
}

void breaker_withdraw(struct breaker *breaker)
{
	breaker->probe_out = false;
}

void breaker_succeeded(struct breaker *breaker)
{
	unsigned usual = breaker->usual - breaker->usual / USUAL_SHARE + breaker->failures * USUAL_ONE / USUAL_SHARE;
	*breaker = (struct breaker){.usual = usual};
}

/* Whether the failures in a row are so many that the breaker opens: the more are usual, the more it takes. */
static bool failures_suffice(const struct breaker *breaker)
{
	unsigned least = BREAKER_FAILURES + BREAKER_FAILURES_USUAL * breaker->usual / USUAL_ONE;
	return breaker->failures >= (least < BREAKER_FAILURES_MOST ? least : BREAKER_FAILURES_MOST);
}

/* Opens for three to five quarters of the pause. */
static void open_for(struct breaker *breaker, int64_t now_us, uint64_t chance)
{
	int64_t pause_us = BREAKER_PAUSE_MAX_US;
	if (breaker->openings < 8 && BREAKER_PAUSE_US << breaker->openings < BREAKER_PAUSE_MAX_US)
		pause_us = BREAKER_PAUSE_US << breaker->openings;
	breaker->openings++;
	breaker->state = BREAKER_OPEN;
	breaker->probe_out = false;
	breaker->again_us = now_us + pause_us * 3 / 4 + (int64_t)(chance % (uint64_t)(pause_us / 2));
}

void breaker_failed(struct breaker *breaker, bool probe, int64_t now_us, uint64_t chance)
{
	/* An attempt sent before the breaker opened gives no new information. */
	if (breaker->state != BREAKER_CLOSED && !probe)
		return;
	breaker->failures += breaker->state == BREAKER_CLOSED;
	if (breaker->state != BREAKER_CLOSED || failures_suffice(breaker))
		open_for(breaker, now_us, chance);
}
