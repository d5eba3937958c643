/* condition.h: Condition variables that wait by the monotonic clock. */
#pragma once

#include <pthread.h>

#include "base/clock.h"

/* False: the system has no room for it. */
static inline bool condition_open(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;
	bool good = pthread_condattr_init(&attributes) == 0;
	good = good && pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
	       pthread_cond_init(condition, &attributes) == 0;
	pthread_condattr_destroy(&attributes);
	return good;
}

/* Waits with the lock, until the condition is signalled or that time of clock_ms() has come. */
static inline void condition_wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t due_ms)
{
	const struct timespec until = {.tv_sec = due_ms / MS_PER_S, .tv_nsec = due_ms % MS_PER_S * NS_PER_MS};
	(void)pthread_cond_timedwait(condition, lock, &until);
}
