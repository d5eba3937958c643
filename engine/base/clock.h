/* clock.h: how much time has passed, and what time it is. Any thread.
 *
 * For what talks to the world alone. What has to run the same in a test, in a simulated
 * day and in production is handed its time, and does not include this.
 */
#ifndef SLUICE_BASE_CLOCK_H
#define SLUICE_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#include "base/duration.h"

/* Time that passes: never set back, and counted from no moment that means anything. */
static inline int64_t clock_ns(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static inline int64_t clock_us(void)
{
	return clock_ns() / NS_PER_US;
}

static inline int64_t clock_ms(void)
{
	return clock_ns() / NS_PER_MS;
}

/* What the calling thread has had of a processor; a system call. */
static inline int64_t thread_ran_ms(void)
{
	struct timespec ran;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ran);
	return (int64_t)ran.tv_sec * MS_PER_S + ran.tv_nsec / NS_PER_MS;
}

/* Of the wall, since 1970; people set it, forwards and back. */
static inline int64_t time_of_day_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / NS_PER_MS;
}

#endif
