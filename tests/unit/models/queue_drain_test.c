/* queue_drain_test.c: Tests of how long a queue is expected to take, by few calls and by many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "models/calls/health.h"

#define LONG 100000

static void note(struct queue_drain *drain, size_t times, int64_t latency_us, size_t abreast)
{
	for (size_t i = 0; i < times; i++)
		queue_drain_note(drain, latency_us, abreast);
}

static int64_t us_each(const struct queue_drain *drain, size_t queued)
{
	return queue_drain_wait_us(drain, queued) / (int64_t)queued;
}

static void nothing_is_known_before_the_first(void **state)
{
	(void)state;
	struct queue_drain drain = {0};
	assert_int_equal(queue_drain_wait_us(&drain, 1), 0);
	assert_int_equal(queue_drain_wait_us(&drain, LONG), 0);
}

static void the_first_are_weighed_alike(void **state)
{
	(void)state;
	struct queue_drain drain = {0};
	note(&drain, 1, 80000, 1);
	assert_int_equal(queue_drain_wait_us(&drain, LONG), (int64_t)80000 * LONG);
	note(&drain, 399, 0, 1);
	assert_in_range(us_each(&drain, LONG), 199, 201);
}

/* Eight of eight, of 32, of 128, of 512; a quarter of the queue. */
static void few_calls_tell_of_a_moment_and_many_of_a_while(void **state)
{
	(void)state;
	struct queue_drain drain = {0};
	note(&drain, 5000, 1000, 1);
	note(&drain, 8, 101000, 1);
	assert_in_range(us_each(&drain, 1), 60000, 70000); /* 1 - (7/8)^8 of it */
	assert_in_range(us_each(&drain, 127), 60000, 70000);
	assert_in_range(us_each(&drain, 128), 20000, 26000);
	assert_in_range(us_each(&drain, 511), 20000, 26000);
	assert_in_range(us_each(&drain, 512), 6500, 8000);
	assert_in_range(us_each(&drain, 2047), 6500, 8000);
	assert_in_range(us_each(&drain, 2048), 2400, 2700);
	assert_in_range(us_each(&drain, LONG), 2400, 2700);
}

/* Each of many takes as long as each of few, and more are done: what counts is how many there were then. */
static void calls_at_once_share_their_time(void **state)
{
	(void)state;
	struct queue_drain drain = {0};
	note(&drain, 5000, 10000, 100);
	assert_int_equal(us_each(&drain, LONG), 100);
	note(&drain, 5000, 10000, 10);
	assert_in_range(us_each(&drain, LONG), 990, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_known_before_the_first),
		cmocka_unit_test(the_first_are_weighed_alike),
		cmocka_unit_test(few_calls_tell_of_a_moment_and_many_of_a_while),
		cmocka_unit_test(calls_at_once_share_their_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
