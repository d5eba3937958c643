/* monitor_online_test.c: Tests of the online methods of the drift monitor: their false alarms on clean streams, the changes that
 * they find, the order of rows, and their state from window to window. */
#include "methods/drift/monitor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/number/random.h"
#include "methods/drift/tests/cusum_law.h"
#include "tests/unit/session.h"

#define ARENA_BYTES ((size_t)256 << 20)
#define FEATURES 3
#define ROWS 400
#define WINDOW 100
#define ALL_ONLINE MONITOR_ONLINE
#define ONE(method) (1U << (method))

static struct arena *arena;
static struct error error;
static struct random chance;
static double carried[FEATURES];

/* `make change` runs more. */
static int references_wanted(int usual_count)
{
	const char *wanted = getenv("DRIFT_STREAMS");
	return wanted ? (int)strtol(wanted, NULL, 10) * usual_count / 4 : UNIT_REPETITIONS(usual_count);
}

static int set_up(void **state)
{
	(void)state;
	error = (struct error){0};
	chance = (struct random){23};
	arena = arena_open(ARENA_BYTES);
	return arena ? 0 : 1;
}

static int tear_down(void **state)
{
	(void)state;
	arena_close(arena);
	return 0;
}

static double even(void)
{
	return (double)(random_next(&chance) >> 11) * 0x1p-53;
}

static double normal(void)
{
	return sqrt(-2 * log(1 - even())) * cos(2 * M_PI * even());
}

/* Feature 0 is normal, 1 log-normal with a heavy tail, 2 whole numbers. `carry`: what a row keeps of the one before it. */
static void row_draw(double *row, double carry, double moved)
{
	for (size_t i = 0; i < FEATURES; i++)
		carried[i] = carry * carried[i] + sqrt(1 - carry * carry) * normal();
	row[0] = carried[0] + moved;
	row[1] = exp(1.5 * carried[1]);
	row[2] = floor(3 + 1.5 * carried[2]);
}

static double values[FEATURES][ROWS];
static struct drift_feature features[FEATURES];
static struct drift_reference reference;

static void reference_draw(double carry)
{
	static const char *const names[FEATURES] = {"plain", "heavy", "whole"};
	for (size_t i = 0; i < ROWS; i++) {
		double row[FEATURES];
		row_draw(row, carry, 0);
		for (size_t j = 0; j < FEATURES; j++)
			values[j][i] = row[j];
	}
	for (size_t j = 0; j < FEATURES; j++)
		features[j] = (struct drift_feature){
			.name = text_of(names[j]), .values = values[j], .least = -INFINITY, .greatest = INFINITY};
	reference = (struct drift_reference){
		.all_rows = ROWS, .rows = ROWS, .block = ROWS, .feature_count = FEATURES, .features = features};
}

static struct monitor *monitor_of(unsigned methods, double alarms)
{
	const struct monitor_settings settings = {
		.methods = methods, .window_rows = WINDOW, .rate = {.alarms = alarms, .rows = 1000}};
	struct monitor *monitor = monitor_open(arena, &reference, &settings, &error);
	if (!monitor)
		fail_msg("%s", error.text);
	return monitor;
}

/* ---- levels ---- */

/* Sums of normal numbers cross the level for a rate about as often as that. */
static void sums_cross_their_level_at_the_rate(void **state)
{
	(void)state;
	const struct cusum_law law = {.slack = 0.5, .spread = 1};
	const double rate = 1.0 / 500, level = cusum_level(&law, rate);
	double up = 0, down = 0;
	size_t crossed = 0;
	enum { NUMBERS = 400000 };
	for (int i = 0; i < NUMBERS; i++) {
		const double number = normal();
		up = fmax(0, up + number - law.slack);
		down = fmax(0, down - number - law.slack);
		if (up > level || down > level) {
			up = down = 0;
			crossed++;
		}
	}
	const double expected = NUMBERS * rate;
	print_message("level %.2f: %zu crossings, %.0f expected\n", level, crossed, expected);
	assert_true(fabs((double)crossed - expected) < 0.15 * expected);
	assert_true(fabs(cusum_rate(&law, level) / rate - 1) < 1e-6);
}

/* ---- false alarms ---- */

struct counted {
	size_t alarms;
	double declared;
};

static struct counted false_alarms(unsigned methods, double rate, int references, int windows, double carry)
{
	struct counted counted = {0, references * windows * WINDOW / 1000.0 * rate};
	for (int trial = 0; trial < references; trial++, arena_reset(arena)) {
		reference_draw(carry);
		struct monitor *monitor = monitor_of(methods, rate);
		bool early = false; /* a window counts once */
		for (int i = 0; i < windows * WINDOW; i++) {
			double row[FEATURES];
			row_draw(row, carry, 0);
			const struct monitor_verdict *verdict = monitor_add(monitor, row, i);
			early = early || monitor_early(monitor);
			counted.alarms += verdict && (verdict->drifted || early);
			early = early && !verdict;
		}
	}
	return counted;
}

static const struct {
	const char *name;
	unsigned methods;
} sets[] = {{"page-hinkley", ONE(MONITOR_PAGE_HINKLEY)},
	    {"cusum", ONE(MONITOR_CUSUM)},
	    {"adwin", ONE(MONITOR_ADWIN)},
	    {"all three with ks", ALL_ONLINE | ONE(MONITOR_KS)}};

static void clean_streams_raise_no_more_alarms_than_declared(void **state)
{
	(void)state;
	static const double rates[] = {1, 0.05};
	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
		for (size_t j = 0; j < 2; j++) {
			const struct counted counted =
				false_alarms(sets[i].methods, rates[j], references_wanted(20), j ? 60 : 20, 0);
			print_message("%s: %zu alarms, %.1f declared\n", sets[i].name, counted.alarms, counted.declared);
			assert_true((double)counted.alarms <= counted.declared + 3 * sqrt(counted.declared));
		}
}

static void rows_that_follow_from_one_another_raise_at_most_twice_as_many(void **state)
{
	(void)state;
	static const double carries[] = {0.4, 0.8};
	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
		for (size_t j = 0; j < 2; j++) {
			const struct counted counted = false_alarms(sets[i].methods, 1, references_wanted(10), 30, carries[j]);
			print_message("%s, carry %g: %zu alarms, %.0f declared\n", sets[i].name, carries[j], counted.alarms,
				      counted.declared);
			assert_true((double)counted.alarms <= 2 * counted.declared);
		}
}

/* ---- changes ---- */

static const struct monitor_test *test_of(const struct monitor_verdict *verdict, size_t feature, enum monitor_method method)
{
	for (size_t i = 0; i < verdict->features[feature].test_count; i++)
		if (verdict->features[feature].tests[i].method == method)
			return &verdict->features[feature].tests[i];
	fail_msg("method %d has no test", (int)method);
	return NULL;
}

/* The verdicts of so many windows with the first feature moved: the number in which the method is established. */
static int windows_found(struct monitor *monitor, enum monitor_method method, int windows, double moved, struct monitor_test *last)
{
	int found = 0;
	for (int i = 0; i < windows * WINDOW; i++) {
		double row[FEATURES];
		row_draw(row, 0, moved);
		const struct monitor_verdict *verdict = monitor_add(monitor, row, i);
		if (verdict && test_of(verdict, 0, method)->established) {
			*last = *test_of(verdict, 0, method);
			found++;
		}
	}
	return found;
}

/* A single number far out moves the mean of a window of 100 by some hundredths, and a clean one by three standard errors, .3, at
 * most; the sum of a run of few numbers says more. */
static void what_is_not_established_has_the_effect_of_its_window(void **state)
{
	(void)state;
	reference_draw(0);
	struct monitor *monitor = monitor_of(ONE(MONITOR_CUSUM) | ONE(MONITOR_PAGE_HINKLEY), 0.1);
	for (int i = 0; i < 20 * WINDOW; i++) {
		double row[FEATURES];
		row_draw(row, 0, i % WINDOW == WINDOW / 2 ? 8 : 0);
		const struct monitor_verdict *verdict = monitor_add(monitor, row, i);
		for (int method = MONITOR_PAGE_HINKLEY; verdict && method <= MONITOR_CUSUM; method++) {
			const struct monitor_test *test = test_of(verdict, 0, (enum monitor_method)method);
			assert_false(test->established);
			assert_true(test->effect >= 0 && test->effect < 0.3);
			assert_true(test->effect <= test->level);
		}
	}
}

/* A mean that moves by one deviation is found in the window in which it did, and the effect is about as large. */
static void a_mean_that_moves_is_found(void **state)
{
	(void)state;
	for (int method = MONITOR_PAGE_HINKLEY; method <= MONITOR_CUSUM; method++) {
		int found = 0;
		const int trials = UNIT_REPETITIONS(20);
		for (int trial = 0; trial < trials; trial++, arena_reset(arena)) {
			struct monitor_test test = {0};
			reference_draw(0);
			struct monitor *monitor = monitor_of(ALL_ONLINE, 0.1);
			(void)windows_found(monitor, (enum monitor_method)method, 5, 0, &test);
			if (windows_found(monitor, (enum monitor_method)method, 1, 1, &test) == 0)
				continue;
			found++;
			assert_true(test.effect > 0.6 && test.effect < 1.5);
			assert_true(test.effect - test.level > 0.05);
			assert_true(test.p < 1e-4);
		}
		print_message("%s: found in %d of %d\n", monitor_method_names[method], found, trials);
		assert_true(found >= trials * 9 / 10);
	}
}

/* Half a deviation in one direction is too little for one window, and found in the next ones. */
static void a_small_move_is_found_over_several_windows(void **state)
{
	(void)state;
	struct monitor_test test = {0};
	reference_draw(0);
	struct monitor *monitor = monitor_of(ALL_ONLINE, 0.01);
	assert_int_equal(windows_found(monitor, MONITOR_PAGE_HINKLEY, 10, 0, &test), 0);
	assert_int_equal(windows_found(monitor, MONITOR_PAGE_HINKLEY, 4, 0.6, &test), 1);
}

/* CUSUM goes on to say so against the reference; to the others the stream's new mean is usual after one alarm. */
static void an_alarm_makes_the_change_usual_for_those_of_the_stream(void **state)
{
	(void)state;
	struct monitor_test test = {0};
	const enum monitor_method methods[] = {MONITOR_CUSUM, MONITOR_PAGE_HINKLEY, MONITOR_ADWIN};
	for (size_t i = 0; i < 3; i++, arena_reset(arena)) {
		reference_draw(0);
		struct monitor *monitor = monitor_of(ALL_ONLINE, 0.1);
		assert_int_equal(windows_found(monitor, methods[i], 5, 0, &test), 0);
		const int found = windows_found(monitor, methods[i], 8, 2, &test);
		if (found != (methods[i] == MONITOR_CUSUM ? 8 : 1))
			fail_msg("%s: %d alarms", monitor_method_names[methods[i]], found);
	}
	assert_true(test.effect > 0.3 && test.effect <= 0.5); /* of ranks: 2 deviations are Phi(2/sqrt(2)) - 1/2 = 0.42 */
}

/* A mean that moves by one and a half deviations is found some rows after it did, long before the window ends. */
static void a_move_is_found_before_the_window_ends(void **state)
{
	(void)state;
	int found = 0, delay = 0;
	const int trials = UNIT_REPETITIONS(20);
	for (int trial = 0; trial < trials; trial++, arena_reset(arena)) {
		reference_draw(0);
		struct monitor *monitor = monitor_of(ONE(MONITOR_CUSUM), 0.5);
		for (int i = 0; i < 3 * WINDOW; i++) {
			double row[FEATURES];
			row_draw(row, 0, i < 2 * WINDOW + 10 ? 0 : 1.5);
			(void)monitor_add(monitor, row, i);
			const struct monitor_verdict *early = monitor_early(monitor);
			if (!early || i < 2 * WINDOW + 10)
				continue;
			assert_int_equal(early->window, 2);
			assert_int_equal(early->alarm_ms, 2 * WINDOW + (int64_t)early->alarm_row - 1);
			assert_true(i - early->alarm_ms < MONITOR_LOOK_ROWS);
			found++;
			delay += i - (2 * WINDOW + 10);
		}
	}
	print_message("found in %d of %d, after %.1f rows\n", found, trials, (double)delay / (found ? found : 1));
	assert_true(found >= trials * 9 / 10 && delay < 31 * found);
}

/* Methods that find the same move at other rows raise no further alarm before the window ends; the next window has its own. */
static void a_window_raises_one_alarm_before_it_ends(void **state)
{
	(void)state;
	int found[4] = {0};
	reference_draw(0);
	struct monitor *monitor = monitor_of(ALL_ONLINE, 0.5);
	for (int i = 0; i < 4 * WINDOW; i++) {
		double row[FEATURES];
		row_draw(row, 0, i < 2 * WINDOW + 10 ? 0 : 2);
		(void)monitor_add(monitor, row, i);
		const struct monitor_verdict *early = monitor_early(monitor);
		if (early)
			found[early->window]++;
	}
	assert_int_equal(found[2], 1);
	assert_int_equal(found[3], 1);
}

/* ---- order ---- */

/* Rows of a window that come in another order than that of their times, or their partitions, give the same verdict. */
static void rows_count_by_time_then_partition(void **state)
{
	(void)state;
	enum { KINDS = 5 };
	double rows[WINDOW][FEATURES];
	static const enum monitor_method methods[] = {MONITOR_CUSUM, MONITOR_PAGE_HINKLEY, MONITOR_ADWIN};
	double found[KINDS][3];
	reference_draw(0);
	for (int i = 0; i < WINDOW; i++)
		row_draw(rows[i], 0, i < 50 ? -1.5 : 1.5);
	for (int kind = 0; kind < KINDS; kind++) {
		struct monitor *monitor = monitor_of(ALL_ONLINE, 1);
		const struct monitor_verdict *verdict = NULL;
		for (int i = 0; i < WINDOW; i++) {
			const int turned = i < 2 * MONITOR_LOOK_ROWS ? 2 * MONITOR_LOOK_ROWS - 1 - i : i; /* two looks only */
			/* times, or partitions, tell the order */
			const int at = kind == 0 ? i : kind == 4 ? turned : i * 37 % WINDOW;
			const bool timed = kind == 1 || kind == 4;
			verdict = monitor_add_from(monitor, rows[at], timed ? at : kind == 3 ? i : 7, kind == 2 ? at : 7);
		}
		assert_non_null(verdict);
		for (int i = 0; i < 3; i++)
			found[kind][i] = test_of(verdict, 0, methods[i])->statistic;
	}
	for (int i = 0; i < 3; i++) {
		assert_true(found[0][i] > 0 && found[1][i] == found[0][i] && found[2][i] == found[0][i]);
		assert_true(found[4][i] == found[0][i]);
		assert_true(found[3][i] != found[0][i]);
	}
}

/* ---- state ---- */

/* A monitor that goes on from stored bytes, and the rows of the open window, says the same as one that never stopped. */
static void the_state_goes_on_in_another_monitor(void **state)
{
	(void)state;
	struct monitor *one, *two;
	reference_draw(0);
	one = monitor_of(ALL_ONLINE, 1);
	for (int i = 0; i < 7 * WINDOW + 30; i++) {
		double row[FEATURES];
		row_draw(row, 0, 0.2);
		(void)monitor_add(one, row, i);
	}
	const size_t bytes = monitor_detectors_bytes(one);
	assert_true(bytes > 0 && bytes <= FEATURES * MONITOR_ONLINE_BYTES);
	char *kept = memory_take(1, bytes);
	assert_non_null(kept);
	monitor_detectors_write(one, kept);
	two = monitor_of(ALL_ONLINE, 1);
	const struct monitor_position begin = monitor_start();
	monitor_resume(one, &begin);
	monitor_resume(two, &begin);
	assert_true(monitor_detectors_read(two, (struct text){kept, bytes}));
	for (int i = 0; i < 3 * WINDOW; i++) {
		double row[FEATURES];
		row_draw(row, 0, 0.4);
		const struct monitor_verdict *left = monitor_add(one, row, i), *right = monitor_add(two, row, i);
		assert_true(!left == !right);
		for (size_t j = 0; left && j < FEATURES; j++)
			for (int method = MONITOR_PAGE_HINKLEY; method <= MONITOR_ADWIN; method++)
				assert_true(test_of(left, j, (enum monitor_method)method)->effect ==
					    test_of(right, j, (enum monitor_method)method)->effect);
	}
	for (size_t cut = 0; cut < bytes; cut++)
		assert_false(monitor_detectors_read(two, (struct text){kept, cut}));
	memory_give(kept);
}

/* A feature that did not vary has no online method, and NaN says nothing. */
static void what_cannot_be_followed_is_left_out(void **state)
{
	(void)state;
	reference_draw(0);
	for (size_t i = 0; i < ROWS; i++)
		values[1][i] = 5;
	struct monitor *monitor = monitor_of(ALL_ONLINE, 1);
	const struct monitor_verdict *verdict = NULL;
	for (int i = 0; i < WINDOW; i++) {
		const double row[FEATURES] = {i % 2 ? NAN : 0.1, 5, i % 3};
		verdict = monitor_add(monitor, row, i);
	}
	assert_non_null(verdict);
	assert_int_equal(verdict->features[0].test_count, 3);
	assert_int_equal(verdict->features[1].test_count, 0);
	assert_true(isfinite(test_of(verdict, 0, MONITOR_CUSUM)->effect));
	for (size_t i = 0; i < ROWS; i++)
		values[0][i] = values[2][i] = 5;
	const struct monitor_settings settings = {
		.methods = ALL_ONLINE, .window_rows = WINDOW, .rate = {.alarms = 1, .rows = 1000}};
	assert_null(monitor_open(arena, &reference, &settings, &error));
	assert_non_null(strstr(error.text, "none of the methods applies to a feature of the reference"));
}

/* What a look into a window of a segment finds: the alarm that looks at each 8 rows find, at the next of rows 8, 16, 32, ..., once,
 * whatever the order of the times is and however many rows come at a time. Verdicts are those of windows without looks. */
static void looks_into_windows_of_segments_find_the_same_later(void **state)
{
	(void)state;
	const struct monitor_settings settings = {
		.methods = ALL_ONLINE, .window_rows = WINDOW, .rate = {.alarms = 2, .rows = 1000}, .segmented = true};
	size_t alarms = 0;
	for (int trial = 0; trial < 60; trial++) {
		reference_draw(0);
		struct monitor *each = monitor_of(ALL_ONLINE, 2), *segment = monitor_open(arena, &reference, &settings, &error);
		uint64_t expected = 0, found = 0, before = 0;
		const size_t moves = random_below(&chance, WINDOW), step = 1 + random_below(&chance, 20);
		for (size_t row = 1; row < WINDOW; row++) {
			double drawn[FEATURES];
			const int64_t time_ms = (int64_t)(1000 * row) - (trial % 3 == 0 ? (int64_t)random_below(&chance, 5000) : 0);
			row_draw(drawn, 0, row > moves ? 1.5 : 0);
			assert_null(monitor_add(each, drawn, time_ms));
			assert_null(monitor_add(segment, drawn, time_ms));
			assert_null(monitor_early(segment));
			expected = monitor_early(each) ? row : expected;
			if (row % step != 0)
				continue;
			const struct monitor_verdict *early = monitor_look_back(segment, before);
			before = row;
			if (!early)
				continue;
			assert_int_equal(found, 0);
			found = early->rows;
			assert_int_equal(early->window, 0);
			assert_true(early->drifted && early->score > 0 && early->alarm_row <= found);
		}
		uint64_t look = MONITOR_LOOK_ROWS;
		while (look < expected)
			look *= 2;
		const uint64_t seen = (look + step - 1) / step * step; /* the first of its rows after which it is asked */
		assert_int_equal(found, expected > 0 && seen < WINDOW ? seen : 0);
		alarms += found > 0;
		double last[FEATURES];
		row_draw(last, 0, 1.5);
		const struct monitor_verdict *one = monitor_add(each, last, 1000000), *two = monitor_add(segment, last, 1000000);
		assert_true(one->score == two->score && one->drifted == two->drifted);
		arena_reset(arena);
	}
	assert_true(alarms >= 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sums_cross_their_level_at_the_rate, set_up, tear_down),
		cmocka_unit_test_setup_teardown(clean_streams_raise_no_more_alarms_than_declared, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rows_that_follow_from_one_another_raise_at_most_twice_as_many, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_not_established_has_the_effect_of_its_window, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_mean_that_moves_is_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_small_move_is_found_over_several_windows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_alarm_makes_the_change_usual_for_those_of_the_stream, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_move_is_found_before_the_window_ends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_window_raises_one_alarm_before_it_ends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rows_count_by_time_then_partition, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_state_goes_on_in_another_monitor, set_up, tear_down),
		cmocka_unit_test_setup_teardown(looks_into_windows_of_segments_find_the_same_later, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_cannot_be_followed_is_left_out, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
