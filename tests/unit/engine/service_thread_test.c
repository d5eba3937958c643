/* The thread of a service: it rests until it is asked to stop, and says when it has ended. */
#include "engine/run/service_thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

#define LONG_MS (3600 * MS_PER_S)

struct resting {
	struct service_thread thread;
	int64_t rest_ms;
	bool was_stopped;
};

static void *rest(void *context)
{
	struct resting *resting = context;
	service_thread_rest(&resting->thread, resting->rest_ms);
	resting->was_stopped = service_thread_is_stopping(&resting->thread);
	service_thread_end(&resting->thread);
	return NULL;
}

static void one_that_rests_for_an_hour_stops_when_it_is_asked(void **state)
{
	(void)state;
	struct resting resting = {.rest_ms = LONG_MS};
	assert_true(service_thread_begin(&resting.thread, rest, &resting));
	assert_false(service_thread_has_ended(&resting.thread));
	service_thread_stop(&resting.thread);
	service_thread_join(&resting.thread);
	assert_true(service_thread_has_ended(&resting.thread));
	assert_true(resting.was_stopped);
}

static void a_rest_takes_as_long_as_it_is_asked_to(void **state)
{
	(void)state;
	struct resting resting = {.rest_ms = 3 * SERVICE_NAP_MS + 1};
	const int64_t begun_ms = clock_ms();
	assert_true(service_thread_begin(&resting.thread, rest, &resting));
	while (!service_thread_has_ended(&resting.thread))
		continue;
	assert_true(clock_ms() - begun_ms >= resting.rest_ms);
	assert_false(resting.was_stopped);
	service_thread_join(&resting.thread);
}

static void naps_end_at_their_time(void **state)
{
	(void)state;
	const struct service_thread thread = {0};
	assert_false(service_thread_nap(&thread, clock_ms()));
	const int64_t until_ms = clock_ms() + 1;
	assert_true(service_thread_nap(&thread, until_ms));
	assert_false(service_thread_nap(&thread, until_ms));
	const struct service_thread stopped = {.stopping = true};
	assert_false(service_thread_nap(&stopped, clock_ms() + LONG_MS));
}

static void one_that_never_began_has_ended(void **state)
{
	(void)state;
	struct service_thread thread = {0};
	assert_true(service_thread_has_ended(&thread));
	service_thread_join(&thread);
	assert_true(service_thread_is_stopping(&thread));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_that_rests_for_an_hour_stops_when_it_is_asked),
		cmocka_unit_test(a_rest_takes_as_long_as_it_is_asked_to),
		cmocka_unit_test(naps_end_at_their_time),
		cmocka_unit_test(one_that_never_began_has_ended),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
