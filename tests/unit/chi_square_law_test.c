/* chi_square_law_test.c: Tests of the law of the chi-square statistic of categories: it is that of all windows that may come, each
 * with its chance, and a drift monitor whose windows it decides raises as many false alarms as declared. */
#include "drift/chi_square_law.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "base/random.h"
#include "drift/monitor.h"
#include "tests/unit/arena_fixture.h"

#define ARENA_BYTES ((size_t)64 << 20)

static int set_up(void **state)
{
	(void)state;
	arena = arena_open(ARENA_BYTES);
	return arena ? 0 : 1;
}

/* ---- all windows of three categories ---- */

#define THREE 3
#define WINDOW 20

/* Pearson's statistic of the table of both. */
static double statistic_of(const double *reference, const double *window)
{
	double rows = 0, sum = 0;
	for (size_t i = 0; i < THREE; i++)
		rows += reference[i];
	for (size_t i = 0; i < THREE; i++) {
		const double both = reference[i] + window[i], expected = both * WINDOW / (rows + WINDOW);
		sum += pow(window[i] - expected, 2) / expected + pow(window[i] - expected, 2) / (both - expected);
	}
	return sum;
}

/* The chance of a window in Polya's urn: rows of categories that begin with half a row more each than the reference has. */
static double window_chance(const double *reference, const double *window)
{
	double weight = 0, log_chance = lgamma(WINDOW + 1);
	for (size_t i = 0; i < THREE; i++) {
		const double own = reference[i] + 0.5;
		weight += own;
		log_chance += lgamma(own + window[i]) - lgamma(own) - lgamma(window[i] + 1);
	}
	return exp(log_chance + lgamma(weight) - lgamma(weight + WINDOW));
}

/* The chance that a window's statistic is above the square of the root. */
static double chance_beyond(const double *reference, double root)
{
	double chance = 0;
	for (size_t i = 0; i <= WINDOW; i++)
		for (size_t j = 0; i + j <= WINDOW; j++) {
			const double window[] = {(double)i, (double)j, (double)(WINDOW - i - j)};
			if (statistic_of(reference, window) > root * root)
				chance += window_chance(reference, window);
		}
	return chance;
}

/* Also far beyond what 4000 draws show: a rare category makes the statistic large, so that its values are few and far apart. The
 * limit has the chance beyond it that is asked, within a half, but that it may be a tenth too far out. */
static void the_law_is_that_of_all_windows(void **state)
{
	static const double references[][THREE] = {{100, 100, 100}, {300, 90, 10}, {700, 297, 3}, {2000, 1999, 1}};
	static const double chances[] = {0.05, 0.01, 1e-3, 1e-4, 1e-5, 1e-7};
	(void)state;
	for (size_t i = 0; i < sizeof references / sizeof *references; i++) {
		const struct chi_square_samples samples = {
			.bin_count = THREE, .counts = references[i], .dependence = 1, .window_rows = WINDOW, .rows_most = 400};
		struct chi_square_law law;
		assert_true(chi_square_law_learn(&law, &samples, arena));
		for (size_t j = 0; j < sizeof chances / sizeof *chances; j++) {
			const double root = chi_square_law_root(&law, chances[j]);
			const double beyond = chance_beyond(references[i], root), nearer = chance_beyond(references[i], 0.9 * root);
			if (beyond > 1.5 * chances[j] || 1.25 * nearer < chances[j])
				fail_msg("reference %zu: %g is beyond %g, and %g beyond nine tenths of it, where %g should be", i,
					 beyond, root, nearer, chances[j]);
		}
	}
}

static void of_one_category_the_statistic_is_always_0(void **state)
{
	static const double counts[] = {400};
	const struct chi_square_samples samples = {
		.bin_count = 1, .counts = counts, .dependence = 1, .window_rows = 50, .rows_most = 400};
	struct chi_square_law law;
	(void)state;
	assert_true(chi_square_law_learn(&law, &samples, arena));
	assert_true(chi_square_law_root(&law, 1e-3) == 0);
}

/* ---- windows of a monitor ---- */

#define CATEGORIES_MOST 40
#define ROWS_MOST 2000

struct drawn {
	size_t categories;
	double rare; /* the share of the last one; the others have equal ones */
};

struct counted {
	unsigned windows, statistic, distance; /* of these, drift by chi-square, and by the distance alone */
	double declared;
};

static size_t category_draw(struct random *chance, const struct drawn *from)
{
	const size_t last = from->categories - 1;
	return (double)(random_next(chance) >> 11) * 0x1p-53 < from->rare ? last : (size_t)random_below(chance, last);
}

/* Of one reference: categories that it lacks are new in windows. */
static void windows_count(struct random *chance, const struct drawn *before, const struct drawn *after, size_t rows,
			  int64_t window_rows, struct counted *counted)
{
	static double values[ROWS_MOST];
	static struct text names[CATEGORIES_MOST];
	double index[CATEGORIES_MOST];
	size_t known = 0;
	for (size_t i = 0; i < CATEGORIES_MOST; i++)
		index[i] = -1;
	for (size_t i = 0; i < rows; i++) {
		const size_t category = category_draw(chance, before);
		if (index[category] < 0) {
			names[known] = TEXT("c");
			index[category] = (double)known++;
		}
		values[i] = index[category];
	}
	const struct drift_feature feature = {
		.name = TEXT("x"), .categories = true, .category_count = known, .category_names = names, .values = values};
	const struct drift_reference reference = {
		.all_rows = rows, .rows = rows, .block = rows, .feature_count = 1, .features = &feature};
	const struct monitor_settings settings = {.window_rows = window_rows, /* two tests, of which each has .1 per 1000 */
						  .methods = 1U << MONITOR_JENSEN_SHANNON | 1U << MONITOR_CHI_SQUARE,
						  .rate = {.alarms = 0.2 / 0.9, .rows = 1000}};
	struct error error = {0};
	struct monitor *monitor = monitor_open(arena, &reference, &settings, &error);
	assert_non_null(monitor);
	for (unsigned window = 0; window < 100; window++) {
		const struct monitor_verdict *verdict = NULL;
		for (int64_t i = 0; i < window_rows; i++) {
			const size_t category = category_draw(chance, after);
			const double value = index[category] < 0 ? (double)known : index[category];
			verdict = monitor_add(monitor, &value, 0);
		}
		const struct monitor_test *tests = verdict->features[0].tests;
		assert_true(tests[0].method == MONITOR_JENSEN_SHANNON && tests[1].method == MONITOR_CHI_SQUARE);
		assert_true(tests[1].established == (tests[1].effect > tests[1].level) && tests[1].effect == tests[0].effect);
		counted->windows++;
		counted->distance += tests[0].established;
		counted->statistic += tests[1].established;
		counted->declared += 0.1 * (double)window_rows / 1000;
	}
	arena_reset(arena);
}

static void false_alarms_are_those_declared(void **state)
{
	static const struct drawn streams[] = {{3, 1 / 3.0}, {3, 0.005}, {10, 0.1}, {10, 0.005}, {40, 1 / 40.0}, {40, 0.002}};
	static const size_t rows[] = {400, 2000};
	static const int64_t windows[] = {50, 100};
	struct random chance = {11};
	struct counted counted = {0};
	(void)state;
	for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
		for (size_t j = 0; j < 2; j++)
			for (size_t reference = 0; reference < UNIT_REPETITIONS(8); reference++)
				windows_count(&chance, &streams[i], &streams[i], rows[j], windows[reference % 2], &counted);
	if (!UNIT_IS_SHORT && counted.statistic > 2 * counted.declared)
		fail_msg("%u false alarms, and %.1f are declared", counted.statistic, counted.declared);
}

/* A rare category that grows, as from one row in 200 to one in 12: the distance shows it in a quarter of the windows. */
static void a_rare_category_that_grows_is_found(void **state)
{
	static const struct drawn before = {5, 0.005}, after = {5, 0.08};
	struct random chance = {12};
	struct counted counted = {0};
	(void)state;
	for (size_t reference = 0; reference < UNIT_REPETITIONS(8); reference++)
		windows_count(&chance, &before, &after, 1000, 50, &counted);
	if (!UNIT_IS_SHORT && (2 * counted.statistic < counted.windows || counted.statistic < 2 * counted.distance))
		fail_msg("%u of %u windows have drift, and %u by the distance", counted.statistic, counted.windows,
			 counted.distance);
}

/* The distance decides, too: beside a rare category, a change of the common ones is in the statistic as large as chance. */
static void a_change_of_common_categories_is_found_beside_a_rare_one(void **state)
{
	static const struct drawn before = {5, 0.005}, after = {3, 0.1};
	struct random chance = {13};
	struct counted counted = {0};
	(void)state;
	for (size_t reference = 0; reference < UNIT_REPETITIONS(8); reference++)
		windows_count(&chance, &before, &after, 1000, 50, &counted);
	if (!UNIT_IS_SHORT && (counted.statistic < 0.9 * counted.distance || counted.distance < counted.windows / 2))
		fail_msg("%u of %u windows have drift, and %u by the distance", counted.statistic, counted.windows,
			 counted.distance);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_law_is_that_of_all_windows, set_up, arena_end),
		cmocka_unit_test_setup_teardown(of_one_category_the_statistic_is_always_0, set_up, arena_end),
		cmocka_unit_test_setup_teardown(false_alarms_are_those_declared, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_rare_category_that_grows_is_found, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_change_of_common_categories_is_found_beside_a_rare_one, set_up, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
