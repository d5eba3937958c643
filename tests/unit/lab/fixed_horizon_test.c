/* fixed_horizon_test.c: Tests of what is decided at a fixed horizon: comparisons of two rates, and of two means. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "comparison/statistics/rate_tests.h"
#include "methods/statistics/means.h"

static void expect_near(double got, double wanted)
{
	if (!(fabs(got - wanted) <= 1e-9 * fabs(wanted)))
		fail_msg("%.17g is not near %.17g", got, wanted);
}

/* Sums of hypergeometric terms, each by its ratio to the likeliest one, in Python. */
static void fisher_counts_tables_that_are_as_unlikely(void **state)
{
	(void)state;
	static const struct {
		struct rate control, treatment;
		double p;
	} rows[] = {
		{{3, 10}, {7, 10}, 0.1788954079975752},
		{{0, 10}, {5, 10}, 0.032507739938080496},
		{{1, 1000}, {9, 900}, 0.0083665052101868729},
		{{500, 1000}, {560, 1000}, 0.0081934610254603395},
		{{0, 50}, {0, 50}, 1},
		{{50, 50}, {49, 50}, 1},
		{{10, 10}, {10, 20}, 0.010993737230618788},
		{{12345, 1000000}, {12800, 1000000}, 0.0039604522448893585},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		expect_near(rate_fisher_p(rows[i].control, rows[i].treatment), rows[i].p);
}

#define FISHER_MS_MAX 1000 /* one table after the other would take minutes */

static void fisher_of_a_billion_units_is_soon_known(void **state)
{
	(void)state;
	const struct rate control = {5e8, 1e9}, treatment = {500050000, 1e9};
	const int64_t begun_ms = clock_ms();
	expect_near(rate_fisher_p(control, treatment), 0.025350247612948601);
	assert_true(clock_ms() - begun_ms < FISHER_MS_MAX);
}

/* The squares of such variances are below the least double. */
static void very_small_numbers_have_degrees_of_freedom(void **state)
{
	(void)state;
	const struct moments control = {10, 1e-100, 9e-200}, treatment = {20, 2e-100, 19e-200};
	const struct t_test test = welch_test(&control, &treatment, 0.05);
	/* 1e-200 / 10 + 1e-200 / 20, and (0.1 + 0.05)^2 / (0.1^2 / 9 + 0.05^2 / 19) */
	expect_near(test.t, 1 / sqrt(0.15));
	expect_near(test.freedom, 0.0225 / (0.01 / 9 + 0.0025 / 19));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fisher_counts_tables_that_are_as_unlikely),
		cmocka_unit_test(fisher_of_a_billion_units_is_soon_known),
		cmocka_unit_test(very_small_numbers_have_degrees_of_freedom),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
