/* drift_slices_test.c: the observer of a step `drift` says of slices what it says of their messages one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/observed.h"

#define BY_TIME "window: 30s, falseAlarms: 0.1 per 1000"

static void expect_the_same(const struct observed *one, const struct observed *two)
{
	assert_int_equal(two->count, one->count);
	assert_int_equal(two->begun, one->begun);
	for (size_t i = 0; i < one->count; i++) {
		const struct seen *a = &one->seen[i], *b = &two->seen[i];
		assert_int_equal(b->window, a->window);
		assert_int_equal(b->messages, a->messages);
		assert_int_equal(b->unusable, a->unusable);
		assert_int_equal(b->late, a->late);
		assert_int_equal(b->reference_rows, a->reference_rows);
		assert_int_equal(b->begin_ms, a->begin_ms);
		assert_int_equal(b->end_ms, a->end_ms);
		assert_int_equal(b->verdict, a->verdict);
		assert_true(b->sum == a->sum && scores_equal(b->score, a->score));
	}
}

static void open_with(struct observed *observed, const char *past, const char *options)
{
	if (past)
		observed_open_past(observed, past, options);
	else
		observed_open(observed, options);
}

/* `size` 0: message by message. An engine that takes over begins in the midst of a window; then the clock jumps back. */
static void stream(struct observed *observed, const char *past, const char *options, int size)
{
	open_with(observed, past, options);
	for (int part = 0; part < 3; part++) {
		if (size)
			observed_slices(observed, past ? 700 : 131, size, part == 1);
		else
			observed_rows(observed, past ? 700 : 131, 1, part == 1);
		observed_engine_close(observed);
		observed_engine_open(observed);
		if (part == 1)
			observed->time_ms -= DAY_MS;
	}
}

static void a_slice_gives_the_verdicts_of_its_messages(void **state)
{
	(void)state;
	static const struct {
		const char *past, *options;
	} cases[] = {{NULL, USUAL}, {NULL, BY_TIME}, {"1h", "window: 100, falseAlarms: 0.1 per 1000"}, {"1h", "window: 100s"}};
	static const int sizes[] = {1, 7, 40, 97, 256};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct observed one;
		stream(&one, cases[i].past, cases[i].options, 0);
		assert_true(one.count >= 8);
		for (size_t j = UNIT_IS_SHORT ? i : 0; j < (UNIT_IS_SHORT ? i + 1 : sizeof sizes / sizeof *sizes); j++) {
			struct observed two;
			stream(&two, cases[i].past, cases[i].options, sizes[j]);
			expect_the_same(&one, &two);
			observed_close(&two);
		}
		observed_close(&one);
	}
}

static void slices_and_messages_may_alternate(void **state)
{
	(void)state;
	struct observed one, two;
	observed_open(&one, USUAL);
	observed_open(&two, USUAL);
	observed_rows(&one, 200, 1, 0);
	observed_slices(&two, 90, 17, 0);
	observed_rows(&two, 30, 1, 0);
	observed_slices(&two, 80, 80, 0);
	expect_the_same(&one, &two);
	observed_close(&one);
	observed_close(&two);
}

/* Each of its messages counts, and a verdict that judges nothing comes as often. */
static void messages_of_a_slice_that_does_not_fit_are_counted(void **state)
{
	(void)state;
	struct observed one, two;
	observed_open(&one, USUAL);
	observed_open(&two, USUAL);
	observed_rows(&one, 3, 1, 0);
	observed_rows(&two, 3, 1, 0);
	for (int i = 0; i < 100; i++)
		observed_misfits(&one, 1, 3, 1);
	observed_misfits(&two, 100, 3, 100);
	observed_rows(&one, 40, 1, 0);
	observed_slices(&two, 40, 40, 0);
	assert_int_equal(one.count, 3);
	assert_int_equal(one.seen[2].unusable, 20);
	expect_the_same(&one, &two);
	observed_close(&one);
	observed_close(&two);
}

/* The rest of the slice is not watched yet, and counts as what does not fit. */
static void a_past_is_forgotten_after_as_many_messages_in_slices(void **state)
{
	(void)state;
	struct observed observed;
	observed_open_past(&observed, "1h", "window: 100");
	observed_slices(&observed, 1200, 250, 0);
	const size_t windows = observed.count, begun = observed.begun;
	assert_int_equal(observed.seen[windows - 1].verdict, DRIFT_STEADY);
	observed_misfits(&observed, 99, 3, 99);
	assert_int_equal(observed.begun, begun);
	observed_misfits(&observed, 51, 3, 51);
	assert_int_equal(observed.begun, begun + 1);
	assert_int_equal(observed.seen[windows].unusable, 100);
	observed_misfits(&observed, 100, 3, 100); /* they fit now */
	assert_int_equal(observed.count, windows + 2);
	assert_int_equal(observed.seen[windows + 1].messages, 100);
	assert_int_equal(observed.seen[windows + 1].unusable, 50);
	observed_close(&observed);
}

static void what_waits_for_the_reference_of_a_topic_is_counted_by_message(void **state)
{
	(void)state;
	struct observed one, two;
	observed_open_topic(&one, USUAL);
	observed_open_topic(&two, USUAL);
	observed_rows(&one, 95, 1, 0);
	observed_slices(&two, 95, 95, 0);
	assert_int_equal(one.count, 2);
	observed_learn(&one, false);
	observed_learn(&two, false);
	observed_rows(&one, 40, 1, 0);
	observed_slices(&two, 40, 23, 0);
	assert_int_equal(one.seen[2].unusable, 15);
	expect_the_same(&one, &two);
	observed_close(&one);
	observed_close(&two);
}

/* The path has drawn them. */
static void the_rows_of_a_slice_are_of_the_share(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, USUAL ", share: 1%");
	observed_slices(&observed, 80, 80, 0);
	assert_int_equal(observed.count, 2);
	observed_close(&observed);
}

static void times_that_are_not_those_of_the_rows_are_refused(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, USUAL);
	observed_slices(&observed, 39, 39, 0);
	observed_misfits(&observed, 2, 2, 1);
	observed_misfits(&observed, 1, 2, 2);
	assert_int_equal(observed.count, 0);
	observed_slices(&observed, 1, 1, 0);
	assert_int_equal(observed.count, 1);
	assert_int_equal(observed.seen[0].messages, 40);
	assert_int_equal(observed.seen[0].unusable, 3);
	observed_close(&observed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slice_gives_the_verdicts_of_its_messages),
		cmocka_unit_test(slices_and_messages_may_alternate),
		cmocka_unit_test(messages_of_a_slice_that_does_not_fit_are_counted),
		cmocka_unit_test(a_past_is_forgotten_after_as_many_messages_in_slices),
		cmocka_unit_test(what_waits_for_the_reference_of_a_topic_is_counted_by_message),
		cmocka_unit_test(the_rows_of_a_slice_are_of_the_share),
		cmocka_unit_test(times_that_are_not_those_of_the_rows_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
