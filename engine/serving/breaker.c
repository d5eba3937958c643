/* breaker.c: see breaker.h. */
#include "serving/breaker.h"

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
	*breaker = (struct breaker){0};
}

/* Between three quarters and five quarters of the pause. */
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
	/* What was sent before it opened says nothing new. */
	if (breaker->state != BREAKER_CLOSED && !probe)
		return;
	if (breaker->state != BREAKER_CLOSED || ++breaker->failures >= BREAKER_FAILURES)
		open_for(breaker, now_us, chance);
}
