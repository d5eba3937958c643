/* sequence_test.c: Tests of what experiments are decided by at every look: sequences over epochs, splits, sums of arms. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "methods/bandits/best_arm.h"
#include "methods/statistics/arm_sums.h"
#include "methods/statistics/means.h"
#include "methods/statistics/rate_difference.h"
#include "methods/statistics/rate_sequence.h"
#include "methods/statistics/sample_ratio.h"
#include "methods/statistics/sequence.h"

static bool near(double got, double wanted)
{
	return fabs(got - wanted) <= 1e-9 * fmax(1, fabs(wanted));
}

static struct moments arm(uint64_t count, double mean, double variance)
{
	return (struct moments){count, mean, variance * (double)(count - 1)};
}

static void epochs_share_alpha_between_them(void **state)
{
	(void)state;
	struct sequence staged = sequence_begin(0.05, 3), plain = sequence_begin(0.05, 0);
	sequence_epoch(&staged, true);
	assert_true(near(staged.weight, 0.3));
	sequence_epoch(&staged, false);
	assert_true(near(staged.weight, 0.6 / (M_PI * M_PI)));
	double sum = 0;
	for (int i = 0; i < 100000; i++) {
		sequence_epoch(&plain, false);
		sum += plain.weight;
	}
	assert_true(sum < 1 && sum > 0.9999);
}

static void a_look_counts_when_burn_in_is_over_and_tau_stays(void **state)
{
	(void)state;
	struct sequence sequence = sequence_begin(0.05, 1);
	sequence_epoch(&sequence, true);
	const struct moments few = arm(99, 10, 4), enough = arm(100, 10, 4), better = arm(10000, 11, 4), many = arm(10000, 20, 4);
	assert_false(sequence_look(&sequence, &few, &enough, false, 0.05));
	assert_true(isnan(sequence_estimate(&sequence)) && sequence.p == 1);
	assert_true(sequence_look(&sequence, &enough, &enough, false, 0.05));
	assert_true(near(sequence.tau2, 0.25) && !sequence_decided(&sequence));
	assert_true(sequence_look(&sequence, &many, &better, false, 0.05));
	assert_true(near(sequence.tau2, 0.25) && sequence_decided(&sequence) && sequence.interval.high < 0);
	const struct moments rare = arm(1000, 0.019, 0.0186), usual = arm(1000, 0.02, 0.0196);
	assert_false(burn_in_over(&rare, &usual, true));
	assert_true(burn_in_over(&usual, &usual, true) && burn_in_over(&rare, &usual, false));
}

/* Looks at scarce outcomes have a tenth of alpha, and those after them the rest. */
static void scarce_outcomes_are_looked_at_with_a_share_of_alpha(void **state)
{
	(void)state;
	struct sequence sequence = sequence_begin(0.05, 1);
	sequence_epoch(&sequence, true);
	const struct moments few = arm(99, 0, 0), none = arm(1000, 0, 0), some = arm(1000, 0.019, 0.0186),
			     enough = arm(1000, 0.5, 0.25);
	assert_false(sequence_look_scarce(&sequence, &few, &none) || sequence_look_scarce(&sequence, &enough, &enough));
	assert_true(sequence_look_scarce(&sequence, &none, &some) && sequence.tau2 == 0);
	const struct rate of_none = {0, 1000}, of_some = {19, 1000};
	assert_true(near(sequence.p, exp(-rate_difference_log_ratio(of_none, of_some)) / (0.1 * sequence.weight)));
	const struct interval interval = rate_difference(of_none, of_some, 1, 0.05 * 0.1 * sequence.weight);
	assert_true(near(sequence.interval.low, interval.low) && near(sequence.interval.high, interval.high));
	assert_true(near(sequence_estimate(&sequence), 0.019));
	assert_true(sequence_look(&sequence, &enough, &enough, true, 0.05));
	assert_true(near(sequence.last.high, sequence_half_width(sequence.variance, sequence.tau2, 0.05 * 0.9 * sequence.weight)));
	sequence_epoch(&sequence, false);
	assert_true(sequence_look(&sequence, &enough, &enough, true, 0.05));
	assert_true(near(sequence.last.high, sequence_half_width(sequence.variance, sequence.tau2, 0.05 * sequence.weight)));
}

/* With so many units they are rare: the arms that they came from are looked at, too. */
static void rare_outcomes_are_looked_at_by_the_arms_that_they_came_from(void **state)
{
	(void)state;
	struct sequence sequence = sequence_begin(0.05, 1);
	sequence_epoch(&sequence, true);
	const struct moments one = arm(9999, 2 / 9999.0, 2e-4), two = arm(10000, 0.0015, 0.0015),
			     three = arm(20000, 0.0003, 0.0003), enough = arm(30000, 0.5, 0.25);
	assert_true(sequence_look_scarce(&sequence, &one, &two) && sequence.method == METHOD_RATES);
	const double before = sequence.p;
	assert_true(sequence_look_scarce(&sequence, &three, &two) && sequence.method == METHOD_BINOMIAL && sequence.p < before);
	const struct rate of_three = {6, 20000}, of_two = {15, 10000}, of_shares = {15, 21};
	assert_true(near(rate_shares_log_ratio(of_three, of_two), rate_sequence_log_ratio(of_shares, 1.0 / 3)));
	assert_true(near(sequence.p, exp(-rate_shares_log_ratio(of_three, of_two)) / (0.3 * sequence.weight)));
	const double alpha = 0.05 * sequence.weight;
	const struct interval interval = rate_difference_rare(of_three, of_two, 1, 0.1 * alpha, 0.3 * alpha);
	assert_true(near(sequence.last.low, interval.low) && near(sequence.last.high, interval.high));
	assert_true(sequence_look(&sequence, &enough, &enough, true, 0.05));
	assert_true(near(sequence.last.high, sequence_half_width(sequence.variance, sequence.tau2, 0.6 * alpha)));
	assert_int_equal(sequence.method, METHOD_BINOMIAL); /* its p is the smallest */
	sequence_epoch(&sequence, false);
	assert_true(sequence_look(&sequence, &enough, &enough, true, 0.05));
	assert_true(near(sequence.last.high, sequence_half_width(sequence.variance, sequence.tau2, 0.05 * sequence.weight)));
}

static void without_evidence_the_method_is_that_of_the_last_look(void **state)
{
	(void)state;
	struct sequence sequence = sequence_begin(0.05, 1);
	sequence_epoch(&sequence, true);
	const struct moments some = arm(1000, 0.01, 0.0099), enough = arm(3000, 0.01, 0.0099);
	assert_true(sequence_look_scarce(&sequence, &some, &some) && sequence.method == METHOD_RATES);
	assert_true(sequence_look(&sequence, &enough, &enough, true, 0.05) && sequence.p == 1);
	assert_int_equal(sequence.method, METHOD_NORMAL);
}

static void an_interval_and_a_share_agree_and_only_shrink(void **state)
{
	(void)state;
	struct sequence sequence = sequence_begin(0.05, 0);
	sequence.tau2 = 1;
	sequence_epoch(&sequence, false);
	const double at = sequence_half_width(0.01, 1, 0.05 * sequence.weight);
	sequence_look_at(&sequence, at, 0.01);
	assert_true(near(sequence.p, 0.05) && fabs(sequence.interval.low) < 1e-12);
	const double high = sequence.interval.high;
	sequence_look_at(&sequence, 0, 0.1);
	assert_true(near(sequence.p, 0.05) && sequence.interval.high <= high);
	sequence_look_at(&sequence, 0.2, 0.01);
	sequence_epoch(&sequence, false);
	sequence_look_at(&sequence, 0.4, 0.01);
	assert_true(near(sequence_estimate(&sequence), 0.3));
}

static void discoveries_are_those_whose_evidence_is_enough_together(void **state)
{
	(void)state;
	const double values[] = {30, 1, 41, 0.5};
	bool discovered[4];
	assert_int_equal(e_discoveries(values, 4, 0.05, discovered), 0);
	const double more[] = {45, 1, 41, 0.5};
	assert_int_equal(e_discoveries(more, 4, 0.05, discovered), 2);
	assert_true(discovered[0] && !discovered[1] && discovered[2] && !discovered[3]);
}

static void numbers_of_a_unit_are_replaced_by_others(void **state)
{
	(void)state;
	struct arm_sums all = {0}, changed = {0};
	for (int i = 0; i < 50; i++) {
		const struct arm_unit unit = {1e3 + sin(i), cos(3 * i)}, former = {5 * i, 7};
		arm_sums_add(&all, unit.value, unit.beside);
		arm_sums_add(&changed, former.value, former.beside);
		arm_sums_replace(&changed, former, unit);
	}
	assert_true(changed.count == 50 && near(changed.mean, all.mean) && fabs(changed.squares - all.squares) < 1e-6);
	assert_true(fabs(changed.products - all.products) < 1e-6 && fabs(changed.beside_squares - all.beside_squares) < 1e-6);
}

static void a_number_far_from_0_is_replaced_exactly(void **state)
{
	(void)state;
	struct arm_sums all = {0}, one = {0};
	for (int i = 0; i < 10; i++)
		arm_sums_add(&all, 1e9 + i, 1);
	arm_sums_replace(&all, (struct arm_unit){1e9 + 3, 1}, (struct arm_unit){1e9 + 23, 1});
	assert_true(fabs(all.mean - (1e9 + 6.5)) < 1e-6);
	assert_true(fabs(all.squares - (805 - 10 * 6.5 * 6.5)) < 1e-6); /* 285 - 3 * 3 + 23 * 23 = 805 */
	assert_true(all.beside_mean == 1 && all.beside_squares == 0 && all.products == 0);
	arm_sums_add(&one, 5, 1);
	arm_sums_replace(&one, (struct arm_unit){5, 1}, (struct arm_unit){-1, 1});
	assert_true(one.mean == -1 && one.squares == 0);
}

/* Of `units` that come to two arms in turn, but for each `extra`th one, which comes to the first. The p-value at the end. */
static double split_played(struct split_watch *watch, const double *shares, double *counts, int units, int extra)
{
	double p = 1;
	for (int i = 0; i < units; i++) {
		split_watch_add(watch, counts, shares, 2, i % extra == 0 ? 0 : (size_t)i % 2);
		p = split_watch_look(watch);
	}
	return p;
}

/* log [1 / (n + 1)! x a! b!] - n log .5, all from 0 */
static double even_factor(double a, double b)
{
	return lgamma(1 + a) + lgamma(1 + b) - lgamma(2 + a + b) + (a + b) * log(2);
}

static void a_split_is_watched_over_epochs(void **state)
{
	(void)state;
	const double even[] = {0.5, 0.5}, tilted[] = {0.9, 0.1};
	double first[2] = {0}, second[2] = {0}, third[2] = {0};
	struct split_watch watch = {0};
	assert_true(split_played(&watch, even, first, 1000, 1000) == 1);
	assert_true(fabs(watch.factor - even_factor(first[0], first[1])) < 1e-9);
	for (int i = 0; i < 1000; i++)
		split_watch_add(&watch, second, tilted, 2, i % 10 == 9);
	assert_true(second[1] == 100 && split_watch_look(&watch) == 1);
	const double before = watch.factor;
	assert_true(split_played(&watch, even, third, 1000, 5) < SPLIT_ALPHA);
	assert_true(fabs(watch.factor - before - even_factor(third[0], third[1])) < 1e-9);
	assert_true(split_test((double[]){5, 0}, (double[]){1, 0}, 2, SPLIT_ALPHA).p == 1);
}

static void a_split_that_becomes_right_stays_a_mismatch(void **state)
{
	(void)state;
	const double even[] = {0.5, 0.5};
	double counts[2] = {0};
	struct split_watch watch = {0};
	const double wrong = split_played(&watch, even, counts, 1000, 5);
	while (counts[1] < counts[0])
		split_watch_add(&watch, counts, even, 2, 1);
	assert_true(wrong < SPLIT_ALPHA && split_watch_look(&watch) <= wrong && watch.factor < 0);
}

/* Arms of any sizes that have the same share: the ratio ever reaches 1/.05 in less than 5 of 100 runs, and soon does where they
 * have not. */
static void shares_of_arms_are_watched(void **state)
{
	(void)state;
	static const double shares[] = {0.01, 0.3, 0.98};
	size_t found = 0, alarms = 0;
	for (uint64_t run = 0; run < 600; run++) {
		struct random chance = {run + 5};
		for (int loses = 0; loses < 2; loses++) {
			struct share_watch watch = {0};
			double counts[3][2] = {{0}}, p = 1;
			for (size_t i = 0; i < 3000; i++) {
				const size_t arm = i % 10 < 6 ? 0 : i % 10 < 9 ? 1 : 2;
				const double share = shares[run % 3] * (loses && arm == 1 ? 0.8 : 1);
				share_watch_add(&watch, counts[arm], uniform_draw(&chance) < share);
				p = share_watch_look(&watch);
			}
			alarms += !loses && p <= 0.05;
			found += loses && run % 3 == 2 && p < SPLIT_ALPHA;
		}
	}
	assert_true(alarms <= 30);
	assert_int_equal(found, 200);
	struct share_watch watch = {0};
	double counts[2][2] = {{0}};
	for (size_t i = 0; i < 4; i++)
		share_watch_add(&watch, counts[i % 2], i % 2 == 0);
	/* 1/2 x 3/4 of each arm, against a sixteenth. */
	assert_true(near(share_watch_look(&watch), 1 / (9.0 / 64 * 16)));
}

static void an_improvement_needs_a_control_away_from_zero(void **state)
{
	(void)state;
	const struct improvement improvement = improvement_of_means(10, 0.01, 11, 0.01, 0.05);
	assert_true(improvement.defined && near(improvement.estimate, 0.1));
	assert_true(improvement.interval.low > 0.07 && improvement.interval.high < 0.13);
	assert_false(improvement_of_means(0.1, 0.01, 1, 0.01, 0.05).defined);
	assert_false(improvement_of_means(10, 0.01, -1, 0.01, 0.05).defined);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(epochs_share_alpha_between_them),
		cmocka_unit_test(a_look_counts_when_burn_in_is_over_and_tau_stays),
		cmocka_unit_test(scarce_outcomes_are_looked_at_with_a_share_of_alpha),
		cmocka_unit_test(without_evidence_the_method_is_that_of_the_last_look),
		cmocka_unit_test(rare_outcomes_are_looked_at_by_the_arms_that_they_came_from),
		cmocka_unit_test(an_interval_and_a_share_agree_and_only_shrink),
		cmocka_unit_test(discoveries_are_those_whose_evidence_is_enough_together),
		cmocka_unit_test(numbers_of_a_unit_are_replaced_by_others),
		cmocka_unit_test(a_number_far_from_0_is_replaced_exactly),
		cmocka_unit_test(a_split_is_watched_over_epochs),
		cmocka_unit_test(a_split_that_becomes_right_stays_a_mismatch),
		cmocka_unit_test(shares_of_arms_are_watched),
		cmocka_unit_test(an_improvement_needs_a_control_away_from_zero),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
