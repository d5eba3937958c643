/* monitor_test.c: Tests of the drift monitor: its false alarms on clean streams, the changes that it finds, bad clocks, missing
 * values, and references that cannot be used. */
#include "methods/drift/monitor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <math.h>

#include "base/number/random.h"
#include "methods/drift/monitor_parts.h"
#include "methods/numeric/quantile.h"
#include "tests/unit/session.h"
#include "tests/unit/arena_fixture.h"

#define ARENA_BYTES ((size_t)256 << 20)
#define FEATURES 4
#define ROWS 400
#define WINDOW 100

static struct error error;
static struct random chance;
static double carried[FEATURES];

static const struct text sides[] = {{"buy", 3}, {"sell", 4}, {"hold", 4}};

static int set_up(void **state)
{
	(void)state;
	error = (struct error){0};
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

/* ---- streams ---- */

/* Feature 0 is normal, 1 log-normal with a heavy tail, 2 whole numbers, 3 a category. `carry`: what a row keeps of the one
 * before it. */
static void row_draw(double *row, double carry)
{
	for (size_t i = 0; i < FEATURES; i++)
		carried[i] = carry * carried[i] + sqrt(1 - carry * carry) * normal();
	row[0] = carried[0];
	row[1] = exp(1.5 * carried[1]);
	row[2] = floor(3 + 1.5 * carried[2]);
	row[3] = carried[3] < 0.2 ? 0 : carried[3] < 1.5 ? 1 : 2;
}

static double values[FEATURES][ROWS];
static struct drift_feature features[FEATURES];
static struct drift_reference reference;

static void reference_draw(double carry)
{
	static const char *const names[FEATURES] = {"plain", "heavy", "whole", "side"};
	for (size_t i = 0; i < ROWS; i++) {
		double row[FEATURES];
		row_draw(row, carry);
		for (size_t j = 0; j < FEATURES; j++)
			values[j][i] = row[j];
	}
	for (size_t j = 0; j < FEATURES; j++) {
		features[j] = (struct drift_feature){.name = text_of(names[j]), .values = values[j], .least = INFINITY,
						     .greatest = -INFINITY};
		for (size_t i = 0; i < ROWS; i++) {
			features[j].least = fmin(features[j].least, values[j][i]);
			features[j].greatest = fmax(features[j].greatest, values[j][i]);
		}
	}
	features[3].categories = true;
	features[3].category_count = 3;
	features[3].category_names = sides;
	reference = (struct drift_reference){.all_rows = ROWS, .rows = ROWS, .block = ROWS, .feature_count = FEATURES,
					     .features = features};
}

static const struct monitor_settings usual = {.window_rows = WINDOW, .rate = {.alarms = 1, .rows = 1000}};

static struct monitor *monitor_of(const struct monitor_settings *settings)
{
	struct monitor *monitor = monitor_open(arena, &reference, settings, &error);
	if (!monitor)
		fail_msg("%s", error.text);
	return monitor;
}

/* ---- parts ---- */

/* Of the size of a normal number it is known what chance exceeds; rarely, levels may be higher but not lower. */
static void levels_far_out_are_those_of_the_law(void **state)
{
	(void)state;
	double *drawn = ARENA_ARRAY(arena, double, NULL_LAW_DRAWS);
	struct null_law law;
	for (size_t i = 0; i < NULL_LAW_DRAWS; i++)
		drawn[i] = fabs(normal());
	null_law_fit(&law, drawn);
	static const double known[][2] = {{0.05, 1.960}, {0.01, 2.576}, {1e-4, 3.891}, {1e-6, 4.892}, {1e-8, 5.731}};
	for (size_t i = 0; i < 5; i++) {
		const double level = null_law_distance(&law, known[i][0], 1);
		if (level < known[i][1] * 0.93 || level > known[i][1] * 1.25)
			fail_msg("at %g the level is %g, and %g is right", known[i][0], level, known[i][1]);
		assert_true(fabs(log(null_law_p(&law, level, 1) / known[i][0])) < 0.2);
		assert_true(fabs(null_law_distance(&law, known[i][0], 25) - level / 5) < 1e-12);
		assert_true(fabs(null_law_p(&law, level / 5, 25) / null_law_p(&law, level, 1) - 1) < 1e-9);
	}
}

/* ---- false alarms ---- */

/* Windows with drift on clean streams of `references` fresh references. */
static size_t false_alarms(const struct monitor_settings *settings, int references, int windows, double carry, size_t *quality)
{
	size_t alarms = 0;
	for (int trial = 0; trial < references; trial++, arena_reset(arena)) {
		reference_draw(carry);
		struct monitor *monitor = monitor_of(settings);
		for (int i = 0; i < windows * WINDOW; i++) {
			double row[FEATURES];
			row_draw(row, carry);
			const struct monitor_verdict *verdict = monitor_add(monitor, row, i);
			alarms += verdict && verdict->drifted;
			*quality += verdict && verdict->quality_alarm;
		}
	}
	return alarms;
}

static void clean_streams_raise_no_more_alarms_than_declared(void **state)
{
	(void)state;
	size_t quality = 0;
	const int references = UNIT_REPETITIONS(70);
	const size_t alarms = false_alarms(&usual, references, 30, 0, &quality);
	const double declared = references * 30 * WINDOW / 1000.0;
	print_message("clean: %zu alarms and %zu of quality, %.0f declared\n", alarms, quality, declared);
	assert_true((double)(alarms + quality) <= declared + 3 * sqrt(declared));
	assert_true((double)alarms >= declared / 6); /* nor is it deaf */
}

/* The rate holds far out too, where levels are by the fitted tails. */
static void rare_alarms_are_rare(void **state)
{
	(void)state;
	size_t quality = 0;
	struct monitor_settings rare = usual;
	rare.rate.alarms = 0.02;
	const int references = UNIT_REPETITIONS(20);
	const size_t alarms = false_alarms(&rare, references, 240, 0, &quality);
	const double declared = references * 240 * WINDOW / 1000.0 * rare.rate.alarms;
	print_message("rare: %zu alarms and %zu of quality, %.1f declared\n", alarms, quality, declared);
	assert_true((double)(alarms + quality) <= declared + 3 * sqrt(declared));
}

static void rows_that_follow_from_one_another_raise_at_most_twice_as_many(void **state)
{
	(void)state;
	static const double carries[] = {0.4, 0.8};
	const int references = UNIT_REPETITIONS(20);
	for (size_t i = 0; i < 2; i++) {
		size_t quality = 0;
		const size_t alarms = false_alarms(&usual, references, 30, carries[i], &quality);
		const double declared = references * 30 * WINDOW / 1000.0;
		print_message("carry %g: %zu alarms and %zu of quality, %.0f declared\n", carries[i], alarms, quality, declared);
		assert_true((double)(alarms + quality) <= 2 * declared);
	}
}

/* A rate in time is of all windows that are open beside each other: with five times as many windows, as many alarms. */
static void windows_beside_each_other_share_a_rate_in_time(void **state)
{
	(void)state;
	enum { SEGMENTS = 5, WINDOWS = 12 };
	size_t alarms = 0;
	const int references = UNIT_REPETITIONS(30);
	struct monitor_settings timed = usual;
	timed.window_rows = 0;
	timed.window_ms = WINDOW;
	timed.rate = (struct monitor_rate){.alarms = 1, .duration_ms = 2 * WINDOW};
	for (int trial = 0; trial < references; trial++, arena_reset(arena)) {
		reference_draw(0);
		struct monitor *monitor = monitor_of(&timed);
		monitor_share(monitor, SEGMENTS);
		for (int segment = 0; segment < SEGMENTS; segment++) {
			const struct monitor_position begin = monitor_start();
			monitor_resume(monitor, &begin);
			for (int i = 0; i <= WINDOWS * WINDOW; i++) {
				double row[FEATURES];
				row_draw(row, 0);
				const struct monitor_verdict *verdict = monitor_add(monitor, row, i);
				alarms += verdict && (verdict->drifted || verdict->quality_alarm);
			}
		}
	}
	const double declared = references * WINDOWS / 2.0;
	print_message("shared: %zu alarms, %.0f declared\n", alarms, declared);
	assert_true((double)alarms <= declared + 3 * sqrt(declared));
	assert_true((double)alarms >= declared / 6);
}

/* ---- drift ---- */

enum change { CHANGE_MEAN, CHANGE_SPREAD, CHANGE_HEAVY, CHANGE_WHOLE, CHANGE_SIDE, CHANGES };

static void row_change(double *row, enum change change)
{
	switch (change) {
	case CHANGE_MEAN:
		row[0] += 0.8;
		break;
	case CHANGE_SPREAD:
		row[0] *= 2.2;
		break;
	case CHANGE_HEAVY:
		row[1] *= 3;
		break;
	case CHANGE_WHOLE:
		row[2] += 1;
		break;
	default:
		row[3] = row[3] == 0 && even() < 0.6 ? 2 : row[3];
	}
}

static void changes_are_found_in_their_feature(void **state)
{
	(void)state;
	static const size_t places[CHANGES] = {0, 0, 1, 2, 3};
	int found[CHANGES] = {0};
	for (int trial = 0; trial < 10; trial++, arena_reset(arena)) {
		reference_draw(0);
		struct monitor *monitor = monitor_of(&usual);
		for (int change = 0; change < CHANGES; change++) {
			const struct monitor_verdict *verdict = NULL;
			for (int i = 0; i < WINDOW; i++) {
				double row[FEATURES];
				row_draw(row, 0);
				row_change(row, (enum change)change);
				verdict = monitor_add(monitor, row, i);
			}
			assert_non_null(verdict);
			found[change] += verdict->drifted && verdict->feature == places[change];
		}
	}
	for (int change = 0; change < CHANGES; change++)
		if (found[change] < 9)
			fail_msg("change %d: found in %d of 10", change, found[change]);
}

/* The score is the largest effect above its level, and 0 where nothing is established. */
static void the_score_says_by_how_much(void **state)
{
	(void)state;
	reference_draw(0);
	struct monitor_settings settings = usual;
	settings.effect = 0.9; /* of Kolmogorov-Smirnov more than the change below has */
	settings.methods = 1U << MONITOR_KS;
	struct monitor *monitor = monitor_of(&settings);
	size_t silent = 0;
	for (int window = 0; window < 20; window++) {
		const struct monitor_verdict *verdict = NULL;
		for (int i = 0; i < WINDOW; i++) {
			double row[FEATURES];
			row_draw(row, 0);
			row[0] += window < 10 ? 0 : 1;
			verdict = monitor_add(monitor, row, i);
		}
		const struct monitor_test *test = &verdict->features[0].tests[0];
		assert_int_equal(verdict->features[0].test_count, 1);
		assert_int_equal(verdict->features[3].test_count, 0); /* Kolmogorov-Smirnov is not of categories */
		assert_true(test->effect == test->statistic && test->level > 0.1 && test->level < 0.4);
		assert_int_equal(verdict->window, window);
		silent += verdict->score == 0;
		if (window < 10)
			continue;
		assert_true(test->established && verdict->score == test->effect - test->level && test->p < 1e-3);
		assert_false(verdict->drifted);
	}
	assert_true(silent >= 8 && silent <= 10);
}

static void the_same_rows_give_the_same_verdicts(void **state)
{
	(void)state;
	double scores[2][10];
	for (int turn = 0; turn < 2; turn++, arena_reset(arena)) {
		chance = (struct random){3};
		memset(carried, 0, sizeof carried);
		reference_draw(0.3);
		struct monitor *monitor = monitor_of(&usual);
		for (int i = 0; i < 10 * WINDOW; i++) {
			double row[FEATURES];
			row_draw(row, 0.3);
			const int steps = i / 500;
			row[0] += steps;
			const struct monitor_verdict *verdict = monitor_add(monitor, row, i);
			if (verdict)
				scores[turn][verdict->window] = verdict->score;
		}
	}
	assert_memory_equal(scores[0], scores[1], sizeof scores[0]);
	assert_true(scores[0][9] > 0);
}

/* ---- quality ---- */

static void quality_has_bounds_from_the_reference(void **state)
{
	(void)state;
	reference_draw(0);
	struct monitor_settings settings = usual;
	settings.rate.alarms = 0.1;
	struct monitor *monitor = monitor_of(&settings);
	const struct monitor_verdict *verdict = NULL;
	for (int i = 0; i < WINDOW; i++) {
		double row[FEATURES];
		row_draw(row, 0);
		row[0] = i % 3 ? row[0] : NAN;
		row[1] = i % 10 ? row[1] : -1;
		row[2] = 3;
		row[3] = i % 10 ? row[3] : monitor_category(monitor, 3, TEXT("short"));
		verdict = monitor_add(monitor, row, i);
	}
	assert_true(monitor_category(monitor, 3, TEXT("hold")) == 2);
	const struct monitor_feature *judged = verdict->features;
	assert_true(verdict->quality_alarm);
	assert_int_equal(judged[0].quality.missing, 34);
	assert_int_equal(judged[0].count, 66);
	assert_true(judged[0].quality.missing_alarm && !judged[0].quality.outside_alarm && !judged[1].quality.missing_alarm);
	assert_true(judged[1].quality.outside >= 10 && judged[1].quality.outside_alarm && !judged[1].quality.still);
	assert_true(judged[2].quality.still && judged[2].quality.still_alarm);
	assert_int_equal(judged[3].quality.unseen, 10);
	assert_true(judged[3].quality.unseen_alarm && !judged[3].quality.missing_alarm);
}

/* Values that the reference does not have may differ from each other. */
static void categories_that_are_all_unseen_are_not_said_to_be_one(void **state)
{
	(void)state;
	reference_draw(0);
	struct monitor *monitor = monitor_of(&usual);
	const struct monitor_verdict *verdict = NULL;
	for (int closing = 0; closing < 2; closing++)
		for (int i = 0; i < WINDOW; i++) {
			double row[FEATURES];
			row_draw(row, 0);
			row[3] = closing == 0 ? monitor_category(monitor, 3, TEXT("short")) : 0;
			verdict = monitor_add(monitor, row, closing * WINDOW + i);
			if (closing == 0 && i == WINDOW - 1) {
				assert_int_equal(verdict->features[3].quality.unseen, WINDOW);
				assert_true(verdict->features[3].quality.unseen_alarm && !verdict->features[3].quality.still);
			}
		}
	assert_true(verdict->features[3].quality.still && verdict->features[3].quality.still_alarm);
}

/* Of a window in which all is missing nothing is said but that. */
static void a_window_of_missing_values_is_not_judged(void **state)
{
	(void)state;
	static const double row[FEATURES] = {NAN, NAN, NAN, NAN};
	reference_draw(0);
	struct monitor *monitor = monitor_of(&usual);
	const struct monitor_verdict *verdict = NULL;
	for (int i = 0; i < WINDOW; i++)
		verdict = monitor_add(monitor, row, i);
	assert_false(verdict->judged || verdict->drifted);
	assert_true(verdict->quality_alarm && verdict->score == 0 && verdict->feature == FEATURES);
}

/* Infinite numbers are outside, and make no distance infinite. */
static void infinite_numbers_are_outside(void **state)
{
	(void)state;
	reference_draw(0);
	struct monitor *monitor = monitor_of(&usual);
	const struct monitor_verdict *verdict = NULL;
	for (int i = 0; i < WINDOW; i++) {
		double row[FEATURES];
		row_draw(row, 0);
		row[0] = i % 2 ? INFINITY : -INFINITY;
		verdict = monitor_add(monitor, row, i);
	}
	assert_int_equal(verdict->features[0].quality.outside, WINDOW);
	for (size_t i = 0; i < verdict->features[0].test_count; i++)
		assert_true(isfinite(verdict->features[0].tests[i].effect));
	assert_true(verdict->drifted);
}

/* As where a sender writes the largest number for one that it does not have. */
static void numbers_whose_sum_overflows_have_a_finite_score(void **state)
{
	(void)state;
	reference_draw(0);
	struct monitor *monitor = monitor_of(&usual);
	const struct monitor_verdict *verdict = NULL;
	for (int i = 0; i < WINDOW; i++) {
		double row[FEATURES];
		row_draw(row, 0);
		row[0] = i % 2 ? DBL_MAX : -DBL_MAX;
		verdict = monitor_add(monitor, row, i);
	}
	assert_true(verdict->drifted);
	assert_true(isfinite(verdict->score) && verdict->score > 1);
	for (size_t i = 0; i < verdict->features[0].test_count; i++)
		assert_true(isfinite(verdict->features[0].tests[i].effect) && isfinite(verdict->features[0].tests[i].statistic));
}

/* ---- clocks ---- */

struct clock_feed {
	struct monitor *monitor;
	struct monitor_verdict last;
	int closed;
};

static void feed(struct clock_feed *feed, int rows, int64_t from_ms, int64_t step_ms)
{
	for (int i = 0; i < rows; i++) {
		double row[FEATURES];
		row_draw(row, 0);
		const struct monitor_verdict *verdict = monitor_add(feed->monitor, row, from_ms + i * step_ms);
		if (!verdict)
			continue;
		feed->last = *verdict;
		feed->closed++;
	}
}

static void windows_close_by_event_time(void **state)
{
	(void)state;
	reference_draw(0);
	const struct monitor_settings timed = {.window_ms = 1000, .rate = {.alarms = 1, .duration_ms = 86400000}};
	struct clock_feed to = {.monitor = monitor_of(&timed)};
	feed(&to, 50, -500, 10); /* -500 .. -10: rounded down */
	assert_int_equal(to.closed, 0);
	feed(&to, 1, 0, 1);
	assert_int_equal(to.closed, 1);
	assert_int_equal(to.last.begin_ms, -1000);
	assert_int_equal(to.last.end_ms, 0);
	assert_int_equal(to.last.rows, 50);
	feed(&to, 10, 10, 10);
	feed(&to, 1, 5500, 1); /* windows without rows are left out */
	assert_int_equal(to.closed, 2);
	assert_int_equal(to.last.rows, 11);
	assert_false(to.last.judged);
	const struct monitor_verdict *last = monitor_end(to.monitor);
	assert_int_equal(last->begin_ms, 5000);
	assert_int_equal(last->rows, 1);
	assert_null(monitor_end(to.monitor));
}

/* A row from a day ahead, or a clock that is set back by a day, blinds it for no longer than 100 rows. */
static void a_clock_may_jump(void **state)
{
	(void)state;
	reference_draw(0);
	const struct monitor_settings timed = {.window_ms = 1000, .rate = {.alarms = 1, .duration_ms = 86400000}};
	struct clock_feed to = {.monitor = monitor_of(&timed)};
	feed(&to, 50, 1000000, 10);
	feed(&to, 1, 87400000, 1);
	assert_int_equal(to.closed, 1);
	feed(&to, 99, 1000500, 10);
	assert_int_equal(to.closed, 1);
	feed(&to, 1, 1001490, 1);
	assert_int_equal(to.closed, 2);
	assert_int_equal(to.last.rows, 100);
	assert_int_equal(to.last.late, 100);
	feed(&to, 60, 1001500, 10);
	assert_int_equal(to.closed, 3);
	assert_int_equal(to.last.begin_ms, 1001000);
	feed(&to, 30, 1002000 - 86400000, 10); /* back by a day */
	feed(&to, 10, 1002200, 10);	       /* and on again: late rows must follow one another */
	feed(&to, 90, 1002000 - 86400000, 1);
	assert_int_equal(to.closed, 3);
	feed(&to, 10, 1002000 - 86400000, 1);
	assert_int_equal(to.closed, 4);
	assert_true(to.last.late >= 100);
	feed(&to, 1, INT64_MAX, 1);
	feed(&to, 200, INT64_MIN, 1);
	assert_true(to.closed >= 6);
}

/* A declared time is shared out by the time that windows take, also where a clock stands still. */
static void windows_by_count_take_their_share_of_a_time(void **state)
{
	(void)state;
	reference_draw(0);
	const struct monitor_settings slow = {.window_rows = WINDOW, .rate = {.alarms = 1, .duration_ms = 86400000}};
	struct clock_feed to = {.monitor = monitor_of(&slow)};
	double levels[3];
	feed(&to, WINDOW, 0, 1000);
	levels[0] = to.last.features[0].tests[0].level;
	feed(&to, WINDOW, 99000, 0);
	levels[1] = to.last.features[0].tests[0].level;
	feed(&to, WINDOW, 100000, 100000);
	levels[2] = to.last.features[0].tests[0].level;
	assert_true(levels[0] == levels[1]);
	assert_true(levels[2] < levels[0] * 0.9);
}

static void a_long_window_is_thinned(void **state)
{
	(void)state;
	reference_draw(0);
	const struct monitor_settings timed = {.window_ms = 1000000, .rate = {.alarms = 1, .duration_ms = 86400000}};
	struct clock_feed to = {.monitor = monitor_of(&timed)};
	feed(&to, 20000, 0, 10);
	const struct monitor_verdict *verdict = monitor_end(to.monitor);
	assert_int_equal(verdict->rows, 20000);
	assert_int_equal(verdict->features[0].count, 5000); /* each fourth: 8192 are too many twice */
	assert_false(verdict->drifted);
}

/* ---- what cannot be watched ---- */

static void expect_refused(const struct monitor_settings *settings, const char *words)
{
	error = (struct error){0};
	assert_null(monitor_open(arena, &reference, settings, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	expect_words(error.text, words);
}

static void what_cannot_be_watched_is_refused(void **state)
{
	(void)state;
	struct monitor_settings settings = usual;
	reference_draw(0);
	settings.window_rows = 1;
	expect_refused(&settings, "a window of 1 rows cannot be judged; give 20 to 100000 rows, or a duration");
	settings = usual;
	settings.window_ms = 1000;
	expect_refused(&settings, "give one of both");
	settings = usual;
	settings.rate.alarms = 0;
	expect_refused(&settings, "above 0");
	reference.rows = 3;
	expect_refused(&usual, "the reference has 3 rows, and 100 or more are needed");
	reference_draw(0);
	reference.feature_count = 3;
	settings = usual;
	settings.methods = 1U << MONITOR_CHI_SQUARE;
	expect_refused(&settings, "none of the methods applies");
}

/* A feature of one value has no spread: it is watched by what needs none, and what is new in it is found. */
static void a_reference_of_constants_is_watched(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++)
		values[0][i] = 7;
	reference_draw(0);
	for (size_t i = 0; i < ROWS; i++)
		values[0][i] = 7;
	features[0].least = features[0].greatest = 7;
	struct monitor *monitor = monitor_of(&usual);
	const struct monitor_verdict *verdict = NULL;
	for (int i = 0; i < 2 * WINDOW; i++) {
		double row[FEATURES];
		row_draw(row, 0);
		row[0] = i < WINDOW ? 7 : 8;
		verdict = monitor_add(monitor, row, i);
		if (i == WINDOW - 1) {
			assert_int_equal(verdict->features[0].test_count, 2); /* ks, psi */
			assert_true(verdict->features[0].tests[0].effect == 0 && !verdict->features[0].tests[1].established);
			assert_false(verdict->features[0].quality.still);
		}
	}
	assert_true(verdict->drifted && verdict->feature == 0 && verdict->features[0].quality.outside_alarm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(levels_far_out_are_those_of_the_law, set_up, arena_end),
		cmocka_unit_test_setup_teardown(clean_streams_raise_no_more_alarms_than_declared, set_up, arena_end),
		cmocka_unit_test_setup_teardown(windows_beside_each_other_share_a_rate_in_time, set_up, arena_end),
		cmocka_unit_test_setup_teardown(rare_alarms_are_rare, set_up, arena_end),
		cmocka_unit_test_setup_teardown(rows_that_follow_from_one_another_raise_at_most_twice_as_many, set_up, arena_end),
		cmocka_unit_test_setup_teardown(changes_are_found_in_their_feature, set_up, arena_end),
		cmocka_unit_test_setup_teardown(the_score_says_by_how_much, set_up, arena_end),
		cmocka_unit_test_setup_teardown(the_same_rows_give_the_same_verdicts, set_up, arena_end),
		cmocka_unit_test_setup_teardown(quality_has_bounds_from_the_reference, set_up, arena_end),
		cmocka_unit_test_setup_teardown(categories_that_are_all_unseen_are_not_said_to_be_one, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_window_of_missing_values_is_not_judged, set_up, arena_end),
		cmocka_unit_test_setup_teardown(infinite_numbers_are_outside, set_up, arena_end),
		cmocka_unit_test_setup_teardown(numbers_whose_sum_overflows_have_a_finite_score, set_up, arena_end),
		cmocka_unit_test_setup_teardown(windows_close_by_event_time, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_clock_may_jump, set_up, arena_end),
		cmocka_unit_test_setup_teardown(windows_by_count_take_their_share_of_a_time, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_long_window_is_thinned, set_up, arena_end),
		cmocka_unit_test_setup_teardown(what_cannot_be_watched_is_refused, set_up, arena_end),
		cmocka_unit_test_setup_teardown(a_reference_of_constants_is_watched, set_up, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
