/* sequence_level_test.c: Level of sequences, at a look after each unit: how often they reject equal arms, for metrics of many laws,
 * arms of unequal size, with and without stages; and what equal variances cost in power.
 *
 * LEVEL_RUNS=2000 makes the runs those of `make experiments`. */
#include "methods/statistics/sequence.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "methods/bandits/best_arm.h"

#define ALPHA 0.05
#define SHORT_RUNS 12
#define SHORT_UNITS 10000
#define UNITS 50000
#define STAGES_MOST 3

/* ---- laws ---- */

static double student_draw(struct random *chance)
{
	double squares = 0;
	for (int i = 0; i < 3; i++) {
		const double one = normal_draw(chance);
		squares += one * one;
	}
	return normal_draw(chance) / sqrt(squares / 3);
}

static double pareto_draw(struct random *chance, double shape)
{
	return pow(1 - uniform_draw(chance), -1 / shape);
}

static double poisson_draw(struct random *chance, double mean)
{
	double product = uniform_draw(chance), number = 0;
	for (const double least = exp(-mean); product > least; number++)
		product *= uniform_draw(chance);
	return number;
}

/* Three of a hundred users buy, most of them once. */
static double revenue_draw(struct random *chance)
{
	double sum = 0;
	if (uniform_draw(chance) >= 0.03)
		return 0;
	for (double orders = 1 + poisson_draw(chance, 0.5); orders > 0; orders--)
		sum += exp(3 + normal_draw(chance));
	return sum;
}

enum law {
	NORMAL,
	NORMAL_FAR,
	STUDENT,
	EXPONENTIAL,
	LOGNORMAL_1,
	LOGNORMAL_18,
	LOGNORMAL_2,
	PARETO_21,
	PARETO_25,
	ZERO_INFLATED,
	POISSON,
	MIXTURE,
	REVENUE,
	RARE,
	RATE,
	LAWS
};

static const char *const law_names[] = {"normal, mean 0",   "normal, mean 10, sd 2", "t of 3 degrees",
					"exponential",	    "lognormal 1",	     "lognormal 1.8",
					"lognormal 2",	    "Pareto 2.1",	     "Pareto 2.5",
					"95% 0, lognormal", "Poisson .3",	     "1% of another normal",
					"revenue per user", "rate of .4%",	     "rate of 30%"};

static double law_draw(enum law law, struct random *chance)
{
	switch (law) {
	case NORMAL:
		return normal_draw(chance);
	case NORMAL_FAR:
		return 10 + 2 * normal_draw(chance);
	case STUDENT:
		return student_draw(chance);
	case EXPONENTIAL:
		return -log1p(-uniform_draw(chance));
	case LOGNORMAL_1:
		return exp(normal_draw(chance));
	case LOGNORMAL_18:
		return exp(1.8 * normal_draw(chance));
	case LOGNORMAL_2:
		return exp(2 * normal_draw(chance));
	case PARETO_21:
		return pareto_draw(chance, 2.1);
	case PARETO_25:
		return pareto_draw(chance, 2.5);
	case ZERO_INFLATED:
		return uniform_draw(chance) < 0.05 ? exp(1.5 * normal_draw(chance)) : 0;
	case POISSON:
		return poisson_draw(chance, 0.3);
	case MIXTURE:
		return uniform_draw(chance) < 0.01 ? 50 + 10 * normal_draw(chance) : normal_draw(chance);
	case REVENUE:
		return revenue_draw(chance);
	case RARE:
		return uniform_draw(chance) < 0.004;
	default:
		return uniform_draw(chance) < 0.3;
	}
}

static bool law_is_of_rates(enum law law)
{
	return law == RARE || law == RATE;
}

/* ---- runs ---- */

static size_t runs(void)
{
	const char *wanted = getenv("LEVEL_RUNS");
	return wanted ? (size_t)strtoul(wanted, NULL, 10) : UNIT_REPETITIONS(SHORT_RUNS);
}

static size_t units(void)
{
	return getenv("LEVEL_RUNS") ? UNITS : SHORT_UNITS;
}

/* Alpha, and three standard errors: 129 of 2,000, 2 of 12. */
static double false_most(void)
{
	return ALPHA * (double)runs() + 3 * sqrt(ALPHA * (1 - ALPHA) * (double)runs());
}

/* One arm's share of the units, which are the same in all of them. */
struct share_run {
	double share;
	struct sequence sequence;
	struct moments arms[2];
};

static const double shares[] = {0.01, 0.05, 0.2, 0.5, 0.95};

#define SHARES (sizeof shares / sizeof *shares)

static void unit_enter(struct share_run *run, enum law law, double value, double chosen, double effect)
{
	const bool treated = chosen < run->share;
	if (sequence_decided(&run->sequence))
		return;
	moments_add(&run->arms[treated], value + (treated ? effect : 0));
	(void)sequence_look(&run->sequence, &run->arms[0], &run->arms[1], law_is_of_rates(law), 0.05);
}

/* In how many runs each share was ever decided. */
static void law_play(enum law law, unsigned stages, double effect, size_t decided[SHARES])
{
	memset(decided, 0, SHARES * sizeof *decided);
	for (size_t run = 0; run < runs(); run++) {
		struct share_run of_shares[SHARES];
		struct random chance = {(run + 1) * 7919 + 1000003 * (uint64_t)law};
		for (size_t i = 0; i < SHARES; i++)
			of_shares[i] = (struct share_run){shares[i], sequence_begin(ALPHA, stages), {{0}, {0}}};
		for (unsigned stage = 0; stage < stages; stage++) {
			for (size_t i = 0; i < SHARES; i++) {
				sequence_epoch(&of_shares[i].sequence, true);
				of_shares[i].sequence.weight = stages == 1 ? 1 : of_shares[i].sequence.weight;
				memset(of_shares[i].arms, 0, sizeof of_shares[i].arms);
			}
			for (size_t unit = 0; unit < units() / stages; unit++) {
				const double value = law_draw(law, &chance), chosen = uniform_draw(&chance);
				for (size_t i = 0; i < SHARES; i++)
					unit_enter(&of_shares[i], law, value, chosen, effect);
			}
		}
		for (size_t i = 0; i < SHARES; i++)
			decided[i] += sequence_decided(&of_shares[i].sequence);
	}
}

static void equal_arms_are_rarely_decided(unsigned stages)
{
	for (enum law law = NORMAL; law < LAWS; law++) {
		size_t decided[SHARES];
		law_play(law, stages, 0, decided);
		if (getenv("LEVEL_RUNS"))
			print_message("A/A, %u stages, %-22s:", stages, law_names[law]);
		for (size_t i = 0; i < SHARES; i++) {
			if (getenv("LEVEL_RUNS"))
				print_message(" %zu of %zu at %g%%%s", decided[i], runs(), 100 * shares[i],
					      i + 1 < SHARES ? "," : "\n");
			if ((double)decided[i] > false_most())
				fail_msg("%s, %g%%: %zu of %zu runs decided", law_names[law], 100 * shares[i], decided[i], runs());
		}
	}
}

static void equal_arms_are_rarely_decided_at_a_look_after_each_unit(void **state)
{
	(void)state;
	equal_arms_are_rarely_decided(1);
}

static void equal_arms_are_rarely_decided_in_stages(void **state)
{
	(void)state;
	equal_arms_are_rarely_decided(STAGES_MOST);
}

/* ---- the variance ---- */

static void a_small_arm_has_the_variance_of_both(void **state)
{
	const struct moments control = {9900, 10, 9899 * 400.0}, calm = {100, 9, 99 * 4.0}, wild = {100, 9, 99 * 900.0};
	const double common = (9899 * 400.0 + 99 * 4.0) / 9998;
	(void)state;
	assert_true(fabs(difference_variance(&control, &calm, 1, false) / (common * (1.0 / 9900 + 0.01)) - 1) < 1e-12);
	assert_true(fabs(difference_variance(&control, &wild, 1, false) / (400.0 / 9900 + 9) - 1) < 1e-12);
	assert_true(fabs(difference_variance(&control, &calm, 0.5, false) / (common * (0.25 / 9900 + 0.01)) - 1) < 1e-12);
	assert_true(fabs(difference_variance(&control, &calm, 0, false) / (common * 0.01) - 1) < 1e-12);
	assert_true(fabs(difference_variance(&control, &calm, 1, true) / (400.0 / 9900 + 0.04) - 1) < 1e-12);
}

/* So nothing is lost there. */
static void arms_of_as_many_units_have_the_variance_of_each(void **state)
{
	const struct moments one = {500, 3, 499 * 4.0}, other = {500, 2, 499 * 100.0};
	(void)state;
	assert_true(fabs(difference_variance(&one, &other, 1, false) / (104.0 / 500) - 1) < 1e-12);
	assert_true(fabs(difference_variance(&other, &one, 1, false) / (104.0 / 500) - 1) < 1e-12);
}

/* With 500 units of 10,000 it is three times the standard error of a sequence. */
static void a_difference_is_found_in_a_small_arm(void **state)
{
	size_t decided[SHARES];
	(void)state;
	law_play(NORMAL_FAR, 1, 0.6, decided);
	assert_true((double)decided[1] >= 0.9 * (double)runs() || UNIT_IS_SHORT);
	assert_true((double)decided[3] >= 0.95 * (double)runs() || UNIT_IS_SHORT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_small_arm_has_the_variance_of_both),
		cmocka_unit_test(arms_of_as_many_units_have_the_variance_of_each),
		cmocka_unit_test(equal_arms_are_rarely_decided_at_a_look_after_each_unit),
		cmocka_unit_test(equal_arms_are_rarely_decided_in_stages),
		cmocka_unit_test(a_difference_is_found_in_a_small_arm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
