/* held_feedback_test.c: Tests of feedback that waits in memory: its bounds, when exposures are read meanwhile, and offsets. */
#include "engine/learn/held_feedback.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TIME_MS INT64_C(1800000000000)

static struct held_feedback *held;

static void add(int64_t time_ms, struct text value)
{
	struct error error = {0};
	const struct record record = {.offset = 1, .time_ms = time_ms, .value = value};
	assert_true(held_add(held, &record, 0, &error));
}

static void feedback_is_held_up_to_a_number_of_records(void **state)
{
	struct error error = {0};
	(void)state;
	held = held_open(2, 100, &error);
	assert_int_equal(held_space(held), 2);
	add(TIME_MS, TEXT("a"));
	assert_int_equal(held_space(held), 1);
	add(TIME_MS, TEXT("b"));
	assert_int_equal(held_space(held), 0);
	held_drop_first(held);
	assert_int_equal(held_space(held), 1);
	assert_true(text_is(held_first(held)->value, "b"));
	held_close(held);
}

static void feedback_is_held_up_to_a_number_of_bytes(void **state)
{
	struct error error = {0};
	(void)state;
	held = held_open(10, 8, &error);
	add(TIME_MS, TEXT("1234567"));
	assert_int_equal(held_space(held), 9);
	add(TIME_MS, TEXT("8"));
	assert_int_equal(held_space(held), 0);
	held_drop_first(held);
	assert_int_equal(held_space(held), 9);
	add(TIME_MS, TEXT("a record more than the bytes"));
	assert_int_equal(held_space(held), 0);
	held_drop_first(held);
	held_drop_first(held);
	assert_int_equal(held_space(held), 10);
	assert_null(held_first(held));
	held_close(held);
}

/* Else nothing is ever released: no feedback can be read, and what is held waits for exposures. */
static void exposures_are_read_when_no_more_feedback_can_be_held(void **state)
{
	struct error error = {0};
	(void)state;
	held = held_open(2, 100, &error);
	assert_false(held_needs_exposures(held, false, TIME_MS));
	assert_true(held_needs_exposures(held, true, TIME_MS));
	add(TIME_MS - 500, TEXT("a"));
	assert_false(held_needs_exposures(held, false, TIME_MS)); /* feedback is behind */
	assert_true(held_needs_exposures(held, false, TIME_MS - 501));
	add(TIME_MS - 500, TEXT("b"));
	assert_true(held_needs_exposures(held, false, TIME_MS));
	held_close(held);
}

static void offsets_are_lowered_to_the_least(void **state)
{
	struct error error = {0};
	struct offsets least = {0}, other = {0};
	(void)state;
	assert_true(offsets_set(&other, 1, 7, &error) && offsets_lower(&least, &other, true, &error));
	assert_int_equal(offsets_of(&least, 1), 7);
	assert_true(offsets_set(&other, 1, 5, &error) && offsets_lower(&least, &other, false, &error));
	assert_true(offsets_set(&other, 1, 9, &error) && offsets_lower(&least, &other, false, &error));
	assert_int_equal(offsets_of(&least, 0), 0);
	assert_int_equal(offsets_of(&least, 1), 5);
	assert_int_equal(offsets_of(&least, 2), 0);
	offsets_close(&least);
	offsets_close(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(feedback_is_held_up_to_a_number_of_records),
		cmocka_unit_test(feedback_is_held_up_to_a_number_of_bytes),
		cmocka_unit_test(exposures_are_read_when_no_more_feedback_can_be_held),
		cmocka_unit_test(offsets_are_lowered_to_the_least),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
