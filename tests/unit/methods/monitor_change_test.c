/* monitor_change_test.c: Tests of `change` as a method of the drift monitor: its rate of false alarms over closed windows, that it
 * names the features that have changed, also where none of them has moved by itself, and that a window's verdict depends on its
 * rows alone. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/number/random.h"
#include "methods/drift/monitor.h"
#include "tests/unit/arena_fixture.h"

#define WIDTH 3
#define REFERENCE 400
#define WINDOW 500

static struct random chance;
static double carry, before; /* the last column keeps so much of its row before */
static double columns[WIDTH][REFERENCE];
static struct drift_feature features[WIDTH];
static struct drift_reference reference;
static const struct monitor_settings usual = {
	.methods = 1U << MONITOR_CHANGE, .window_rows = WINDOW, .rate = {.alarms = 0.2, .rows = 1000}};

static double normal(void)
{
	const double radius = sqrt(-2 * log(((double)(random_next(&chance) >> 11) + 0.5) * 0x1p-53));
	return radius * cos(2 * M_PI * (double)(random_next(&chance) >> 11) * 0x1p-53);
}

/* `together`: the correlation of the first two. */
static void row_draw(double row[WIDTH], double moved, double together)
{
	for (size_t i = 0; i < WIDTH; i++)
		row[i] = normal();
	row[1] = together * row[0] + sqrt(1 - together * together) * row[1];
	before = carry * before + sqrt(1 - carry * carry) * row[2];
	row[2] = before + moved;
}

static void reference_draw(uint64_t seed)
{
	static const char *const names[WIDTH] = {"x.a", "x.b", "x.c"};
	double row[WIDTH];
	chance.state = seed;
	for (size_t i = 0; i < REFERENCE; i++) {
		row_draw(row, 0, 0);
		for (size_t j = 0; j < WIDTH; j++)
			columns[j][i] = row[j];
	}
	for (size_t j = 0; j < WIDTH; j++)
		features[j] = (struct drift_feature){
			.name = text_of(names[j]), .values = columns[j], .least = -INFINITY, .greatest = INFINITY};
	reference = (struct drift_reference){
		.all_rows = REFERENCE, .rows = REFERENCE, .block = REFERENCE, .feature_count = WIDTH, .features = features};
}

static struct monitor *monitor_make(void)
{
	struct error error = {0};
	struct monitor *monitor = monitor_open(arena, &reference, &usual, &error);
	if (!monitor)
		fail_msg("%s", error.text);
	return monitor;
}

/* The one finding of a window whose rows change at `from`. */
static struct monitor_joint window_judge(struct monitor *monitor, int from, double moved, double together)
{
	double row[WIDTH];
	for (int i = 0;; i++) {
		row_draw(row, i < from ? 0 : moved, i < from ? 0 : together);
		const struct monitor_verdict *verdict = monitor_add(monitor, row, i);
		if (!verdict)
			continue;
		assert_int_equal(verdict->joint_count, 1);
		assert_int_equal(verdict->joints[0].test.method, MONITOR_CHANGE);
		assert_true(verdict->drifted == verdict->joints[0].test.established);
		assert_true(!verdict->drifted || (verdict->feature == WIDTH && verdict->score > 0));
		for (size_t j = 0; j < WIDTH; j++)
			assert_int_equal(verdict->features[j].test_count, 0);
		return verdict->joints[0];
	}
}

static void clean_windows_raise_no_more_alarms_than_declared(void **state)
{
	const int references = 20, windows = 20;
	int alarms = 0;
	(void)state;
	for (int i = 0; i < references; i++) {
		reference_draw((uint64_t)i + 1);
		struct monitor *monitor = monitor_make();
		for (int j = 0; j < windows; j++)
			alarms += window_judge(monitor, 0, 0, 0).test.established;
		arena_reset(arena);
	}
	const double declared = usual.rate.alarms * WINDOW / (double)usual.rate.rows * references * windows;
	if (alarms > declared + 3 * sqrt(declared))
		fail_msg("%d alarms, and %g are declared", alarms, declared);
}

static void an_alarm_names_what_has_changed(void **state)
{
	(void)state;
	reference_draw(7);
	struct monitor *monitor = monitor_make();
	struct monitor_joint found = window_judge(monitor, 300, 1, 0);
	assert_true(found.test.established && text_is(found.name, "x.c"));
	assert_true(found.test.effect > found.test.level && found.test.level > 0 && found.test.statistic > found.test.effect);
	found = window_judge(monitor, 200, 0, 0.9);
	assert_true(found.test.established && text_is(found.name, "x.a, x.b"));
}

/* So an observer keeps nothing of it: after a restart a window has the verdict that it would have had. */
static void a_verdict_depends_on_the_rows_of_its_window_alone(void **state)
{
	(void)state;
	int alarms = 0;
	carry = 0.6;
	reference_draw(9);
	struct monitor *first = monitor_make(), *second = monitor_make();
	for (uint64_t seed = 100; seed < 140; seed++) {
		const double moved = seed % 2 ? 1 : 0;
		const int from = seed % 3 ? 0 : 350;
		(void)window_judge(first, seed % 4 < 2 ? 100 : WINDOW, 2, 0.5);
		chance.state = seed;
		before = 0;
		const struct monitor_joint again = window_judge(first, from, moved, 0);
		chance.state = seed;
		before = 0;
		const struct monitor_joint once = window_judge(second, from, moved, 0);
		alarms += once.test.established;
		assert_true(text_equal(once.name, again.name) && once.test.effect == again.test.effect &&
			    once.test.level == again.test.level && once.test.statistic == again.test.statistic);
	}
	assert_true(alarms >= 15); /* 20 windows have a change */
	carry = 0;
}

static void windows_and_rates_by_time_are_refused(void **state)
{
	static const struct monitor_settings wrong[] = {
		{.methods = 1U << MONITOR_CHANGE, .window_ms = 60000, .rate = {.alarms = 1, .rows = 1000}},
		{.methods = 1U << MONITOR_CHANGE, .window_rows = WINDOW, .rate = {.alarms = 1, .duration_ms = 60000}},
		{.methods = 1U << MONITOR_CHANGE, .window_rows = 99, .rate = {.alarms = 1, .rows = 1000}}};
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct error error = {0};
		assert_false(monitor_settings_check(&wrong[i], &error));
		assert_int_equal(error.kind, ERROR_CONFIG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clean_windows_raise_no_more_alarms_than_declared),
		cmocka_unit_test(an_alarm_names_what_has_changed),
		cmocka_unit_test(a_verdict_depends_on_the_rows_of_its_window_alone),
		cmocka_unit_test(windows_and_rates_by_time_are_refused),
	};
	return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
