/* rate_sequence_test.c: Tests of the confidence sequence of a rate and of the watch for its rise: their values, and how often
 * simulated runs leave them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/number/random.h"
#include "methods/statistics/rate_sequence.h"

#define ALPHA 0.05

static bool near(double got, double wanted)
{
	return fabs(got - wanted) <= 1e-9 * fmax(1, fabs(wanted));
}

/* B(3/2, 3/2) = pi/8 and B(1/2, 1/2) = pi, so L of 1 of 2 against p is 1 / (8 p (1 - p)). */
static void the_ratio_is_that_of_the_mixture(void **state)
{
	(void)state;
	assert_true(near(rate_sequence_log_ratio((struct rate){1, 2}, 0.1), -log(8 * 0.1 * 0.9)));
	assert_true(near(rate_sequence_log_ratio((struct rate){0, 1}, 0.75), log(0.5 / 0.25)));
	assert_true(rate_sequence_log_ratio((struct rate){0, 5}, 0) < 0);
	assert_true(rate_sequence_log_ratio((struct rate){1, 5}, 0) == INFINITY);
}

static void the_ends_are_where_the_ratio_is_one_by_alpha(void **state)
{
	(void)state;
	const struct interval two = rate_sequence((struct rate){1, 2}, ALPHA);
	const double low = (1 - sqrt(1 - 4 / (8 / ALPHA))) / 2;
	assert_true(near(two.low, low) && near(two.high, 1 - low));
	const struct interval none = rate_sequence((struct rate){0, 0}, ALPHA);
	const struct interval clean = rate_sequence((struct rate){0, 3000}, ALPHA);
	assert_true(none.low == 0 && none.high == 1);
	assert_true(clean.low == 0 && clean.high > 1e-4 && clean.high < 0.01);
	assert_true(near(rate_sequence_log_ratio((struct rate){0, 3000}, clean.high), log(1 / ALPHA)));
	assert_true(rate_sequence((struct rate){7, 7}, ALPHA).high == 1);
	const struct interval many = rate_sequence((struct rate){1e6, 1e8}, ALPHA);
	assert_true(many.low > 0.00994 && many.low < 0.01 && many.high > 0.01 && many.high < 0.01006);
}

/* The share of runs in which the true rate is ever outside, at a look after each trial. */
static unsigned runs_left(unsigned runs, double p, uint64_t seed)
{
	struct random chance = {seed};
	unsigned left = 0;
	for (unsigned run = 0; run < runs; run++) {
		struct rate rate = {0, 0};
		bool out = false;
		for (int i = 0; i < 400 && !out; i++) {
			rate.trials++;
			rate.successes += (double)random_below(&chance, 1u << 20) < p * (1u << 20);
			out = rate_sequence_log_ratio(rate, p) >= -log(ALPHA);
		}
		left += out;
	}
	return left;
}

static void the_true_rate_leaves_the_sequence_in_at_most_alpha_of_the_runs(void **state)
{
	(void)state;
	const unsigned runs = UNIT_REPETITIONS(2000);
	const double rates[] = {0.002, 0.05, 0.5};
	for (size_t i = 0; i < 3; i++)
		assert_in_range(runs_left(runs, rates[i], i + 1), 0, runs / 20);
}

/* Looks of 100 trials each, of a rate at the limit of .05; how many runs raise an alarm within 60 looks. */
static unsigned runs_alarmed(unsigned runs, double p)
{
	struct random chance = {9};
	unsigned alarmed = 0;
	for (unsigned run = 0; run < runs; run++) {
		struct rate_watch watch = {0};
		bool alarm = false;
		for (int look = 0; look < 60; look++) {
			double bad = 0;
			for (int i = 0; i < 100; i++)
				bad += (double)random_below(&chance, 1u << 20) < p * (1u << 20);
			rate_watch_look(&watch, (struct rate){bad, 100}, 0.05);
			alarm = alarm || watch.level >= rate_watch_alarm(60, ALPHA);
		}
		alarmed += alarm;
	}
	return alarmed;
}

static void a_watch_is_quiet_at_the_limit_and_alarmed_above_it(void **state)
{
	(void)state;
	const unsigned runs = UNIT_REPETITIONS(500);
	assert_in_range(runs_alarmed(runs, 0.05), 0, runs / 20);
	assert_int_equal(runs_alarmed(runs, 0.12), runs);
}

/* What came before does not delay the alarm: a sequence of all trials would see this rise after thousands more. */
static void a_watch_sees_a_late_rise_at_once(void **state)
{
	(void)state;
	struct rate_watch watch = {0};
	for (int look = 0; look < 1000; look++)
		rate_watch_look(&watch, (struct rate){0, 3000}, 0.01);
	assert_true(watch.level < 0);
	rate_watch_look(&watch, (struct rate){150, 3000}, 0.01);
	assert_true(near(watch.level, 150 * log(2) + 2850 * log(0.98 / 0.99)));
	assert_true(watch.level > rate_watch_alarm(240, ALPHA));
	assert_true(rate_sequence((struct rate){150, 3003000}, ALPHA).high < 0.01);
	watch = (struct rate_watch){0};
	rate_watch_look(&watch, (struct rate){9, 10}, 0.8);
	assert_true(near(watch.level, 9 * log(0.9 / 0.8) + log(0.1 / 0.2)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ratio_is_that_of_the_mixture),
		cmocka_unit_test(the_ends_are_where_the_ratio_is_one_by_alpha),
		cmocka_unit_test(the_true_rate_leaves_the_sequence_in_at_most_alpha_of_the_runs),
		cmocka_unit_test(a_watch_is_quiet_at_the_limit_and_alarmed_above_it),
		cmocka_unit_test(a_watch_sees_a_late_rise_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
