/* pace.c: see pace.h. */
#include "serving/pace.h"

#define STRETCH_US 10000000 /* so often the least time is looked for anew */
#define QUEUE_LEAST 3	    /* calls that wait at the server: fewer, and it may run dry */
#define QUEUE_MOST 7

static size_t within(const struct pace *pace, size_t limit)
{
	limit = limit < pace->least ? pace->least : limit;
	return limit > pace->most ? pace->most : limit;
}

void pace_open(struct pace *pace, size_t least, size_t most, int64_t now_us)
{
	*pace = (struct pace){.most = most ? most : PACE_MOST, .stretch_us = now_us};
	pace->least = least ? least : PACE_LEAST;
	if (pace->least > pace->most)
		pace->least = pace->most;
	pace->limit = within(pace, PACE_START);
}

void pace_restart(struct pace *pace)
{
	pace->limit = within(pace, PACE_LEAST);
	pace->before = 0;
	pace->sum_us = 0;
	pace->count = 0;
}

int64_t pace_work_us(const struct pace *pace)
{
	bool earlier = pace->earlier_us > 0 && (pace->least_us == 0 || pace->earlier_us < pace->least_us);
	return earlier ? pace->earlier_us : pace->least_us;
}

static void adapt(struct pace *pace)
{
	int64_t mean_us = pace->sum_us / (int64_t)pace->count, wait_us = mean_us - pace_work_us(pace);
	if (pace->overloaded) {
		pace->limit = within(pace, pace->limit * 7 / 10);
	} else if (pace->before) {
		pace->limit = pace->before;
	} else if (pace->full && wait_us < PACE_FELT_US) {
		pace->limit = within(pace, pace->limit + 1 + pace->limit / 8);
	} else if (pace->full) {
		size_t waiting = (size_t)((int64_t)pace->limit * wait_us / mean_us);
		if (waiting < QUEUE_LEAST)
			pace->limit = within(pace, pace->limit + 1);
		else if (waiting > QUEUE_MOST)
			pace->limit = within(pace, pace->limit - 1 - pace->limit / 16);
	}
	pace->before = 0;
}

static void begin_stretch(struct pace *pace, int64_t now_us)
{
	pace->earlier_us = pace->least_us;
	pace->least_us = 0;
	pace->stretch_us = now_us;
	if (!pace->full || pace->overloaded)
		return;
	pace->before = pace->limit;
	pace->limit = within(pace, pace->limit / 2);
}

void pace_answered(struct pace *pace, int64_t latency_us, bool full, int64_t now_us)
{
	if (pace->least_us == 0 || latency_us < pace->least_us)
		pace->least_us = latency_us > 0 ? latency_us : 1;
	pace->sum_us += latency_us;
	pace->count++;
	pace->full = pace->full || full;
	if (pace->count < pace->limit)
		return;
	adapt(pace);
	if (now_us - pace->stretch_us >= STRETCH_US)
		begin_stretch(pace, now_us);
	pace->sum_us = 0;
	pace->count = 0;
	pace->full = pace->overloaded = false;
}

void pace_overloaded(struct pace *pace)
{
	pace->overloaded = true;
}
