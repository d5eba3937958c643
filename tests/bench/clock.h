/* clock.h: Clocks of a benchmark. Each benchmark is one program of one file, so this is a
 * header. */
#pragma once

#include <time.h>

/* CLOCK_MONOTONIC, or the processor's time of this thread or process. */
static inline double clock_ns(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}
