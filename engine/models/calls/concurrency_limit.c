/* concurrency_limit.c: see concurrency_limit.h. */
#include "models/calls/concurrency_limit.h"

#include <assert.h>

#define STRETCH_US 10000000 /* interval after which the least time is measured again */
#define QUEUE_LEAST 3	    /* calls that wait at the server: with fewer, it may become idle */
#define QUEUE_MOST 7

static size_t concurrency_limit_within(const struct concurrency_limit *concurrency_limit, size_t limit)
{
	limit = limit < concurrency_limit->least ? concurrency_limit->least : limit;
	return limit > concurrency_limit->most ? concurrency_limit->most : limit;
}

void concurrency_limit_open(struct concurrency_limit *concurrency_limit, size_t least, size_t most, int64_t now_us)
{
	*concurrency_limit = (struct concurrency_limit){.most = most ? most : CONCURRENCY_MOST, .stretch_us = now_us};
	concurrency_limit->least = least ? least : CONCURRENCY_LEAST;
	if (concurrency_limit->least > concurrency_limit->most)
		concurrency_limit->least = concurrency_limit->most;
	concurrency_limit->limit = concurrency_limit_within(concurrency_limit, CONCURRENCY_START);
}

void concurrency_limit_restart(struct concurrency_limit *concurrency_limit)
{
	concurrency_limit->limit = concurrency_limit_within(concurrency_limit, CONCURRENCY_LEAST);
	concurrency_limit->before = 0;
	concurrency_limit->sum_us = 0;
	concurrency_limit->count = 0;
}

int64_t concurrency_limit_work_us(const struct concurrency_limit *concurrency_limit)
{
	bool earlier = concurrency_limit->earlier_us > 0 &&
		       (concurrency_limit->least_us == 0 || concurrency_limit->earlier_us < concurrency_limit->least_us);
	return earlier ? concurrency_limit->earlier_us : concurrency_limit->least_us;
}

static void adapt(struct concurrency_limit *concurrency_limit)
{
	int64_t mean_us = concurrency_limit->sum_us / (int64_t)concurrency_limit->count,
		wait_us = mean_us - concurrency_limit_work_us(concurrency_limit);
	if (concurrency_limit->overloaded) {
		concurrency_limit->limit = concurrency_limit_within(concurrency_limit, concurrency_limit->limit * 7 / 10);
	} else if (concurrency_limit->before) {
		concurrency_limit->limit = concurrency_limit->before;
	} else if (concurrency_limit->full && wait_us < CONCURRENCY_FELT_US) {
		concurrency_limit->limit =
			concurrency_limit_within(concurrency_limit, concurrency_limit->limit + 1 + concurrency_limit->limit / 8);
	} else if (concurrency_limit->full) {
		size_t waiting = (size_t)((int64_t)concurrency_limit->limit * wait_us / mean_us);
		if (waiting < QUEUE_LEAST)
			concurrency_limit->limit = concurrency_limit_within(concurrency_limit, concurrency_limit->limit + 1);
		else if (waiting > QUEUE_MOST)
			concurrency_limit->limit = concurrency_limit_within(
				concurrency_limit, concurrency_limit->limit - 1 - concurrency_limit->limit / 16);
	}
	concurrency_limit->before = 0;
}

static void begin_stretch(struct concurrency_limit *concurrency_limit, int64_t now_us)
{
	concurrency_limit->earlier_us = concurrency_limit->least_us;
	concurrency_limit->least_us = 0;
	concurrency_limit->stretch_us = now_us;
	if (!concurrency_limit->full || concurrency_limit->overloaded)
		return;
	concurrency_limit->before = concurrency_limit->limit;
	concurrency_limit->limit = concurrency_limit_within(concurrency_limit, concurrency_limit->limit / 2);
}

void concurrency_limit_answered(struct concurrency_limit *concurrency_limit, int64_t latency_us, bool full, int64_t now_us)
{
	assert(latency_us >= 0);
	if (concurrency_limit->least_us == 0 || latency_us < concurrency_limit->least_us)
		concurrency_limit->least_us = latency_us > 0 ? latency_us : 1;
	concurrency_limit->sum_us += latency_us;
	concurrency_limit->count++;
	concurrency_limit->full = concurrency_limit->full || full;
	if (concurrency_limit->count < concurrency_limit->limit)
		return;
	adapt(concurrency_limit);
	if (now_us - concurrency_limit->stretch_us >= STRETCH_US)
		begin_stretch(concurrency_limit, now_us);
	concurrency_limit->sum_us = 0;
	concurrency_limit->count = 0;
	concurrency_limit->full = concurrency_limit->overloaded = false;
}

void concurrency_limit_overloaded(struct concurrency_limit *concurrency_limit)
{
	concurrency_limit->overloaded = true;
}
