/* concurrency_limit.h: Concurrency limit of one model: the number of calls in flight that keeps its servers busy
 * without a queue of their own.
 *
 * The shortest recent call shows the time that the work takes; anything above it is waiting at the server. The
 * limit grows while no wait is measurable and more calls are queued. Once a wait is measurable, the limit stays
 * where a handful of calls wait (TCP Vegas' measure). A server that reports overload lowers the limit at once.
 * From time to time the limit is halved for a moment, because the shortest time cannot be measured under load.
 *
 * Pure: the clock is an argument.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONCURRENCY_START 16
#define CONCURRENCY_LEAST 4
#define CONCURRENCY_MOST 128
#define CONCURRENCY_FELT_US 5000 /* shorter waits are ignored: more calls at once cost less each */

struct concurrency_limit {
	size_t least, most;
	size_t limit;
	size_t before;		      /* limit before it was halved to measure the least time; 0: it is not halved */
	int64_t least_us, earlier_us; /* least times of this period and the previous one; 0: unknown */
	int64_t stretch_us;	      /* start of this period */
	int64_t sum_us;		      /* of latencies in the present window */
	size_t count;
	bool full; /* the limit was reached in this window */
	bool overloaded;
};

void concurrency_limit_open(struct concurrency_limit *concurrency_limit, size_t least, size_t most,
			    int64_t now_us); /* 0: the default */

/* The least time that a call took recently; 0: unknown. */
int64_t concurrency_limit_work_us(const struct concurrency_limit *concurrency_limit);

/* A call was answered after a time that is known. `full`: other calls waited because of the limit. */
void concurrency_limit_answered(struct concurrency_limit *concurrency_limit, int64_t latency_us, bool full, int64_t now_us);
void concurrency_limit_overloaded(struct concurrency_limit *concurrency_limit); /* the server reported it, or timed out */
void concurrency_limit_restart(struct concurrency_limit *concurrency_limit);	/* the server was unreachable: starts small */
