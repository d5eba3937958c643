/* monitor_power_test.c: Tests of how many changes a drift monitor finds beside a plain test at the same declared rate, and that its
 * false alarms stay below that rate. `make change` runs more references (DRIFT_STREAMS). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <math.h>

#include "base/number/random.h"
#include "methods/drift/tests/binned.h"
#include "methods/drift/monitor.h"
#include "methods/statistics/distribution.h"
#include "tests/unit/arena_fixture.h"

#define ROWS 2000 /* of a reference */
#define WINDOW 200
#define CATEGORIES 30
#define WINDOWS 25 /* of each reference, with a change and without */
#define ALARMS 0.25 /* per 1000 rows */
#define ALPHA (ALARMS * WINDOW / 1000)

static struct random chance;
static double values[ROWS], window[WINDOW], shares[CATEGORIES];
static struct text names[CATEGORIES];
static char name_bytes[CATEGORIES][2];

static double uniform(void)
{
	return ((double)(random_next(&chance) >> 12) + 0.5) * 0x1p-52;
}

/* Fewer would decide by chance: of 125 windows the two tests find 40 and 46, of 5,000 2,056 and 2,187. */
#define LEAST_REFERENCES 20

static size_t references_wanted(void)
{
	const char *streams = getenv("DRIFT_STREAMS");
	const size_t wanted = streams ? (size_t)strtoul(streams, NULL, 10) * 5 : 0;
	return wanted > LEAST_REFERENCES ? wanted : LEAST_REFERENCES;
}

/* What came of windows with a change, and of those without. */
struct found {
	size_t windows, monitor, plain, falsely;
};

/* A source of values: with a change, or without. */
typedef double draw_value(bool changed);
/* p of the plain test of the window against the reference. */
typedef double plain_p(void);

static void reference_judge(draw_value *draw, plain_p *plain, bool categories, struct found *found)
{
	struct error error = {0};
	struct drift_feature feature = {.name = TEXT("x"),
					.categories = categories,
					.category_count = categories ? CATEGORIES : 0,
					.category_names = categories ? names : NULL,
					.values = values,
					.least = INFINITY,
					.greatest = -INFINITY};
	for (size_t i = 0; i < ROWS; i++) {
		values[i] = draw(false);
		feature.least = fmin(feature.least, values[i]);
		feature.greatest = fmax(feature.greatest, values[i]);
	}
	const struct drift_reference reference = {
		.all_rows = ROWS, .rows = ROWS, .block = ROWS, .feature_count = 1, .features = &feature};
	const struct monitor_settings settings = {.window_rows = WINDOW, .rate = {.alarms = ALARMS, .rows = 1000}};
	struct monitor *monitor = monitor_open(arena, &reference, &settings, &error);
	assert_non_null(monitor);
	for (size_t i = 0; i < 2 * (size_t)WINDOWS; i++) {
		const struct monitor_verdict *verdict = NULL;
		for (size_t row = 0; row < WINDOW; row++) {
			window[row] = draw(i % 2);
			verdict = monitor_add(monitor, &window[row], (int64_t)(i * WINDOW + row));
		}
		assert_non_null(verdict);
		if (i % 2 == 0) {
			found->falsely += verdict->drifted;
			continue;
		}
		found->windows++;
		found->monitor += verdict->drifted;
		found->plain += plain() < ALPHA;
	}
}

static struct found judge(draw_value *draw, plain_p *plain, bool categories)
{
	struct found found = {0};
	chance.state = 11;
	for (size_t i = 0; i < references_wanted(); i++, arena_reset(arena))
		reference_judge(draw, plain, categories, &found);
	print_message("%zu windows: the monitor finds %zu and a plain test %zu; %zu without a change have an alarm, and %g are "
		      "declared\n",
		      found.windows, found.monitor, found.plain, found.falsely, (double)found.windows * ALPHA);
	return found;
}

/* A reference may by chance lie so that its windows have more: so three deviations, and half as many again. */
static void expect_rate(const struct found *found)
{
	const double declared = (double)found->windows * ALPHA;
	assert_true((double)found->falsely <= declared + 3 * sqrt(1.5 * declared));
}

/* ---- categories ---- */

#define LOST 0.4 /* of the share of the commonest */

static double zipf_draw(bool changed)
{
	const double u = uniform(), first = shares[0] * (changed ? 1 - LOST : 1), others = (1 - first) / (1 - shares[0]);
	double until = first;
	size_t category = 0;
	while (u > until && category + 1 < CATEGORIES)
		until += shares[++category] * others;
	return (double)category;
}

static double chi_square_p(void)
{
	double one[CATEGORIES] = {0}, other[CATEGORIES] = {0};
	for (size_t i = 0; i < ROWS; i++)
		one[(size_t)values[i]]++;
	for (size_t i = 0; i < WINDOW; i++)
		other[(size_t)window[i]]++;
	return binned_homogeneity(&(struct binned){CATEGORIES, one, other}).p;
}

/* The plain test raises more false alarms than are declared, since half of the categories are rare in a window. */
static void categories_are_found_about_as_often_as_by_chi_square(void **state)
{
	double sum = 0;
	(void)state;
	for (size_t i = 0; i < CATEGORIES; i++) {
		name_bytes[i][0] = (char)('a' + i % 26);
		name_bytes[i][1] = (char)('a' + i / 26);
		names[i] = (struct text){name_bytes[i], 2};
		sum += shares[i] = 1 / (double)(i + 1);
	}
	for (size_t i = 0; i < CATEGORIES; i++)
		shares[i] /= sum;
	const struct found found = judge(zipf_draw, chi_square_p, true);
	assert_true(found.monitor * 10 >= found.plain * 9);
	expect_rate(&found);
}

/* ---- numbers with a heavy tail ---- */

#define SHIFT 0.3 /* deviations of the logarithm */

static double lognormal_draw(bool changed)
{
	return exp(2 * (normal_quantile(uniform()) + (changed ? SHIFT : 0)));
}

static int numbers_compare(const void *left, const void *right)
{
	const double one = *(const double *)left, other = *(const double *)right;
	return (one > other) - (one < other);
}

static double kolmogorov_smirnov_p(void)
{
	static double sorted[ROWS];
	double most = 0;
	for (size_t i = 0; i < ROWS; i++)
		sorted[i] = values[i];
	qsort(sorted, ROWS, sizeof *sorted, numbers_compare);
	qsort(window, WINDOW, sizeof *window, numbers_compare);
	for (size_t i = 0, below = 0; i < WINDOW; i++) {
		while (below < ROWS && sorted[below] <= window[i])
			below++;
		const double share = (double)below / ROWS;
		most = fmax(most, fmax(fabs(share - (double)i / WINDOW), fabs(share - (double)(i + 1) / WINDOW)));
	}
	return kolmogorov_sf(most * sqrt((double)ROWS * WINDOW / (ROWS + WINDOW)));
}

/* Although W1 hardly sees it, and has a part of the level. */
static void numbers_are_found_about_as_often_as_by_one_test(void **state)
{
	(void)state;
	const struct found found = judge(lognormal_draw, kolmogorov_smirnov_p, false);
	assert_true(found.monitor * 100 >= found.plain * 97);
	expect_rate(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(categories_are_found_about_as_often_as_by_chi_square),
		cmocka_unit_test(numbers_are_found_about_as_often_as_by_one_test),
	};
	return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
