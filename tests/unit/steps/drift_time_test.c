/* drift_time_test.c: observers of a stream that stops: what waits for a time settles, and the last window by time closes, with a
 * message that brings nothing else, which is no message of a window. Times are those of records, which the tests set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "methods/drift/past.h"
#include "message/records/truth_link.h"
#include "steps/drift/drift_observer.h"
#include "steps/drift/state/drift_row_order.h"
#include "tests/unit/observed.h"

#define ONE_MINUTE_MS 60000
#define WAIT_MS (10 * ONE_MINUTE_MS)
#define WAITS USUAL ", estimate: {probabilities: p, outcomeWindow: 10m}"

static int64_t left_ms_of(const struct observed *observed)
{
	int64_t left_ms;
	return observed_awaits(observed, &left_ms) ? left_ms : -1;
}

static void a_window_settles_when_its_time_comes_alone(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_now(&observed, WAITS);
	const int64_t first_ms = observed.time_ms;
	observed_positives(&observed, 40, 0.8);
	observed_outcomes(&observed, first_ms, 40, 4);
	observed.passed_ms += WAIT_MS - 1;
	observed_time(&observed);
	assert_int_equal(observed.settled_count, 0);
	observed.passed_ms++;
	observed_time(&observed);
	assert_int_equal(observed.settled_count, 1);
	assert_int_equal(observed.settled[0].truths, 40);
	assert_string_equal(observed.settled[0].first.band, "held");
	observed_time(&observed); /* again: it says what is known */
	assert_int_equal(observed.settled_count, 1);
	observed_close(&observed);
}

/* The windows, and all that their records and marks say, are what they would be without it. */
static void time_alone_is_no_message(void **state)
{
	(void)state;
	struct settled settled[2];
	struct seen seen[2];
	for (int i = 0; i < 2; i++) {
		struct observed observed;
		observed_open_now(&observed, WAITS);
		observed_positives(&observed, 60, 0.8);
		for (int times = 0; times < 50 * i; times++)
			observed_time(&observed);
		observed.passed_ms += WAIT_MS;
		observed_positives(&observed, 20, 0.8);
		assert_int_equal(observed.count, 2);
		assert_int_equal(observed_entries(&observed, "truth/"), 0);
		assert_int_equal(observed_entries(&observed, "arrived/"), 0);
		settled[i] = observed.settled[0];
		seen[i] = observed.seen[1];
		observed_close(&observed);
	}
	assert_true(seen[0].window == seen[1].window && seen[0].messages == seen[1].messages);
	assert_true(seen[0].unusable == seen[1].unusable && seen[0].late == seen[1].late && seen[0].missing == seen[1].missing);
	assert_true(seen[0].begin_ms == seen[1].begin_ms && seen[0].end_ms == seen[1].end_ms);
	assert_true(seen[0].sum == seen[1].sum && seen[0].estimated_rows == seen[1].estimated_rows);
	assert_memory_equal(&seen[0].times.rate, &seen[1].times.rate, sizeof seen[0].times.rate); /* which may be NaN */
	assert_true(settled[0].messages == settled[1].messages && settled[0].unfit == settled[1].unfit);
}

/* By what the engine knows when such a message is needed. */
static void the_state_says_what_it_waits_for(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_now(&observed, WAITS);
	observed_positives(&observed, 39, 0.8);
	assert_int_equal(left_ms_of(&observed), -1);
	observed_positives(&observed, 1, 0.8);
	assert_int_equal(left_ms_of(&observed), WAIT_MS);
	observed.passed_ms += ONE_MINUTE_MS;
	observed_outcomes(&observed, 1, 1, 0);
	assert_int_equal(left_ms_of(&observed), WAIT_MS - ONE_MINUTE_MS);
	observed_engine_close(&observed);
	observed_engine_open(&observed);
	assert_int_equal(left_ms_of(&observed), WAIT_MS - ONE_MINUTE_MS);
	observed.passed_ms += WAIT_MS;
	observed_time(&observed);
	assert_int_equal(observed.settled_count, 1);
	assert_int_equal(left_ms_of(&observed), -1);
	observed_close(&observed);
}

static void without_an_outcome_window_nothing_waits(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_now(&observed, USUAL ", estimate: {probabilities: p}");
	observed_positives(&observed, 80, 0.8);
	assert_int_equal(left_ms_of(&observed), -1);
	observed_time(&observed);
	assert_int_equal(observed.count, 2);
	assert_int_equal(observed.settled_count, 0);
	observed_close(&observed);
}

static void windows_of_segments_settle_too(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_now(&observed, WAITS ", groupBy: key");
	observed.key = TEXT("one");
	observed_positives(&observed, 40, 0.8);
	observed.key = TEXT("two");
	observed_positives(&observed, 40, 0.8);
	observed.passed_ms += WAIT_MS;
	observed_time(&observed);
	assert_int_equal(observed.settled_count, 2);
	assert_int_equal(left_ms_of(&observed), -1);
	observed_close(&observed);
}

/* More than a visit settles: the state says that the rest is due. */
static void what_is_left_of_a_large_window_is_due_at_once(void **state)
{
	(void)state;
	double chances[200];
	static const int64_t shape[] = {200, 1};
	const struct tensor tensor = {
		.name = TEXT("p"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = chances, .count = 200};
	struct observed observed;
	observed_open_now(&observed, "window: 6000, falseAlarms: 0.1 per 1000, estimate: {probabilities: p, outcomeWindow: 10m}");
	for (int i = 0; i < 200; i++)
		chances[i] = 0.8;
	observed.also = &tensor;
	observed.with_requests = true;
	observed_slices(&observed, 6000, 200, 0);
	observed.passed_ms += WAIT_MS;
	observed_time(&observed);
	assert_int_equal(observed.settled_count, 0);
	assert_int_equal(left_ms_of(&observed), 0);
	for (int i = 0; i < 6000 / SETTLING_TURN_ROWS; i++)
		observed_time(&observed);
	assert_int_equal(observed.settled_count, 1);
	observed_close(&observed);
}

/* Engines of former releases take it for the truth of a request, which none has. */
static void it_has_the_form_of_a_truth(void **state)
{
	(void)state;
	const struct truth_link time = truth_link_of_time();
	struct arena *arena = arena_open(1 << 16);
	struct given given[2];
	struct truth_link read;
	truth_link_give(&time, TEXT("watch"), TEXT("watch.observer"), 1, arena, given);
	const struct carried carried = {.count = 2, .items = given};
	const struct message message = {.carried = &carried};
	assert_true(truth_link_read(&message, "watch.observer", &read));
	assert_true(truth_link_is_of_time(&read));
	assert_int_equal(read.request, request_hash(TEXT("")));
	arena_close(arena);
}

/* ---- windows by time ---- */

#define BY_TIME "window: 30s, falseAlarms: 0.1 per 1000"
#define HALF_MINUTE_MS 30000

/* Twenty seconds of rows, a second apart, whose records are written as they happen. The window has ten seconds left. */
static void rows_begin(struct observed *observed, const char *options)
{
	observed_open_now(observed, options);
	observed->time_ms = observed->time_ms / HALF_MINUTE_MS * HALF_MINUTE_MS + HALF_MINUTE_MS;
	observed->passed_ms = observed->time_ms;
	observed_rows(observed, 21, 1, 1);
}

static void a_window_by_time_closes_when_its_time_comes_alone(void **state)
{
	(void)state;
	struct observed observed;
	rows_begin(&observed, BY_TIME);
	const int64_t left_ms = left_ms_of(&observed);
	assert_int_equal(observed.count, 0);
	assert_int_equal(left_ms, 10000 + ENDING_SLACK_MS);
	observed.passed_ms += left_ms - 1;
	observed_time(&observed);
	assert_int_equal(observed.count, 0);
	observed.passed_ms++;
	observed_time(&observed);
	assert_int_equal(observed.count, 1);
	assert_int_equal(observed.seen[0].messages, 21);
	assert_int_equal(left_ms_of(&observed), -1);
	observed_time(&observed);
	assert_int_equal(observed.count, 1);
	observed_close(&observed);
}

/* Its verdict is that which the next row would have brought; and one that comes late for it is in the next window. */
static void its_verdict_is_that_of_the_next_row(void **state)
{
	(void)state;
	static const char *const options[] = {BY_TIME, BY_TIME ", methods: [ks, cusum]"};
	for (size_t i = 0; i < 2; i++) {
		struct observed alone, followed;
		rows_begin(&alone, options[i]);
		rows_begin(&followed, options[i]);
		alone.passed_ms += HALF_MINUTE_MS;
		observed_time(&alone);
		followed.time_ms += HALF_MINUTE_MS;
		observed_rows(&followed, 1, 1, 1);
		assert_int_equal(alone.count, 1);
		assert_int_equal(followed.count, 1);
		assert_true(alone.seen[0].score == followed.seen[0].score && alone.seen[0].sum == followed.seen[0].sum);
		assert_int_equal(alone.seen[0].begin_ms, followed.seen[0].begin_ms);
		assert_true(scores_equal(alone.seen[0].times.rate, followed.seen[0].times.rate));
		observed_rows(&alone, 2, 1, 1); /* of the window that has closed */
		alone.time_ms += 2 * (int64_t)HALF_MINUTE_MS;
		observed_rows(&alone, 1, 1, 1);
		assert_int_equal(alone.count, 2);
		assert_int_equal(alone.seen[1].window, 1);
		assert_int_equal(alone.seen[1].messages, 2);
		assert_int_equal(alone.seen[1].late, 2);
		observed_close(&alone);
		observed_close(&followed);
	}
}

/* Whether it has the rows in memory, or only the state; and one that had them before another closed the window. */
static void any_engine_closes_it_once(void **state)
{
	(void)state;
	struct observed observed;
	rows_begin(&observed, BY_TIME);
	observed_engine_close(&observed);
	observed_engine_open(&observed);
	assert_int_equal(left_ms_of(&observed), 10000 + ENDING_SLACK_MS);
	observed.passed_ms += HALF_MINUTE_MS;
	observed_time(&observed);
	observed_engine_close(&observed);
	observed_engine_open(&observed);
	assert_int_equal(left_ms_of(&observed), -1);
	observed_time(&observed);
	assert_int_equal(observed.count, 1);
	assert_int_equal(observed.seen[0].messages, 21);
	observed_close(&observed);
}

static void windows_by_time_of_segments_close_too(void **state)
{
	(void)state;
	struct observed observed;
	rows_begin(&observed, BY_TIME ", groupBy: key");
	observed.key = TEXT("one");
	observed_rows(&observed, 5, 1, 1);
	observed.key = TEXT("two");
	observed_rows(&observed, 3, 1, 1);
	observed.passed_ms += HALF_MINUTE_MS;
	observed_time(&observed);
	assert_int_equal(observed.count, 2);
	assert_string_equal(observed.seen[1].segment, "two");
	assert_int_equal(observed.seen[0].messages, 5);
	assert_int_equal(observed.seen[1].messages, 3);
	assert_int_equal(left_ms_of(&observed), -1);
	observed_close(&observed);
}

/* A stream that only pauses, and whose rows come long after their times, as a past that is read again. */
static void a_pause_shorter_than_what_is_left_closes_nothing(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, BY_TIME);
	observed.time_ms = observed.time_ms / HALF_MINUTE_MS * HALF_MINUTE_MS + HALF_MINUTE_MS;
	observed.passed_ms = observed.time_ms + 7 * DAY_MS;
	observed_rows(&observed, 11, 1, 1);
	observed.passed_ms += 15000;
	observed_time(&observed);
	assert_int_equal(observed.count, 0);
	observed_close(&observed);
}

/* Of two partitions: the last second of each is held, since the other may bring older rows. */
static void rows_that_are_held_go_on_when_time_comes_alone(void **state)
{
	(void)state;
	struct observed observed;
	rows_begin(&observed, BY_TIME);
	observed.partition = 1;
	observed_rows(&observed, 5, 1, 1);
	assert_int_equal(left_ms_of(&observed), WATERMARKS_PATIENCE_MS);
	observed.passed_ms += WATERMARKS_PATIENCE_MS;
	observed_time(&observed);
	observed.passed_ms += HALF_MINUTE_MS;
	observed_time(&observed);
	assert_int_equal(observed.count, 1);
	assert_int_equal(observed.seen[0].messages, 26);
	assert_int_equal(left_ms_of(&observed), -1);
	observed_close(&observed);
}

/* By count, too: the reader is behind in another partition, of which nothing comes. */
static void rows_of_windows_by_count_are_not_held_for_ever(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_now(&observed, USUAL);
	observed.reads = "0-1+";
	observed_rows(&observed, 100, 1, 1);
	assert_int_equal(observed.count, 0);
	assert_int_equal(left_ms_of(&observed), WATERMARKS_PATIENCE_MS);
	observed_engine_close(&observed);
	observed_engine_open(&observed);
	observed.passed_ms += WATERMARKS_PATIENCE_MS - 1;
	observed_time(&observed);
	assert_int_equal(observed.count, 0);
	observed.passed_ms++;
	observed_time(&observed);
	assert_int_equal(observed.count, 2);
	assert_int_equal(left_ms_of(&observed), -1); /* the last 20 fill no window */
	observed.partition = 1;
	observed.time_ms -= 90000; /* older than what went on */
	observed_rows(&observed, 20, 1, 1);
	observed.passed_ms += WATERMARKS_PATIENCE_MS;
	observed_time(&observed);
	assert_int_equal(observed.count, 3);
	assert_int_equal(observed.seen[0].messages + observed.seen[1].messages + observed.seen[2].messages, 120);
	observed_close(&observed);
}

/* A record of time brings so many of them, and the next one is due at once. */
static void what_is_left_of_many_rows_that_are_held_is_due_at_once(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_now(&observed, "window: 1000, falseAlarms: 0.1 per 1000");
	observed.reads = "0-1+";
	observed_rows(&observed, 2 * ROW_ORDER_RELEASED_MOST + 1000, 1, 1);
	assert_int_equal(left_ms_of(&observed), WATERMARKS_PATIENCE_MS);
	observed.passed_ms += WATERMARKS_PATIENCE_MS;
	observed_time(&observed);
	assert_int_equal(observed.count, ROW_ORDER_RELEASED_MOST / 1000);
	assert_int_equal(left_ms_of(&observed), 0);
	observed_time(&observed);
	assert_int_equal(observed.count, 2 * ROW_ORDER_RELEASED_MOST / 1000);
	assert_int_equal(left_ms_of(&observed), 0);
	observed_engine_close(&observed);
	observed_engine_open(&observed);
	assert_int_equal(left_ms_of(&observed), WATERMARKS_PATIENCE_MS); /* another engine does not know when the last one was */
	observed_time(&observed);
	assert_int_equal(observed.count, 2 * ROW_ORDER_RELEASED_MOST / 1000 + 1);
	assert_int_equal(left_ms_of(&observed), -1);
	observed_close(&observed);
}

/* The stream goes on meanwhile: its rows wait as before. */
static void a_message_ends_what_time_alone_let_go(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_now(&observed, "window: 1000, falseAlarms: 0.1 per 1000");
	observed.reads = "0-1+";
	observed_rows(&observed, ROW_ORDER_RELEASED_MOST + 1000, 1, 1);
	observed.passed_ms += WATERMARKS_PATIENCE_MS;
	observed_time(&observed);
	assert_int_equal(left_ms_of(&observed), 0);
	observed_rows(&observed, 1, 1, 1);
	assert_int_equal(left_ms_of(&observed), WATERMARKS_PATIENCE_MS);
	observed_close(&observed);
}

/* A window of the past of a stream is one, too. */
static void a_past_learns_from_a_window_that_time_closes(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_past(&observed, "1d", BY_TIME);
	observed.passed_ms = observed.time_ms = observed.time_ms / HALF_MINUTE_MS * HALF_MINUTE_MS;
	for (size_t i = 0; i < 22; i++) {
		observed_rows(&observed, 25, 2, 1);
		observed.passed_ms += HALF_MINUTE_MS;
		observed_time(&observed);
		observed.time_ms = observed.passed_ms;
		assert_int_equal(observed.count, i + 1);
		assert_int_equal(observed.seen[i].messages, 50);
	}
	assert_int_equal(observed.seen[0].reference_rows, 0);
	assert_true(observed.seen[21].reference_rows >= PAST_ROWS_MIN);
	observed_close(&observed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_settles_when_its_time_comes_alone),
		cmocka_unit_test(time_alone_is_no_message),
		cmocka_unit_test(the_state_says_what_it_waits_for),
		cmocka_unit_test(without_an_outcome_window_nothing_waits),
		cmocka_unit_test(windows_of_segments_settle_too),
		cmocka_unit_test(what_is_left_of_a_large_window_is_due_at_once),
		cmocka_unit_test(it_has_the_form_of_a_truth),
		cmocka_unit_test(a_window_by_time_closes_when_its_time_comes_alone),
		cmocka_unit_test(its_verdict_is_that_of_the_next_row),
		cmocka_unit_test(any_engine_closes_it_once),
		cmocka_unit_test(windows_by_time_of_segments_close_too),
		cmocka_unit_test(a_pause_shorter_than_what_is_left_closes_nothing),
		cmocka_unit_test(rows_that_are_held_go_on_when_time_comes_alone),
		cmocka_unit_test(rows_of_windows_by_count_are_not_held_for_ever),
		cmocka_unit_test(what_is_left_of_many_rows_that_are_held_is_due_at_once),
		cmocka_unit_test(a_message_ends_what_time_alone_let_go),
		cmocka_unit_test(a_past_learns_from_a_window_that_time_closes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
