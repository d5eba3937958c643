/* value_caps_test.c: a cap takes the quantiles of the burn-in, and never moves again. */
#include "experiments/analysis/value_caps.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "experiments/rollouts/running_cap.h"

#define UNITS 1000
#define UNITS_MOST 40000

static struct arena *arena;
static struct analysis_unit units[UNITS_MOST];
static struct analysis_value values[UNITS_MOST];

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
	assert_true(fabs(cap.limits.high - (1 + 0.9 * (burn_in - 1))) < 1e-9);
	assert_true(fabs(cap.limits.low - (1 + 0.1 * (burn_in - 1))) < 1e-9);
	for (size_t i = 0; i < UNITS; i++)
		assert_true(input.values[i].value == fmax(cap.limits.low, fmin(cap.limits.high, (double)i + 1)));
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
	assert_false(plain.cap.asked);
	options.cap = 0.95;
	assert_true(metric_analyse(&input, &options, arena, &capped));
	assert_true(value_cap_applied(&capped.cap) && capped.cap.limits.high < 20);
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
	assert_true(analysis.rates && !analysis.cap.asked);
}

/* Of each 200 values one is a profit, the nth of which is n, from 1 on. */
static struct analysis_input rare(size_t count, size_t every)
{
	struct analysis_input input = rising(count);
	for (size_t i = 0; i < count; i++)
		values[i].value = i % every == every - 1 ? (double)(i / every + 1) : 0;
	return input;
}

/* The quantile of all values would be 0. */
static void rare_values_are_capped_by_the_quantile_of_their_own(void **state)
{
	struct analysis_input input = rare(200 * 200, 200);
	struct value_cap cap = {0};
	(void)state;
	assert_true(values_cap(&input, 0.9, arena, &cap));
	assert_true(value_cap_applied(&cap) && cap.limits.common == 0);
	assert_int_equal(cap.burn_in, 200 * CAP_OTHERS_LEAST);
	assert_true(fabs(cap.limits.high - (1 + 0.9 * 99)) < 1e-9 && fabs(cap.limits.low - (1 + 0.1 * 99)) < 1e-9);
	assert_true(input.values[0].value == 0 && input.values[199].value == cap.limits.low);
	assert_true(input.values[200 * 200 - 1].value == cap.limits.high);
	assert_int_equal(cap.capped, 10 + 110); /* 1 to 10; 91 to 200 */
}

static void too_few_rare_values_are_not_capped(void **state)
{
	struct analysis_input input = rare(200 * 99 + 199, 200); /* 99 of them */
	struct value_cap cap = {0};
	struct metric_analysis analysis;
	const struct analysis_options options = {.alpha = ANALYSIS_ALPHA, .practical = ANALYSIS_PRACTICAL, .cap = 0.99};
	(void)state;
	assert_true(metric_analyse(&input, &options, arena, &analysis));
	assert_true(analysis.cap.asked && !value_cap_applied(&analysis.cap));
	assert_true(analysis.arms[1].mean > 0.4);
	assert_true(values_cap(&input, 0.99, arena, &cap));
	assert_int_equal(cap.limits.others, 99);
	assert_int_equal(cap.capped, 0);
	input = rare(200 * 100, 200);
	assert_true(values_cap(&input, 0.99, arena, &cap) && value_cap_applied(&cap));
}

/* At one half they are not. Another value may be what most have, and the others what a cap is for. */
static void zeroes_of_more_than_half_are_common(void **state)
{
	double half[] = {0, -3, 0, -2, 0, -1}, more[] = {0, 3, 0, 2, 0, 1, 0}, ones[] = {1, 1, 1, 5}, none[1] = {0};
	(void)state;
	assert_true(isnan(cap_common(half, 6)) && cap_common(more, 7) == 0 && isnan(cap_common(ones, 4)));
	assert_true(isnan(cap_common(none, 0)));
}

/* What comes one by one has the same limits. */
static void waiting_values_have_the_same_limits(void **state)
{
	struct analysis_input input = rare(200 * 200, 200);
	struct running_cap *running = running_cap_open(0.9);
	struct value_cap cap = {0};
	size_t given = 0;
	(void)state;
	assert_non_null(running);
	for (bool known = false; !known; given++)
		known = running_cap_wait(
			running, &(struct waiting_value){.arm = units[given].arm, .is_first = true, .value = values[given].value});
	assert_true(values_cap(&input, 0.9, arena, &cap));
	assert_int_equal(given, cap.burn_in);
	for (size_t i = 0; i < input.value_count; i++)
		assert_true(running_cap_apply(running, values[i].value) == input.values[i].value);
	running_cap_close(running);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(later_values_do_not_move_the_quantiles),
		cmocka_unit_test(without_an_end_of_the_burn_in_all_values_are_in_it),
		cmocka_unit_test(several_values_of_a_unit_are_one_unit_of_the_burn_in),
		cmocka_unit_test(a_tail_no_longer_hides_a_difference),
		cmocka_unit_test(rates_are_not_capped),
		cmocka_unit_test(rare_values_are_capped_by_the_quantile_of_their_own),
		cmocka_unit_test(too_few_rare_values_are_not_capped),
		cmocka_unit_test(zeroes_of_more_than_half_are_common),
		cmocka_unit_test(waiting_values_have_the_same_limits),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
