/* overload.c: see overload.h. */
#include "models/calls/overload.h"

#include "base/number/duration.h"

#define CLOCKS_APART_US 5000
#define FAIR_TIMES 3		/* so many times the usual time is enough */
#define USUAL_UNKNOWN_US 250000 /* usual time of a model that has not answered yet */

static int64_t deadline_us(const struct queued_call *queued_call)
{
	return call_deadline_ms(queued_call->attempts.call) * US_PER_MS;
}

bool overload_is_too_long(const struct queued_call *queued_call, int64_t wait_us, int64_t now_us)
{
	return wait_us > 0 && deadline_us(queued_call) > 0 && deadline_us(queued_call) - now_us < 2 * wait_us;
}

bool overload_is_late(const struct queued_call *queued_call, int64_t least_us, int64_t now_us)
{
	return deadline_us(queued_call) > 0 && deadline_us(queued_call) - now_us <= least_us;
}

bool overload_is_hurried(const struct queued_call *queued_call, int64_t usual_us, int64_t now_us)
{
	int64_t fair_us = FAIR_TIMES * (usual_us > 0 ? usual_us : USUAL_UNKNOWN_US);
	return deadline_us(queued_call) > 0 && deadline_us(queued_call) - now_us < fair_us;
}

bool overload_cut_short(const struct queued_call *queued_call, int64_t now_us)
{
	return queued_call->hurried && now_us >= deadline_us(queued_call) - CLOCKS_APART_US;
}
