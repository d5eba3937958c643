/* drift_observer_test.c: Tests of what the observer of a step `drift` says of windows, what it keeps of them, and what messages are
 * marked with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "tests/unit/observed.h"

/* ---- verdicts ---- */

static void a_window_that_closes_is_judged(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, USUAL);
	observed_rows(&observed, 39, 1, 0);
	assert_int_equal(observed.count, 0);
	observed_rows(&observed, 2, 1, 0);
	assert_int_equal(observed.count, 1);
	const struct seen *first = &observed.seen[0];
	assert_int_equal(first->window, 0);
	assert_int_equal(first->messages, 40);
	assert_int_equal(first->verdict, DRIFT_STEADY);
	assert_true(first->score == 0);
	assert_int_equal(first->begin_ms, 100 * DAY_MS);
	assert_int_equal(first->end_ms, 100 * DAY_MS + 39000);
	assert_int_equal(first->reference_rows, REFERENCE_ROWS);
	assert_int_equal(first->statistics, 2 * 3); /* ks, psi and wasserstein of both columns */
	assert_int_equal(first->quality, 2);
	assert_string_equal(first->step, "watch");
	observed_rows(&observed, 39, 1, 4);
	assert_int_equal(observed.count, 2);
	assert_int_equal(observed.seen[1].window, 1);
	assert_int_equal(observed.seen[1].verdict, DRIFT_FOUND);
	assert_true(observed.seen[1].score > 1);
	observed_close(&observed);
}

static void messages_are_marked_with_the_last_verdict(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, USUAL);
	observed_rows(&observed, 40, 1, 0);
	assert_string_equal(observed.state, "learning");
	observed_rows(&observed, 40, 1, 4);
	assert_string_equal(observed.state, "steady");
	assert_false(observed.flagged);
	observed_rows(&observed, 1, 1, 0);
	assert_string_equal(observed.state, "drift");
	assert_true(observed.flagged);
	assert_true(observed.score == observed.seen[1].score && observed.score > 0);
	observed_close(&observed);
}

/* 130 rows in one message close three windows; the other 10 are in the fourth. */
static void a_batch_may_close_several_windows(void **state)
{
	(void)state;
	struct observed observed, single;
	observed_open(&observed, USUAL);
	observed_open(&single, USUAL);
	observed_rows(&observed, 1, 130, 0);
	observed_rows(&observed, 30, 1, 0);
	observed_rows(&single, 160, 1, 0);
	assert_int_equal(observed.count, 4);
	assert_int_equal(single.count, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(observed.seen[i].window, i);
	assert_true(observed.seen[3].sum == single.seen[3].sum);
	observed_close(&observed);
	observed_close(&single);
}

/* ---- state ---- */

/* Another engine begins with what the first has stored: the verdicts are the same, at each row. */
static void a_window_goes_on_in_another_engine(void **state)
{
	(void)state;
	static const char *const windows[] = {USUAL, "window: 30s, falseAlarms: 0.1 per 1000"};
	for (size_t which = 0; which < 2; which++)
		for (int first = 1; first < 90; first += 29) {
			struct observed one, two;
			observed_open(&one, windows[which]);
			observed_open(&two, windows[which]);
			observed_rows(&one, 130, 1, 1);
			observed_rows(&two, first, 1, 1);
			observed_engine_close(&two);
			observed_engine_open(&two);
			observed_rows(&two, 130 - first, 1, 1);
			assert_int_equal(two.count, one.count);
			assert_true(one.count >= 3);
			for (size_t i = 0; i < one.count; i++) {
				assert_int_equal(two.seen[i].window, one.seen[i].window);
				assert_int_equal(two.seen[i].messages, one.seen[i].messages);
				assert_true(two.seen[i].score == one.seen[i].score);
				assert_true(two.seen[i].sum == one.seen[i].sum);
			}
			observed_close(&one);
			observed_close(&two);
		}
}

/* Of another engine: after its reference was learnt again, what was found by the former one is over. */
static void verdicts_of_another_identity_mark_nothing(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, USUAL);
	observed_rows(&observed, 40, 1, 0);
	const uint64_t identity = observed.identity;
	verdict_board_close(observed.board);
	observed_engine_close(&observed);
	store_close(observed.store);
	observed.store = NULL;
	observed.board = verdict_board_open();
	observed_engine_open(&observed);
	struct verdict_entry *entry = verdict_board_entry(observed.board, observed.planning.graph->name, "watch");
	verdict_entry_feed(entry, identity + 1, TEXT(""), verdict_of(DRIFT_FOUND, 0.5));
	observed_rows(&observed, 1, 1, 0);
	assert_string_equal(observed.state, "learning");
	assert_false(observed.flagged);
	verdict_entry_feed(entry, identity, TEXT(""), verdict_of(DRIFT_FOUND, 0.5));
	observed_rows(&observed, 1, 1, 0);
	assert_string_equal(observed.state, "drift");
	assert_true(observed.flagged && observed.score == 0.5);
	observed_engine_close(&observed);
	planning_close(&observed.planning);
	observed_steps(&observed, "window: 41, falseAlarms: 0.1 per 1000");
	observed_engine_open(&observed);
	observed_rows(&observed, 1, 1, 0);
	assert_string_equal(observed.state, "learning");
	observed_close(&observed);
}

/* A restarted engine knows the verdict that was last, with its first message. */
static void the_last_verdict_survives_a_restart(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, USUAL);
	observed_rows(&observed, 40, 1, 4);
	observed_engine_close(&observed);
	verdict_board_close(observed.board);
	observed.board = verdict_board_open();
	observed_engine_open(&observed);
	observed_rows(&observed, 2, 1, 0);
	assert_string_equal(observed.state, "drift");
	observed_close(&observed);
}

static struct verdict_entry *entry_of(const struct observed *observed)
{
	return verdict_board_entry(observed->board, observed->planning.graph->name, "watch");
}

/* In an engine that has started, before a message comes: alerts and metrics have it at once. */
static void the_state_shows_the_last_verdict_of_each_segment(void **state)
{
	static const char *const options[] = {USUAL, USUAL ", groupBy: key"};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct observed observed;
		const struct text segment = i == 0 ? TEXT("") : TEXT("k");
		observed_open(&observed, options[i]);
		observed.key = TEXT("k");
		observed_rows(&observed, 41, 1, 4);
		const struct last_verdict before = verdict_entry_get(entry_of(&observed), segment);
		assert_int_equal(before.verdict, DRIFT_FOUND);
		assert_string_equal(before.cause.test, "wasserstein");
		assert_true(strncmp(before.cause.feature, "x", 1) == 0 && before.cause.effect > 1 && before.cause.p < 1e-6);
		observed_engine_close(&observed);
		verdict_board_close(observed.board);
		observed.board = verdict_board_open();
		observed_engine_open(&observed);
		assert_int_equal(verdict_entry_sum(entry_of(&observed)).segments, 0);
		flow_verdicts_show(observed.flow, observed.line);
		assert_int_equal(verdict_entry_sum(entry_of(&observed)).segments, 1);
		const struct last_verdict shown = verdict_entry_get(entry_of(&observed), segment);
		assert_int_equal(shown.verdict, DRIFT_FOUND);
		assert_true(shown.score == before.score && shown.missing_share == before.missing_share);
		assert_memory_equal(&shown.cause, &before.cause, sizeof shown.cause);
		observed_rows(&observed, 39, 1, 0);
		assert_int_equal(observed.count, 2);
		observed_close(&observed);
	}
}

/* What its past is comes from the state too. */
static void the_state_shows_a_verdict_by_the_past(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_past(&observed, "1h", "window: 100");
	observed_rows(&observed, 1250, 1, 0);
	const enum drift_verdict before = verdict_entry_get(entry_of(&observed), TEXT("")).verdict;
	assert_int_equal(before, DRIFT_STEADY);
	observed_engine_close(&observed);
	verdict_board_close(observed.board);
	observed.board = verdict_board_open();
	observed_engine_open(&observed);
	flow_verdicts_show(observed.flow, observed.line);
	assert_int_equal(verdict_entry_get(entry_of(&observed), TEXT("")).verdict, before);
	observed_close(&observed);
}

/* Metrics are of the engine that has the partition. Marks go on. */
static void a_verdict_is_lent_when_its_observer_has_moved(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, USUAL);
	observed_rows(&observed, 41, 1, 4);
	struct verdict_entry *entry = entry_of(&observed);
	struct store *other = store_open(flow_scopes(observed.flow), STORE_BYTES);
	flow_verdicts_lend(observed.flow, other);
	assert_int_equal(verdict_entry_get(entry, TEXT("")).verdict, DRIFT_FOUND); /* that partition had nothing of the observer */
	flow_verdicts_lend(observed.flow, observed.store);
	assert_int_equal(verdict_entry_get(entry, TEXT("")).verdict, DRIFT_LEARNING);
	assert_true(verdict_entry_get(entry, TEXT("")).score == 0);
	assert_int_equal(verdict_entry_judged(entry).verdict, DRIFT_FOUND);
	observed_rows(&observed, 1, 1, 0); /* it has come back */
	assert_int_equal(verdict_entry_get(entry, TEXT("")).verdict, DRIFT_FOUND);
	store_close(other);
	observed_close(&observed);
}

/* What was not committed is gone: the monitor in memory does not count it. */
static void what_the_state_has_counts(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, USUAL);
	observed_rows(&observed, 30, 1, 0);
	line_close(observed.line);
	store_close(observed.store);
	observed.store = store_open(flow_scopes(observed.flow), STORE_BYTES);
	observed.line = line_open(observed.flow, observed.store, &(struct error){0});
	observed_rows(&observed, 39, 1, 0);
	assert_int_equal(observed.count, 0);
	observed_rows(&observed, 1, 1, 0);
	assert_int_equal(observed.count, 1);
	assert_int_equal(observed.seen[0].messages, 40);
	observed_close(&observed);
}

static void another_window_begins_anew(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, USUAL);
	observed_rows(&observed, 60, 1, 0);
	observed_engine_close(&observed);
	planning_close(&observed.planning);
	observed_steps(&observed, "window: 50, falseAlarms: 0.1 per 1000");
	observed_engine_open(&observed);
	observed_rows(&observed, 49, 1, 0);
	assert_int_equal(observed.count, 1);
	observed_rows(&observed, 1, 1, 0);
	assert_int_equal(observed.count, 2);
	assert_int_equal(observed.seen[1].messages, 50);
	assert_int_equal(observed.seen[1].window, 1); /* its number goes on */
	observed_close(&observed);
}

/* Of a window by time, more rows than are kept are thinned; another engine keeps the same ones. */
static void a_thinned_window_goes_on(void **state)
{
	(void)state;
	struct observed one, two;
	observed_open(&one, "window: 1h, falseAlarms: 0.1 per 1000");
	observed_open(&two, "window: 1h, falseAlarms: 0.1 per 1000");
	observed_rows(&one, 21, 900, 1);
	observed_rows(&two, 12, 900, 1);
	observed_engine_close(&two);
	observed_engine_open(&two);
	observed_rows(&two, 9, 900, 1);
	one.time_ms = two.time_ms = 101 * DAY_MS;
	observed_rows(&one, 1, 1, 1);
	observed_rows(&two, 1, 1, 1);
	assert_int_equal(one.count, 1);
	assert_int_equal(two.count, 1);
	assert_int_equal(two.seen[0].messages, 21 * 900);
	assert_true(two.seen[0].sum == one.seen[0].sum);
	observed_close(&one);
	observed_close(&two);
}

/* ---- what comes badly ---- */

static void messages_that_do_not_fit_are_counted(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, USUAL);
	observed_strangers(&observed, 3);
	observed_rows(&observed, 20, 1, 0);
	observed_strangers(&observed, 4);
	observed_rows(&observed, 20, 1, 0);
	assert_int_equal(observed.count, 1);
	assert_int_equal(observed.seen[0].messages, 40);
	assert_int_equal(observed.seen[0].unusable, 7);
	observed_strangers(&observed, 39);
	assert_int_equal(observed.count, 1);
	observed_strangers(&observed, 1);
	assert_int_equal(observed.count, 2);
	assert_int_equal(observed.seen[1].verdict, DRIFT_LEARNING);
	assert_true(isnan(observed.seen[1].score) && observed.score == 0); /* of the record; of the mark */
	assert_int_equal(observed.seen[1].messages, 0);
	assert_int_equal(observed.seen[1].unusable, 40);
	assert_string_equal(observed.state, "steady"); /* nothing was judged */
	observed_close(&observed);
}

static void a_clock_that_jumps_back_begins_windows_anew(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, "window: 1m, falseAlarms: 0.1 per 1000");
	observed_rows(&observed, 60, 1, 0);
	observed.time_ms -= DAY_MS;
	observed_rows(&observed, 300, 1, 0);
	assert_true(observed.count >= 3);
	assert_int_equal(observed.seen[0].late, 100); /* a clock that was set back is known by then */
	for (size_t i = 1; i < observed.count; i++) {
		assert_int_equal(observed.seen[i].late, 0);
		assert_true(observed.seen[i].end_ms < 100 * DAY_MS);
	}
	observed_close(&observed);
}

static void missing_values_are_counted(void **state)
{
	(void)state;
	struct observed observed;
	double numbers[] = {__builtin_nan(""), 0};
	const int64_t shape[] = {1, 2};
	const struct tensor tensor = {
		.name = TEXT("x"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = numbers, .count = 2};
	observed_open(&observed, USUAL);
	observed_rows(&observed, 30, 1, 0);
	for (int i = 0; i < 10; i++)
		observed_send(&observed, &tensor);
	assert_int_equal(observed.count, 1);
	assert_int_equal(observed.seen[0].missing, 10);
	observed_close(&observed);
}

/* Messages a minute and the age of the newest event are in each record, and judged if the reference has times. */
static void times_have_bounds_from_the_reference(void **state)
{
	(void)state;
	struct observed timed, plain;
	observed_open_timed(&timed, USUAL);
	observed_open(&plain, USUAL);
	struct observed *const both[] = {&timed, &plain};
	for (size_t i = 0; i < 2; i++) {
		observed_rows(both[i], 100, 1, 0);
		both[i]->time_ms += 3600000;
		observed_rows(both[i], 61, 1, 0);
		assert_int_equal(both[i]->count, 4);
		for (size_t j = 1; j < 4; j++) {
			const struct drift_times *times = &both[i]->seen[j].times;
			assert_true(fabs(times->rate - (j == 2 ? 40 * 60 / 3640.0 : 60)) < 1e-6);
			assert_true(times->age_ms == (j == 2 ? 3601000 : 1000));
			assert_int_equal(times->rate_alarm, i == 0 && j == 2);
			assert_int_equal(times->age_alarm, i == 0 && j == 2);
		}
	}
	assert_null(timed.seen[1].times.unjudged);
	assert_true(timed.seen[1].times.rate_low < 60 && timed.seen[1].times.rate_high > 60);
	assert_true(timed.seen[1].times.age_most_ms >= 1000);
	assert_string_equal(timed.seen[0].times.unjudged, "no window came before");
	assert_string_equal(plain.seen[1].times.unjudged, "the reference has no times");
	observed_close(&timed);
	observed_close(&plain);
}

static void a_share_is_watched(void **state)
{
	(void)state;
	struct observed half, few;
	observed_open(&half, USUAL ", share: 50%");
	observed_open(&few, USUAL ", share: 1%"); /* 4 rows, and a window has 40 */
	observed_rows(&half, 400, 1, 0);
	observed_rows(&few, 400, 1, 0);
	assert_in_range(half.count, 4, 6);
	assert_int_equal(few.count, 0);
	observed_close(&half);
	observed_close(&few);
}

/* ---- the plan ---- */

static void the_plan_has_a_stage_for_the_observer(void **state)
{
	(void)state;
	struct observed observed = {0};
	struct plan plan;
	bool topic = false;
	observed_steps(&observed, USUAL);
	planning_plan(&observed.planning, NULL, &plan);
	const struct pipeline_plan *pipeline = &plan.pipelines[0];
	assert_int_equal(pipeline->stage_count, 2);
	assert_int_equal(pipeline->answer_stage, 0);
	assert_int_equal(pipeline->delivery, DELIVERY_AT_LEAST_ONCE); /* its state is no part of the answer */
	assert_string_equal(pipeline->stages[1].key, "\"watch\"");
	assert_non_null(pipeline->stages[1].state);
	const struct graph_next *next = &pipeline->stages[0].graph->part->next[0];
	assert_int_equal(next->observer_count, 1);
	assert_true(next->slices);
	assert_string_equal(next->observer_names[0], "watch.observer");
	assert_true(pipeline->stages[1].graph->part->observes && !pipeline->stages[0].graph->part->observes);
	assert_true(text_is(next->key_text, "watch"));
	for (size_t i = 0; i < pipeline->topic_count; i++) {
		const bool drift = pipeline->topics[i].role == TOPIC_VERDICTS;
		topic = topic || (drift && strcmp(pipeline->topics[i].name, "sluice.default.pipeline.p.drift") == 0);
		assert_true(!drift || (stage_writes_topic(pipeline, 1, i) && !stage_writes_topic(pipeline, 0, i)));
	}
	assert_true(topic);
	planning_close(&observed.planning);
}

/* An expression may read anything of a message. */
static void segments_need_whole_messages(void **state)
{
	(void)state;
	struct observed observed = {0};
	struct plan plan;
	observed_steps(&observed, USUAL ", groupBy: 'header(\"venue\")'");
	planning_plan(&observed.planning, NULL, &plan);
	assert_int_equal(plan.pipelines[0].stages[0].graph->part->next[0].observer_count, 1);
	assert_false(plan.pipelines[0].stages[0].graph->part->next[0].slices);
	planning_close(&observed.planning);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_that_closes_is_judged),
		cmocka_unit_test(messages_are_marked_with_the_last_verdict),
		cmocka_unit_test(a_batch_may_close_several_windows),
		cmocka_unit_test(a_window_goes_on_in_another_engine),
		cmocka_unit_test(verdicts_of_another_identity_mark_nothing),
		cmocka_unit_test(the_last_verdict_survives_a_restart),
		cmocka_unit_test(the_state_shows_the_last_verdict_of_each_segment),
		cmocka_unit_test(the_state_shows_a_verdict_by_the_past),
		cmocka_unit_test(a_verdict_is_lent_when_its_observer_has_moved),
		cmocka_unit_test(what_the_state_has_counts),
		cmocka_unit_test(another_window_begins_anew),
		cmocka_unit_test(a_thinned_window_goes_on),
		cmocka_unit_test(messages_that_do_not_fit_are_counted),
		cmocka_unit_test(a_clock_that_jumps_back_begins_windows_anew),
		cmocka_unit_test(missing_values_are_counted),
		cmocka_unit_test(times_have_bounds_from_the_reference),
		cmocka_unit_test(a_share_is_watched),
		cmocka_unit_test(the_plan_has_a_stage_for_the_observer),
		cmocka_unit_test(segments_need_whole_messages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
