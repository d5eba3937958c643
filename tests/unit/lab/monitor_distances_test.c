/* monitor_distances_test.c: Distances of a drift monitor's windows from its reference: those of the exact statistics. */
#include "methods/drift/monitor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "base/number/random.h"
#include "comparison/drift/distance.h"
#include "comparison/drift/kolmogorov_smirnov.h"
#include "methods/drift/monitor_parts.h"
#include "methods/numeric/quantile.h"
#include "tests/unit/session.h"
#include "tests/unit/arena_fixture.h"

#define ARENA_BYTES ((size_t)256 << 20)
#define ROWS_MOST 4000
#define WINDOW 300
#define WINDOW_MOST 303

static struct random chance;

static int set_up(void **state)
{
	(void)state;
	chance = (struct random){11};
	arena = arena_open(ARENA_BYTES);
	return arena ? 0 : 1;
}

static double even(void)
{
	return (double)(random_next(&chance) >> 11) * 0x1p-53;
}

static double normal(void)
{
	return sqrt(-2 * log(1 - even())) * cos(2 * M_PI * even());
}

/* In one pass the same as the two primitives, with ties, and also where all of a window is beyond the reference. */
static void distances_are_those_of_the_tests(void **state)
{
	(void)state;
	for (int trial = 0; trial < 300; trial++) {
		double left[40], right[60];
		struct weighed left_weighed[40], right_weighed[60];
		const size_t n = 1 + random_below(&chance, 40), m = 1 + random_below(&chance, 60);
		const double grain = trial % 3 ? 1 : 1e-3, shift = trial % 7 == 0 ? 100 : 0;
		for (size_t i = 0; i < n; i++)
			left[i] = floor(normal() * 5 / grain) * grain;
		for (size_t i = 0; i < m; i++)
			right[i] = floor(normal() * 5 / grain) * grain + shift;
		const struct sorted a = {quantile_sort(left, n), left}, b = {quantile_sort(right, m), right};
		for (size_t i = 0; i < n; i++)
			left_weighed[i] = (struct weighed){left[i], 1};
		for (size_t i = 0; i < m; i++)
			right_weighed[i] = (struct weighed){right[i], 1};
		const struct sample_distances distances = sample_distances_of(&a, 0, &b);
		assert_true(fabs(distances.largest - ks_distance_of(&a, &b).two_sided) < 1e-12);
		const double moved = distances_of(left_weighed, n, right_weighed, m).wasserstein;
		if (fabs(distances.moved - moved) > 1e-9 * (1 + moved))
			fail_msg("trial %d: W1 %g, and %g by distances_of()", trial, distances.moved, moved);
		assert_true(distances.settled <= distances.moved + 1e-12);
		assert_true(sample_distances_of(&a, (n - 1) / 4, &b).settled <= distances.settled + 1e-12);
	}
}

static double plain(void)
{
	return normal();
}

static double heavy(void)
{
	return exp(2 * normal());
}

static double heavier(void)
{
	return pow(1 - even(), -1 / 1.1);
}

static double heavy_on_both_sides(void)
{
	return tan(M_PI * (even() - 0.5));
}

static double rarely_other(void)
{
	return even() < 0.9 ? 0 : floor(5 * exp(normal()));
}

static double with_ties(void)
{
	return 1.1 * floor(5 + normal());
}

static double wasserstein_of(const double *left, size_t n, const double *right, size_t m)
{
	static struct weighed left_weighed[ROWS_MOST], right_weighed[ROWS_MOST];
	for (size_t i = 0; i < n; i++)
		left_weighed[i] = (struct weighed){left[i], 1};
	for (size_t i = 0; i < m; i++)
		right_weighed[i] = (struct weighed){right[i], 1};
	return distances_of(left_weighed, n, right_weighed, m).wasserstein;
}

/* `missing`: each row of so many has no value; 0: none. */
static void expect_distances_in(size_t window, size_t missing, size_t rows, double (*draw)(void), const char *what)
{
	static double values[ROWS_MOST], current[WINDOW_MOST];
	const struct monitor_settings settings = {.window_rows = (int64_t)window, .rate = {.alarms = 1, .rows = 1000}};
	struct error error = {0};
	for (size_t i = 0; i < rows; i++)
		values[i] = draw();
	struct drift_feature feature = {.name = TEXT("x"), .values = values, .least = -INFINITY, .greatest = INFINITY};
	const struct drift_reference reference = {
		.all_rows = rows, .rows = rows, .block = rows, .feature_count = 1, .features = &feature};
	struct monitor *monitor = monitor_open(arena, &reference, &settings, &error);
	const struct monitor_verdict *verdict = NULL;
	assert_non_null(monitor);
	for (size_t i = 0; i < window; i++) {
		current[i] = missing > 0 && i % missing == missing - 1 ? (double)NAN : draw();
		verdict = monitor_add(monitor, &current[i], (int64_t)i);
	}
	assert_non_null(verdict);
	(void)quantile_sort(values, rows);
	const struct sorted present = {quantile_sort(current, window), current};
	const double moved = wasserstein_of(values, rows, current, present.count);
	const double apart = ks_distance_of(&(struct sorted){rows, values}, &present).two_sided;
	const struct monitor_feature *judged = &verdict->features[0];
	for (size_t i = 0; i < judged->test_count; i++) {
		const struct monitor_test *test = &judged->tests[i];
		const double exact = test->method == MONITOR_KS ? apart : moved;
		if (test->method != MONITOR_KS && test->method != MONITOR_WASSERSTEIN)
			continue;
		const double most = rows <= MONITOR_SORTED_MAX	 ? 1e-9 * (1 + exact)
				    : test->method == MONITOR_KS ? 1.0 / MONITOR_SORTED_MAX
								 : 0.06 * exact;
		if (fabs(test->statistic - exact) > most)
			fail_msg("%s, %zu rows: %s is %g, and exactly %g", what, rows, monitor_method_names[test->method],
				 test->statistic, exact);
	}
}

static void expect_distances(size_t rows, double (*draw)(void), const char *what)
{
	expect_distances_in(WINDOW, 0, rows, draw, what);
}

/* A long reference is thinned: the distances are still those from all of its rows, also where its tails are heavy. */
static void distances_from_a_long_reference_are_nearly_exact(void **state)
{
	(void)state;
	static const size_t sizes[] = {400, MONITOR_SORTED_MAX, MONITOR_SORTED_MAX + 1, 1500, ROWS_MOST};
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++, arena_reset(arena)) {
		expect_distances(sizes[i], plain, "normal");
		expect_distances(sizes[i], heavy, "log-normal");
		expect_distances(sizes[i], heavier, "Pareto");
		expect_distances(sizes[i], heavy_on_both_sides, "Cauchy");
		expect_distances(sizes[i], rarely_other, "mostly 0");
		expect_distances(sizes[i], with_ties, "with ties");
	}
}

static void windows_of_any_size_may_lack_values(void **state)
{
	(void)state;
	for (size_t window = WINDOW; window <= WINDOW_MOST; window++)
		for (size_t missing = 1; missing < window; missing = missing * 3 + 1, arena_reset(arena)) {
			expect_distances_in(window, missing + 1, 400, plain, "normal, with missing values");
			expect_distances_in(window, missing + 1, 401, rarely_other, "mostly 0, with missing values");
		}
}

/* Of numbers that end in whole parts of 2^-13, which those near 1e12 keep exactly. */
static void a_large_mean_takes_nothing_from_the_deviation(void **state)
{
	(void)state;
	enum { ROWS = 400 };
	static const double base = 1e12;
	static double values[ROWS];
	const struct monitor_settings settings = {
		.methods = 1U << MONITOR_WASSERSTEIN, .window_rows = WINDOW, .rate = {.alarms = 1, .rows = 1000}};
	struct error error = {0};
	double total = 0, squares = 0;
	for (size_t i = 0; i < ROWS; i++) {
		values[i] = base + floor(normal() * 8192) / 8192;
		total += values[i] - base;
	}
	for (size_t i = 0; i < ROWS; i++)
		squares += pow(values[i] - base - total / ROWS, 2);
	const struct drift_feature feature = {.name = TEXT("x"), .values = values, .least = -INFINITY, .greatest = INFINITY};
	const struct drift_reference reference = {
		.all_rows = ROWS, .rows = ROWS, .block = ROWS, .feature_count = 1, .features = &feature};
	struct monitor *monitor = monitor_open(arena, &reference, &settings, &error);
	const struct monitor_verdict *verdict = NULL;
	assert_non_null(monitor);
	for (size_t i = 0; i < WINDOW; i++) {
		const double row = base + floor((normal() + 1) * 8192) / 8192;
		verdict = monitor_add(monitor, &row, (int64_t)i);
	}
	assert_non_null(verdict);
	const struct monitor_test *test = &verdict->features[0].tests[0];
	assert_true(fabs(test->effect * sqrt(squares / (ROWS - 1)) / test->statistic - 1) < 1e-10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(distances_are_those_of_the_tests, set_up, arena_end),
		cmocka_unit_test_setup_teardown(distances_from_a_long_reference_are_nearly_exact, set_up, arena_end),
		cmocka_unit_test_setup_teardown(windows_of_any_size_may_lack_values, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_large_mean_takes_nothing_from_the_deviation, set_up, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
