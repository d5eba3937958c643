/* drift_settling_test.c: windows of a step `drift` whose `estimate` has an `outcomeWindow`: when their truths are no longer waited
 * for, a later record has the realised numbers, once. Times are those of records, which the tests set. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "steps/drift/state/drift_settling.h"
#include "tests/unit/observed.h"

#define ONE_MINUTE_MS 60000
#define WAITS USUAL ", estimate: {probabilities: p, outcomeWindow: 10m}"
#define RIGHT_OF_FIVE 4

static struct realised_figure realised_of(const struct observed *observed, size_t metric)
{
	return observed_realised(observed).of[metric];
}

static bool near(double a, double b)
{
	return fabs(a - b) < 1e-12;
}

/* ---- a window ---- */

static void a_window_has_its_realised_numbers_when_its_time_has_passed(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_now(&observed, WAITS);
	const int64_t first_ms = observed.time_ms;
	observed_positives(&observed, 40, 0.8);
	assert_int_equal(observed.count, 1);
	observed_outcomes(&observed, first_ms, 40, RIGHT_OF_FIVE);
	observed.passed_ms += 10 * ONE_MINUTE_MS - 1;
	observed_positives(&observed, 1, 0.8);
	assert_int_equal(observed.settled_count, 0);
	observed.passed_ms++;
	observed_positives(&observed, 1, 0.8);
	assert_int_equal(observed.settled_count, 1);
	const struct settled *settled = &observed.settled[0];
	assert_int_equal(settled->window, observed.seen[0].window);
	assert_int_equal(settled->messages, 40);
	assert_int_equal(settled->truths, 40);
	assert_int_equal(settled->begin_ms, observed.seen[0].begin_ms);
	assert_int_equal(settled->end_ms, observed.seen[0].end_ms);
	assert_string_equal(settled->first.metric, "accuracy");
	assert_int_equal(settled->first.rows, 40);
	assert_true(near(settled->first.value, 0.8) && near(settled->first.estimate, 0.8));
	assert_true(settled->first.low < 0.8 && settled->first.high > 0.8);
	assert_string_equal(settled->first.band, "held");
	assert_true(realised_of(&observed, 0).held == 1 && near(realised_of(&observed, 0).value, 0.8));
	observed.passed_ms += 100 * ONE_MINUTE_MS; /* it has one such record */
	observed_positives(&observed, 1, 0.8);
	assert_int_equal(observed.settled_count, 1);
	observed_close(&observed);
}

static void a_model_that_is_worse_than_it_says_leaves_the_band(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_now(&observed, WAITS);
	const int64_t first_ms = observed.time_ms;
	observed_positives(&observed, 40, 0.9);
	observed_outcomes(&observed, first_ms, 40, 2);
	observed.passed_ms += 10 * ONE_MINUTE_MS;
	observed_positives(&observed, 1, 0.9);
	assert_true(near(observed.settled[0].first.value, 0.4));
	assert_string_equal(observed.settled[0].first.band, "left");
	assert_int_equal(realised_of(&observed, 0).left, 1);
	observed_close(&observed);
}

/* The verdict on the window, its score and the marks are what they were. */
static void the_later_record_judges_nothing(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_now(&observed, WAITS);
	const int64_t first_ms = observed.time_ms;
	observed_positives(&observed, 40, 0.8);
	observed_outcomes(&observed, first_ms, 40, 1);
	verdict_board_turn(observed.board);
	verdict_board_turn(observed.board);
	struct verdict_entry *entry = verdict_board_entry(observed.board, observed.planning.graph->name, "watch");
	const struct last_verdict before = verdict_entry_get(entry, TEXT(""));
	observed.passed_ms += 10 * ONE_MINUTE_MS;
	observed_positives(&observed, 1, 0.8);
	verdict_board_turn(observed.board);
	assert_int_equal(observed.settled_count, 1);
	assert_int_equal(observed.count, 1);
	assert_int_equal(verdict_entry_closed(entry)->count, 0); /* alerts have no window to judge */
	const struct last_verdict after = verdict_entry_get(entry, TEXT(""));
	assert_true(after.verdict == before.verdict && after.accuracy == before.accuracy);
	observed_close(&observed);
}

static void a_truth_counts_once_also_before_its_row(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_now(&observed, WAITS);
	const int64_t first_ms = observed.time_ms;
	observed_outcomes(&observed, first_ms, 20, 5); /* all positive */
	observed_positives(&observed, 40, 0.8);
	observed_outcomes(&observed, first_ms, 20, 0); /* again, and another one */
	observed.passed_ms += 10 * ONE_MINUTE_MS;
	observed_positives(&observed, 1, 0.8);
	assert_int_equal(observed.settled[0].truths, 20);
	assert_true(observed.settled[0].first.value == 1);
	assert_string_equal(observed.settled[0].first.band, ""); /* of fewer than 30 rows nothing is said */
	observed_close(&observed);
}

/* Classes of 1 and -1, as of some models, would leave the positive ones alone; a fourth number is of no row. */
static void rows_with_a_truth_that_does_not_fit_are_counted(void **state)
{
	(void)state;
	static const double classes[] = {1, -1, 0.5, 2, NAN};
	struct observed observed;
	observed_open_now(&observed, WAITS);
	const int64_t first_ms = observed.time_ms;
	observed_positives(&observed, 40, 0.8);
	for (int i = 0; i < 30; i++)
		observed_truth(&observed, first_ms + 1000 * i, &classes[i % 5], 1, 0);
	observed_truth(&observed, first_ms + 30000, NULL, 0, 1.5); /* an accuracy */
	observed.passed_ms += 10 * ONE_MINUTE_MS;
	observed_positives(&observed, 1, 0.8);
	assert_int_equal(observed.settled[0].truths, 6);
	assert_int_equal(observed.settled[0].unfit, 25);
	assert_int_equal(observed_realised(&observed).unfit, 25);
	observed_close(&observed);
}

/* What is no probability, or no expected error, is in no estimate: so there is nothing to compare. */
static void rows_that_no_estimate_has_wait_for_nothing(void **state)
{
	(void)state;
	static const char *const options[] = {WAITS, USUAL ", estimateError: {expected: p, prediction: p, outcomeWindow: 10m}"};
	static const double numbers[][2] = {{1.5, -0.1}, {-1, 1e101}};
	for (int i = 0; i < 2; i++) {
		struct observed observed;
		observed_open_now(&observed, options[i]);
		const int64_t first_ms = observed.time_ms;
		observed_positives(&observed, 20, 0.8);
		observed_positives(&observed, 10, numbers[i][0]);
		observed_positives(&observed, 10, numbers[i][1]);
		observed_outcomes(&observed, first_ms, 40, RIGHT_OF_FIVE);
		observed.passed_ms += 10 * ONE_MINUTE_MS;
		observed_positives(&observed, 1, 0.8);
		assert_int_equal(observed.seen[0].estimated_rows, 20);
		assert_int_equal(observed.settled[0].truths, 20);
		assert_int_equal(observed.settled[0].unfit, 0);
		observed_close(&observed);
	}
}

static void a_window_without_truths_says_so(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_now(&observed, WAITS);
	observed_positives(&observed, 40, 0.8);
	observed.passed_ms += 10 * ONE_MINUTE_MS;
	observed_outcomes(&observed, 1, 1, 0); /* of a request that no window has; its time is that of the next record */
	assert_int_equal(observed.settled_count, 1);
	assert_int_equal(observed.settled[0].truths, 0);
	assert_int_equal(observed.settled[0].unfit, 0);
	assert_int_equal(observed.settled[0].realised, 0);
	observed_close(&observed);
}

static void without_an_outcome_window_truths_are_no_concern(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_now(&observed, USUAL ", estimate: {probabilities: p}");
	const int64_t first_ms = observed.time_ms;
	observed_positives(&observed, 40, 0.8);
	observed_outcomes(&observed, first_ms, 40, 4);
	observed.passed_ms += 1000 * ONE_MINUTE_MS;
	observed_positives(&observed, 1, 0.8);
	assert_int_equal(observed.settled_count, 0);
	assert_int_equal(observed.count, 1);
	observed_close(&observed);
}

/* ---- messages of several rows ---- */

static void rows_of_a_message_have_a_truth_each(void **state)
{
	(void)state;
	double chances[8], classes[8];
	static const int64_t shape[] = {8, 1};
	const struct tensor tensor = {
		.name = TEXT("p"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = chances, .count = 8};
	struct observed observed;
	observed_open_now(&observed, WAITS);
	const int64_t first_ms = observed.time_ms;
	for (int i = 0; i < 8; i++) {
		chances[i] = 0.7;
		classes[i] = i < 6; /* right in 6 of 8 */
	}
	observed.also = &tensor;
	observed_rows(&observed, 5, 8, 0);
	for (int i = 0; i < 4; i++)
		observed_truth(&observed, first_ms + 1000 * i, classes, 8, 0);
	observed_truth(&observed, first_ms + 4000, NULL, 0, 0.5); /* the accuracy of all rows of the message */
	observed.passed_ms += 10 * ONE_MINUTE_MS;
	observed_rows(&observed, 1, 8, 0);
	assert_int_equal(observed.settled[0].truths, 40);
	assert_true(near(observed.settled[0].first.value, (4 * 6 + 4) / 40.0));
	observed_close(&observed);
}

static void slices_have_the_requests_of_their_rows(void **state)
{
	(void)state;
	double chances[256];
	const int64_t shape[] = {20, 1};
	const struct tensor tensor = {
		.name = TEXT("p"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = chances, .count = 20};
	struct observed observed;
	observed_open_now(&observed, WAITS);
	const int64_t first_ms = observed.time_ms;
	for (int i = 0; i < 20; i++)
		chances[i] = 0.8;
	observed.also = &tensor;
	observed.with_requests = true;
	observed_slices(&observed, 40, 20, 0);
	observed_outcomes(&observed, first_ms, 40, RIGHT_OF_FIVE);
	observed.passed_ms += 10 * ONE_MINUTE_MS;
	observed_slices(&observed, 20, 20, 0);
	assert_int_equal(observed.settled[0].truths, 40);
	assert_true(near(observed.settled[0].first.value, 0.8));
	observed_close(&observed);
}

/* ---- windows after windows ---- */

static void windows_settle_in_their_order_with_their_own_truths(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_now(&observed, WAITS);
	const int64_t first_ms = observed.time_ms;
	for (int i = 0; i < 4; i++) {
		observed_positives(&observed, 40, 0.8);
		observed_outcomes(&observed, first_ms + (int64_t)i * 40 * 1000, 40, i + 1);
		observed.passed_ms += ONE_MINUTE_MS;
	}
	observed.passed_ms += 8 * ONE_MINUTE_MS; /* the time of three of them has passed */
	observed_positives(&observed, 1, 0.8);
	assert_int_equal(observed.settled_count, 3);
	observed.passed_ms += ONE_MINUTE_MS;
	observed_positives(&observed, 1, 0.8);
	assert_int_equal(observed.settled_count, 4);
	uint64_t seen = 0;
	for (size_t i = 0; i < 4; i++) {
		const struct settled *settled = &observed.settled[i];
		assert_true(near(settled->first.value, (double)(settled->window + 1) / 5));
		seen |= (uint64_t)1 << settled->window;
	}
	assert_int_equal(seen, 0xf);
	observed_close(&observed);
}

/* The state has all of it: another engine, at any point, gives the same records. */
static void another_engine_settles_what_waits(void **state)
{
	(void)state;
	for (int handed = 0; handed < 4; handed++) {
		struct observed observed;
		observed_open_now(&observed, WAITS);
		const int64_t first_ms = observed.time_ms;
		for (int part = 0; part < 4; part++) {
			if (part == handed) {
				observed_engine_close(&observed);
				observed_engine_open(&observed);
			}
			if (part == 0)
				observed_positives(&observed, 25, 0.8);
			else if (part == 1)
				observed_outcomes(&observed, first_ms, 30, RIGHT_OF_FIVE);
			else if (part == 2)
				observed_positives(&observed, 20, 0.8);
			else
				observed_outcomes(&observed, first_ms + 30000, 10, RIGHT_OF_FIVE);
		}
		observed.passed_ms += 10 * ONE_MINUTE_MS;
		observed_positives(&observed, 1, 0.8);
		assert_int_equal(observed.settled_count, 1);
		assert_int_equal(observed.settled[0].truths, 40);
		assert_true(near(observed.settled[0].first.value, 0.8));
		observed_close(&observed);
	}
}

/* A visit counts so many rows; the next records go on. */
static void a_large_window_settles_in_parts(void **state)
{
	(void)state;
	double chances[200];
	static const int64_t shape[] = {200, 1};
	const struct tensor tensor = {
		.name = TEXT("p"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = chances, .count = 200};
	struct observed observed;
	observed_open_now(&observed, "window: 6000, falseAlarms: 0.1 per 1000, estimate: {probabilities: p, outcomeWindow: 10m}");
	const int64_t first_ms = observed.time_ms;
	for (int i = 0; i < 200; i++)
		chances[i] = 0.8;
	observed.also = &tensor;
	observed.with_requests = true;
	observed_slices(&observed, 6000, 200, 0);
	assert_int_equal(observed.count, 1);
	observed_truth(&observed, first_ms + 5999 * 1000, NULL, 0, 1.5); /* of the last row, which is counted first */
	observed_outcomes(&observed, first_ms, 6000, RIGHT_OF_FIVE);
	observed.passed_ms += 10 * ONE_MINUTE_MS;
	observed_slices(&observed, 200, 200, 0);
	assert_int_equal(observed.settled_count, 0);
	observed_engine_close(&observed);
	observed_engine_open(&observed);
	for (int i = 0; i < 6000 / SETTLING_TURN_ROWS + 1; i++)
		observed_slices(&observed, 200, 200, 0);
	assert_int_equal(observed.settled_count, 1);
	assert_int_equal(observed.settled[0].truths, 5999);
	assert_int_equal(observed.settled[0].unfit, 1);
	assert_true(near(observed.settled[0].first.value, 4800 / 5999.0));
	observed_close(&observed);
}

/* The pairs are counted in the test. Rows 200 apart are alike, so the window's area is that of 200 rows. */
static double area_of_alike(const double chances[200])
{
	double ordered = 0, pairs = 0;
	for (int i = 0; i < 200; i++)
		for (int j = 0; j < 200; j++)
			if (i % 5 < RIGHT_OF_FIVE && j % 5 >= RIGHT_OF_FIVE) {
				pairs++;
				ordered += chances[i] > chances[j] ? 1 : chances[i] == chances[j] ? 0.5 : 0;
			}
	return ordered / pairs;
}

/* Probabilities from 0.49 to 0.51, of a window that settles in parts, by two engines. */
static void the_area_of_a_large_window_is_that_of_all_pairs(void **state)
{
	(void)state;
	double chances[200];
	static const int64_t shape[] = {200, 1};
	const struct tensor tensor = {
		.name = TEXT("p"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = chances, .count = 200};
	struct observed observed;
	observed_open_now(&observed, "window: 6000, falseAlarms: 0.1 per 1000, estimate: {probabilities: p, outcomeWindow: 10m}");
	const int64_t first_ms = observed.time_ms;
	for (int i = 0; i < 200; i++)
		chances[i] = 0.49 + 0.0001 * (i % 5 < RIGHT_OF_FIVE ? 199 - i / 4 : 199 - i);
	observed.also = &tensor;
	observed.with_requests = true;
	observed_slices(&observed, 6000, 200, 0);
	observed_outcomes(&observed, first_ms, 6000, RIGHT_OF_FIVE);
	observed.passed_ms += 10 * ONE_MINUTE_MS;
	observed_slices(&observed, 200, 200, 0);
	assert_int_equal(observed.settled_count, 0);
	assert_true(observed_entries(&observed, "ranked/") > 0);
	observed_engine_close(&observed);
	observed_engine_open(&observed);
	for (int i = 0; i < 6000 / SETTLING_TURN_ROWS + 1; i++)
		observed_slices(&observed, 200, 200, 0);
	assert_int_equal(observed.settled_count, 1);
	assert_int_equal(observed.settled[0].truths, 6000);
	assert_string_equal(observed.settled[0].last.metric, "auc");
	assert_int_equal(observed.settled[0].last.rows, 6000);
	assert_true(near(observed.settled[0].last.value, area_of_alike(chances)));
	assert_int_equal(observed_entries(&observed, "ranked/"), 0);
	observed_close(&observed);
}

static void each_segment_has_windows_of_its_own(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_now(&observed, USUAL ", groupBy: key, estimate: {probabilities: p, outcomeWindow: 10m}");
	for (int part = 0; part < 2; part++) {
		const int64_t first_ms = observed.time_ms;
		observed.key = part ? TEXT("b") : TEXT("a");
		observed_positives(&observed, 40, 0.8);
		observed_outcomes(&observed, first_ms, 40, part ? 2 : 4);
	}
	observed.passed_ms += 10 * ONE_MINUTE_MS;
	observed_positives(&observed, 1, 0.8);
	assert_int_equal(observed.settled_count, 2);
	for (size_t i = 0; i < 2; i++) {
		const bool second = strcmp(observed.settled[i].segment, "b") == 0;
		assert_true(near(observed.settled[i].first.value, second ? 0.4 : 0.8));
	}
	observed_close(&observed);
}

/* ---- the clock, and what is kept ---- */

/* A record that was written earlier than the one before does not turn the clock back: a window that closes with it waits as long.
 */
static void the_clock_never_goes_back(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_now(&observed, WAITS);
	observed_positives(&observed, 40, 0.8);
	observed.passed_ms += 5 * ONE_MINUTE_MS;
	observed_positives(&observed, 39, 0.8);
	observed.passed_ms -= 5 * ONE_MINUTE_MS;
	observed_positives(&observed, 1, 0.8);
	assert_int_equal(observed.count, 2);
	observed.passed_ms += 10 * ONE_MINUTE_MS;
	observed_positives(&observed, 1, 0.8);
	assert_int_equal(observed.settled_count, 1);
	observed.passed_ms += 5 * ONE_MINUTE_MS;
	observed_positives(&observed, 1, 0.8);
	assert_int_equal(observed.settled_count, 2);
	observed_close(&observed);
}

/* A truth that comes in the first window counts in the next one, also when the first has settled. */
static void a_truth_is_kept_until_the_next_window_has_settled(void **state)
{
	(void)state;
	for (int windows = 1; windows <= 2; windows++) {
		struct observed observed;
		observed_open_now(&observed, WAITS);
		observed_outcomes(&observed, observed.time_ms + (int64_t)windows * 40 * 1000, 40, RIGHT_OF_FIVE);
		observed_positives(&observed, windows * 40, 0.8);
		observed.passed_ms += 10 * ONE_MINUTE_MS;
		observed_outcomes(&observed, 1, 1, 0);
		assert_int_equal(observed.settled_count, windows);
		observed_positives(&observed, 40, 0.8);
		observed.passed_ms += 10 * ONE_MINUTE_MS;
		observed_outcomes(&observed, 1, 1, 0);
		assert_int_equal(observed.settled_count, windows + 1);
		uint64_t truths = 0;
		for (size_t i = 0; i < observed.settled_count; i++)
			truths += observed.settled[i].truths;
		assert_int_equal(truths, windows == 1 ? 40 : 0); /* after two windows it is forgotten */
		observed_close(&observed);
	}
}

/* ---- a regressor ---- */

static void a_regressor_has_its_realised_error(void **state)
{
	(void)state;
	/* One tensor besides the watched one: the expected error, which also stands for the prediction. */
	struct observed observed;
	observed_open_now(&observed, USUAL ", estimateError: {expected: p, prediction: p, outcomeWindow: 10m}");
	const int64_t first_ms = observed.time_ms;
	observed_positives(&observed, 40, 2);
	for (int i = 0; i < 40; i++) {
		const double right = i % 2 ? 5 : -1; /* predicted was 2 */
		observed_truth(&observed, first_ms + 1000 * i, &right, 1, 0);
	}
	observed.passed_ms += 10 * ONE_MINUTE_MS;
	observed_positives(&observed, 1, 2);
	assert_int_equal(observed.settled[0].truths, 40);
	assert_string_equal(observed.settled[0].first.metric, "absolute_error");
	assert_true(near(observed.settled[0].first.value, 3) && near(observed.settled[0].first.estimate, 2));
	observed_close(&observed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_has_its_realised_numbers_when_its_time_has_passed),
		cmocka_unit_test(a_model_that_is_worse_than_it_says_leaves_the_band),
		cmocka_unit_test(the_later_record_judges_nothing),
		cmocka_unit_test(a_truth_counts_once_also_before_its_row),
		cmocka_unit_test(rows_with_a_truth_that_does_not_fit_are_counted),
		cmocka_unit_test(rows_that_no_estimate_has_wait_for_nothing),
		cmocka_unit_test(a_window_without_truths_says_so),
		cmocka_unit_test(without_an_outcome_window_truths_are_no_concern),
		cmocka_unit_test(rows_of_a_message_have_a_truth_each),
		cmocka_unit_test(slices_have_the_requests_of_their_rows),
		cmocka_unit_test(windows_settle_in_their_order_with_their_own_truths),
		cmocka_unit_test(another_engine_settles_what_waits),
		cmocka_unit_test(a_large_window_settles_in_parts),
		cmocka_unit_test(the_area_of_a_large_window_is_that_of_all_pairs),
		cmocka_unit_test(each_segment_has_windows_of_its_own),
		cmocka_unit_test(the_clock_never_goes_back),
		cmocka_unit_test(a_truth_is_kept_until_the_next_window_has_settled),
		cmocka_unit_test(a_regressor_has_its_realised_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
