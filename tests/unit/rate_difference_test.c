/* rate_difference_test.c: Tests of the confidence sequence of a difference of rates: its ends, and how often simulated runs of
 * equal and of different rates are decided, at looks all along. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "numeric/moments.h"
#include "statistics/rate_difference.h"
#include "statistics/rate_sequence.h"
#include "statistics/sequence.h"

#define ALPHA 0.05
#define GRID 2000

/* The largest difference of a grid of pairs of rates that the product allows. */
static double grid_most(struct rate control, struct rate treatment, double kept)
{
	double most = -2, of_control[GRID + 1], of_treatment[GRID + 1];
	for (int i = 0; i <= GRID; i++) {
		of_control[i] = rate_sequence_log_ratio(control, (double)i / GRID);
		of_treatment[i] = rate_sequence_log_ratio(treatment, (double)i / GRID);
	}
	for (int i = 0; i <= GRID; i++)
		for (int j = 0; j <= GRID; j++) {
			const double c = (double)i / GRID, t = (double)j / GRID;
			if (of_control[i] + of_treatment[j] < -log(ALPHA))
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
		assert_true(fabs(interval.high - grid_most(control, treatment, kept)) < 3.0 / GRID);
		assert_true(fabs(interval.low - (1 - kept - grid_most(losses, misses, kept))) < 3.0 / GRID);
	}
	/* A half to the power of 2 each, and B(5/2, 1/2) / B(1/2, 1/2) = 3/8 of each arm. */
	assert_true(fabs(rate_difference_log_ratio((struct rate){0, 2}, (struct rate){2, 2}) - log(9.0 / 64 * 16)) < 1e-12);
	const struct interval many = rate_difference((struct rate){1e9, 1e10}, (struct rate){1.1e9, 1e10}, 1, ALPHA);
	assert_true(many.low > 0.00995 && many.low < 0.01 && many.high > 0.01 && many.high < 0.01005);
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
		if (i % look_every() != 0)
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
	static const double rates[] = {0.001, 0.01, 0.1, 0.5, 0.999};
	const unsigned runs = UNIT_REPETITIONS(1000);
	(void)state;
	for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
		struct random chance = {i + 1};
		unsigned decided = 0;
		struct sequence sequence;
		for (unsigned run = 0; run < runs; run++)
			decided += run_decided(&chance, rates[i], rates[i], 4000, &sequence) > 0;
		if (getenv("RATE_RUNS"))
			print_message("both %g: %u of %u\n", rates[i], decided, runs);
		assert_in_range(decided, 0, runs / 20);
	}
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
		cmocka_unit_test(equal_rates_are_decided_in_at_most_alpha_of_the_runs),
		cmocka_unit_test(a_rate_of_none_or_all_is_decided_against_another),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
