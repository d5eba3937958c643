/* pace_test.c: how many calls of a model are under way at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "serving/pace.h"

#define WORK_US 1000

/* A server that does `abreast` calls at a time; all that wait are asked as the pace allows. */
static void serve(struct pace *pace, size_t abreast, int64_t work_us, int64_t from_us, int64_t until_us)
{
	for (int64_t now_us = from_us; now_us < until_us;) {
		int64_t latency_us = pace->limit <= abreast ? work_us : work_us * (int64_t)pace->limit / (int64_t)abreast;
		pace_answered(pace, latency_us, true, now_us);
		now_us += latency_us / (int64_t)pace->limit + 1;
	}
}

static void a_limit_that_keeps_nobody_waiting_stays(void **state)
{
	(void)state;
	struct pace pace;
	pace_open(&pace, 0, 0, 0);
	for (int i = 0; i < 10000; i++)
		pace_answered(&pace, WORK_US, false, i * 100);
	assert_int_equal(pace.limit, PACE_START);
}

static void it_grows_while_nothing_waits_at_the_server(void **state)
{
	(void)state;
	struct pace pace;
	pace_open(&pace, 0, 100, 0);
	serve(&pace, 1000, WORK_US, 0, 1000000);
	assert_int_equal(pace.limit, 100);
}

static void a_wait_that_nobody_feels_is_none(void **state)
{
	(void)state;
	struct pace pace;
	pace_open(&pace, 0, 64, 0);
	serve(&pace, 1, 20, 0, 1000000); /* 64 of 20 microseconds: a call waits 1.3 ms */
	assert_int_equal(pace.limit, 64);
}

static void a_saturated_server_keeps_a_handful_waiting(void **state)
{
	(void)state;
	for (size_t abreast = 1; abreast <= 16; abreast *= 4) {
		struct pace pace;
		pace_open(&pace, 0, 0, 0);
		pace_answered(&pace, 20 * WORK_US, false, 0); /* once it was seen idle */
		serve(&pace, abreast, 20 * WORK_US, 0, 9000000);
		assert_in_range(pace.limit, abreast + 2, abreast + 12);
	}
}

static void it_stays_there_though_no_call_finds_the_server_idle(void **state)
{
	(void)state;
	struct pace pace;
	pace_open(&pace, 1, 0, 0);
	serve(&pace, 1, 2 * WORK_US, 0, 120000000);
	assert_in_range(pace.limit, 1, 24);
}

static void a_server_that_says_it_has_too_much_gets_less(void **state)
{
	(void)state;
	struct pace pace;
	pace_open(&pace, 2, 0, 0);
	for (int i = 0; i < 1000; i++) {
		pace_overloaded(&pace);
		pace_answered(&pace, WORK_US, true, i);
	}
	assert_int_equal(pace.limit, 2);
}

static void the_users_bounds_hold(void **state)
{
	(void)state;
	struct pace pace;
	pace_open(&pace, 8, 10, 0);
	assert_in_range(pace.limit, 8, 10);
	pace_answered(&pace, 50 * WORK_US, false, 0);
	serve(&pace, 1, 50 * WORK_US, 0, 9000000);
	assert_int_equal(pace.limit, 8);
	pace_restart(&pace);
	assert_int_equal(pace.limit, 8);
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
