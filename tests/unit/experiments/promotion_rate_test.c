/* promotion_rate_test.c: Tests of the rate of false promotions against the bivariate normal distribution. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include "experiments/analysis/promotion_rate.h"

#include <cmocka.h>

#define HOUR_MS (60 * 60 * 1000)

/* Within four standard errors of the simulation. */
static void expect_rate(const struct planned_stage *stage, int64_t check_ms, double threshold, double rate)
{
	const double told = promotion_rate(stage, check_ms, threshold);
	if (fabs(told - rate) > 4 * sqrt(rate * (1 - rate) / PROMOTION_RUNS))
		fail_msg("%g, not %g", told, rate);
}

/* Of two standard normal numbers with the correlation of 1/sqrt(2), the larger one (by quadrature). */
static void two_decisions_are_wrong_as_often_as_two_correlated_numbers(void **state)
{
	const struct planned_stage stage = {.duration_ms = HOUR_MS, .at_ends = true};
	(void)state;
	expect_rate(&stage, 30000, 0.8, 0.28605);
	expect_rate(&stage, 30000, 0.95, 0.08008);
	assert_true(promotion_rate(&stage, 30000, 0.8) == promotion_rate(&stage, 30000, 0.8));
}

static void more_looks_are_wrong_more_often(void **state)
{
	const struct planned_stage ends = {.duration_ms = HOUR_MS, .at_ends = true}, looks = {.duration_ms = HOUR_MS};
	(void)state;
	assert_true(promotion_rate(&looks, 30000, 0.95) > promotion_rate(&ends, 30000, 0.95) + 0.02);
	expect_rate(&looks, HOUR_MS, 0.95, 0.08008); /* the same two */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_decisions_are_wrong_as_often_as_two_correlated_numbers),
		cmocka_unit_test(more_looks_are_wrong_more_often),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
