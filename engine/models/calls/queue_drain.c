/* queue_drain.c: see queue_drain.h. */
#include "models/calls/queue_drain.h"

#include <assert.h>

#define MORE_TIMES 4
#define EVIDENCE_PART 4 /* of the queue: so many answered calls show how long it takes */

/* Moving means; the first calls have equal weights, or the very first would count for long. */
void queue_drain_note(struct queue_drain *drain, int64_t latency_us, size_t abreast)
{
	assert(latency_us >= 0 && abreast > 0);
	const double us = (double)latency_us / (double)abreast;
	uint64_t calls = QUEUE_DRAIN_FEWEST;
	drain->count++;
	for (size_t i = 0; i < QUEUE_DRAIN_MEANS; i++, calls *= MORE_TIMES)
		drain->us_each[i] += (us - drain->us_each[i]) / (double)(drain->count < calls ? drain->count : calls);
}

int64_t queue_drain_wait_us(const struct queue_drain *drain, size_t queued)
{
	const size_t evidence = queued / EVIDENCE_PART;
	size_t i = 0;
	for (size_t calls = QUEUE_DRAIN_FEWEST * MORE_TIMES; i + 1 < QUEUE_DRAIN_MEANS && calls <= evidence; calls *= MORE_TIMES)
		i++;
	return (int64_t)((double)queued * drain->us_each[i]);
}
