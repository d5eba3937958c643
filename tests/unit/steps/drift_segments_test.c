/* drift_segments_test.c: verdicts of a step `drift` with `groupBy`: one for each segment, up to a limit, whose false alarms share
 * what is declared. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "steps/drift/state/drift_window_state.h"
#include "tests/unit/observed.h"

#define BY_KEY USUAL ", groupBy: key"

static void keyed_send(struct observed *observed, const char *key, int messages, double moved)
{
	observed->key = key ? text_of(key) : (struct text){0};
	observed_rows(observed, messages, 1, moved);
}

static void each_segment_has_its_verdicts(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, BY_KEY);
	for (int i = 0; i < 40; i++) {
		keyed_send(&observed, "a", 1, 0);
		keyed_send(&observed, "b/1", 1, 4);
	}
	assert_int_equal(observed.count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(observed.seen[i].segment, i ? "b/1" : "a");
		assert_int_equal(observed.seen[i].window, 0);
		assert_int_equal(observed.seen[i].messages, 40);
		assert_int_equal(observed.seen[i].verdict, i ? DRIFT_FOUND : DRIFT_STEADY);
	}
	keyed_send(&observed, "b/1", 1, 0);
	assert_string_equal(observed.state, "drift"); /* messages are marked with that of their own segment */
	keyed_send(&observed, "a", 1, 0);
	assert_string_equal(observed.state, "steady");
	keyed_send(&observed, "c", 1, 0);
	assert_string_equal(observed.state, "learning");
	const struct verdict_summary sum =
		verdict_entry_sum(verdict_board_entry(observed.board, observed.planning.graph->name, "watch"));
	assert_int_equal(sum.segments, 3);
	assert_int_equal(sum.last.verdict, DRIFT_FOUND);
	assert_true(sum.last.score == observed.seen[1].score);
	observed_close(&observed);
}

/* The verdicts on a segment are those that its messages alone would have, whatever comes between, and in whichever engine. */
static void segments_do_not_disturb_each_other(void **state)
{
	(void)state;
	static const char *const windows[] = {USUAL, "window: 100s, falseAlarms: 0.1 per 1000"};
	for (size_t which = 0; which < 2; which++) {
		char grouped[128];
		struct observed alone, mixed;
		snprintf(grouped, sizeof grouped, "%s, groupBy: key", windows[which]);
		observed_open(&alone, windows[which]);
		observed_open(&mixed, grouped);
		for (int i = 0; i < 130; i++) {
			observed_rows(&alone, 1, 1, 1);
			alone.time_ms += 1000;
			keyed_send(&mixed, "s", 1, 1);
			const struct random kept = mixed.chance;
			keyed_send(&mixed, i % 3 ? "t" : "u", 1, -1);
			mixed.chance = kept;
			if (i % 50 == 49) {
				observed_engine_close(&mixed);
				observed_engine_open(&mixed);
			}
		}
		size_t found = 0;
		for (size_t i = 0; i < mixed.count; i++)
			if (strcmp(mixed.seen[i].segment, "s") == 0) {
				assert_true(found < alone.count);
				assert_int_equal(mixed.seen[i].window, alone.seen[found].window);
				assert_int_equal(mixed.seen[i].messages, alone.seen[found].messages);
				assert_true(mixed.seen[i].score == alone.seen[found].score);
				assert_true(mixed.seen[i].sum == alone.seen[found].sum);
				found++;
			}
		assert_true(found >= 2);
		assert_int_equal(found, alone.count);
		assert_true(mixed.count > found);
		observed_close(&alone);
		observed_close(&mixed);
	}
}

/* Rows of a batch may be of different segments: the sign of the first column, here. */
static void rows_of_a_batch_have_their_own(void **state)
{
	(void)state;
	struct observed observed;
	double numbers[80] = {0};
	const int64_t shape[] = {40, 2};
	const struct tensor tensor = {
		.name = TEXT("x"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = numbers, .count = 80};
	observed_open(&observed, "window: 20, falseAlarms: 0.1 per 1000, groupBy: \"sum(x along 1) > 0\"");
	for (size_t i = 0; i < 40; i++)
		numbers[2 * i] = i % 2 ? -0.1 * (double)i : 0.1 * (double)(i + 1);
	observed_send(&observed, &tensor);
	assert_int_equal(observed.count, 2);
	assert_string_equal(observed.seen[0].segment, "true");
	assert_string_equal(observed.seen[1].segment, "false");
	assert_int_equal(observed.seen[0].messages, 20);
	assert_int_equal(observed.seen[1].messages, 20);
	observed_close(&observed);
}

/* ---- limits ---- */

static void segments_send(struct observed *observed, int from, int to)
{
	for (int i = from; i < to; i++) {
		char key[16];
		snprintf(key, sizeof key, "k%d", i);
		keyed_send(observed, key, 1, 0);
	}
	observed->key = (struct text){0}; /* `key` is gone */
}

static void what_is_beyond_the_limit_is_counted(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, BY_KEY);
	struct verdict_entry *entry = verdict_board_entry(observed.board, observed.planning.graph->name, "watch");
	segments_send(&observed, 0, DRIFT_SEGMENTS_MAX);
	assert_int_equal(verdict_entry_sum(entry).segments, DRIFT_SEGMENTS_MAX);
	assert_int_equal(verdict_entry_sum(entry).beyond, 0);
	segments_send(&observed, DRIFT_SEGMENTS_MAX, DRIFT_SEGMENTS_MAX + 3);
	assert_int_equal(verdict_entry_sum(entry).segments, DRIFT_SEGMENTS_MAX);
	assert_int_equal(verdict_entry_sum(entry).beyond, 3);
	keyed_send(&observed, "k999", 39, 0); /* the thousandth is watched */
	assert_int_equal(observed.count, 1);
	assert_string_equal(observed.seen[0].segment, "k999");
	assert_int_equal(observed.seen[0].beyond, 3);
	observed_engine_close(&observed); /* another engine has the same ones */
	observed_engine_open(&observed);
	keyed_send(&observed, "k1000", 39, 0);
	assert_int_equal(observed.count, 1);
	keyed_send(&observed, "k1000", 1, 0); /* nothing else comes, so it is said after a window's worth */
	assert_int_equal(observed.count, 2);
	assert_string_equal(observed.seen[1].segment, "");
	assert_int_equal(observed.seen[1].beyond, 40);
	assert_int_equal(observed.seen[1].verdict, DRIFT_LEARNING);
	assert_int_equal(verdict_entry_sum(entry).beyond, 43);
	observed_close(&observed);
}

static void messages_without_a_segment_are_counted(void **state)
{
	(void)state;
	char longest[DRIFT_SEGMENT_BYTES_MAX + 2];
	struct observed observed;
	memset(longest, 's', sizeof longest);
	longest[DRIFT_SEGMENT_BYTES_MAX + 1] = '\0';
	observed_open(&observed, BY_KEY);
	keyed_send(&observed, NULL, 2, 0);
	keyed_send(&observed, longest, 1, 0);
	keyed_send(&observed, "a", 40, 0);
	assert_int_equal(observed.count, 1);
	assert_int_equal(observed.seen[0].messages, 40);
	assert_int_equal(observed.seen[0].unusable, 3);
	longest[DRIFT_SEGMENT_BYTES_MAX] = '\0';
	keyed_send(&observed, longest, 40, 4);
	assert_int_equal(observed.count, 2);
	assert_int_equal(observed.seen[1].messages, 40);
	observed_close(&observed);
}

static void another_group_begins_anew(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, BY_KEY);
	struct verdict_entry *entry = verdict_board_entry(observed.board, observed.planning.graph->name, "watch");
	keyed_send(&observed, "k0", 39, 4);
	segments_send(&observed, 0, DRIFT_SEGMENTS_MAX);
	assert_int_equal(verdict_entry_sum(entry).last.verdict, DRIFT_FOUND);
	assert_int_equal(observed.begun, DRIFT_SEGMENTS_MAX);
	observed.count = 0;
	observed_engine_close(&observed);
	planning_close(&observed.planning);
	observed_steps(&observed, USUAL ", groupBy: upper(key)");
	observed_engine_open(&observed);
	observed_strangers(&observed, 1); /* the first message, whatever it is, ends the alerts on segments that are no more */
	assert_int_equal(verdict_entry_sum(entry).segments, 0);
	assert_int_equal(verdict_entry_sum(entry).last.verdict, DRIFT_LEARNING);
	keyed_send(&observed, "x", 40, 0);
	assert_int_equal(observed.count, 1);
	assert_string_equal(observed.seen[0].segment, "X");
	assert_int_equal(observed.seen[0].beyond, 0);
	assert_int_equal(verdict_entry_sum(entry).segments, 1);
	keyed_send(&observed, "x", 1, 0);
	assert_string_equal(observed.state, "steady");
	observed_close(&observed);
}

static void rows_of_all_segments_are_estimated(void **state)
{
	(void)state;
	const struct monitor_settings count = {.window_rows = 500}, timed = {.window_ms = 1};
	assert_true(drift_segments_bytes(&count, 100) == 1000.0 * 500 * 816);
	assert_true(drift_segments_bytes(&timed, 2) == 1000.0 * MONITOR_ROWS_KEPT * 32);
}

/* ---- false alarms ---- */

/* A rate in a duration is of all segments together: with ten of them, each window has a tenth. */
static void a_rate_in_time_is_divided(void **state)
{
	(void)state;
	struct observed one, ten;
	observed_open(&one, "window: 40, falseAlarms: 1 per 1h, groupBy: key");
	observed_open(&ten, "window: 40, falseAlarms: 10 per 1h, groupBy: key");
	segments_send(&ten, 0, 9);
	one.time_ms = ten.time_ms;
	one.chance = ten.chance;
	keyed_send(&one, "a", 40, 0);
	keyed_send(&ten, "a", 40, 0);
	assert_int_equal(one.count, 1);
	assert_int_equal(ten.count, 1);
	assert_true(one.seen[0].sum == ten.seen[0].sum); /* with the levels of all tests */
	observed_close(&one);
	observed_close(&ten);
}

/* The engine after a change of the step: it has other options, and the same state. */
static void step_change(struct observed *observed, const char *options)
{
	observed_engine_close(observed);
	planning_close(&observed->planning);
	observed_steps(observed, options);
	observed_engine_open(observed);
}

/* Each message forgets a few of those that do not come again, with their rows; then the state is as if they had never been. */
static void former_segments_are_forgotten(void **state)
{
	(void)state;
	struct observed observed, fresh;
	enum { FORMER = 4 * DRIFT_FORGOTTEN_MOST };
	char keys[FORMER][8];
	observed_open(&observed, BY_KEY);
	for (size_t i = 0; i < FORMER; i++) {
		snprintf(keys[i], sizeof keys[i], "k%zu", i);
		keyed_send(&observed, keys[i], 3, 0);
	}
	const size_t full = store_count(observed.store), begun = observed.begun;
	assert_int_equal(begun, FORMER);
	assert_int_equal(full,
			 FORMER * 5 + 3); /* a window, three chunks and a name of each; and the tally, and two of partitions */
	step_change(&observed, "window: 41, falseAlarms: 0.1 per 1000, groupBy: key");
	keyed_send(&observed, keys[1], 1, 0); /* it comes again, so only the others of the first four are said to be over */
	assert_int_equal(observed.begun, begun + 1 + DRIFT_FORGOTTEN_MOST - 1);
	assert_true(store_count(observed.store) < full);
	keyed_send(&observed, keys[1], 3, 0);
	assert_int_equal(observed.begun, begun + FORMER); /* each but k1 is said to be over, and k1 began */
	observed_open(&fresh, "window: 41, falseAlarms: 0.1 per 1000, groupBy: key");
	keyed_send(&fresh, keys[1], 4, 0);
	assert_int_equal(store_count(observed.store), store_count(fresh.store));
	keyed_send(&observed, keys[1], 37, 0);
	assert_int_equal(observed.count, 1); /* the window that was open when they were forgotten is whole */
	assert_int_equal(observed.seen[0].messages, 41);
	observed_close(&observed);
	observed_close(&fresh);
}

/* With what their quality is estimated from. */
static void sums_of_former_segments_are_forgotten(void **state)
{
	(void)state;
	struct observed observed, fresh;
	observed_open(&observed, BY_KEY ", estimate: p");
	keyed_send(&observed, "a", 3, 0);
	keyed_send(&observed, "b", 3, 0);
	assert_int_equal(store_count(observed.store),
			 2 * 6 + 3); /* a window, sums, three chunks and a name of each; and the tally, and two of partitions */
	step_change(&observed, "window: 41, falseAlarms: 0.1 per 1000, groupBy: key, estimate: p");
	keyed_send(&observed, "c", 3, 0);
	observed_open(&fresh, "window: 41, falseAlarms: 0.1 per 1000, groupBy: key, estimate: p");
	keyed_send(&fresh, "c", 3, 0);
	assert_int_equal(store_count(observed.store), store_count(fresh.store));
	observed_close(&observed);
	observed_close(&fresh);
}

/* Without groupBy there is one segment again, and with it that one is former. */
static void a_step_may_begin_and_cease_to_have_segments(void **state)
{
	(void)state;
	struct observed observed, fresh;
	observed_open(&observed, USUAL);
	keyed_send(&observed, "a", 3, 0);
	step_change(&observed, BY_KEY);
	keyed_send(&observed, "a", 3, 0);
	keyed_send(&observed, "b", 3, 0);
	observed_open(&fresh, BY_KEY);
	keyed_send(&fresh, "a", 3, 0);
	keyed_send(&fresh, "b", 3, 0);
	assert_int_equal(store_count(observed.store), store_count(fresh.store));
	observed_close(&fresh);
	step_change(&observed, USUAL);
	keyed_send(&observed, "a", 3, 0);
	observed_open(&fresh, USUAL);
	keyed_send(&fresh, "a", 3, 0);
	assert_int_equal(store_count(observed.store), store_count(fresh.store));
	observed_close(&observed);
	observed_close(&fresh);
}

/* While former ones are being forgotten, the step may change again: none is left. */
static void segments_of_two_changes_are_forgotten(void **state)
{
	(void)state;
	struct observed observed, fresh;
	char keys[40][8];
	observed_open(&observed, BY_KEY);
	for (size_t i = 0; i < 40; i++) {
		snprintf(keys[i], sizeof keys[i], "k%zu", i);
		keyed_send(&observed, keys[i], 1, 0);
	}
	step_change(&observed, "window: 41, falseAlarms: 0.1 per 1000, groupBy: key");
	keyed_send(&observed, "x", 1, 0);
	step_change(&observed, "window: 42, falseAlarms: 0.1 per 1000, groupBy: key");
	keyed_send(&observed, "y", 20, 0);
	observed_open(&fresh, "window: 42, falseAlarms: 0.1 per 1000, groupBy: key");
	keyed_send(&fresh, "y", 20, 0);
	assert_int_equal(store_count(observed.store), store_count(fresh.store));
	observed_close(&observed);
	observed_close(&fresh);
}

/* A rollback before all are forgotten: those that are left go on, and are again segments that a later change makes former. */
static void segments_go_on_after_a_rollback(void **state)
{
	(void)state;
	struct observed observed, fresh;
	char keys[10][8];
	observed_open(&observed, BY_KEY);
	for (size_t i = 0; i < 10; i++) {
		snprintf(keys[i], sizeof keys[i], "k%zu", i);
		keyed_send(&observed, keys[i], 30, 0);
	}
	step_change(&observed, "window: 41, falseAlarms: 0.1 per 1000, groupBy: key");
	keyed_send(&observed, "x", 1, 0); /* k0 to k3 are forgotten */
	step_change(&observed, BY_KEY);
	keyed_send(&observed, "k9", 10, 0);
	assert_int_equal(observed.count, 1); /* 30 and 10 messages of k9 */
	assert_string_equal(observed.seen[0].segment, "k9");
	keyed_send(&observed, "k3", 30, 0);
	assert_int_equal(observed.count, 1);
	step_change(&observed, "window: 42, falseAlarms: 0.1 per 1000, groupBy: key");
	keyed_send(&observed, "y", 20, 0);
	observed_open(&fresh, "window: 42, falseAlarms: 0.1 per 1000, groupBy: key");
	keyed_send(&fresh, "y", 20, 0);
	assert_int_equal(store_count(observed.store), store_count(fresh.store));
	observed_close(&observed);
	observed_close(&fresh);
}

/* Of a large window, which also was larger before: its rows go by so many a message. */
static void a_former_segment_of_many_rows_is_forgotten_by_and_by(void **state)
{
	(void)state;
	struct observed observed, fresh;
	observed_open(&observed, "window: 400, falseAlarms: 0.1 per 1000, groupBy: key");
	keyed_send(&observed, "a", 399, 0);
	const size_t full = store_count(observed.store);
	assert_int_equal(full, 399 + 5);
	keyed_send(&observed, "a", 11, 0); /* it closes, and ten are in the next */
	step_change(&observed, BY_KEY);
	keyed_send(&observed, "b", 1, 0);
	assert_int_equal(store_count(observed.store), full + 3 - DRIFT_FORGOTTEN_CHUNKS_MOST);
	keyed_send(&observed, "b", 1, 0);
	observed_open(&fresh, BY_KEY);
	keyed_send(&fresh, "b", 2, 0);
	assert_int_equal(store_count(observed.store), store_count(fresh.store));
	observed_close(&observed);
	observed_close(&fresh);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(former_segments_are_forgotten),
		cmocka_unit_test(sums_of_former_segments_are_forgotten),
		cmocka_unit_test(a_former_segment_of_many_rows_is_forgotten_by_and_by),
		cmocka_unit_test(a_step_may_begin_and_cease_to_have_segments),
		cmocka_unit_test(segments_of_two_changes_are_forgotten),
		cmocka_unit_test(segments_go_on_after_a_rollback),
		cmocka_unit_test(each_segment_has_its_verdicts),
		cmocka_unit_test(segments_do_not_disturb_each_other),
		cmocka_unit_test(rows_of_a_batch_have_their_own),
		cmocka_unit_test(what_is_beyond_the_limit_is_counted),
		cmocka_unit_test(messages_without_a_segment_are_counted),
		cmocka_unit_test(another_group_begins_anew),
		cmocka_unit_test(rows_of_all_segments_are_estimated),
		cmocka_unit_test(a_rate_in_time_is_divided),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
