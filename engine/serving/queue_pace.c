/* queue_pace.c: see queue_pace.h. */
#include "serving/queue_pace.h"

#include <assert.h>

#define MORE_TIMES 4
#define EVIDENCE_PART 4 /* of the queue: so many answered calls show how long it takes */

/* Moving means; the first calls have equal weights, or the very first would count for long. */
void queue_pace_note(struct queue_pace *pace, int64_t latency_us, size_t abreast)
{
	assert(latency_us >= 0 && abreast > 0);
	const double us = (double)latency_us / (double)abreast;
	uint64_t calls = QUEUE_PACE_FEWEST;
	pace->count++;
	for (size_t i = 0; i < QUEUE_PACE_MEANS; i++, calls *= MORE_TIMES)
		pace->us_each[i] += (us - pace->us_each[i]) / (double)(pace->count < calls ? pace->count : calls);
}

int64_t queue_pace_wait_us(const struct queue_pace *pace, size_t queued)
{
	const size_t evidence = queued / EVIDENCE_PART;
	size_t i = 0;
	for (size_t calls = QUEUE_PACE_FEWEST * MORE_TIMES; i + 1 < QUEUE_PACE_MEANS && calls <= evidence; calls *= MORE_TIMES)
		i++;
	return (int64_t)((double)queued * pace->us_each[i]);
}
