/* rush.c: see rush.h. */
#include "serving/rush.h"

#include "base/duration.h"

#define CLOCKS_APART_US 5000
#define FAIR_TIMES 3		/* as long as usual is time enough */
#define USUAL_UNKNOWN_US 250000 /* of a model that has answered nothing yet */

static int64_t deadline_us(const struct errand *errand)
{
	return errand->attempts.call->message->deadline_ms * US_PER_MS;
}

bool rush_is_too_long(const struct errand *errand, int64_t wait_us, int64_t now_us)
{
	return wait_us > 0 && deadline_us(errand) > 0 && deadline_us(errand) - now_us < 2 * wait_us;
}

bool rush_is_late(const struct errand *errand, int64_t least_us, int64_t now_us)
{
	return deadline_us(errand) > 0 && deadline_us(errand) - now_us <= least_us;
}

bool rush_is_hasty(const struct errand *errand, int64_t usual_us, int64_t now_us)
{
	int64_t fair_us = FAIR_TIMES * (usual_us > 0 ? usual_us : USUAL_UNKNOWN_US);
	return deadline_us(errand) > 0 && deadline_us(errand) - now_us < fair_us;
}

bool rush_cut_short(const struct errand *errand, int64_t now_us)
{
	return errand->hasty && now_us >= deadline_us(errand) - CLOCKS_APART_US;
}
