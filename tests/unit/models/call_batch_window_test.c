/* call_batch_window_test.c: Tests of how long a call waits for others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "models/calls/call_batch.h"

static void nobody_waits_when_nothing_is_under_way(void **state)
{
	(void)state;
	struct call_batch_window window = {.most_us = 100000, .us = 50000};
	assert_int_equal(call_batch_window_due_us(&window, 7, 0), 7);
	assert_int_equal(call_batch_window_due_us(&window, 7, 1), 50007);
}

static void it_grows_under_backlog_up_to_what_is_allowed(void **state)
{
	(void)state;
	struct call_batch_window window = {.most_us = 3000};
	int64_t before_us = 0;
	for (int i = 0; i < 20; i++) {
		call_batch_window_left(&window, 8, true);
		assert_true(window.us > before_us || window.us == 3000);
		before_us = window.us;
	}
	assert_int_equal(window.us, 3000);
}

static void it_shrinks_to_nothing_when_calls_leave_alone(void **state)
{
	(void)state;
	struct call_batch_window window = {.most_us = 100000, .us = 100000};
	for (int i = 0; i < 20; i++)
		call_batch_window_left(&window, 1, false);
	assert_int_equal(window.us, 0);
}

static void it_stays_while_calls_meet_without_a_backlog(void **state)
{
	(void)state;
	struct call_batch_window window = {.most_us = 100000, .us = 1000};
	call_batch_window_left(&window, 3, false);
	assert_int_equal(window.us, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_waits_when_nothing_is_under_way),
		cmocka_unit_test(it_grows_under_backlog_up_to_what_is_allowed),
		cmocka_unit_test(it_shrinks_to_nothing_when_calls_leave_alone),
		cmocka_unit_test(it_stays_while_calls_meet_without_a_backlog),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
