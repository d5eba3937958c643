/* service_thread.h: Thread of a service, which is asked to stop, and waited for by whoever opened the service:
 *
 *	static void *run(void *context)
 *	{
 *		struct service *service = context;
 *		while (!service_thread_is_stopping(&service->thread))
 *			...
 *		service_thread_end(&service->thread);
 *		return NULL;
 *	}
 *
 *	service_thread_begin(&service->thread, run, service);
 *	service_thread_stop(&service->thread);	asks all services first,
 *	service_thread_join(&service->thread);	and waits for each
 *
 * A struct that is {0} has no thread: it has ended, and there is nothing to wait for. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SERVICE_NAP_MS 50 /* so soon a thread that rests sees that it is asked to stop */

struct service_thread {
	pthread_t id;
	bool has_begun;
	atomic_bool stopping, ended;
};

/* False: the system has no thread left, or no memory for one. */
bool service_thread_begin(struct service_thread *thread, void *(*run)(void *context), void *context);

/* Asks the thread to stop, and does not wait. */
void service_thread_stop(struct service_thread *thread);

/* Whether the thread has ended: then a join does not wait. */
bool service_thread_has_ended(const struct service_thread *thread);

/* Asks the thread to stop, and waits until it has ended. */
void service_thread_join(struct service_thread *thread);

/* ---- in the thread ---- */

bool service_thread_is_stopping(const struct service_thread *thread);

/* Naps at most once. False: it is that time of clock_ms(), or the thread is asked to stop. */
bool service_thread_nap(const struct service_thread *thread, int64_t until_ms);

/* Waits so long, or until the thread is asked to stop. */
void service_thread_rest(const struct service_thread *thread, int64_t rest_ms);

/* The last that the thread does. */
void service_thread_end(struct service_thread *thread);
