/* truth_counts_test.c: Tests of the counts of truths: their sums over pipelines, and which of them cannot be. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "experiments/rollouts/rollout.h"
#include "experiments/rollouts/truth_tally.h"

static void metrics_of_pipelines_add_up(void **state)
{
	const struct truth_counts one = {3, 200000, 20000000000, 4, 2, 3, {{5, {2, 1, 2, 1, 0, 0}, 6, 7, 3}}};
	const struct truth_counts two = {1, 100000, 10000000000, 1, 4, 5, {{1, {1, 4, 0, 1, 0, 0}, 8, 9, 1}}};
	struct truth_counts sum = {0};
	(void)state;
	truth_counts_add(&sum, &one);
	truth_counts_add(&sum, &two);
	assert_int_equal(sum.units, 4);
	assert_int_equal(sum.sum, 300000);
	assert_int_equal(sum.squares, 30000000000);
	assert_true(sum.requests == 5 && sum.joined == 6 && sum.late == 8);
	assert_true(sum.metrics[0].requests == 6 && sum.metrics[0].joined == 14 && sum.metrics[0].late == 16);
	assert_int_equal(sum.metrics[0].other_values, 4);
	assert_int_equal(sum.metrics[0].units.count, 3);
	assert_float_equal(sum.metrics[0].units.mean, 2, 1e-12);
	assert_float_equal(sum.metrics[0].units.squares, 8, 1e-12); /* of 0, 2 and 4 */
}

/* Of the units' sums 6, 2, 9 and numbers of values 3, 1, 2, in two pipelines: 17 / 6, as one pipeline has it. */
static void ratios_of_pipelines_add_up(void **state)
{
	static const struct arm_unit units[] = {{6, 3}, {2, 1}, {9, 2}};
	struct truth_counts sum = {0}, other = {0};
	struct rollout_counts counts = {0};
	double squares = 0;
	(void)state;
	for (size_t i = 0; i < 3; i++)
		arm_sums_add(i < 2 ? &sum.metrics[0].units : &other.metrics[0].units, units[i].value, units[i].beside);
	truth_counts_add(&sum, &other);
	rollout_counts_truths(&counts, &sum);
	for (size_t i = 0; i < 3; i++)
		squares += pow(units[i].value - 17.0 / 6 * units[i].beside, 2) / 4;
	assert_int_equal(counts.metrics[0].count, 3);
	assert_true(fabs(counts.metrics[0].mean - (17.0 / 6)) < 1e-12);
	assert_true(fabs(counts.metrics[0].squares - squares) < 1e-12);
	assert_true(fabs(counts.ratio_effects[0] - (3 * 14.0 / 36)) < 1e-12); /* Kish's, as if all were 0 and 1 */
	sum.metrics[0].other_values = 1;
	rollout_counts_truths(&counts, &sum);
	assert_true(isinf(counts.ratio_effects[0]));
}

static void metrics_that_fell_or_cannot_be_are_recognised(void **state)
{
	const struct truth_counts before = {0, 0, 0, 0, 0, 0, {{0}, {12, {10, -3, 4, 1, 0, 0}, 0, 0, 9}}}, none = {0};
	const struct metric_counts wrong[] = {
		{11, {10, -3, 4, 1, 0, 0}, 0, 0, 9},	    {12, {9, -3, 4, 1, 0, 0}, 0, 0, 9},
		{12, {13, -3, 4, 1, 0, 0}, 0, 0, 9},	    {12, {10, NAN, 4, 1, 0, 0}, 0, 0, 9},
		{12, {10, 1e101, 4, 1, 0, 0}, 0, 0, 9},	    {12, {10, -3, -1, 1, 0, 0}, 0, 0, 9},
		{12, {10, -3, NAN, 1, 0, 0}, 0, 0, 9},	    {12, {10, -3, INFINITY, 1, 0, 0}, 0, 0, 9},
		{12, {10, -3, 4, 0, 0, 0}, 0, 0, 9},	    {12, {10, -3, 4, INFINITY, 0, 0}, 0, 0, 9},
		{12, {10, -3, 4, 1, -1, 0}, 0, 0, 9},	    {12, {10, -3, 4, 1, NAN, 0}, 0, 0, 9},
		{12, {10, -3, 4, 1, 0, INFINITY}, 0, 0, 9}, {12, {10, -3, 4, 1, 0, 0}, 0, 0, -1},
		{12, {10, -3, 4, 1, 0, 0}, 0, 0, 13},
	};
	(void)state;
	assert_true(truth_counts_rose(&none, &before) && truth_counts_rose(&before, &before));
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct truth_counts now = before;
		now.metrics[1] = wrong[i];
		assert_false(truth_counts_rose(&before, &now));
	}
}

static void counts_that_fell_or_cannot_be_are_recognised(void **state)
{
	const struct truth_counts before = {10, 5 * TRUTH_SCALE, INT64_C(4) * TRUTH_SCALE * TRUTH_SCALE, 12, 0, 0, {{0}}},
				  none = {0};
	struct truth_counts now = before;
	(void)state;
	assert_true(truth_counts_rose(&none, &none));
	assert_true(truth_counts_rose(&none, &before));
	assert_true(truth_counts_rose(&before, &now));
	now.units--;
	assert_false(truth_counts_rose(&before, &now));
	now = before;
	now.sum = now.units * TRUTH_SCALE + 1;
	assert_false(truth_counts_rose(&before, &now));
	now = before;
	now.squares = now.sum * TRUTH_SCALE + 1;
	assert_false(truth_counts_rose(&before, &now));
	now = before;
	now.requests--; /* a new leader may know all units, and not yet all of their requests */
	assert_false(truth_counts_rose(&before, &now));
	now = before;
	now.requests = now.units - 1;
	assert_false(truth_counts_rose(&none, &now));
	now = (struct truth_counts){.units = TRUTH_COUNT_MAX, .requests = TRUTH_COUNT_MAX};
	assert_true(truth_counts_rose(&before, &now));
	now.units++;
	assert_false(truth_counts_rose(&before, &now));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metrics_of_pipelines_add_up),
		cmocka_unit_test(ratios_of_pipelines_add_up),
		cmocka_unit_test(metrics_that_fell_or_cannot_be_are_recognised),
		cmocka_unit_test(counts_that_fell_or_cannot_be_are_recognised),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
