/* rate_difference_test.c: Tests of the confidence sequence of a difference of rates: its ends, and how often simulated runs of
 * equal and of different rates are decided, at looks all along. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/number/random.h"
#include "methods/numeric/moments.h"
#include "methods/statistics/rate_difference.h"
#include "methods/statistics/rate_sequence.h"
#include "methods/statistics/sequence.h"

#define ALPHA 0.05
#define GRID 2000

static const struct interval any_ratio = {0, INFINITY};

/* The largest difference of a grid of pairs of rates that the product allows, and of ratios in an interval. */
static double grid_most(struct rate control, struct rate treatment, double kept, struct interval ratio)
{
	double most = -2, of_control[GRID + 1], of_treatment[GRID + 1];
	for (int i = 0; i <= GRID; i++) {
		of_control[i] = rate_sequence_log_ratio(control, (double)i / GRID);
		of_treatment[i] = rate_sequence_log_ratio(treatment, (double)i / GRID);
	}
	for (int i = 0; i <= GRID; i++)
		for (int j = 0; j <= GRID; j++) {
			const double c = (double)i / GRID, t = (double)j / GRID;
			if (of_control[i] + of_treatment[j] < -log(ALPHA) && t >= ratio.low * c &&
			    (isinf(ratio.high) || t <= ratio.high * c))
				most = fmax(most, t - kept * c);
		}
	return most;
}

static void the_ends_are_those_of_all_pairs_that_the_product_allows(void **state)
{
	static const struct rate rows[][2] = {{{0, 100}, {100, 100}},
					      {{0, 100}, {0, 300}},
					      {{70, 100}, {0, 120}},
					      {{200, 200}, {140.5, 200}},
					      {{3, 100}, {5, 400}}};
	(void)state;
	for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
		const struct rate control = rows[i / 2][0], treatment = rows[i / 2][1];
		const double kept = i % 2 == 0 ? 1 : 0.95;
		const struct rate losses = {control.trials - control.successes, control.trials};
		const struct rate misses = {treatment.trials - treatment.successes, treatment.trials};
		const struct interval interval = rate_difference(control, treatment, kept, ALPHA);
		assert_true(fabs(interval.high - grid_most(control, treatment, kept, any_ratio)) < 3.0 / GRID);
		assert_true(fabs(interval.low - (1 - kept - grid_most(losses, misses, kept, any_ratio))) < 3.0 / GRID);
	}
	/* A half to the power of 2 each, and B(5/2, 1/2) / B(1/2, 1/2) = 3/8 of each arm. */
	assert_true(fabs(rate_difference_log_ratio((struct rate){0, 2}, (struct rate){2, 2}) - log(9.0 / 64 * 16)) < 1e-12);
	const struct interval many = rate_difference((struct rate){1e9, 1e10}, (struct rate){1.1e9, 1e10}, 1, ALPHA);
	assert_true(many.low > 0.00995 && many.low < 0.01 && many.high > 0.01 && many.high < 0.01005);
}

/* The ratios that the shares of successes allow; the lowest difference is the highest of `kept` times the control less it. */
static void rare_ends_are_those_of_pairs_whose_ratio_is_allowed_too(void **state)
{
	static const struct rate rows[][2] = {{{0, 100}, {9, 100}},  {{9, 100}, {0, 300}},     {{20, 100}, {3, 120}},
					      {{3, 200}, {30, 200}}, {{20.5, 200}, {20, 400}}, {{40, 400}, {60, 400}}};
	static const double ratio_alphas[] = {0.05, 0.5, 0.9};
	(void)state;
	for (size_t i = 0; i < 12 * sizeof rows / sizeof *rows; i++) {
		const struct rate control = rows[i / 12][0], treatment = rows[i / 12][1];
		const double kept = i % 2 == 0 ? 1 : 0.7, ratio_alpha = ratio_alphas[i / 2 % 3];
		const bool turned = i / 6 % 2 == 1; /* the same of failures, which are rarer then */
		const struct interval share =
			rate_sequence((struct rate){treatment.successes, control.successes + treatment.successes}, ratio_alpha);
		const double units = control.trials / treatment.trials;
		const struct interval ratio = {units * share.low / (1 - share.low),
					       share.high < 1 ? units * share.high / (1 - share.high) : INFINITY};
		const struct interval swapped = {1 / ratio.high, ratio.low > 0 ? 1 / ratio.low : INFINITY};
		const double high = grid_most(control, treatment, kept, ratio);
		const double low = -kept * grid_most(treatment, control, 1 / kept, swapped);
		const struct rate kept_control = {control.trials - control.successes, control.trials};
		const struct rate kept_treatment = {treatment.trials - treatment.successes, treatment.trials};
		const struct interval interval =
			turned ? rate_difference_rare(kept_control, kept_treatment, kept, ALPHA, ratio_alpha)
			       : rate_difference_rare(control, treatment, kept, ALPHA, ratio_alpha);
		if (fabs(interval.low - (turned ? 1 - kept - high : low)) > 4.0 / GRID ||
		    fabs(interval.high - (turned ? 1 - kept - low : high)) > 4.0 / GRID)
			fail_msg("row %zu: %g to %g, not %g to %g", i, interval.low, interval.high, low, high);
	}
}

static double uniform(struct random *chance)
{
	return (double)(random_next(chance) >> 11) * 0x1p-53;
}

/* RATE_RUNS=1 looks after each unit, and prints what it found. */
static unsigned look_every(void)
{
	return getenv("RATE_RUNS") ? 1 : 20;
}

/* The number of units of each arm after which it is decided; 0: it is not. */
static unsigned run_decided(struct random *chance, double control, double treatment, unsigned units, struct sequence *sequence)
{
	struct moments arms[2] = {{0}, {0}};
	*sequence = sequence_begin(ALPHA, 1);
	sequence_epoch(sequence, true);
	sequence->weight = 1;
	for (unsigned i = 1; i <= units; i++) {
		moments_add(&arms[0], uniform(chance) < control);
		moments_add(&arms[1], uniform(chance) < treatment);
		if (i % (units > 4000 ? 500 : look_every()) != 0)
			continue;
		if (!sequence_look(sequence, &arms[0], &arms[1], true, 0.05))
			(void)sequence_look_scarce(sequence, &arms[0], &arms[1]);
		if (sequence_decided(sequence) || sequence->interval.low > 0 || sequence->interval.high < 0)
			return i;
	}
	return 0;
}

static void equal_rates_are_decided_in_at_most_alpha_of_the_runs(void **state)
{
	static const struct {
		double rate;
		unsigned units, runs;
	} rows[] = {{0.001, 4000, 1000}, {0.01, 4000, 1000},   {0.1, 4000, 1000},   {0.5, 4000, 1000},
		    {0.999, 4000, 1000}, {0.0002, 80000, 100}, {0.001, 40000, 100}, {0.9995, 60000, 100}};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const double rate = rows[i].rate;
		const unsigned runs = UNIT_REPETITIONS(rows[i].runs);
		struct random chance = {i + 1};
		unsigned decided = 0;
		struct sequence sequence;
		for (unsigned run = 0; run < runs; run++)
			decided += run_decided(&chance, rate, rate, rows[i].units, &sequence) > 0;
		if (getenv("RATE_RUNS"))
			print_message("both %g: %u of %u\n", rate, decided, runs);
		assert_in_range(decided, 0, runs / 20);
	}
}

#define USERS 30000

/* Users come as often as chance has it, and a tenth of them have all successes: each counts once, as its mean. In every epoch they
 * are assigned anew. */
static bool clustered_run_decided(struct random *chance, double rate, unsigned epochs)
{
	static double successes[USERS], requests[USERS];
	static bool treated[USERS];
	struct sequence sequence = sequence_begin(ALPHA, epochs);
	for (unsigned epoch = 0; epoch < epochs; epoch++) {
		double sums[2] = {0}, squares[2] = {0};
		uint64_t counts[2] = {0};
		const double share = 0.2 + 0.6 * (epoch + 1) / (epochs + 1);
		memset(requests, 0, sizeof requests);
		memset(successes, 0, sizeof successes);
		sequence_epoch(&sequence, true);
		for (unsigned i = 1; i <= 3 * USERS; i++) {
			const size_t user = random_below(chance, USERS);
			const double before = requests[user] > 0 ? successes[user] / requests[user] : 0;
			if (requests[user] == 0)
				counts[treated[user] = uniform(chance) < share]++;
			requests[user]++;
			successes[user] += user % 10 == 0 && uniform(chance) < 10 * rate;
			const double mean = successes[user] / requests[user];
			sums[treated[user]] += mean - before;
			squares[treated[user]] += mean * mean - before * before;
			if (i % 500 != 0)
				continue;
			struct moments arms[2];
			for (size_t arm = 0; arm < 2; arm++) {
				const double count = (double)counts[arm], own = sums[arm] / count;
				arms[arm] = (struct moments){counts[arm], own, fmax(0, squares[arm] - sums[arm] * own)};
			}
			if (sums[0] + sums[1] > 0 && !sequence_look(&sequence, &arms[0], &arms[1], true, 0.05))
				(void)sequence_look_scarce(&sequence, &arms[0], &arms[1]);
		}
	}
	return sequence_decided(&sequence);
}

static void equal_rates_of_returning_users_are_hardly_ever_decided(void **state)
{
	static const double rates[] = {0.0002, 0.01};
	const unsigned runs = UNIT_REPETITIONS(40);
	struct random chance = {5};
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		unsigned decided = 0;
		for (unsigned run = 0; run < runs; run++)
			decided += clustered_run_decided(&chance, rates[i / 2], i % 2 ? 3 : 1);
		if (getenv("RATE_RUNS"))
			print_message("users, both %g: %u of %u\n", rates[i / 2], decided, runs);
		assert_in_range(decided, 0, runs / 10);
	}
}

/* Without the arms that successes came from, 56 of 100 runs were decided. */
static void rare_rates_are_told_apart(void **state)
{
	const unsigned runs = UNIT_REPETITIONS(40);
	unsigned decided = 0;
	struct random chance = {1};
	struct sequence sequence;
	(void)state;
	for (unsigned run = 0; run < runs; run++) {
		decided += run_decided(&chance, 0.0002, 0.0006, 100000, &sequence) > 0;
		if (fabs(log(sequence.p / ALPHA)) > 1e-6)
			assert_int_equal(sequence_decided(&sequence), sequence.interval.low > 0);
	}
	if (getenv("RATE_RUNS"))
		print_message(".0006 against .0002: %u of %u\n", decided, runs);
	assert_true(decided >= 0.85 * runs);
}

static void a_rate_of_none_or_all_is_decided_against_another(void **state)
{
	static const struct {
		double control, treatment;
		unsigned most; /* units of each arm */
	} rows[] = {{0.3, 0, 150}, {0, 0.3, 150},     {0.7, 1, 150},	{1, 0.7, 150},
		    {0.7, 0, 100}, {0, 0.003, 12000}, {0.003, 0, 12000}};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct random chance = {i + 11};
		unsigned slowest = 0;
		struct sequence sequence;
		for (unsigned run = 0; run < UNIT_REPETITIONS(20); run++) {
			const unsigned units = run_decided(&chance, rows[i].control, rows[i].treatment, rows[i].most, &sequence);
			assert_true(units > 0);
			assert_true(rows[i].treatment > rows[i].control ? sequence.interval.low > 0 : sequence.interval.high < 0);
			slowest = units > slowest ? units : slowest;
		}
		if (getenv("RATE_RUNS"))
			print_message("%g against %g: after at most %u units of each\n", rows[i].treatment, rows[i].control,
				      slowest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_ends_are_those_of_all_pairs_that_the_product_allows),
		cmocka_unit_test(rare_ends_are_those_of_pairs_whose_ratio_is_allowed_too),
		cmocka_unit_test(rare_rates_are_told_apart),
		cmocka_unit_test(equal_rates_of_returning_users_are_hardly_ever_decided),
		cmocka_unit_test(equal_rates_are_decided_in_at_most_alpha_of_the_runs),
		cmocka_unit_test(a_rate_of_none_or_all_is_decided_against_another),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
