/* rare_law_test.c: Tests of the law of features with rare categories: it is that of samples whose values are drawn one by one. */
#include "methods/drift/tests/rare_law.h"

#include <fenv.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/number/random.h"
#include "methods/drift/tests/binned.h"
#include "methods/numeric/quantile.h"
#include "methods/statistics/special.h"
#include "tests/unit/arena_fixture.h"

#define ROWS_MAX 4000
#define BINS_MAX 1001

/* A reference of some categories that are as common as each other, and one that has so many values more; so many categories came
 * once. */
struct mix {
	size_t rows, categories, commonest, once, missing;
	bool open; /* none can be new */
	size_t left_rows, right_rows;
};

static double values[ROWS_MAX], counts[BINS_MAX];
static uint32_t cells[ROWS_MAX + 100], left[BINS_MAX], right[BINS_MAX];

static struct rare_feature feature_of(const struct mix *mix)
{
	const size_t known = mix->categories + mix->once, repeated = mix->rows - mix->once - mix->missing;
	memset(counts, 0, sizeof counts);
	for (size_t i = 0; i < mix->rows; i++) {
		size_t bin = i < mix->commonest ? 0 : i % (mix->categories ? mix->categories : 1);
		if (i >= repeated)
			bin = mix->categories + i - repeated;
		values[i] = i >= repeated + mix->once ? (double)NAN : (double)bin;
		if (!isnan(values[i]))
			counts[bin]++;
	}
	return (struct rare_feature){.rows = mix->rows,
				     .values = values,
				     .count = mix->rows - mix->missing,
				     .bin_count = known + 1,
				     .counts = counts,
				     .once = mix->open ? 0 : mix->once,
				     .left_rows = mix->left_rows,
				     .right_rows = mix->right_rows};
}

/* ---- the same, one value at a time ---- */

static struct random chance;

/* Values of categories that came more than once are first in the cells; those of a sample are put before the others. */
static void sample_draw(size_t repeated, size_t among, size_t rows, size_t *taken_count, uint32_t *drawn)
{
	for (size_t i = 0; i < rows; i++) {
		const size_t any = random_below(&chance, among);
		if (any >= repeated) {
			drawn[cells[any]]++;
			continue;
		}
		*taken_count = *taken_count == repeated ? 0 : *taken_count;
		const size_t other = *taken_count + random_below(&chance, repeated - *taken_count);
		const uint32_t cell = cells[other];
		cells[other] = cells[*taken_count];
		cells[(*taken_count)++] = cell;
		drawn[cell]++;
	}
}

/* The root of the sum of (p - q)^2 over the share of both samples together. */
static double chi_square_distance(size_t bins, const double *one, const double *other)
{
	double n = 0, m = 0, sum = 0;
	for (size_t i = 0; i < bins; i++) {
		n += one[i];
		m += other[i];
	}
	for (size_t i = 0; i < bins; i++)
		if (one[i] + other[i] > 0)
			sum += pow(one[i] / n - other[i] / m, 2) / ((one[i] + other[i]) / (n + m));
	return sqrt(sum);
}

static double distance_of(const struct rare_feature *feature)
{
	static double shares[2 * BINS_MAX];
	for (size_t i = 0; i < feature->bin_count; i++) {
		shares[i] = left[i];
		shares[feature->bin_count + i] = right[i];
	}
	return chi_square_distance(feature->bin_count, shares, shares + feature->bin_count);
}

static void one_by_one(const struct rare_feature *feature, double *drawn)
{
	const size_t once_deviation = (size_t)ceil(sqrt((double)feature->once)), unseen = feature->bin_count - 1;
	size_t repeated = 0, end = feature->count;
	chance = (struct random){77};
	for (size_t i = 0; i < feature->rows; i++)
		if (!isnan(values[i]))
			cells[counts[(size_t)values[i]] == 1 && feature->once ? --end : repeated++] = (uint32_t)values[i];
	for (size_t i = 0; i < once_deviation; i++)
		cells[feature->count + i] = (uint32_t)unseen;
	for (size_t draw = 0; draw < NULL_LAW_DRAWS; draw++) {
		size_t taken_count = 0;
		memset(left, 0, sizeof left);
		memset(right, 0, sizeof right);
		sample_draw(repeated, feature->count + once_deviation, feature->right_rows, &taken_count, right);
		sample_draw(repeated, feature->count, feature->left_rows, &taken_count, left);
		for (size_t i = 0; i < unseen; i++)
			if (counts[i] == 1 && feature->once) {
				right[unseen] += right[i];
				right[i] = 0;
			}
		drawn[draw] = distance_of(feature);
	}
}

/* ---- both laws ---- */

/* The largest distance of the distribution functions of two samples of one law, which chance exceeds once in 1,000 times. */
#define APART_MOST (1.95 * 0.0223606797749979) /* the root of 2 / NULL_LAW_DRAWS */

static double apart(double *one, double *other)
{
	double most = 0;
	quantile_sort(one, NULL_LAW_DRAWS);
	quantile_sort(other, NULL_LAW_DRAWS);
	for (size_t i = 0; i < NULL_LAW_DRAWS; i++) {
		const double until = (double)(i + 1) - (double)sorted_until(other, NULL_LAW_DRAWS, one[i] + 1e-12);
		const double below = (double)i - (double)sorted_below(other, NULL_LAW_DRAWS, one[i] - 1e-12);
		most = fmax(most, fmax(until, -below) / NULL_LAW_DRAWS);
	}
	return most;
}

static void the_law_is_that_of_values_drawn_one_by_one(void **state)
{
	static const struct mix mixes[] = {
		{.rows = 4000, .categories = 1000, .left_rows = 3500, .right_rows = 500}, /* all others are in the left sample */
		{.rows = 4000, .categories = 1000, .left_rows = 1000, .right_rows = 125}, /* few are */
		{.rows = 4000, .categories = 400, .commonest = 3000, .left_rows = 2000, .right_rows = 2000},
		{.rows = 4000, .categories = 2, .once = 320, .left_rows = 3500, .right_rows = 500},
		{.rows = 4000, .categories = 300, .once = 320, .missing = 200, .left_rows = 3300, .right_rows = 500},
		{.rows = 400, .categories = 30, .commonest = 200, .once = 8, .left_rows = 300, .right_rows = 100},
		{.rows = 400, .categories = 5, .once = 380, .left_rows = 300, .right_rows = 100}, /* left needs some again */
		{.rows = 200, .categories = 20, .left_rows = 190, .right_rows = 30},
		{.rows = 200, .categories = 20, .left_rows = 30, .right_rows = 150}, /* both samples leave less than they take */
		{.rows = 200, .categories = 20, .left_rows = 160, .right_rows = 150},
		{.rows = 400, .categories = 20, .left_rows = 60, .right_rows = 200},
		{.rows = 400, .categories = 20, .once = 20, .open = true, .left_rows = 300, .right_rows = 100},
		/* nearly all are of one category */
		{.rows = 4000, .categories = 20, .commonest = 3900, .left_rows = 3500, .right_rows = 500},
		{.rows = 4000, .categories = 20, .commonest = 3900, .left_rows = 2000, .right_rows = 2000},
		{.rows = 4000,
		 .categories = 20,
		 .commonest = 3800,
		 .once = 40,
		 .missing = 100,
		 .left_rows = 3300,
		 .right_rows = 500},
		{.rows = 400, .categories = 2, .commonest = 398, .left_rows = 300, .right_rows = 100},
		{.rows = 200, .categories = 10, .commonest = 180, .left_rows = 190, .right_rows = 150}, /* left needs some again */
		{.rows = 200, .categories = 1, .once = 10, .left_rows = 150, .right_rows = 50},
	};
	(void)state;
	for (size_t i = 0; i < sizeof mixes / sizeof *mixes; i++) {
		const struct rare_feature feature = feature_of(&mixes[i]);
		double *drawn = ARENA_ARRAY(arena, double, NULL_LAW_DRAWS), *slowly = ARENA_ARRAY(arena, double, NULL_LAW_DRAWS);
		assert_true(rare_law_draw(&feature, arena, drawn));
		one_by_one(&feature, slowly);
		const double distance = apart(drawn, slowly);
		if (distance > APART_MOST)
			fail_msg("mix %zu: %g apart", i, distance);
	}
}

/* The left sample has them, and the right one has others. */
static void of_values_that_all_came_once_none_is_seen_again(void **state)
{
	const struct mix mix = {.rows = 400, .once = 400, .left_rows = 300, .right_rows = 100};
	const struct rare_feature feature = feature_of(&mix);
	double drawn[NULL_LAW_DRAWS];
	(void)state;
	assert_true(rare_law_draw(&feature, arena, drawn));
	for (size_t i = 0; i < NULL_LAW_DRAWS; i++)
		assert_true(fabs(drawn[i] - 400 / sqrt(300.0 * 100)) < 1e-12);
}

/* The chance of so many of the window's rows in the second of two bins, by the law of Beta and binomial: the shares of both are as
 * likely as the reference and one row more make them. */
static double chance_of(double second, double rows, double reference_first, double reference_second)
{
	const double a = reference_second + 0.5, b = reference_first + 0.5;
	return exp(-log(rows + 1) - log_beta(rows - second + 1, second + 1) + log_beta(a + second, b + rows - second) -
		   log_beta(a, b));
}

static void what_the_reference_never_saw_may_come(void **state)
{
	static const size_t seen[] = {0, 1, 4};
	(void)state;
	for (size_t i = 0; i < sizeof seen / sizeof *seen; i++) {
		const double reference[] = {(double)(400 - seen[i]), (double)seen[i]};
		const struct rare_feature feature = {
			.count = 400, .bin_count = 2, .counts = reference, .left_rows = 400, .right_rows = 100};
		double drawn[NULL_LAW_DRAWS];
		assert_true(rare_law_predict(&feature, arena, drawn));
		for (size_t second = 0; second < 8; second++) {
			const double window[] = {(double)(100 - second), (double)second};
			const double distance = chi_square_distance(2, reference, window);
			size_t came = 0;
			for (size_t draw = 0; draw < NULL_LAW_DRAWS; draw++)
				came += fabs(drawn[draw] - distance) < 1e-12;
			const double expected = chance_of((double)second, 100, reference[0], reference[1]) * NULL_LAW_DRAWS;
			if (fabs((double)came - expected) > 4 * sqrt(expected) + 1)
				fail_msg("%zu seen, %zu came: %zu draws, and %g are expected", seen[i], second, came, expected);
		}
	}
}

/* And no number on the way to it is none, with which comparisons are invalid. */
static void a_bin_alone_has_no_distance(void **state)
{
	static const double reference[] = {400};
	const struct rare_feature feature = {
		.count = 400, .bin_count = 1, .counts = reference, .left_rows = 400, .right_rows = 100};
	double drawn[NULL_LAW_DRAWS];
	(void)state;
	assert_int_equal(feclearexcept(FE_INVALID), 0);
	assert_true(rare_law_predict(&feature, arena, drawn));
	assert_int_equal(fetestexcept(FE_INVALID), 0);
	for (size_t draw = 0; draw < NULL_LAW_DRAWS; draw++)
		assert_true(drawn[draw] == 0);
}

/* The urn, one row at a time. */
static void predicted_one_by_one(const struct rare_feature *feature, double *drawn)
{
	static size_t urn[2 * ROWS_MAX];
	static double window[BINS_MAX];
	const size_t bins = feature->bin_count, rows = feature->count;
	size_t filled = 0;
	chance = (struct random){78};
	for (size_t bin = 0; bin < bins; bin++)
		for (double i = 0; i < feature->counts[bin]; i++)
			urn[filled++] = bin;
	for (size_t draw = 0; draw < NULL_LAW_DRAWS; draw++) {
		memset(window, 0, sizeof window);
		for (size_t row = 0; row < feature->right_rows; row++) {
			const size_t ticket = random_below(&chance, bins * (rows + row + 1));
			const size_t bin = ticket < bins ? ticket : urn[ticket / bins - 1];
			urn[rows + row] = bin;
			window[bin]++;
		}
		drawn[draw] = chi_square_distance(bins, feature->counts, window);
	}
}

static void the_law_of_an_urn_is_that_of_rows_drawn_one_by_one(void **state)
{
	static const double shapes[][10] = {
		{3990, 10}, {3900, 50, 30, 20}, {20, 3800, 1, 0, 100, 79}, {0, 400, 0}, {380, 2, 2, 2, 2, 2, 2, 2, 2, 4}, {40, 60}};
	static const size_t bins[] = {2, 4, 6, 3, 10, 2}, windows[] = {4000, 2000, 500, 100, 400, 50};
	(void)state;
	for (size_t i = 0; i < sizeof bins / sizeof *bins; i++) {
		double rows = 0, drawn[NULL_LAW_DRAWS], slowly[NULL_LAW_DRAWS];
		for (size_t j = 0; j < bins[i]; j++)
			rows += shapes[i][j];
		const struct rare_feature feature = {.count = (size_t)rows,
						     .bin_count = bins[i],
						     .counts = shapes[i],
						     .left_rows = (size_t)rows,
						     .right_rows = windows[i]};
		assert_true(rare_law_predict(&feature, arena, drawn));
		predicted_one_by_one(&feature, slowly);
		const double distance = apart(drawn, slowly);
		if (distance > APART_MOST)
			fail_msg("shape %zu: %g apart", i, distance);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_law_is_that_of_values_drawn_one_by_one, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(of_values_that_all_came_once_none_is_seen_again, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(what_the_reference_never_saw_may_come, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(a_bin_alone_has_no_distance, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(the_law_of_an_urn_is_that_of_rows_drawn_one_by_one, arena_begin, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
