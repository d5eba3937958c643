/* clock.h: Clocks: monotonic time, CPU time of a thread, and time of day. Callable from any thread.
 *
 * Only for code that communicates with the outside. Code that must behave the same in tests, in the simulator
 * and in production gets its time as an argument, and does not include this header.
 */
#pragma once

#include <time.h>

#include "base/number/duration.h"

/* Monotonic time: never set back; its zero has no meaning. */
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

/* CPU time of the calling thread; a system call. */
static inline int64_t thread_ran_ms(void)
{
	struct timespec ran;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ran);
	return (int64_t)ran.tv_sec * MS_PER_S + ran.tv_nsec / NS_PER_MS;
}

/* Wall-clock time since 1970; people set it, forwards and back. */
static inline int64_t time_of_day_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / NS_PER_MS;
}
