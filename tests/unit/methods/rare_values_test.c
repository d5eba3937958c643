/* rare_values_test.c: Tests of the drift monitor with features that nearly always have the same value, such as flags and states of
 * success: a reference has seen the other value never, once or a few times, which says little of how often it comes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "base/number/random.h"
#include "methods/drift/monitor.h"
#include "tests/unit/arena_fixture.h"

#define ARENA_BYTES ((size_t)256 << 20)
#define ROWS 400
#define WINDOW 100
#define REFERENCES UNIT_REPETITIONS(60)
#define WINDOWS 60

static const struct text states[] = {{"good", 4}, {"bad", 3}};

static struct random chance;
static double values[ROWS];

static int set_up(void **state)
{
	(void)state;
	chance = (struct random){31};
	arena = arena_open(ARENA_BYTES);
	return arena ? 0 : 1;
}

static double flag_draw(double share)
{
	return (double)(random_next(&chance) >> 11) * 0x1p-53 < share ? 1 : 0;
}

/* Of a category, the reference knows only what it has seen. */
static struct monitor *monitor_of(double share, bool category)
{
	const struct monitor_settings settings = {.window_rows = WINDOW, .rate = {.alarms = 0.05, .rows = 1000}};
	struct drift_feature *feature = ARENA_NEW(arena, struct drift_feature);
	struct drift_reference *reference = ARENA_NEW(arena, struct drift_reference);
	struct error error = {0};
	double most = 0;
	for (size_t i = 0; i < ROWS; i++)
		most = fmax(most, values[i] = flag_draw(share));
	*feature = (struct drift_feature){.name = TEXT("x"),
					  .values = values,
					  .greatest = most,
					  .categories = category,
					  .category_count = category ? (size_t)most + 1 : 0,
					  .category_names = category ? states : NULL};
	*reference =
		(struct drift_reference){.all_rows = ROWS, .rows = ROWS, .block = ROWS, .feature_count = 1, .features = feature};
	struct monitor *monitor = monitor_open(arena, reference, &settings, &error);
	if (!monitor)
		fail_msg("%s", error.text);
	return monitor;
}

/* The share of windows with drift, where the other value has a share of the reference, and one of the windows. */
static double windows_with_drift(double usual, double now, bool category)
{
	size_t found = 0;
	for (int trial = 0; trial < REFERENCES; trial++, arena_reset(arena)) {
		struct monitor *monitor = monitor_of(usual, category);
		for (int i = 0; i < WINDOWS * WINDOW; i++) {
			double value = flag_draw(now);
			if (category)
				value = monitor_category(monitor, 0, states[(size_t)value]);
			const struct monitor_verdict *verdict = monitor_add(monitor, &value, i);
			found += verdict && (verdict->drifted || verdict->quality_alarm);
		}
	}
	print_message("%g to %g, %s: %zu of %d windows\n", usual, now, category ? "categories" : "numbers", found,
		      REFERENCES * WINDOWS);
	return (double)found / (REFERENCES * WINDOWS);
}

static void rare_values_raise_no_more_alarms_than_declared(void **state)
{
	(void)state;
	static const double shares[] = {0, 0.001, 0.003, 0.01, 0.03};
	const double declared = 0.05 * WINDOW / 1000, most = declared + 3 * sqrt(declared / (REFERENCES * WINDOWS));
	for (size_t i = 0; i < 2 * sizeof shares / sizeof *shares; i++)
		assert_true(windows_with_drift(shares[i / 2], shares[i / 2], i % 2) <= most);
}

static void a_rare_value_that_becomes_frequent_is_found(void **state)
{
	(void)state;
	for (int category = 0; category < 2; category++) {
		assert_true(windows_with_drift(0, 0.1, category) > 0.95);
		assert_true(windows_with_drift(0.003, 0.1, category) > 0.95);
		assert_true(windows_with_drift(0.01, 0.1, category) > 0.7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rare_values_raise_no_more_alarms_than_declared, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_rare_value_that_becomes_frequent_is_found, set_up, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
