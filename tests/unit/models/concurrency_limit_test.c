/* concurrency_limit_test.c: Concurrency limit of a model: how many calls may be in flight at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "models/calls/concurrency_limit.h"

#define WORK_US 1000

/* A server that does `abreast` calls at a time; all that wait are asked as the pace allows. */
static void serve(struct concurrency_limit *concurrency_limit, size_t abreast, int64_t work_us, int64_t from_us, int64_t until_us)
{
	for (int64_t now_us = from_us; now_us < until_us;) {
		int64_t latency_us = concurrency_limit->limit <= abreast
					     ? work_us
					     : work_us * (int64_t)concurrency_limit->limit / (int64_t)abreast;
		concurrency_limit_answered(concurrency_limit, latency_us, true, now_us);
		now_us += latency_us / (int64_t)concurrency_limit->limit + 1;
	}
}

static void a_limit_that_keeps_nobody_waiting_stays(void **state)
{
	(void)state;
	struct concurrency_limit concurrency_limit;
	concurrency_limit_open(&concurrency_limit, 0, 0, 0);
	for (int i = 0; i < 10000; i++)
		concurrency_limit_answered(&concurrency_limit, WORK_US, false, i * 100);
	assert_int_equal(concurrency_limit.limit, CONCURRENCY_START);
}

static void it_grows_while_nothing_waits_at_the_server(void **state)
{
	(void)state;
	struct concurrency_limit concurrency_limit;
	concurrency_limit_open(&concurrency_limit, 0, 100, 0);
	serve(&concurrency_limit, 1000, WORK_US, 0, 1000000);
	assert_int_equal(concurrency_limit.limit, 100);
}

static void a_wait_that_nobody_feels_is_none(void **state)
{
	(void)state;
	struct concurrency_limit concurrency_limit;
	concurrency_limit_open(&concurrency_limit, 0, 64, 0);
	serve(&concurrency_limit, 1, 20, 0, 1000000); /* 64 of 20 microseconds: a call waits 1.3 ms */
	assert_int_equal(concurrency_limit.limit, 64);
}

static void a_saturated_server_keeps_a_handful_waiting(void **state)
{
	(void)state;
	for (size_t abreast = 1; abreast <= 16; abreast *= 4) {
		struct concurrency_limit concurrency_limit;
		concurrency_limit_open(&concurrency_limit, 0, 0, 0);
		concurrency_limit_answered(&concurrency_limit, 20 * WORK_US, false, 0); /* once it was seen idle */
		serve(&concurrency_limit, abreast, 20 * WORK_US, 0, 9000000);
		assert_in_range(concurrency_limit.limit, abreast + 2, abreast + 12);
	}
}

static void it_stays_there_though_no_call_finds_the_server_idle(void **state)
{
	(void)state;
	struct concurrency_limit concurrency_limit;
	concurrency_limit_open(&concurrency_limit, 1, 0, 0);
	serve(&concurrency_limit, 1, 2 * WORK_US, 0, 120000000);
	assert_in_range(concurrency_limit.limit, 1, 24);
}

static void a_server_that_says_it_has_too_much_gets_less(void **state)
{
	(void)state;
	struct concurrency_limit concurrency_limit;
	concurrency_limit_open(&concurrency_limit, 2, 0, 0);
	for (int i = 0; i < 1000; i++) {
		concurrency_limit_overloaded(&concurrency_limit);
		concurrency_limit_answered(&concurrency_limit, WORK_US, true, i);
	}
	assert_int_equal(concurrency_limit.limit, 2);
}

static void the_users_bounds_hold(void **state)
{
	(void)state;
	struct concurrency_limit concurrency_limit;
	concurrency_limit_open(&concurrency_limit, 8, 10, 0);
	assert_in_range(concurrency_limit.limit, 8, 10);
	concurrency_limit_answered(&concurrency_limit, 50 * WORK_US, false, 0);
	serve(&concurrency_limit, 1, 50 * WORK_US, 0, 9000000);
	assert_int_equal(concurrency_limit.limit, 8);
	concurrency_limit_restart(&concurrency_limit);
	assert_int_equal(concurrency_limit.limit, 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_limit_that_keeps_nobody_waiting_stays),
		cmocka_unit_test(it_grows_while_nothing_waits_at_the_server),
		cmocka_unit_test(a_wait_that_nobody_feels_is_none),
		cmocka_unit_test(a_saturated_server_keeps_a_handful_waiting),
		cmocka_unit_test(it_stays_there_though_no_call_finds_the_server_idle),
		cmocka_unit_test(a_server_that_says_it_has_too_much_gets_less),
		cmocka_unit_test(the_users_bounds_hold),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
