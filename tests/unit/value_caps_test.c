/* value_caps_test.c: a cap takes the quantiles of the burn-in, and never moves again. */
#include "experiments/value_caps.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define UNITS 1000

static struct arena *arena;
static struct analysis_unit units[UNITS];
static struct analysis_value values[UNITS];

static int setup(void **state)
{
	(void)state;
	arena = arena_open((size_t)64 << 20);
	return arena ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	arena_close(arena);
	return 0;
}

/* Two arms in turn, so that the burn-in ends with value 2 * BURN_IN_UNITS; values are 1, 2, 3, ... */
static struct analysis_input rising(size_t count)
{
	for (size_t i = 0; i < count; i++) {
		units[i] = (struct analysis_unit){.arm = (uint32_t)(i % 2), .covariate = NAN};
		values[i] = (struct analysis_value){(int64_t)i, (uint32_t)i, (double)i + 1, 0, UINT32_MAX, false};
	}
	return (struct analysis_input){
		.arms = 2, .epochs = 1, .unit_count = count, .units = units, .values = values, .value_count = count};
}

static void later_values_do_not_move_the_quantiles(void **state)
{
	struct analysis_input input = rising(UNITS);
	struct value_cap cap = {0};
	(void)state;
	assert_true(values_cap(&input, 0.9, arena, &cap));
	const double burn_in = 2 * BURN_IN_UNITS;
	assert_int_equal(cap.burn_in, 2 * BURN_IN_UNITS);
	assert_true(fabs(cap.high - (1 + 0.9 * (burn_in - 1))) < 1e-9);
	assert_true(fabs(cap.low - (1 + 0.1 * (burn_in - 1))) < 1e-9);
	for (size_t i = 0; i < UNITS; i++)
		assert_true(input.values[i].value == fmax(cap.low, fmin(cap.high, (double)i + 1)));
	assert_int_equal(cap.capped, 20 + UNITS - 180); /* below 20.9, above 180.1 */
	assert_true(values[UNITS - 1].value == UNITS);	/* the caller's own stay */
}

/* One value before its end the burn-in is all there is. */
static void without_an_end_of_the_burn_in_all_values_are_in_it(void **state)
{
	struct analysis_input input = rising(2 * BURN_IN_UNITS - 1);
	struct value_cap cap = {0};
	(void)state;
	assert_true(values_cap(&input, 0.99, arena, &cap));
	assert_int_equal(cap.burn_in, 2 * BURN_IN_UNITS - 1);
	struct analysis_input none = {.arms = 2};
	assert_true(values_cap(&none, 0.99, arena, &cap));
}

static void several_values_of_a_unit_are_one_unit_of_the_burn_in(void **state)
{
	struct analysis_input input = rising(UNITS);
	struct value_cap cap = {0};
	(void)state;
	for (size_t i = 0; i < UNITS; i++)
		values[i].unit = (uint32_t)(i / 4 * 2 + i % 2); /* each twice */
	assert_true(values_cap(&input, 0.99, arena, &cap));
	assert_int_equal(cap.burn_in, 4 * BURN_IN_UNITS - 2);
}

static void a_tail_no_longer_hides_a_difference(void **state)
{
	struct metric_analysis plain, capped;
	struct analysis_input input = rising(UNITS);
	struct analysis_options options = {.alpha = ANALYSIS_ALPHA, .practical = ANALYSIS_PRACTICAL};
	(void)state;
	for (size_t i = 0; i < UNITS; i++)
		values[i].value = i % 97 == 3 ? 5000 : 10 + (double)(i % 7) + 2 * (double)(i % 2);
	assert_true(metric_analyse(&input, &options, arena, &plain));
	assert_false(plain.cap.applied);
	options.cap = 0.95;
	assert_true(metric_analyse(&input, &options, arena, &capped));
	assert_true(capped.cap.applied && capped.cap.high < 20);
	assert_int_equal(plain.pairs[0].state, PAIR_OPEN);
	assert_int_equal(capped.pairs[0].state, PAIR_BETTER);
}

static void rates_are_not_capped(void **state)
{
	struct metric_analysis analysis;
	struct analysis_input input = rising(UNITS);
	const struct analysis_options options = {.alpha = ANALYSIS_ALPHA, .practical = ANALYSIS_PRACTICAL, .cap = 0.99};
	(void)state;
	for (size_t i = 0; i < UNITS; i++)
		values[i].value = i % 500 == 0;
	assert_true(metric_analyse(&input, &options, arena, &analysis));
	assert_true(analysis.rates && !analysis.cap.applied);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(later_values_do_not_move_the_quantiles),
		cmocka_unit_test(without_an_end_of_the_burn_in_all_values_are_in_it),
		cmocka_unit_test(several_values_of_a_unit_are_one_unit_of_the_burn_in),
		cmocka_unit_test(a_tail_no_longer_hides_a_difference),
		cmocka_unit_test(rates_are_not_capped),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
