/* timers.c: Timers of runs and batches: a binary heap, soonest first. A message that never waits sets none. */
#include "base/memory.h"

#include <assert.h>
#include "flow/run.h"

#define TIMERS_AT_FIRST 64

bool timers_grow(struct flow *flow, size_t wanted)
{
	size_t capacity = flow->timer_capacity ? flow->timer_capacity : TIMERS_AT_FIRST;
	while (capacity < wanted)
		capacity *= 2;
	struct timer **timers = memory_resize(flow->timers, capacity, sizeof *timers);
	if (!timers)
		return false;
	flow->timers = timers;
	flow->timer_capacity = capacity;
	return true;
}

static bool sooner(const struct timer *a, const struct timer *b)
{
	return a->due_ms < b->due_ms || (a->due_ms == b->due_ms && a->serial < b->serial);
}

static void timers_put(struct flow *flow, size_t slot, struct timer *timer)
{
	flow->timers[slot] = timer;
	timer->slot = slot;
}

static void rise(struct flow *flow, size_t slot)
{
	struct timer *timer = flow->timers[slot];
	for (; slot > 1 && sooner(timer, flow->timers[slot / 2]); slot /= 2)
		timers_put(flow, slot, flow->timers[slot / 2]);
	timers_put(flow, slot, timer);
}

static void sink(struct flow *flow, size_t slot)
{
	struct timer *timer = flow->timers[slot];
	for (size_t child; (child = slot * 2) <= flow->timer_count; slot = child) {
		if (child < flow->timer_count && sooner(flow->timers[child + 1], flow->timers[child]))
			child++;
		if (!sooner(flow->timers[child], timer))
			break;
		timers_put(flow, slot, flow->timers[child]);
	}
	timers_put(flow, slot, timer);
}

void timer_set(struct flow *flow, struct timer *timer, int64_t due_ms)
{
	size_t slot = timer->slot;
	timer->due_ms = due_ms;
	if (due_ms != INT64_MAX) {
		if (slot == 0) {
			assert(flow->timer_count + 1 < flow->timer_capacity); /* [0] is not used */
			slot = ++flow->timer_count;
			timers_put(flow, slot, timer);
		}
	} else {
		if (slot == 0)
			return;
		timer->slot = 0;
		struct timer *last = flow->timers[flow->timer_count--];
		if (last == timer)
			return;
		timers_put(flow, slot, last);
	}
	rise(flow, slot);
	sink(flow, slot);
}

int64_t flow_due_ms(const struct flow *flow)
{
	return flow->timer_count ? flow->timers[1]->due_ms : INT64_MAX;
}
