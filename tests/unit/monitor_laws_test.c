/* monitor_laws_test.c: Tests of the laws that a drift monitor draws: they are of each feature, whatever is drawn with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "base/random.h"
#include "drift/monitor_parts.h"
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
		for (size_t j = 0; j < FEATURES; j++)
			count += expect_as_alone(j, &together->features[j], methods[m]);
		assert_int_equal(count, laws[m]);
	}
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(features_that_are_drawn_together_have_the_laws_that_each_has_alone, set_up,
						arena_end),
		cmocka_unit_test_setup_teardown(the_law_without_tails_is_narrower_where_they_are_heavy, set_up, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
