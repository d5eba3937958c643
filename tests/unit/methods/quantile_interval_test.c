/* quantile_interval_test.c: Tests of intervals of quantiles by order statistics: ranks by the binomial distribution, and how often
 * they hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/number/random.h"
#include "methods/numeric/quantile.h"
#include "methods/statistics/quantile_interval.h"

#define MOST 1000

static double ranks[MOST];

/* The ranks by which an interval is given, from 1; 0 and MOST + 1: it is open there. */
static void expect_ranks(size_t count, double q, double alpha, size_t low, size_t high)
{
	for (size_t i = 0; i < count; i++)
		ranks[i] = (double)(i + 1);
	const struct interval interval = quantile_interval(ranks, count, q, alpha);
	if (low == 0)
		assert_true(interval.low == -INFINITY);
	else
		assert_true(interval.low == (double)low);
	if (high == MOST + 1)
		assert_true(interval.high == INFINITY);
	else
		assert_true(interval.high == (double)high);
}

/* Sums of the binomial distribution. Of a median of 10: P(B <= 1) = 11/1024 and P(B <= 2) = 56/1024, so the ranks 2 and 9; those
 * of 5 have a chance of 1/32 beyond, which 95% does not allow and 90% does. */
static void ranks_are_those_of_the_binomial_distribution(void **state)
{
	(void)state;
	expect_ranks(10, 0.5, 0.05, 2, 9);
	expect_ranks(5, 0.5, 0.05, 0, MOST + 1);
	expect_ranks(5, 0.5, 0.10, 1, 5);
	expect_ranks(0, 0.5, 0.05, 0, MOST + 1);
	expect_ranks(71, 0.95, 0.05, 63, MOST + 1); /* 0.95^71 = 0.0262 */
	expect_ranks(72, 0.95, 0.05, 64, 72);	    /* 0.95^72 = 0.0249 */
	expect_ranks(367, 0.99, 0.05, 359, MOST + 1);
	expect_ranks(368, 0.99, 0.05, 360, 368);
}

static void intervals_hold_as_often_as_they_say(void **state)
{
	static const double quantiles[] = {0.5, 0.95, 0.99};
	static double drawn[MOST];
	struct random random = {7};
	(void)state;
	for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++) {
		const double q = quantiles[i], truth = -log1p(-q);
		size_t below = 0, above = 0;
		for (size_t run = 0; run < 2000; run++) {
			for (size_t j = 0; j < MOST; j++)
				drawn[j] = -log1p(-(double)(random_next(&random) >> 11) * 0x1p-53);
			(void)quantile_sort(drawn, MOST);
			const struct interval interval = quantile_interval(drawn, MOST, q, 0.1);
			below += truth < interval.low;
			above += truth > interval.high;
		}
		/* At most 5% each, plus three standard errors; and not much less, as 1,000 numbers allow. */
		assert_in_range(below, 40, 129);
		assert_in_range(above, 40, 129);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranks_are_those_of_the_binomial_distribution),
		cmocka_unit_test(intervals_hold_as_often_as_they_say),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
