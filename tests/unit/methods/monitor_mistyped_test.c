/* monitor_mistyped_test.c: Tests of what the drift monitor says of values that are of another type than those of the reference. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/number/random.h"
#include "methods/drift/mistyped.h"
#include "methods/drift/monitor.h"
#include "tests/unit/arena_fixture.h"

#define ARENA_BYTES ((size_t)64 << 20)
#define FEATURES 2
#define ROWS 400
#define WINDOW 100

static struct error error;
static struct random chance;
static double values[FEATURES][ROWS];
static struct drift_feature features[FEATURES];
static const struct drift_reference reference = {
	.all_rows = ROWS, .rows = ROWS, .block = ROWS, .feature_count = FEATURES, .features = features};

static double even(void)
{
	return (double)(random_next(&chance) >> 11) * 0x1p-53;
}

static int set_up(void **state)
{
	(void)state;
	error = (struct error){0};
	chance = (struct random){11};
	arena = arena_open(ARENA_BYTES);
	for (size_t j = 0; j < FEATURES; j++) {
		features[j] =
			(struct drift_feature){.name = j ? TEXT("b") : TEXT("a"), .values = values[j], .least = 0, .greatest = 1};
		for (size_t i = 0; i < ROWS; i++)
			values[j][i] = even();
	}
	return arena ? 0 : 1;
}

/* The verdict on a window whose first feature has so many values of another type, and then so many missing ones. */
static const struct monitor_verdict *judge(double alarms, int mistyped, int missing, double moved)
{
	const struct monitor_settings settings = {.window_rows = WINDOW, .rate = {.alarms = alarms, .rows = 1000}};
	struct monitor *monitor = monitor_open(arena, &reference, &settings, &error);
	const struct monitor_verdict *verdict = NULL;
	assert_non_null(monitor);
	for (int i = 0; i < WINDOW; i++) {
		const double row[FEATURES] = {i < mistyped	       ? mistyped_value()
					      : i < mistyped + missing ? (double)NAN
								       : even(),
					      even() * (1 - moved)};
		verdict = monitor_add(monitor, row, i);
	}
	return verdict;
}

/* All of a window: its feature is not compared, and the other one is. */
static void a_feature_of_another_type_is_an_alarm_of_its_own(void **state)
{
	(void)state;
	const struct monitor_verdict *verdict = judge(0.1, WINDOW, 0, 0.9);
	const struct monitor_quality *quality = &verdict->features[0].quality;
	assert_int_equal(verdict->features[0].count, 0);
	assert_int_equal(quality->mistyped, WINDOW);
	assert_int_equal(quality->missing, 0);
	assert_true(quality->mistyped_alarm && !quality->missing_alarm && !quality->lost);
	assert_true(verdict->quality_alarm && verdict->quality_declared);
	assert_int_equal(verdict->features[0].test_count, 0);
	assert_true(verdict->judged && verdict->drifted && verdict->feature == 1);
	assert_false(verdict->features[1].quality.mistyped_alarm || verdict->features[1].quality.mistyped > 0);
}

static void missing_values_are_counted_apart(void **state)
{
	(void)state;
	const struct monitor_quality quality = judge(0.1, 1, 30, 0)->features[0].quality;
	assert_int_equal(quality.mistyped, 1);
	assert_int_equal(quality.missing, 30);
	assert_true(quality.missing_alarm && !quality.mistyped_alarm);
	assert_true(judge(0.1, 20, 1, 0)->features[0].quality.mistyped_alarm);
	assert_int_equal(judge(0.1, 0, 1, 0)->features[0].quality.mistyped, 0);
}

/* The chance of `k` or more of a window, if none of the reference: each has a chance that is Beta(1/2, rows + 1/2). */
static double chance_of(int k)
{
	double total = 0;
	for (int j = k; j <= WINDOW; j++)
		total += exp(lgamma(WINDOW + 1) - lgamma(j + 1) - lgamma(WINDOW - j + 1) + lgamma(j + 0.5) +
			     lgamma(WINDOW - j + ROWS + 0.5) - lgamma(WINDOW + ROWS + 1) - lgamma(0.5) - lgamma(ROWS + 0.5) +
			     lgamma(ROWS + 1));
	return total;
}

/* Quality has a tenth of what the window takes of the declared rate, a figure of seven of that, and a feature of two of that. */
static void it_has_a_part_of_the_declared_rate(void **state)
{
	(void)state;
	for (int k = 6; k < 10; k++) {
		const double alarms = chance_of(k) * FEATURES * 7 * 10 * 1000 / WINDOW;
		assert_false(judge(alarms * 0.99, k, 0, 0)->features[0].quality.mistyped_alarm);
		assert_true(judge(alarms * 1.01, k, 0, 0)->features[0].quality.mistyped_alarm);
	}
}

/* So values of another type that the stream always has are no alarm. */
static void what_the_reference_may_have_is_usual(void **state)
{
	(void)state;
	features[0].missing = 20;
	for (size_t i = 0; i < ROWS; i += 20)
		values[0][i] = NAN;
	assert_true(judge(0.1, 8, 0, 0)->features[0].quality.mistyped_alarm);
	features[0].mistyped = 20;
	assert_false(judge(0.1, 8, 0, 0)->features[0].quality.mistyped_alarm);
	assert_true(judge(0.1, WINDOW, 0, 0)->features[0].quality.mistyped_alarm);
}

/* Where runs are missing, few of them establish no level, and what is lost is found beyond the declared rate. */
static void a_lost_feature_is_told_by_what_came_instead(void **state)
{
	(void)state;
	features[0].missing = features[0].mistyped = 20;
	for (size_t i = 100; i < 120; i++)
		values[0][i] = NAN;
	const struct monitor_verdict *verdict = judge(0.1, WINDOW, 0, 0);
	assert_true(verdict->features[0].quality.mistyped_alarm && verdict->features[0].quality.lost);
	assert_true(verdict->quality_alarm && !verdict->quality_declared && !verdict->features[0].quality.missing_alarm);
	verdict = judge(0.1, 0, WINDOW, 0);
	assert_true(verdict->features[0].quality.missing_alarm && verdict->features[0].quality.lost);
	features[0].mistyped = 0; /* of a file: one run of missing values says nothing of those */
	verdict = judge(0.1, WINDOW, 0, 0);
	assert_true(verdict->features[0].quality.mistyped_alarm && !verdict->features[0].quality.lost);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_feature_of_another_type_is_an_alarm_of_its_own, set_up, arena_end),
		cmocka_unit_test_setup_teardown(missing_values_are_counted_apart, set_up, arena_end),
		cmocka_unit_test_setup_teardown(it_has_a_part_of_the_declared_rate, set_up, arena_end),
		cmocka_unit_test_setup_teardown(what_the_reference_may_have_is_usual, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_lost_feature_is_told_by_what_came_instead, set_up, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
