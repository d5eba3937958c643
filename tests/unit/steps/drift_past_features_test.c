/* drift_past_features_test.c: Tests of what the past of a stream is of: features that change, messages that do not fit, other
 * tensors; and that nobody knows the verdicts of a past that is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/observed.h"

#define BY_COUNT "window: 100, falseAlarms: 0.1 per 1000"
#define ALL "drift: {reference: {past: 1d}, " BY_COUNT "}"
#define COLUMNS_MAX 4

static void send(struct observed *observed, const char *name, int rows, int columns)
{
	double numbers[100 * COLUMNS_MAX];
	const int64_t shape[] = {rows, columns};
	const size_t count = (size_t)rows * (size_t)columns;
	const struct tensor tensor = {
		.name = text_of(name), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = numbers, .count = count};
	for (size_t i = 0; i < count; i++)
		numbers[i] = (double)random_below(&observed->chance, 1000);
	observed_send(observed, &tensor);
}

/* The last verdict of windows of 100 rows of that tensor. */
static const struct seen *windows(struct observed *observed, const char *name, int count, int columns)
{
	for (int i = 0; i < count; i++) {
		observed->count = 0;
		send(observed, name, 100, columns);
		assert_int_equal(observed->count, 1);
	}
	return &observed->seen[0];
}

static void expect_others(struct observed *observed, enum drift_verdict verdict)
{
	const struct last_verdict last = verdict_entry_known(observed->others, observed->identity, TEXT(""));
	assert_int_equal(last.verdict, verdict);
	assert_true((last.score > 0) == (verdict == DRIFT_FOUND));
}

static enum drift_verdict own_verdict(struct observed *observed)
{
	return verdict_entry_sum(verdict_board_entry(observed->board, observed->planning.graph->name, "watch")).last.verdict;
}

/* ---- a past that is over ---- */

/* Nothing comes for longer than the past is. The engine that observes, another one and the next have no verdict then. */
static void no_engine_knows_a_verdict_of_a_past_that_is_over(void **state)
{
	(void)state;
	struct observed observed;
	struct verdict_board *board = verdict_board_open();
	observed_open_past(&observed, "1h", BY_COUNT);
	observed.others = verdict_board_entry(board, "p", "watch");
	observed_rows(&observed, 14, 100, 0);
	expect_others(&observed, DRIFT_STEADY);
	observed_rows(&observed, 1, 100, 2);
	expect_others(&observed, DRIFT_FOUND);
	assert_int_equal(own_verdict(&observed), DRIFT_FOUND);
	assert_int_equal(observed.begun, 1);
	observed.time_ms += DAY_MS;
	observed_rows(&observed, 2, 100, 2);
	expect_others(&observed, DRIFT_FOUND);
	observed_rows(&observed, 1, 100, 2);
	assert_int_equal(observed.seen[17].verdict, DRIFT_LEARNING);
	assert_int_equal(observed.begun, 2);
	expect_others(&observed, DRIFT_LEARNING);
	assert_int_equal(own_verdict(&observed), DRIFT_LEARNING);
	observed_rows(&observed, 2, 100, 2);
	assert_int_equal(observed.begun, 2); /* said once */
	observed_engine_close(&observed);
	observed_engine_open(&observed);
	observed_rows(&observed, 1, 1, 2);
	assert_string_equal(observed.state, "learning");
	observed_rows(&observed, 8, 100, 2);
	assert_int_equal(own_verdict(&observed), DRIFT_STEADY);
	expect_others(&observed, DRIFT_STEADY);
	assert_int_equal(observed.begun, 2);
	verdict_board_close(board);
	observed_close(&observed);
}

static void nor_of_one_that_was_forgotten(void **state)
{
	(void)state;
	struct observed observed;
	struct verdict_board *board = verdict_board_open();
	observed_open_past(&observed, "1d", BY_COUNT);
	observed.others = verdict_board_entry(board, "p", "watch");
	observed_rows(&observed, 14, 100, 0);
	observed_rows(&observed, 1, 100, 2);
	observed_rows(&observed, 1, 30, 0); /* in the open window */
	observed_strangers(&observed, 99);
	assert_string_equal(observed.state, "drift");
	expect_others(&observed, DRIFT_FOUND);
	observed_strangers(&observed, 1);
	expect_others(&observed, DRIFT_LEARNING);
	assert_int_equal(own_verdict(&observed), DRIFT_LEARNING);
	assert_int_equal(observed.begun, 2);
	observed_strangers(&observed, 300);
	assert_string_equal(observed.state, "learning");
	assert_int_equal(observed.begun, 2);
	observed.count = 0;
	observed_rows(&observed, 11, 100, 0); /* the same features, another past */
	assert_int_equal(observed.count, 11);
	assert_int_equal(observed.seen[0].messages, 100);
	assert_int_equal(observed.seen[0].window, 15);
	assert_int_equal(observed.seen[9].verdict, DRIFT_LEARNING);
	assert_int_equal(observed.seen[10].verdict, DRIFT_STEADY);
	assert_int_equal(observed.seen[10].reference_rows, 1000);
	verdict_board_close(board);
	observed_close(&observed);
}

/* Of its open window nothing is estimated in the next past. */
static void what_is_estimated_from_is_forgotten_too(void **state)
{
	(void)state;
	struct observed observed;
	struct text stored;
	uint32_t scope;
	observed_open_past(&observed, "1d", BY_COUNT ", estimate: p");
	observed_rows(&observed, 1, 30, 0);
	assert_true(store_scope_find(observed.store, TEXT("watch" OBSERVER_SUFFIX), &scope));
	assert_true(store_read(observed.store, scope, TEXT("estimates/"), &stored));
	observed_strangers(&observed, 100);
	assert_false(store_read(observed.store, scope, TEXT("estimates/"), &stored));
	observed_close(&observed);
}

/* ---- messages that do not fit ---- */

/* Twice as many do not fit as do, but never a window's number in a row. */
static void messages_between_others_end_no_past(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_watch(&observed, ALL);
	for (int message = 0, closed = 0; closed < 15; message++) {
		observed.count = 0;
		send(&observed, "x", 1, message % 3 ? 3 : 2);
		for (size_t i = 0; i < observed.count; i++)
			if (observed.seen[i].messages > 0)
				assert_int_equal(observed.seen[i].verdict, ++closed > 10 ? DRIFT_STEADY : DRIFT_LEARNING);
	}
	observed_close(&observed);
}

/* As if it were the first: also its share of the declared rate. */
static void another_past_is_as_the_first(void **state)
{
	(void)state;
	struct observed one, two;
	observed_open_past(&one, "1d", "window: 100, falseAlarms: 1 per 30d");
	observed_open_past(&two, "1d", "window: 100, falseAlarms: 1 per 30d");
	for (int i = 0; i < 3; i++) {
		windows(&two, "x", 3, 3 + i % 2);
		observed_strangers(&two, 100);
	}
	two.chance = one.chance;
	two.time_ms = one.time_ms;
	two.count = 0;
	observed_rows(&one, 12, 100, 0);
	observed_rows(&two, 12, 100, 0);
	assert_int_equal(one.seen[11].verdict, DRIFT_STEADY);
	assert_int_equal(one.seen[11].statistics, 2 * 3);
	assert_true(one.seen[11].sum == two.seen[11].sum);
	observed_close(&one);
	observed_close(&two);
}

/* ---- what is watched ---- */

static const double more_numbers[100] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
static const int64_t hundred[] = {100, 1}, cube[] = {1, 10, 10};
static const struct tensor more = {
	.name = {"y", 1}, .datatype = DATATYPE_FP64, .shape = hundred, .rank = 2, .data = more_numbers, .count = 100};
static const struct tensor image = {
	.name = {"i", 1}, .datatype = DATATYPE_FP64, .shape = cube, .rank = 3, .data = more_numbers, .count = 100};

/* The first message had fewer tensors than all that follow. */
static void tensors_that_always_come_are_watched(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_watch(&observed, ALL);
	windows(&observed, "x", 12, 2);
	observed.also = &more;
	windows(&observed, "x", 99, 2);
	observed.also = NULL;
	windows(&observed, "x", 1, 2);
	observed.also = &more;
	assert_int_equal(windows(&observed, "x", 99, 2)->statistics, 2 * 3);
	assert_int_equal(windows(&observed, "x", 1, 2)->verdict, DRIFT_STEADY);
	assert_int_equal(windows(&observed, "x", 10, 2)->verdict, DRIFT_LEARNING);
	assert_int_equal(windows(&observed, "x", 1, 2)->statistics, 3 * 3);
	observed.also = &image; /* could be no feature */
	for (int i = 0; i < 3; i++)
		send(&observed, "x", 100, 2);
	observed_close(&observed);
}

static void tensors_that_could_be_no_feature_end_no_past(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_watch(&observed, ALL);
	windows(&observed, "x", 12, 2);
	observed.also = &image;
	assert_int_equal(windows(&observed, "x", 250, 2)->verdict, DRIFT_STEADY);
	assert_true(observed.seen[0].reference_rows > 5000);
	observed_close(&observed);
}

static void open_again(struct observed *observed, const char *watch)
{
	observed_engine_close(observed);
	planning_close(&observed->planning);
	observed->watch = watch;
	observed_steps(observed, "");
	observed->watch = NULL;
	observed_engine_open(observed);
}

static void another_list_of_tensors_begins_another_past(void **state)
{
	(void)state;
	static const char *const lists[] = {"drift: {tensors: [x], reference: {past: 1d}, " BY_COUNT "}", ALL,
					    "drift: {tensors: [y], reference: {past: 1d}, " BY_COUNT "}"};
	static const size_t features[] = {2, 3, 1};
	struct observed observed;
	uint64_t identity = 0;
	observed_open_watch(&observed, lists[0]);
	observed.also = &more;
	for (size_t i = 0; i < 3; i++) {
		if (i > 0)
			open_again(&observed, lists[i]);
		assert_int_equal(windows(&observed, "x", 10, 2)->verdict, DRIFT_LEARNING);
		assert_int_equal(observed.seen[0].unusable, 0);
		assert_int_equal(windows(&observed, "x", 1, 2)->statistics, features[i] * 3);
		assert_true(observed.identity != identity);
		identity = observed.identity;
	}
	observed_close(&observed);
}

/* Whichever message comes first after a restart. */
static void tensors_that_are_not_compared_need_not_come(void **state)
{
	(void)state;
	static const char *const watches[] = {ALL, "drift: {reference: r.json, " BY_COUNT "}"};
	for (size_t i = 0; i < 2; i++) {
		struct observed observed;
		observed_open_watch(&observed, watches[i]);
		windows(&observed, "x", 2, 2);
		open_again(&observed, watches[i]);
		observed.also = &more;
		windows(&observed, "x", 1, 2);
		observed.also = NULL;
		windows(&observed, "x", 1, 2);
		assert_int_equal(observed.seen[0].unusable, 0);
		assert_int_equal(observed.seen[0].messages, 100);
		observed_close(&observed);
	}
}

/* ---- visits without a message ---- */

/* An engine that starts shows what the state has, and asks what it waits for, before a message comes. A board of its own. */
static void shown_again(struct observed *observed, const char *watch)
{
	int64_t left_ms;
	observed_engine_close(observed);
	verdict_board_close(observed->board);
	observed->board = verdict_board_open();
	if (watch) {
		planning_close(&observed->planning);
		observed->watch = watch;
		observed_steps(observed, "");
		observed->watch = NULL;
	}
	observed_engine_open(observed);
	flow_verdicts_show(observed->flow, observed->line);
	(void)observed_awaits(observed, &left_ms);
	observed_time(observed);
}

static struct watching_state watching_of(const struct observed *observed)
{
	return verdict_entry_watching(verdict_board_entry(observed->board, observed->planning.graph->name, "watch"));
}

static void expect_learning(struct observed *observed)
{
	assert_int_equal(own_verdict(observed), DRIFT_LEARNING);
	assert_int_equal(watching_of(observed).watching, WATCHING_LEARNING);
	assert_string_equal(watching_of(observed).why, "past 1d");
}

/* Ten windows are learnt, which have the columns of these messages and nothing else. */
static void expect_another_past(struct observed *observed, size_t features)
{
	assert_int_equal(windows(observed, "x", 1, 2)->verdict, DRIFT_LEARNING);
	assert_int_equal(observed->seen[0].unusable, 0);
	assert_int_equal(observed->seen[0].reference_rows, 0);
	assert_int_equal(windows(observed, "x", 9, 2)->verdict, DRIFT_LEARNING);
	assert_int_equal(windows(observed, "x", 1, 2)->statistics, features * 3);
	assert_int_equal(observed->seen[0].verdict, DRIFT_STEADY);
}

#define OF_X "drift: {tensors: [x], reference: {past: 1d}, " BY_COUNT "}"
#define OF_Y "drift: {tensors: [y], reference: {past: 1d}, " BY_COUNT "}"
#define OF_BOTH "drift: {tensors: [x, y], reference: {past: 1d}, " BY_COUNT "}"

static void other_tensors_wait_for_a_message(void **state)
{
	(void)state;
	static const struct {
		const char *before, *after;
		size_t features;
	} changes[] = {{OF_X, OF_Y, 1}, {OF_X, OF_BOTH, 3}, {OF_X, ALL, 3}, {ALL, OF_X, 2}, {OF_BOTH, OF_Y, 1}};
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		struct observed observed;
		observed_open_watch(&observed, changes[i].before);
		observed.also = &more;
		windows(&observed, "x", 12, 2);
		assert_int_equal(own_verdict(&observed), DRIFT_STEADY);
		const size_t entries = observed_entries(&observed, "past/");
		observed.also = NULL;
		shown_again(&observed, changes[i].after);
		expect_learning(&observed);
		assert_int_equal(observed_entries(&observed, "past/"), entries); /* until then, the change can be taken back */
		observed.also = &more;
		expect_another_past(&observed, changes[i].features);
		observed_close(&observed);
	}
}

static void the_past_goes_on_if_the_tensors_are_again_what_they_were(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_watch(&observed, OF_X);
	windows(&observed, "x", 12, 2);
	shown_again(&observed, OF_Y);
	shown_again(&observed, OF_X);
	assert_int_equal(own_verdict(&observed), DRIFT_STEADY);
	assert_int_equal(windows(&observed, "x", 1, 2)->verdict, DRIFT_STEADY);
	observed_close(&observed);
}

/* Windows by time and truths wait for a time, which comes as a message that has tensors, though none of the stream. */
static void a_time_alone_begins_no_past(void **state)
{
	(void)state;
	static const char *const watches[] = {
		"drift: {tensors: [x], reference: {past: 1d}, window: 100, falseAlarms: 0.1 per 1000, estimate: {probabilities: p, "
		"outcomeWindow: 10m}}",
		"drift: {reference: {past: 1d}, window: 100, falseAlarms: 0.1 per 1000, estimate: {probabilities: p, "
		"outcomeWindow: 10m}}"};
	const double chance = 0.8;
	static const char features[] = "x.0\0x.1\0p";
	struct text stored;
	uint32_t scope;
	int64_t left_ms;
	struct observed observed;
	observed_open_watch(&observed, watches[0]);
	observed.passed_ms = observed.time_ms;
	observed_classes(&observed, 100, 1, &chance);
	shown_again(&observed, watches[1]);
	assert_true(observed_awaits(&observed, &left_ms));
	assert_int_equal(left_ms, 600000);
	observed.passed_ms += left_ms;
	observed_time(&observed);
	assert_int_equal(observed.settled_count, 1);
	observed.count = 0;
	observed_classes(&observed, 1100, 1, &chance);
	assert_int_equal(observed.count, 11);
	assert_int_equal(observed.seen[0].unusable, 0);
	assert_true(store_scope_find(observed.store, TEXT("watch" OBSERVER_SUFFIX), &scope));
	assert_true(store_read(observed.store, scope, TEXT("past/features"), &stored));
	assert_int_equal(stored.length, sizeof features);
	assert_memory_equal(stored.bytes, features, sizeof features);
	observed_close(&observed);
}

static void an_engine_starts_with_a_past_that_was_forgotten(void **state)
{
	(void)state;
	static const int windows_before[] = {0, 12};
	for (size_t i = 0; i < 2; i++) {
		struct observed observed;
		observed_open_watch(&observed, OF_X);
		windows(&observed, "x", windows_before[i], 2);
		observed_strangers(&observed, 100);
		observed_time(&observed);
		shown_again(&observed, NULL);
		expect_learning(&observed);
		expect_another_past(&observed, 2);
		observed_close(&observed);
	}
}

static void an_engine_starts_with_a_past_that_is_not_whole(void **state)
{
	(void)state;
	static const char *const keys[] = {"past/list", "past/features"};
	for (size_t i = 0; i < 2; i++) {
		struct observed observed;
		uint32_t scope;
		observed_open_watch(&observed, OF_X);
		windows(&observed, "x", 12, 2);
		assert_true(store_scope_find(observed.store, TEXT("watch" OBSERVER_SUFFIX), &scope));
		assert_true(store_restore(observed.store, scope, text_of(keys[i]), TEXT("no such thing"), &(struct error){0}));
		shown_again(&observed, NULL);
		expect_learning(&observed);
		expect_another_past(&observed, 2);
		observed_close(&observed);
	}
}

static void an_outlier_may_become_a_drift(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_outliers(&observed, "reference: {past: 1d}");
	observed_rows(&observed, 30, 10, 0);
	observed.told = NULL;
	shown_again(&observed, OF_X);
	expect_learning(&observed);
	expect_another_past(&observed, 2);
	observed_close(&observed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_engine_knows_a_verdict_of_a_past_that_is_over),
		cmocka_unit_test(nor_of_one_that_was_forgotten),
		cmocka_unit_test(what_is_estimated_from_is_forgotten_too),
		cmocka_unit_test(messages_between_others_end_no_past),
		cmocka_unit_test(another_past_is_as_the_first),
		cmocka_unit_test(tensors_that_always_come_are_watched),
		cmocka_unit_test(tensors_that_could_be_no_feature_end_no_past),
		cmocka_unit_test(another_list_of_tensors_begins_another_past),
		cmocka_unit_test(tensors_that_are_not_compared_need_not_come),
		cmocka_unit_test(other_tensors_wait_for_a_message),
		cmocka_unit_test(the_past_goes_on_if_the_tensors_are_again_what_they_were),
		cmocka_unit_test(a_time_alone_begins_no_past),
		cmocka_unit_test(an_engine_starts_with_a_past_that_was_forgotten),
		cmocka_unit_test(an_engine_starts_with_a_past_that_is_not_whole),
		cmocka_unit_test(an_outlier_may_become_a_drift),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
