/* propensity_test.c: Tests of recorded probabilities: true ones are not refuted, whatever chose by them, and others are. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "methods/bandits/propensity.h"
#include "base/hash.h"

#define RUNS 1000
#define RECORDS 2000
#define ARMS 3
#define REFUTED_MOST 5 /* of 1,000 runs at 0.001: more have a chance of 1 in 1,600 */

static size_t arm_draw(struct random *chance, const double *chances, size_t arms)
{
	double u = uniform_draw(chance);
	size_t arm = 0;
	while (arm + 1 < arms && u >= chances[arm])
		u -= chances[arm++];
	return arm;
}

/* The chances of a record: of weights that stay, of weights that change, by a context with rare exploring, and of a learner that
 * follows what its choices earned. */
static void chances_make(size_t world, size_t record, double x, const double *earned, double chances[ARMS])
{
	static const double weights[][ARMS] = {{0.3, 0.5, 0.2}, {0.9, 0.09, 0.01}, {0.05, 0.05, 0.9}, {0.98, 0.01, 0.01}};
	size_t best = (size_t)(x * ARMS);
	if (world <= 1) {
		for (size_t arm = 0; arm < ARMS; arm++)
			chances[arm] = weights[world == 0 ? 0 : record * 4 / RECORDS][arm];
		return;
	}
	for (size_t arm = 0; world == 3 && arm < ARMS; arm++)
		best = earned[arm] > earned[best] ? arm : best;
	for (size_t arm = 0; arm < ARMS; arm++)
		chances[arm] = (arm == best ? 0.98 : 0) + 0.02 / ARMS;
}

static bool run_is_refuted(size_t world, struct random *chance)
{
	struct propensity_test test;
	double earned[ARMS] = {0}, chances[ARMS];
	propensity_begin(&test, ARMS);
	for (size_t i = 0; i < RECORDS; i++) {
		chances_make(world, i, uniform_draw(chance), earned, chances);
		const size_t arm = arm_draw(chance, chances, ARMS);
		propensity_add(&test, arm, chances[arm]);
		earned[arm] += 0.05 * (uniform_draw(chance) - earned[arm]);
	}
	return propensity_verdict(&test).refuted;
}

static void true_probabilities_are_not_refuted(void **state)
{
	struct random chance = {21};
	(void)state;
	for (size_t world = 0; world < 4; world++) {
		size_t refuted = 0;
		for (size_t run = 0; run < RUNS; run++)
			refuted += run_is_refuted(world, &chance);
		print_message("  world %zu: %zu of %d refuted\n", world, refuted, RUNS);
		assert_true(refuted <= REFUTED_MOST);
	}
}

static void other_probabilities_are_refuted_and_named(void **state)
{
	static const struct {
		double second, recorded[2]; /* how often the second arm is chosen, and what the records say of both */
		size_t arm;
	} rows[] = {
		{0.3, {0.5, 0.5}, 1}, {0.3, {0.9, 0.9}, 1},  {0.3, {1e-9, 1e-9}, 0},
		{0.3, {0.7, 1}, 1},   {0.3, {0.7, 0.03}, 1}, {0.3, {0.6, 0.4}, 1},
	};
	struct random chance = {5};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct propensity_test test;
		size_t second = 0;
		propensity_begin(&test, 2);
		for (size_t record = 0; record < RECORDS; record++) {
			const size_t arm = uniform_draw(&chance) < rows[i].second;
			second += arm;
			propensity_add(&test, arm, rows[i].recorded[arm]);
		}
		const struct propensity_verdict verdict = propensity_verdict(&test);
		if (!verdict.refuted)
			fail_msg("row %zu", i);
		assert_int_equal(verdict.records, RECORDS);
		if (rows[i].recorded[0] + rows[i].recorded[1] != 1)
			assert_int_equal(verdict.arm, rows[i].arm);
		assert_int_equal(verdict.chosen, verdict.arm == 1 ? second : RECORDS - second);
		assert_true(fabs(verdict.recorded - rows[i].recorded[verdict.arm]) < 1e-9);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(true_probabilities_are_not_refuted),
		cmocka_unit_test(other_probabilities_are_refuted_and_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
