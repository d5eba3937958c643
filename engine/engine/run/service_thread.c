/* service_thread.c: see service_thread.h */
#include "engine/run/service_thread.h"

#include <time.h>

#include "base/clock.h"

bool service_thread_begin(struct service_thread *thread, void *(*run)(void *context), void *context)
{
	thread->has_begun = pthread_create(&thread->id, NULL, run, context) == 0;
	return thread->has_begun;
}

void service_thread_stop(struct service_thread *thread)
{
	atomic_store(&thread->stopping, true);
}

bool service_thread_has_ended(const struct service_thread *thread)
{
	return !thread->has_begun || atomic_load(&thread->ended);
}

void service_thread_join(struct service_thread *thread)
{
	service_thread_stop(thread);
	if (thread->has_begun)
		pthread_join(thread->id, NULL);
	thread->has_begun = false;
}

bool service_thread_is_stopping(const struct service_thread *thread)
{
	return atomic_load(&thread->stopping);
}

bool service_thread_nap(const struct service_thread *thread, int64_t until_ms)
{
	const int64_t left_ms = until_ms - clock_ms();
	if (left_ms <= 0 || service_thread_is_stopping(thread))
		return false;
	nanosleep(&(struct timespec){.tv_nsec = (left_ms < SERVICE_NAP_MS ? left_ms : SERVICE_NAP_MS) * NS_PER_MS}, NULL);
	return true;
}

void service_thread_rest(const struct service_thread *thread, int64_t rest_ms)
{
	const int64_t until_ms = clock_ms() + rest_ms;
	while (service_thread_nap(thread, until_ms))
		continue;
}

void service_thread_end(struct service_thread *thread)
{
	atomic_store(&thread->ended, true);
}
