/* queue_drain.h: Drain of one model's queue: the time that its answered calls took, divided by the calls at once. Means
 * over a few of the last calls, and over more of them.
 *
 * One moment in which the model, or this process, was not scheduled makes all calls in flight slow. The queue of a
 * thousand calls does not take as long as a hundred such moments, and meanwhile the number of calls at once changes.
 * So what is expected of a long queue is the mean of many calls.
 *
 * Pure.
 */
#ifndef SLUICE_MODELS_CALLS_QUEUE_DRAIN_H
#define SLUICE_MODELS_CALLS_QUEUE_DRAIN_H

#include <stddef.h>
#include <stdint.h>

#define QUEUE_DRAIN_MEANS 4
#define QUEUE_DRAIN_FEWEST 8 /* calls of the first mean; each of the others is of four times as many */

struct queue_drain {
	uint64_t count; /* of calls noted */
	double us_each[QUEUE_DRAIN_MEANS];
};

/* A call was answered after that time, and as many as `abreast` calls were in flight when it was sent, with it. */
void queue_drain_note(struct queue_drain *drain, int64_t latency_us, size_t abreast);

/* Time until so many queued calls are answered, by the mean of a quarter as many. 0: no call was noted. */
int64_t queue_drain_wait_us(const struct queue_drain *drain, size_t queued);

#endif
