/* drift_settling_limits_test.c: Limits of what waits for truths at the observer of a step `drift`: rows, truths and bytes. What is
 * beyond them is given up, the oldest first, or counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "observe/metric.h"
#include "flow/state/store.h"
#include "steps/drift/state/drift_settling.h"
#include "tests/unit/observed.h"

#define ONE_MINUTE_MS 60000
#define WAITS USUAL ", estimate: {probabilities: p, outcomeWindow: 10m}"
#define RIGHT_OF_FIVE 4

/* ---- truths ---- */

/* Windows of one segment say nothing of how long another has to wait; the number of truths that came after it does. */
static void truths_of_segments_are_forgotten_by_their_number(void **state)
{
	(void)state;
	for (int others = 0; others < 2; others++) {
		struct observed observed;
		observed_open_now(&observed, USUAL ", groupBy: key, estimate: {probabilities: p, outcomeWindow: 10m}");
		observed_outcomes(&observed, observed.time_ms + 120 * 1000, 40, RIGHT_OF_FIVE);
		observed.key = TEXT("a");
		observed_positives(&observed, 120, 0.8);
		observed.passed_ms += 10 * ONE_MINUTE_MS;
		observed_outcomes(&observed, 1, others ? SETTLING_TRUTHS_MAX : 1, 0);
		assert_int_equal(observed.settled_count, 3);
		observed.key = TEXT("b");
		observed_positives(&observed, 40, 0.8);
		observed.passed_ms += 10 * ONE_MINUTE_MS;
		observed_outcomes(&observed, 2, 1, 0);
		assert_int_equal(observed.settled_count, 4);
		assert_int_equal(observed.settled[3].truths, others ? 0 : 40);
		assert_int_equal(observed_realised(&observed).forgotten, others ? 41 : 0);
		observed_close(&observed);
	}
}

/* Truths of so many numbers, of requests that no window has. */
static void strangers_send(struct observed *observed, int64_t from_ms, int truths, size_t numbers)
{
	static const double zeros[TRUTH_NUMBERS_MAX];
	for (int i = 0; i < truths; i++)
		observed_truth(observed, from_ms + i, zeros, numbers, 0);
}

/* The oldest truth is forgotten for a number more than fits. */
static void truths_have_so_many_bytes_together(void **state)
{
	(void)state;
	const uint64_t left = SETTLING_TRUTH_BYTES_MAX - 40 * (SETTLING_TRUTH_BYTES + sizeof(double));
	const uint64_t large = SETTLING_TRUTH_BYTES + TRUTH_NUMBERS_MAX * sizeof(double);
	const size_t last = (size_t)(left % large - SETTLING_TRUTH_BYTES) / sizeof(double);
	for (size_t beyond = 0; beyond < 2; beyond++) {
		struct observed observed;
		observed_open_now(&observed, WAITS);
		observed_outcomes(&observed, observed.time_ms, 40, RIGHT_OF_FIVE);
		strangers_send(&observed, 1, (int)(left / large), TRUTH_NUMBERS_MAX);
		strangers_send(&observed, 1000, 1, last + beyond);
		observed_positives(&observed, 40, 0.8);
		observed.passed_ms += 10 * ONE_MINUTE_MS;
		observed_positives(&observed, 1, 0.8);
		assert_int_equal(observed.settled[0].truths, 40 - beyond);
		assert_int_equal(observed_realised(&observed).forgotten, beyond);
		observed_close(&observed);
	}
}

/* One visit forgets a part of those that nothing waits for; the next one makes space of the others. */
static void truths_that_nothing_waits_for_are_not_counted(void **state)
{
	(void)state;
	enum { LARGE = SETTLING_TRUTH_BYTES_MAX / (SETTLING_TRUTH_BYTES + TRUTH_NUMBERS_MAX * sizeof(double)), SMALL = 2000 };
	struct observed observed;
	observed_open_now(&observed, WAITS);
	strangers_send(&observed, 1, SMALL, 0);
	strangers_send(&observed, SMALL + 1, LARGE, TRUTH_NUMBERS_MAX);
	observed_positives(&observed, 80, 0.8);
	observed.passed_ms += 10 * ONE_MINUTE_MS;
	observed_positives(&observed, 1, 0.8);
	assert_int_equal(observed.settled_count, 2);
	assert_in_range(observed_entries(&observed, "arrived/"), LARGE + 1, LARGE + SMALL - 1);
	strangers_send(&observed, SMALL + LARGE + 1, 1, TRUTH_NUMBERS_MAX);
	assert_int_equal(observed_realised(&observed).forgotten, 0);
	strangers_send(&observed, SMALL + LARGE + 2, LARGE + 1, TRUTH_NUMBERS_MAX); /* of the open window */
	assert_int_equal(observed_realised(&observed).forgotten, 2);
	observed_close(&observed);
}

static void truths_of_unknown_requests_stop_no_segment(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_now(&observed, USUAL ", groupBy: key, estimate: {probabilities: p, outcomeWindow: 10m}");
	observed.key = TEXT("a");
	strangers_send(&observed, 1, 3000, 4000);
	assert_in_range(store_bytes(observed.store), 1, SETTLING_TRUTH_BYTES_MAX + SETTLING_TRUTH_BYTES_MAX / 4);
	const int64_t first_ms = observed.time_ms;
	observed_positives(&observed, 40, 0.8);
	observed_outcomes(&observed, first_ms, 40, RIGHT_OF_FIVE);
	observed.passed_ms += 10 * ONE_MINUTE_MS;
	observed_positives(&observed, 1, 0.8);
	assert_int_equal(observed.settled_count, 1);
	assert_int_equal(observed.settled[0].truths, 40);
	observed_close(&observed);
}

/* What fills it is of no concern here; what is stored is. */
static void a_full_state_gives_up_the_older_half_of_the_truths(void **state)
{
	(void)state;
	static char filler[800000];
	struct observed observed;
	struct error error = {0};
	observed_open_now(&observed, USUAL ", groupBy: key, estimate: {probabilities: p, outcomeWindow: 10m}");
	observed.key = TEXT("a");
	strangers_send(&observed, 1, 100, 4000);
	for (int i = 0; store_bytes(observed.store) + sizeof filler + 4096 < STORE_BYTES; i++)
		assert_true(store_restore(observed.store, 0, (struct text){(const char *)&i, sizeof i},
					  (struct text){filler, sizeof filler}, &error));
	strangers_send(&observed, 1000, 30, 4000); /* the last of them have no space, and make some */
	assert_in_range(store_bytes(observed.store), 1, STORE_BYTES - 1000000);
	const uint64_t forgotten = observed_realised(&observed).forgotten;
	assert_in_range(forgotten, 50, 90); /* the older half, and the one that had no space */
	assert_int_equal(observed_entries(&observed, "arrived/") + forgotten, 130);
	const int64_t first_ms = observed.time_ms;
	observed_positives(&observed, 40, 0.8);
	observed_outcomes(&observed, first_ms, 40, RIGHT_OF_FIVE);
	observed.passed_ms += 10 * ONE_MINUTE_MS;
	observed_positives(&observed, 1, 0.8);
	assert_int_equal(observed.settled[0].truths, 40);
	observed_close(&observed);
}

static void truths_of_segments_are_forgotten_by_their_time(void **state)
{
	(void)state;
	for (int late = 0; late < 2; late++) {
		struct observed observed;
		observed_open_now(&observed, USUAL ", groupBy: key, estimate: {probabilities: p, outcomeWindow: 10m}");
		observed_outcomes(&observed, observed.time_ms, 40, RIGHT_OF_FIVE);
		observed.key = TEXT("a");
		observed.passed_ms += 10 * ONE_MINUTE_MS + SETTLING_OPEN_MS + late;
		observed_positives(&observed, 40, 0.8);
		observed.passed_ms += 10 * ONE_MINUTE_MS;
		observed_outcomes(&observed, 1, 1, 0);
		assert_int_equal(observed.settled_count, 1);
		assert_int_equal(observed.settled[0].truths, late ? 0 : 40);
		assert_int_equal(observed_realised(&observed).forgotten, 0); /* their time is over */
		observed_close(&observed);
	}
}

/* ---- rows ---- */

/* Slices of 200 rows that are positive with the same probability. */
static void many_send(struct observed *observed, int rows)
{
	double chances[200];
	static const int64_t shape[] = {200, 1};
	const struct tensor tensor = {
		.name = TEXT("p"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = chances, .count = 200};
	for (int i = 0; i < 200; i++)
		chances[i] = 0.8;
	observed->also = &tensor;
	observed->with_requests = true;
	observed_slices(observed, rows, 200, 0);
	observed->also = NULL;
}

/* Each message has as many rows as settle with it. */
static void windows_of_large_messages_settle_as_fast_as_they_come(void **state)
{
	(void)state;
	enum { ROWS = 20000, MESSAGES = 12 };
	static double chances[ROWS], classes[ROWS], columns[2 * ROWS];
	static const int64_t shape[] = {ROWS, 1}, wide[] = {ROWS, 2};
	const struct tensor of_chances = {
		.name = TEXT("p"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = chances, .count = ROWS};
	const struct tensor of_columns = {
		.name = TEXT("x"), .datatype = DATATYPE_FP64, .shape = wide, .rank = 2, .data = columns, .count = 2 * ROWS};
	struct observed observed;
	observed_open_now(&observed, "window: 20000, falseAlarms: 0.1 per 1000, estimate: {probabilities: p, outcomeWindow: 10m}");
	for (int i = 0; i < ROWS; i++) {
		chances[i] = 0.8;
		classes[i] = i % 5 < RIGHT_OF_FIVE;
		columns[2 * i] = columns[2 * i + 1] = i % 1000 / 500.0 - 1;
	}
	for (size_t i = 0; i < MESSAGES; i++) {
		const int64_t first_ms = observed.time_ms;
		observed.also = &of_chances;
		observed_send(&observed, &of_columns);
		observed.also = NULL;
		assert_int_equal(observed.settled_count, i);
		observed_truth(&observed, first_ms, classes, ROWS, 0);
		observed.passed_ms += 11 * ONE_MINUTE_MS;
	}
	for (size_t i = 0; i < observed.settled_count; i++)
		assert_int_equal(observed.settled[i].truths, ROWS);
	observed_close(&observed);
}

/* So many rows go beyond it as came after it was reached: the oldest window settles, and no other. */
static void of_too_many_rows_the_oldest_window_settles_at_once(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_now(&observed, "window: 30000, falseAlarms: 0.1 per 1000, estimate: {probabilities: p, outcomeWindow: 10m}");
	many_send(&observed, 90000);
	assert_int_equal(observed.settled_count, 0);
	many_send(&observed, 10000);
	assert_int_equal(observed.settled_count, 1);
	assert_int_equal(observed.settled[0].window, observed.seen[0].window);
	assert_int_equal(observed_realised(&observed).cut_short, 2); /* the next one has begun to */
	observed.passed_ms += 10 * ONE_MINUTE_MS;
	many_send(&observed, 200 * (60000 / SETTLING_TURN_ROWS + 4));
	assert_int_equal(observed.settled_count, 3);
	assert_int_equal(observed_realised(&observed).cut_short, 2); /* the last one had its time */
	observed_close(&observed);
}

/* The first rows of a window are kept, and the last ones not; its record has their number, also if another engine counts on. */
static void rows_of_one_window_beyond_the_limit_are_not_kept(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_now(&observed, "window: 80000, falseAlarms: 0.1 per 1000, estimate: {probabilities: p, outcomeWindow: 10m}");
	const int64_t first_ms = observed.time_ms;
	observed_outcomes(&observed, first_ms, 100, RIGHT_OF_FIVE);
	observed_outcomes(&observed, first_ms + 79900 * INT64_C(1000), 100, RIGHT_OF_FIVE);
	many_send(&observed, 76000);
	observed_engine_close(&observed);
	observed_engine_open(&observed);
	many_send(&observed, 4000);
	observed.passed_ms += 10 * ONE_MINUTE_MS;
	many_send(&observed, 200 * (80000 / SETTLING_TURN_ROWS + 2));
	assert_int_equal(observed.settled_count, 1);
	assert_int_equal(observed.settled[0].messages, 80000);
	assert_int_equal(observed.settled[0].truths, 100);
	assert_int_equal(observed.settled[0].unkept, 80000 - SETTLING_ROWS_MOST);
	assert_int_equal(observed_realised(&observed).unkept, 80000 - SETTLING_ROWS_MOST);
	observed_close(&observed);
}

/* Helps have their limits as text. */
static void helps_have_the_limits_of_rows(void **state)
{
	(void)state;
	char waiting[64], classes[64];
	snprintf(waiting, sizeof waiting, "%d rows wait", SETTLING_ROWS_MOST);
	snprintf(classes, sizeof classes, "more than %d classes", (int)SETTLING_CLASSES_MAX);
	const struct metric *metric = metric_rows;
	while (metric->name && strcmp(metric->name, "sluice_realised_rows_unkept_total") != 0)
		metric++;
	assert_non_null(metric->name);
	assert_non_null(strstr(metric->help, waiting));
	assert_non_null(strstr(metric->help, classes));
	const struct option *option = drift_estimate_rows;
	while (option->type != OPTION_END && (!option->name || strcmp(option->name, "outcomeWindow") != 0))
		option++;
	assert_true(option->type != OPTION_END);
	assert_non_null(strstr(option->help, waiting));
	assert_non_null(strstr(option->help, classes));
	snprintf(waiting, sizeof waiting, "At most %d rows wait, of %zu bytes", SETTLING_ROWS_MAX, sizeof(struct settling_row));
	assert_non_null(strstr(option->help, waiting));
}

/* The number of a class has 16 bits. */
static void rows_of_too_many_classes_are_not_kept(void **state)
{
	(void)state;
	static double chances[SETTLING_CLASSES_MAX + 1] = {1};
	struct observed observed;
	observed_open_now(&observed, WAITS);
	const int64_t first_ms = observed.time_ms;
	observed_classes(&observed, 20, SETTLING_CLASSES_MAX, chances);
	observed_classes(&observed, 20, SETTLING_CLASSES_MAX + 1, chances);
	observed_outcomes(&observed, first_ms, 40, 0);
	observed.passed_ms += 10 * ONE_MINUTE_MS;
	observed_classes(&observed, 40, 3, chances);
	observed.passed_ms += 10 * ONE_MINUTE_MS;
	observed_classes(&observed, 1, 3, chances);
	assert_int_equal(observed.settled_count, 2);
	assert_int_equal(observed.settled[0].truths, 20);
	assert_int_equal(observed.settled[0].unkept, 20);
	assert_int_equal(observed.settled[1].unkept, 0); /* each window has its own */
	assert_int_equal(observed_realised(&observed).unkept, 20);
	observed_close(&observed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(truths_of_segments_are_forgotten_by_their_number),
		cmocka_unit_test(truths_have_so_many_bytes_together),
		cmocka_unit_test(truths_that_nothing_waits_for_are_not_counted),
		cmocka_unit_test(truths_of_unknown_requests_stop_no_segment),
		cmocka_unit_test(a_full_state_gives_up_the_older_half_of_the_truths),
		cmocka_unit_test(truths_of_segments_are_forgotten_by_their_time),
		cmocka_unit_test(windows_of_large_messages_settle_as_fast_as_they_come),
		cmocka_unit_test(of_too_many_rows_the_oldest_window_settles_at_once),
		cmocka_unit_test(rows_of_one_window_beyond_the_limit_are_not_kept),
		cmocka_unit_test(helps_have_the_limits_of_rows),
		cmocka_unit_test(rows_of_too_many_classes_are_not_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
