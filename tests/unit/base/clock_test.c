/* clock_test.c: time that passes does not go back, in whatever unit, and the wall's is this century's. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define LOOKS 1000
#define YEAR_2020_MS INT64_C(1577836800000)
#define YEAR_2100_MS INT64_C(4102444800000)

static void time_that_passes_never_goes_back(void **state)
{
	(void)state;
	int64_t before_ns = clock_ns();
	for (int i = 0; i < LOOKS; i++) {
		int64_t us = clock_us(), ms = clock_ms(), after_ns = clock_ns();
		assert_true(us >= before_ns / NS_PER_US && us <= after_ns / NS_PER_US);
		assert_true(ms >= before_ns / NS_PER_MS && ms <= after_ns / NS_PER_MS);
		before_ns = after_ns;
	}
}

static void the_time_of_day_counts_milliseconds_since_1970(void **state)
{
	(void)state;
	assert_in_range(time_of_day_ms(), YEAR_2020_MS, YEAR_2100_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_that_passes_never_goes_back),
		cmocka_unit_test(the_time_of_day_counts_milliseconds_since_1970),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
