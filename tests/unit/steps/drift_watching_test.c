/* drift_watching_test.c: Tests of what the observer of a step `drift` notes on the board: whether it learns, compares, or cannot.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "tests/unit/observed.h"

static void expect_watching(struct observed *observed, enum watching watching, const char *why)
{
	struct verdict_entry *entry = verdict_board_entry(observed->board, observed->planning.graph->name, "watch");
	const struct watching_state state = verdict_entry_watching(entry);
	if (state.watching != watching || !strstr(state.why, why))
		fail_msg("it is %d, because: %s", (int)state.watching, state.why);
}

static void a_past_is_learnt_and_then_compared_with(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_past(&observed, "1d", "window: 100, falseAlarms: 0.1 per 1000");
	expect_watching(&observed, WATCHING_UNASKED, "");
	observed_rows(&observed, 1, 1, 0);
	expect_watching(&observed, WATCHING_LEARNING, "past 1d");
	observed_rows(&observed, 9, 100, 0);
	expect_watching(&observed, WATCHING_LEARNING, "past 1d");
	observed_rows(&observed, 1, 99, 0);
	expect_watching(&observed, WATCHING_COMPARES, "");
	observed_close(&observed);
}

static void a_past_of_constants_is_unfit_for_some_methods(void **state)
{
	(void)state;
	static const double numbers[] = {3, 4};
	static const int64_t shape[] = {1, 2};
	const struct tensor tensor = {
		.name = TEXT("x"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = numbers, .count = 2};
	struct observed observed;
	observed_open_past(&observed, "1d", "window: 100, methods: [wasserstein], falseAlarms: 0.1 per 1000");
	for (int i = 0; i < 1000; i++)
		observed_send(&observed, &tensor);
	expect_watching(&observed, WATCHING_UNFIT, "none of the methods applies to a feature of the reference");
	observed_close(&observed);
}

static void a_past_of_missing_values_judges_only_these(void **state)
{
	(void)state;
	static const double numbers[] = {NAN, NAN};
	static const int64_t shape[] = {1, 2};
	const struct tensor tensor = {
		.name = TEXT("x"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = numbers, .count = 2};
	struct observed observed;
	observed_open_past(&observed, "1d", "window: 100, falseAlarms: 0.1 per 1000");
	for (int i = 0; i < 1200; i++)
		observed_send(&observed, &tensor);
	expect_watching(&observed, WATCHING_UNFIT, "fewer than 50 values there, so only missing values are judged");
	assert_int_equal(observed.seen[11].verdict, DRIFT_LEARNING);
	assert_non_null(strstr(observed.seen[11].uncompared, "only missing values are judged"));
	observed_close(&observed);
}

/* It is learning for ever, and says why. */
static void a_past_of_embeddings_that_are_too_long_says_so(void **state)
{
	(void)state;
	static const float numbers[65537];
	static const int64_t shape[] = {1, 65537};
	const struct tensor tensor = {
		.name = TEXT("x"), .datatype = DATATYPE_FP32, .shape = shape, .rank = 2, .data = numbers, .count = 65537};
	struct observed observed;
	observed_open_past(&observed, "1d", "window: 100, falseAlarms: 0.1 per 1000");
	for (int i = 0; i < 100; i++)
		observed_send(&observed, &tensor);
	expect_watching(&observed, WATCHING_MISFIT, "`x` has 65537 columns, and 65536 are the most that can be watched");
	assert_int_equal(observed.count, 1);
	assert_int_equal(observed.seen[0].verdict, DRIFT_LEARNING);
	assert_int_equal(observed.seen[0].unusable, 100);
	assert_non_null(strstr(observed.seen[0].uncompared, "`x` has 65537 columns, and 65536 are the most"));
	observed_close(&observed);
}

/* Drift is judged as ever. */
static void a_window_without_an_estimate_says_why(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, USUAL ", estimate: {probabilities: p}");
	observed_rows(&observed, 40, 1, 0);
	expect_watching(&observed, WATCHING_UNESTIMATED, "no row is in the estimate, since messages lack the tensor `p`");
	assert_int_equal(observed.seen[0].verdict, DRIFT_STEADY);
	assert_non_null(strstr(observed.seen[0].uncompared, "messages lack the tensor `p`"));
	observed_close(&observed);
}

/* A window of a segment: with the probabilities, or without. */
static void segment_send(struct observed *observed, const char *key, bool estimated)
{
	static const double number = 0.8;
	static const int64_t shape[] = {1, 1};
	const struct tensor tensor = {
		.name = TEXT("p"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = &number, .count = 1};
	observed->key = text_of(key);
	observed->also = estimated ? &tensor : NULL;
	observed_rows(observed, 40, 1, 0);
	observed->also = NULL;
}

/* What the log says does not alternate at each window: the records say it of the segment. */
static void a_segment_without_an_estimate_is_not_the_whole_step(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, USUAL ", groupBy: key, estimate: {probabilities: p}");
	segment_send(&observed, "without", false);
	expect_watching(&observed, WATCHING_UNESTIMATED, "messages lack the tensor `p`");
	segment_send(&observed, "with", true);
	expect_watching(&observed, WATCHING_COMPARES, "");
	segment_send(&observed, "without", false);
	expect_watching(&observed, WATCHING_COMPARES, "");
	assert_int_equal(observed.count, 3);
	assert_non_null(strstr(observed.seen[2].uncompared, "messages lack the tensor `p`"));
	observed_close(&observed);
	observed_open(&observed, USUAL ", estimate: {probabilities: p}"); /* without segments the last window is the state */
	segment_send(&observed, "with", true);
	expect_watching(&observed, WATCHING_COMPARES, "");
	segment_send(&observed, "without", false);
	expect_watching(&observed, WATCHING_UNESTIMATED, "messages lack the tensor `p`");
	observed_close(&observed);
}

/* Each window renews the reference, which says nothing of the estimate. */
static void a_past_without_an_estimate_says_why(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_past(&observed, "1d", "window: 100, falseAlarms: 0.1 per 1000, estimate: {probabilities: p}");
	for (int i = 0; i < 12; i++) {
		observed_rows(&observed, 1, 100, 0);
		expect_watching(&observed, WATCHING_UNESTIMATED, "messages lack the tensor `p`");
	}
	observed_close(&observed);
}

static void a_topic_is_waited_for(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_topic(&observed, USUAL);
	observed_rows(&observed, 1, 1, 0);
	expect_watching(&observed, WATCHING_LEARNING, "topic before");
	observed_learn(&observed, false);
	observed_rows(&observed, 40, 1, 0);
	expect_watching(&observed, WATCHING_COMPARES, "");
	observed_close(&observed);
}

/* As many as a window has; a few among others are counted in the records alone. */
static void messages_that_cannot_be_used_are_the_reason(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, USUAL);
	observed_rows(&observed, 40, 1, 0);
	expect_watching(&observed, WATCHING_COMPARES, "");
	for (int i = 0; i < 3; i++) {
		observed_strangers(&observed, 20);
		observed_rows(&observed, 40, 1, 0);
	}
	expect_watching(&observed, WATCHING_COMPARES, "");
	observed_strangers(&observed, 40);
	expect_watching(&observed, WATCHING_MISFIT, "x");
	observed_rows(&observed, 39, 1, 0);
	expect_watching(&observed, WATCHING_MISFIT, "x");
	observed_rows(&observed, 1, 1, 0);
	expect_watching(&observed, WATCHING_COMPARES, "");
	observed_close(&observed);
}

static void what_has_moved_to_another_engine_is_forgotten(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_past(&observed, "1d", "window: 100, falseAlarms: 0.1 per 1000");
	observed_rows(&observed, 1, 100, 0);
	expect_watching(&observed, WATCHING_LEARNING, "past 1d");
	flow_verdicts_lend(observed.flow, observed.store);
	expect_watching(&observed, WATCHING_UNASKED, "");
	observed_rows(&observed, 1, 100, 0);
	expect_watching(&observed, WATCHING_LEARNING, "past 1d");
	observed_close(&observed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_past_is_learnt_and_then_compared_with),
		cmocka_unit_test(a_past_of_constants_is_unfit_for_some_methods),
		cmocka_unit_test(a_past_of_missing_values_judges_only_these),
		cmocka_unit_test(a_past_of_embeddings_that_are_too_long_says_so),
		cmocka_unit_test(a_window_without_an_estimate_says_why),
		cmocka_unit_test(a_segment_without_an_estimate_is_not_the_whole_step),
		cmocka_unit_test(a_past_without_an_estimate_says_why),
		cmocka_unit_test(a_topic_is_waited_for),
		cmocka_unit_test(messages_that_cannot_be_used_are_the_reason),
		cmocka_unit_test(what_has_moved_to_another_engine_is_forgotten),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
