/* monitor_laws_test.c: Tests of the laws that a drift monitor draws: they are of each feature, whatever is drawn with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <math.h>

#include "base/number/random.h"
#include "methods/drift/monitor_parts.h"
#include "tests/unit/arena_fixture.h"

#define ARENA_BYTES ((size_t)256 << 20)
#define FORMS 8
#define FEATURES 80 /* more of a form than are drawn together */
#define ROWS 1500   /* more than the places that stand for them */

static double values[FEATURES][ROWS];
static struct drift_feature features[FEATURES];
static const struct text sides[] = {{"buy", 3}, {"sell", 4}, {"hold", 4}};

static int set_up(void **state)
{
	(void)state;
	arena = arena_open(ARENA_BYTES);
	return arena ? 0 : 1;
}

/* Numbers; numbers with heavy tails; whole numbers with ties; numbers of which some are missing; a category; those that
 * follow from one another much; a constant; those that do so a little. Most features are of the first form. */
static double value_of(size_t form, size_t row, double drawn, double before)
{
	const double forms[FORMS] = {drawn,	       tan(3.1 * drawn - 1.55), floor(4 * drawn), row % 9 ? drawn : (double)NAN,
				     floor(3 * drawn), 0.9 * before + drawn,	3,		  0.4 * before + drawn};
	return forms[form];
}

static void features_make(void)
{
	struct random chance = {3};
	for (size_t j = 0; j < FEATURES; j++) {
		const size_t form = j % 2 ? j / 2 % FORMS : 0;
		features[j] = (struct drift_feature){.name = TEXT("f"), .values = values[j], .least = -100, .greatest = 10000};
		if (form == 4) {
			features[j].categories = true;
			features[j].category_count = 3;
			features[j].category_names = sides;
		}
		for (size_t i = 0; i < ROWS; i++)
			values[j][i] = value_of(form, i, (double)(random_next(&chance) >> 11) * 0x1p-53, i ? values[j][i - 1] : 0);
	}
}

static const struct monitor *monitor_of(struct drift_feature *from, size_t count, unsigned methods)
{
	const struct drift_reference reference = {
		.all_rows = ROWS, .rows = ROWS, .block = ROWS, .feature_count = count, .features = from};
	const struct monitor_settings settings = {.window_rows = 200, .methods = methods, .rate = {.alarms = 1, .rows = 1000}};
	struct error error = {0};
	const struct monitor *monitor = monitor_open(arena, &reference, &settings, &error);
	if (!monitor)
		fail_msg("%s", error.text);
	return monitor;
}

static void expect_law(const struct null_law *law, const struct null_law *alone)
{
	assert_true(law->level == alone->level && law->slope == alone->slope && law->power == alone->power);
	for (size_t i = 0; i < NULL_LAW_DRAWS; i++)
		assert_true(law->drawn[i] == alone->drawn[i]);
}

static size_t expect_as_alone(size_t index, const struct watched_feature *watched, unsigned methods)
{
	const struct watched_feature *alone = monitor_of(&features[index], 1, methods)->features;
	const bool is_binned = watched->methods & MONITOR_OF_BINS, moves = watched->methods >> MONITOR_WASSERSTEIN & 1;
	assert_int_equal(watched->methods, alone->methods);
	if (is_binned)
		expect_law(&watched->binned, &alone->binned);
	if (moves) {
		expect_law(&watched->moved, &alone->moved);
		expect_law(&watched->settled, &alone->settled);
	}
	return (size_t)is_binned + (size_t)moves;
}

static void features_that_are_drawn_together_have_the_laws_that_each_has_alone(void **state)
{
	static const unsigned methods[] = {0, 1U << MONITOR_PSI | 1U << MONITOR_CHI_SQUARE,
					   1U << MONITOR_KS | 1U << MONITOR_WASSERSTEIN | 1U << MONITOR_CHI_SQUARE};
	/* Of 80 features 5 are constants, which have no W1, and 5 categories, which never have it. */
	static const size_t laws[] = {80 + 70, 80, 70 + 5};
	(void)state;
	features_make();
	for (size_t m = 0; m < UNIT_REPETITIONS(sizeof methods / sizeof *methods); m++) {
		const struct monitor *together = monitor_of(features, FEATURES, methods[m]);
		size_t count = 0;
		for (size_t j = 0; j < FEATURES; j += UNIT_IS_SHORT ? 9 : 1)
			count += expect_as_alone(j, &together->features[j], methods[m]);
		if (!UNIT_IS_SHORT)
			assert_int_equal(count, laws[m]);
	}
}

/* A fifth category has 5 of 1000 rows of the reference, and 4 of 50 of the window: Pearson's statistic of the table of both,
 * without a correction, and its law with four degrees of freedom. */
static void chi_square_decides_by_a_law_that_holds_for_rare_categories(void **state)
{
	static const struct text names[] = {{"a", 1}, {"b", 1}, {"c", 1}, {"d", 1}, {"rare", 4}};
	static const double shares[] = {250, 250, 250, 245, 5}, window[] = {12, 12, 11, 11, 4};
	static double rows[1000];
	const struct monitor_settings settings = {
		.methods = MONITOR_OF_BINS, .window_rows = 50, .rate = {.alarms = 0.5, .rows = 1000}};
	struct error error = {0};
	const struct monitor_verdict *verdict = NULL;
	struct random chance = {5};
	double statistic = 0;
	(void)state;
	for (size_t i = 0; i < 1000; i++) { /* no row follows from the one before */
		const size_t other = random_below(&chance, i + 1);
		rows[i] = rows[other];
		rows[other] = i < 250 ? 0 : i < 500 ? 1 : i < 750 ? 2 : i < 995 ? 3 : 4;
	}
	for (size_t i = 0; i < 5; i++) {
		const double both = shares[i] + window[i];
		statistic += pow(shares[i] - both * 1000 / 1050, 2) / (both * 1000 / 1050) +
			     pow(window[i] - both * 50 / 1050, 2) / (both * 50 / 1050);
	}
	const double p = exp(-statistic / 2) * (1 + statistic / 2); /* of an even number of degrees: 4; where no category is rare */
	const struct drift_feature feature = {
		.name = TEXT("x"), .categories = true, .category_count = 5, .category_names = names, .values = rows};
	const struct drift_reference reference = {
		.all_rows = 1000, .rows = 1000, .block = 1000, .feature_count = 1, .features = &feature};
	struct monitor *monitor = monitor_open(arena, &reference, &settings, &error);
	assert_non_null(monitor);
	assert_true(monitor->features[0].dependence == 1);
	for (size_t i = 0; i < 5; i++)
		for (size_t row = 0; row < (size_t)window[i]; row++) {
			const double category = (double)i;
			verdict = monitor_add(monitor, &category, 0);
		}
	assert_non_null(verdict);
	const struct monitor_test *tests = verdict->features[0].tests; /* psi, jensen-shannon, chi-square */
	assert_int_equal(verdict->features[0].test_count, 3);
	assert_int_equal(tests[2].method, MONITOR_CHI_SQUARE);
	assert_true(fabs(tests[2].statistic / statistic - 1) < 1e-12);
	for (size_t i = 0; i < 3; i++) /* one test */
		assert_true(tests[i].effect == tests[1].statistic && tests[i].established && tests[i].level == tests[0].level &&
			    tests[i].p == tests[0].p);
	assert_true(tests[0].p > p && tests[0].p < 0.9 * 0.025); /* the level of the window */
	assert_true(tests[0].effect > tests[0].level);
}

/* Heavy tails move by chance, so the law without both of them is a narrower one. */
static void the_law_without_tails_is_narrower_where_they_are_heavy(void **state)
{
	double moved = 0, settled = 0;
	(void)state;
	features_make();
	const struct watched_feature *heavy = &monitor_of(&features[3], 1, 0)->features[0];
	for (size_t i = 0; i < NULL_LAW_DRAWS; i++) {
		assert_true(heavy->settled.drawn[i] > 0);
		moved += heavy->moved.drawn[i];
		settled += heavy->settled.drawn[i];
	}
	assert_true(settled < 0.65 * moved);
}

/* ---- the draws, one by one ---- */

#define FEW 150 /* values: each has a place of its own */
#define FEW_WINDOW 60
#define DRAWN_SEED 1 /* of the monitor's draws: first the places of one sample, then those of the other */

static double few_deviation;

static size_t rows_worth(double rows, double dependence)
{
	return (size_t)(rows / dependence);
}

static size_t bin_of(const struct bins *bins, double value)
{
	size_t bin = 0;
	while (bin < bins->count && value > bins->edges[bin])
		bin++;
	return bin;
}

/* The root of the sum of (p - q)^2 over the share of both samples together. */
static double chi_square_distance(const struct bins *bins, const double *left, size_t n, const double *right, size_t m)
{
	double one[MONITOR_BINS] = {0}, other[MONITOR_BINS] = {0}, sum = 0;
	for (size_t i = 0; i < n; i++)
		one[bin_of(bins, left[i])] += 1 / (double)n;
	for (size_t i = 0; i < m; i++)
		other[bin_of(bins, right[i])] += 1 / (double)m;
	for (size_t i = 0; i <= bins->count; i++)
		if (one[i] + other[i] > 0)
			sum += pow(one[i] - other[i], 2) / ((one[i] * (double)n + other[i] * (double)m) / (double)(n + m));
	return sqrt(sum);
}

static double share_until(const double *sample, size_t count, double value)
{
	double until = 0;
	for (size_t i = 0; i < count; i++)
		until += sample[i] <= value;
	return until / (double)count;
}

/* W1: the area between both distribution functions. */
static double moved_between(const struct sorted *all, const double *left, size_t n, const double *right, size_t m)
{
	double area = 0;
	for (size_t i = 0; i + 1 < all->count; i++)
		area += fabs(share_until(left, n, all->values[i]) - share_until(right, m, all->values[i])) *
			(all->values[i + 1] - all->values[i]);
	return area;
}

static int numbers_compare(const void *one, const void *other)
{
	const double left = *(const double *)one, right = *(const double *)other;
	return (left > right) - (left < right);
}

static void expect_drawn(const struct null_law *law, double *drawn)
{
	qsort(drawn, NULL_LAW_DRAWS, sizeof *drawn, numbers_compare);
	for (size_t i = 0; i < NULL_LAW_DRAWS; i++)
		if (fabs(law->drawn[i] - drawn[i]) > 1e-9)
			fail_msg("draw %zu is %.17g, and should be %.17g", i, law->drawn[i], drawn[i]);
}

/* Whole numbers with ties at the ends of bins, so that a value on the wrong side of one is seen. */
static const struct watched_feature *few_learn(void)
{
	static double numbers[FEW];
	static struct drift_feature feature;
	struct random chance = {9};
	double sum = 0, squares = 0;
	for (size_t i = 0; i < FEW; i++) {
		numbers[i] = (double)random_below(&chance, 60);
		sum += numbers[i];
		squares += numbers[i] * numbers[i];
	}
	few_deviation = sqrt((squares - sum * sum / FEW) / (FEW - 1));
	feature = (struct drift_feature){.name = TEXT("few"), .values = numbers, .least = 0, .greatest = 59};
	const struct drift_reference reference = {
		.all_rows = FEW, .rows = FEW, .block = FEW, .feature_count = 1, .features = &feature};
	const struct monitor_settings settings = {.window_rows = FEW_WINDOW, .rate = {.alarms = 1, .rows = 1000}};
	struct error error = {0};
	const struct monitor *monitor = monitor_open(arena, &reference, &settings, &error);
	assert_non_null(monitor);
	return monitor->features;
}

static void a_small_law_is_that_of_values_drawn_one_by_one(void **state)
{
	static double binned[NULL_LAW_DRAWS], moved[NULL_LAW_DRAWS];
	double left[FEW], right[FEW];
	(void)state;
	const struct watched_feature *watched = few_learn();
	const size_t n = rows_worth(FEW, watched->dependence), m = rows_worth(FEW_WINDOW, watched->dependence);
	const double root = sqrt((double)(n * m) / (double)(n + m));
	struct random chance = {DRAWN_SEED};
	assert_true(n > 20 && m > 20 && watched->sorted.count == FEW && watched->bins.count + 1 == MONITOR_BINS);
	for (size_t draw = 0; draw < NULL_LAW_DRAWS; draw++) {
		for (size_t i = 0; i < n; i++)
			left[i] = watched->sorted.values[random_below(&chance, FEW)];
		for (size_t i = 0; i < m; i++)
			right[i] = watched->sorted.values[random_below(&chance, FEW)];
		binned[draw] = root * chi_square_distance(&watched->bins, left, n, right, m);
		moved[draw] = root * moved_between(&watched->sorted, left, n, right, m) / few_deviation;
	}
	expect_drawn(&watched->binned, binned);
	expect_drawn(&watched->moved, moved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_small_law_is_that_of_values_drawn_one_by_one, set_up, arena_end),
		cmocka_unit_test_setup_teardown(features_that_are_drawn_together_have_the_laws_that_each_has_alone, set_up,
						arena_end),
		cmocka_unit_test_setup_teardown(chi_square_decides_by_a_law_that_holds_for_rare_categories, set_up, arena_end),
		cmocka_unit_test_setup_teardown(the_law_without_tails_is_narrower_where_they_are_heavy, set_up, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
