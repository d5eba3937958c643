/* drift_mistyped_test.c: Tests of the observer of a step `drift` where features come in another type than the reference's, or do
 * not come at all: a window says so by its quality, and the other features are compared. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "methods/drift/mistyped.h"
#include "tests/unit/observed.h"

#define TWO "drift: {tensors: [x.a, x.b], reference: r.json, " USUAL "}"

static const int64_t one[] = {1};
static const struct text words = {"n/a", 3};

static struct tensor texts_of(const char *name)
{
	return (struct tensor){
		.name = text_of(name), .datatype = DATATYPE_BYTES, .shape = one, .rank = 1, .data = &words, .count = 1};
}

static struct tensor number_of(const char *name, const double *number)
{
	return (struct tensor){
		.name = text_of(name), .datatype = DATATYPE_FP64, .shape = one, .rank = 1, .data = number, .count = 1};
}

static double usual_number(struct observed *observed)
{
	double sum = 0;
	for (int i = 0; i < 6; i++)
		sum += (double)random_below(&observed->chance, 1000) / 1000 - 0.5;
	return sum;
}

enum came { NUMBER, WORDS, NOTHING };

/* Messages of two tensors, the second of which is `moved`. */
static void send(struct observed *observed, int messages, enum came came, double moved)
{
	for (int i = 0; i < messages; i++) {
		const double a = usual_number(observed), b = usual_number(observed) + moved;
		const struct tensor first = came == WORDS ? texts_of("x.a") : number_of("x.a", &a), second = number_of("x.b", &b);
		observed->also = came == NOTHING ? NULL : &second;
		observed_send(observed, came == NOTHING ? &second : &first);
		observed->also = NULL;
	}
}

static struct last_verdict last_of(const struct observed *observed)
{
	return verdict_entry_sum(verdict_board_entry(observed->board, observed->planning.graph->name, "watch")).last;
}

/* Also where such a message is the first that an engine takes. */
static void texts_of_a_window_are_an_alarm_and_the_rest_is_compared(void **state)
{
	(void)state;
	static const enum came came[] = {WORDS, NOTHING};
	for (size_t i = 0; i < 2; i++) {
		struct observed observed;
		observed_open_watch(&observed, TWO);
		send(&observed, 40, NUMBER, 0);
		assert_int_equal(observed.seen[0].verdict, DRIFT_STEADY);
		assert_int_equal(observed.seen[0].mistyped_alarms + observed.seen[0].missing_alarms, 0);
		assert_int_equal(observed.seen[0].statistics, 6);
		send(&observed, 20, came[i], 0);
		observed_engine_close(&observed);
		observed_engine_open(&observed);
		send(&observed, 20, came[i], 0);
		send(&observed, 40, came[i], 3);
		send(&observed, 40, NUMBER, 0);
		assert_int_equal(observed.count, 4);
		for (size_t window = 1; window < 3; window++) {
			const struct seen *seen = &observed.seen[window];
			assert_int_equal(seen->messages, 40);
			assert_int_equal(seen->unusable, 0);
			assert_int_equal(seen->statistics, 3);
			assert_int_equal(came[i] == WORDS ? seen->mistyped : seen->missing, 40);
			assert_int_equal(seen->mistyped + seen->missing, 40);
			assert_int_equal(came[i] == WORDS ? seen->mistyped_alarms : seen->missing_alarms, 1);
			assert_int_equal(seen->mistyped_alarms + seen->missing_alarms, 1);
		}
		assert_int_equal(observed.seen[1].verdict, DRIFT_STEADY);
		assert_int_equal(observed.seen[2].verdict, DRIFT_FOUND);
		assert_int_equal(observed.seen[3].mistyped + observed.seen[3].missing, 0);
		assert_int_equal(observed.seen[3].statistics, 6);
		observed_close(&observed);
	}
}

/* Nothing is judged but that. */
static void texts_instead_of_all_features_are_an_alarm(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, USUAL);
	observed_texts(&observed, 40); /* a single text, where the reference has two numbers */
	assert_int_equal(observed.count, 1);
	assert_int_equal(observed.seen[0].verdict, DRIFT_LEARNING);
	assert_int_equal(observed.seen[0].messages, 40);
	assert_int_equal(observed.seen[0].mistyped, 2 * 40);
	assert_int_equal(observed.seen[0].mistyped_alarms, 2);
	assert_true(last_of(&observed).quality_alarm == 1 && last_of(&observed).mistyped_share == 1);
	assert_true(last_of(&observed).missing_share == 0);
	observed_rows(&observed, 40, 1, 0);
	assert_true(last_of(&observed).quality_alarm == 0 && last_of(&observed).mistyped_share == 0);
	observed_close(&observed);
}

/* As it is when numbers came before: the reference says how many columns there are. */
static void a_message_of_texts_is_one_row_also_if_it_is_the_first(void **state)
{
	(void)state;
	static const int64_t two[] = {2};
	const struct text both[] = {words, words};
	const struct tensor texts = {
		.name = TEXT("x"), .datatype = DATATYPE_BYTES, .shape = two, .rank = 1, .data = both, .count = 2};
	for (int numbers_first = 0; numbers_first < 2; numbers_first++) {
		struct observed observed;
		observed_open(&observed, USUAL);
		observed_rows(&observed, numbers_first, 40, 0);
		const size_t before = observed.count;
		for (int i = 0; i < 39; i++)
			observed_send(&observed, &texts);
		assert_int_equal(observed.count, before);
		observed_send(&observed, &texts);
		assert_int_equal(observed.count, before + 1);
		assert_int_equal(observed.seen[before].messages, 40);
		assert_int_equal(observed.seen[before].mistyped, 2 * 40);
		observed_close(&observed);
	}
}

/* A window of messages without any of the features, also after a restart; it is over when a window closes. */
static void messages_without_any_feature_are_an_alarm(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, USUAL);
	observed_rows(&observed, 50, 1, 0);
	observed_strangers(&observed, 39);
	assert_true(last_of(&observed).quality_alarm == 0);
	observed_strangers(&observed, 1);
	assert_int_equal(observed.count, 2);
	assert_int_equal(observed.seen[1].unusable, 40);
	assert_false(observed.seen[0].unusable_alarm);
	assert_true(observed.seen[1].unusable_alarm && last_of(&observed).quality_alarm == 1);
	assert_int_equal(last_of(&observed).verdict, DRIFT_STEADY); /* of the last window that was judged */
	observed_engine_close(&observed);
	observed_engine_open(&observed);
	observed_rows(&observed, 29, 1, 0);
	assert_true(last_of(&observed).quality_alarm == 1);
	observed_rows(&observed, 1, 1, 0);
	assert_int_equal(observed.seen[2].messages, 40);
	assert_int_equal(observed.seen[2].verdict, DRIFT_STEADY);
	assert_true(last_of(&observed).quality_alarm == 0);
	observed_close(&observed);
}

/* No window is open, and none was. */
static void an_alarm_before_the_first_window_outlasts_the_engine(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, USUAL);
	observed_strangers(&observed, 40);
	assert_true(observed.count == 1 && observed.seen[0].unusable_alarm);
	assert_true(last_of(&observed).quality_alarm == 1);
	observed_engine_close(&observed);
	verdict_board_close(observed.board); /* of the process that ended */
	observed.board = verdict_board_open();
	observed_engine_open(&observed);
	observed_strangers(&observed, 1);
	assert_true(last_of(&observed).quality_alarm == 1);
	observed_rows(&observed, 39, 1, 0);
	assert_true(last_of(&observed).quality_alarm == 1);
	observed_rows(&observed, 1, 1, 0);
	assert_int_equal(observed.count, 2);
	assert_int_equal(observed.seen[1].messages, 40);
	assert_int_equal(observed.seen[1].verdict, DRIFT_STEADY);
	assert_true(last_of(&observed).quality_alarm == 0);
	observed_close(&observed);
}

/* They came before the reference was known, so nothing is known of them. */
static void messages_that_waited_for_the_reference_are_no_alarm(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_topic(&observed, USUAL);
	observed_rows(&observed, 39, 1, 0);
	observed_learn(&observed, false);
	observed_strangers(&observed, 1);
	assert_int_equal(observed.count, 1);
	assert_int_equal(observed.seen[0].unusable, 40);
	assert_false(observed.seen[0].unusable_alarm);
	assert_true(last_of(&observed).quality_alarm != 1);
	observed_strangers(&observed, 39);
	assert_int_equal(observed.count, 1);
	observed_strangers(&observed, 1);
	assert_int_equal(observed.count, 2);
	assert_int_equal(observed.seen[1].unusable, 40);
	assert_true(observed.seen[1].unusable_alarm);
	observed_close(&observed);
}

/* Nothing is known yet that they do not fit. */
static void what_is_learnt_yet_raises_no_alarm(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_past(&observed, "1d", "window: 100, falseAlarms: 0.1 per 1000");
	observed_rows(&observed, 1, 100, 0);
	observed_strangers(&observed, 100);
	assert_int_equal(observed.count, 2);
	assert_int_equal(observed.seen[1].unusable, 100);
	assert_false(observed.seen[1].unusable_alarm);
	observed_close(&observed);
}

static void they_are_of_no_segment(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, USUAL ", groupBy: key");
	observed_strangers(&observed, 40);
	assert_int_equal(observed.count, 1);
	assert_int_equal(observed.seen[0].unusable, 40);
	assert_false(observed.seen[0].unusable_alarm);
	assert_int_equal(verdict_entry_sum(verdict_board_entry(observed.board, observed.planning.graph->name, "watch")).segments,
			 0);
	observed_close(&observed);
}

static void a_few_texts_are_counted(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_watch(&observed, TWO);
	send(&observed, 39, NUMBER, 0);
	send(&observed, 1, WORDS, 0);
	assert_int_equal(observed.seen[0].mistyped, 1);
	assert_int_equal(observed.seen[0].mistyped_alarms, 0);
	assert_true(last_of(&observed).quality_alarm == 0 && fabs(last_of(&observed).mistyped_share - 1.0 / 40) < 1e-9);
	observed_close(&observed);
}

/* Whatever bits it has. */
static void a_nan_of_a_message_is_missing(void **state)
{
	(void)state;
	struct observed observed;
	const double bits = mistyped_value();
	const struct tensor first = number_of("x.a", &bits);
	observed_open_watch(&observed, TWO);
	for (int i = 0; i < 40; i++) {
		const double b = usual_number(&observed);
		const struct tensor second = number_of("x.b", &b);
		observed.also = &second;
		observed_send(&observed, &first);
	}
	assert_int_equal(observed.seen[0].missing, 40);
	assert_int_equal(observed.seen[0].mistyped, 0);
	observed_close(&observed);
}

/* A stream that is another begins another past, after a window that says so. */
static void a_past_says_so_before_it_begins_anew(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_past(&observed, "1d", "window: 100, falseAlarms: 0.1 per 1000");
	observed_rows(&observed, 12, 100, 0);
	observed.count = observed.begun = 0;
	observed_texts(&observed, 99);
	assert_int_equal(observed.count, 0);
	assert_int_equal(observed.begun, 0);
	observed_texts(&observed, 1);
	assert_int_equal(observed.count, 1);
	assert_int_equal(observed.seen[0].mistyped, 2 * 100);
	assert_int_equal(observed.seen[0].mistyped_alarms, 2);
	assert_int_equal(observed.begun, 1);
	observed_texts(&observed, 100);
	assert_int_equal(observed.count, 2);
	assert_int_equal(observed.seen[1].verdict, DRIFT_LEARNING);
	assert_int_equal(observed.seen[1].quality, 0); /* of texts now, which are not known yet */
	observed_close(&observed);
}

/* Numbers where the past has texts. */
static void numbers_are_no_texts(void **state)
{
	(void)state;
	struct observed observed;
	const double number = 1;
	const struct tensor numbers = number_of("x", &number), texts = texts_of("x");
	observed_open_past(&observed, "1d", "window: 100, falseAlarms: 0.1 per 1000");
	for (int i = 0; i < 1200; i++)
		observed_send(&observed, &texts);
	observed_engine_close(&observed);
	observed_engine_open(&observed);
	observed.count = 0;
	for (int i = 0; i < 100; i++)
		observed_send(&observed, &numbers);
	assert_int_equal(observed.count, 1);
	assert_int_equal(observed.seen[0].mistyped, 2 * 100); /* the texts, and their lengths */
	assert_int_equal(observed.seen[0].mistyped_alarms, 2);
	observed_close(&observed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_of_a_window_are_an_alarm_and_the_rest_is_compared),
		cmocka_unit_test(texts_instead_of_all_features_are_an_alarm),
		cmocka_unit_test(messages_without_any_feature_are_an_alarm),
		cmocka_unit_test(a_message_of_texts_is_one_row_also_if_it_is_the_first),
		cmocka_unit_test(an_alarm_before_the_first_window_outlasts_the_engine),
		cmocka_unit_test(messages_that_waited_for_the_reference_are_no_alarm),
		cmocka_unit_test(what_is_learnt_yet_raises_no_alarm),
		cmocka_unit_test(they_are_of_no_segment),
		cmocka_unit_test(a_few_texts_are_counted),
		cmocka_unit_test(a_nan_of_a_message_is_missing),
		cmocka_unit_test(a_past_says_so_before_it_begins_anew),
		cmocka_unit_test(numbers_are_no_texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
