/* auc_test.c: Tests of the area under the ROC curve: its estimate from probabilities, the band, and what bins take from it. */
#include "methods/drift/tests/auc.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/number/random.h"
#include "methods/drift/tests/auc_rows.h"

#define WINDOWS 200
#define ROWS 1000

struct row {
	double probability;
	bool positive;
};

static struct random chance = {5};
static struct row rows[ROWS];

static double uniform(void)
{
	return ((double)(random_next(&chance) >> 11) + 0.5) * 0x1p-53;
}

static double pair_order(double one, double other)
{
	return one > other ? 1 : one == other ? 0.5 : 0;
}

/* Over all pairs of two rows, each of which counts as much as `weight` says. */
static double area_by_pairs(const struct row *from, size_t count, double (*weight)(const struct row *one, const struct row *other))
{
	double ordered = 0, pairs = 0;
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < count; j++) {
			const double weighs = i == j ? 0 : weight(&from[i], &from[j]);
			pairs += weighs;
			ordered += weighs * pair_order(from[i].probability, from[j].probability);
		}
	return ordered / pairs;
}

static double by_truth(const struct row *one, const struct row *other)
{
	return one->positive && !other->positive;
}

static double by_chance(const struct row *one, const struct row *other)
{
	return one->probability * (1 - other->probability);
}

/* ---- numbers ---- */

static void the_area_counts_pairs_in_order(void **state)
{
	static const struct row few[] = {{0.9, true}, {0.8, false}, {0.3, true}, {0.1, false}};
	struct auc auc = {0};
	(void)state;
	for (size_t i = 0; i < 4; i++)
		auc_add(&auc, few[i].probability, few[i].positive);
	assert_true(auc_realised(&auc) == 0.75); /* 0.3 is below 0.8 */
	auc_add(&auc, 0.8, 1);			 /* as large as a negative one, and above the other */
	assert_true(fabs(auc_realised(&auc) - 4.5 / 6) < 1e-12);
	assert_true(auc_rarer(&auc) == 2 && auc.rows == 5);
}

static void certain_rows_are_at_the_ends(void **state)
{
	struct auc auc = {0};
	(void)state;
	auc_add(&auc, 0, 0);
	auc_add(&auc, 1, 1);
	assert_true(auc_realised(&auc) == 1);
	assert_true(auc_estimate(&auc, 0.95).value == 1 && auc_estimate(&auc, 0.95).low == 1);
}

static void the_estimate_is_of_all_pairs_of_two_rows(void **state)
{
	static const struct row few[] = {{0.9, 0}, {0.8, 0}, {0.7, 0}, {0.4, 0}, {0.1, 0}, {0.01, 0}};
	struct auc auc = {0};
	(void)state;
	for (size_t i = 0; i < 6; i++)
		auc_add(&auc, few[i].probability, few[i].probability);
	assert_true(fabs(auc_estimate(&auc, 0.95).value - area_by_pairs(few, 6, by_chance)) < 1e-12);
}

static void what_gives_no_pair_has_no_area(void **state)
{
	struct auc auc = {0};
	(void)state;
	auc_add(&auc, (double)NAN, 1);
	auc_add(&auc, 1.5, 1);
	auc_add(&auc, -0.5, 0);
	assert_int_equal(auc.rows, 0);
	assert_true(isnan(auc_estimate(&auc, 0.95).value) && isnan(auc_estimate(&auc, 0.95).low));
	auc_add(&auc, 0.5, 0.5);
	assert_true(isnan(auc_estimate(&auc, 0.95).value)); /* a row makes no pair with itself */
	auc = (struct auc){0};
	auc_add(&auc, 0.5, 1);
	auc_add(&auc, 0.7, 1);
	assert_true(isnan(auc_realised(&auc)) && auc_rarer(&auc) == 0);
}

/* ---- events that are rare, or nearly certain ---- */

/* The probabilities k * 1e-6, or 1 less these, with the error of the bins: see bins_take_what_rows_of_one_bin_differ_by(). At most
 * one pair in ten is of one bin, since that has a factor of 1.13 between its probabilities. */
static void events_of_low_and_of_high_probability_have_an_area(void **state)
{
	(void)state;
	for (int high = 0; high <= 1; high++) {
		struct row rare[300];
		struct auc auc = {0}, truth = {0};
		for (size_t i = 0; i < 300; i++) {
			const double chance_of = (double)(i + 1) * 1e-6;
			rare[i].probability = high ? 1 - chance_of : chance_of;
			rare[i].positive = i >= 200;
			auc_add(&auc, rare[i].probability, rare[i].probability);
			auc_add(&truth, rare[i].probability, rare[i].positive);
		}
		const double all = area_by_pairs(rare, 300, by_chance);
		const struct performance_estimate estimate = auc_estimate(&auc, 0.95);
		assert_true(all > 0.66 && all < 0.67);
		assert_true(all - estimate.value > 0 && all - estimate.value < 0.1 / 96);
		assert_true(estimate.low < 0.5 && estimate.high > 0.9); /* of far less than one positive row */
		assert_true(fabs(auc_realised(&truth) - (high ? 0 : 1)) < 0.005);
	}
}

/* 1000 rows of chance 0.1 to 0.9, beside so many of chances that bins do not tell apart. */
static void beyond_the_bins_there_is_no_area(void **state)
{
	static const double beyond[] = {1e-9, 1e-12, 0};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct auc few = {0}, alone = {0};
		for (size_t j = 0; j < 1000; j++) {
			auc_add(&few, 0.1 + 0.8 * uniform(), 0.5);
			auc_add(&few, beyond[i], beyond[i]);
			auc_add(&alone, beyond[i], beyond[i]);
		}
		assert_true(auc_estimate(&few, 0.95).value > 0.6); /* their pairs count for nothing */
		assert_true(isnan(auc_estimate(&alone, 0.95).value) && isnan(auc_estimate(&alone, 0.95).high));
	}
}

static void a_row_alone_beyond_the_bins_is_told_apart(void **state)
{
	struct auc auc = {0};
	(void)state;
	auc_add(&auc, 1e-9, 1e-9);
	auc_add(&auc, 3e-9, 3e-9);
	assert_true(fabs(auc_estimate(&auc, 0.95).value - 0.75) < 1e-6); /* one of both is positive, the other thrice as often */
}

/* One pair in fifty may be within an open bin: its order is not known. Certain rows are equal. */
static void few_realised_pairs_may_be_beyond_the_bins(void **state)
{
	static const double ends[] = {1e-12, 1 - 1e-12};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct auc open = {0}, certain = {0};
		const double certainly = (double)i;
		for (size_t j = 0; j < 9; j++)
			for (size_t k = 0; k < 2; k++) {
				auc_add(&open, 0.5, (double)k);
				auc_add(&certain, 0.5, (double)k);
			}
		for (size_t k = 0; k < 2; k++) {
			auc_add(&open, ends[i], (double)k);
			auc_add(&certain, certainly, (double)k);
		}
		assert_true(auc_realised(&open) == 0.5); /* 1 pair of 100 */
		auc_add(&open, ends[i], 0);
		assert_true(!isnan(auc_realised(&open))); /* 2 of 110 */
		auc_add(&open, ends[i], 0);
		assert_true(isnan(auc_realised(&open))); /* 3 of 120 */
		auc_add(&certain, certainly, 0);
		auc_add(&certain, certainly, 0);
		assert_true(!isnan(auc_realised(&certain)));
	}
}

/* ---- windows ---- */

/* Inputs that have shifted by so much: probabilities are logistic in the input, and true. */
static void window_draw(double shift, double width)
{
	for (size_t i = 0; i < ROWS; i++) {
		rows[i].probability = 1 / (1 + exp(-shift - width * (uniform() - 0.5)));
		rows[i].positive = uniform() < rows[i].probability;
	}
}

static struct performance_estimate window_estimate(void)
{
	struct auc auc = {0};
	for (size_t i = 0; i < ROWS; i++)
		auc_add(&auc, rows[i].probability, rows[i].probability);
	return auc_estimate(&auc, 0.95);
}

/* Rows of a bin are up to 1/8 apart in their log-odds, so their own area is 1/2 and 1/96, and a bin has its share of the pairs.
 * Probabilities may be close to each other, and one class rare. */
static void bins_take_what_rows_of_one_bin_differ_by(void **state)
{
	static const double windows[][2] = {{0, 8}, {0, 4}, {1, 1}, {-3, 4}, {-5, 3}};
	(void)state;
	for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
		window_draw(windows[i][0], windows[i][1]);
		const double bins = window_estimate().value, all = area_by_pairs(rows, ROWS, by_chance);
		const double lacks = 1 / (96 * AUC_BINS_A_UNIT * windows[i][1]);
		assert_true(all - bins > 0 && all - bins < 2 * lacks);
	}
}

/* The realised area is that of all pairs, without bins. */
static void the_band_holds_where_only_inputs_shift(void **state)
{
	size_t held = 0;
	(void)state;
	for (size_t i = 0; i < WINDOWS; i++) {
		window_draw(4 * uniform() - 2.5, 2 + 4 * uniform());
		const struct performance_estimate estimate = window_estimate();
		const double area = area_by_pairs(rows, ROWS, by_truth);
		held += area >= estimate.low && area <= estimate.high;
	}
	assert_in_range(held, 180, 199); /* 190 are expected, and 3 deviations are 9 */
}

struct close_window {
	double shift, width; /* of the log-odds; bins are 0.125 wide */
	size_t rows;
};

/* Whether the area of a window that is drawn, with all of its order, is in its band. */
static bool close_window_holds(const struct close_window *window)
{
	struct auc auc = {0};
	struct auc_rows ranked = {0};
	for (size_t i = 0; i < window->rows; i++) {
		const double probability = 1 / (1 + exp(-window->shift - window->width * (uniform() - 0.5)));
		auc_add(&auc, probability, probability);
		auc_rows_add(&ranked, probability, uniform() < probability);
	}
	assert_false(ranked.failed);
	const struct performance_estimate estimate = auc_estimate(&auc, 0.95);
	const double area = auc_rows_area(&ranked).value;
	auc_rows_close(&ranked);
	return area >= estimate.low && area <= estimate.high;
}

/* Probabilities of one bin, of two, and of a few; windows from small ones to such in which chance does not hide that rows of one
 * bin are in order more often than not. */
static void the_band_holds_where_probabilities_are_close(void **state)
{
	static const struct close_window windows[] = {
		{0.06, 0.01, 100},  {0.06, 0.1, 100},	{-2, 0.1, 100},	  {0, 0.1, 100},   {-1, 0.5, 100},
		{0.06, 0.01, 1000}, {0.06, 0.12, 1000}, {-3, 0.05, 1000}, {2, 0.25, 1000}, {0.0625, 0.124, 20000},
	};
	(void)state;
	for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
		size_t held = 0;
		for (size_t j = 0; j < WINDOWS; j++)
			held += close_window_holds(&windows[i]);
		assert_in_range(held, 180, WINDOWS);
	}
}

/* Ranks in any order: their area has the variance (rows + 1) / (12 * positives * negatives) (Mann and Whitney 1947). */
static void the_band_of_one_bin_is_that_of_no_order(void **state)
{
	struct auc auc = {0};
	(void)state;
	for (size_t i = 0; i < 1000; i++)
		auc_add(&auc, 0.51, 0.51);
	const struct performance_estimate estimate = auc_estimate(&auc, 0.95);
	const double reach = 1.959963984540054 * sqrt(1001 / (12 * 510.0 * 490.0));
	assert_true(fabs(estimate.value - 0.5) < 1e-9);
	assert_true(fabs((0.5 - estimate.low - 1.0 / 64) / reach - 1) < 0.01);
	assert_true(fabs((estimate.high - 0.5 - 1.0 / 64) / reach - 1) < 0.01);
}

/* The same probabilities, whose truth is drawn many times: the band is as wide as the area varies. */
static void the_band_is_as_wide_as_the_area_varies(void **state)
{
	static const double windows[][2] = {{0, 6}, {-2, 4}, {2, 3}};
	(void)state;
	for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
		double sum = 0, squares = 0;
		window_draw(windows[i][0], windows[i][1]);
		const struct performance_estimate estimate = window_estimate();
		for (size_t j = 0; j < 10 * WINDOWS; j++) {
			struct auc drawn = {0};
			for (size_t k = 0; k < ROWS; k++)
				auc_add(&drawn, rows[k].probability, uniform() < rows[k].probability);
			const double area = auc_realised(&drawn);
			sum += area / (10 * WINDOWS);
			squares += area * area / (10 * WINDOWS);
		}
		const double deviation = sqrt(squares - sum * sum), reach = (estimate.high - estimate.low) / 2;
		assert_true(fabs(sum - estimate.value) < 0.002);
		assert_true(fabs(reach / (1.959963984540054 * deviation) - 1) < 0.06); /* 2,000 draws have it within 0.05 */
	}
}

static void a_change_of_meaning_is_not_seen(void **state)
{
	(void)state;
	window_draw(0, 6);
	for (size_t i = 0; i < ROWS; i++)
		rows[i].positive = !rows[i].positive;
	assert_true(window_estimate().low > 0.8);
	assert_true(area_by_pairs(rows, ROWS, by_truth) < 0.2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_area_counts_pairs_in_order),
		cmocka_unit_test(certain_rows_are_at_the_ends),
		cmocka_unit_test(events_of_low_and_of_high_probability_have_an_area),
		cmocka_unit_test(beyond_the_bins_there_is_no_area),
		cmocka_unit_test(a_row_alone_beyond_the_bins_is_told_apart),
		cmocka_unit_test(few_realised_pairs_may_be_beyond_the_bins),
		cmocka_unit_test(the_estimate_is_of_all_pairs_of_two_rows),
		cmocka_unit_test(what_gives_no_pair_has_no_area),
		cmocka_unit_test(bins_take_what_rows_of_one_bin_differ_by),
		cmocka_unit_test(the_band_holds_where_only_inputs_shift),
		cmocka_unit_test(the_band_holds_where_probabilities_are_close),
		cmocka_unit_test(the_band_of_one_bin_is_that_of_no_order),
		cmocka_unit_test(the_band_is_as_wide_as_the_area_varies),
		cmocka_unit_test(a_change_of_meaning_is_not_seen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
