/* progress_test.c: the progress line of long commands: percent, and the time that is left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/number/duration.h"
#include "tools/client/request_sender.h"

static const char *line_at(double seconds, uint64_t done, uint64_t total)
{
	static char line[PROGRESS_LINE_MAX];
	const struct progress_line progress = {.begun_ns = 5 * (int64_t)NS_PER_S};
	progress_print(&progress, done, total, "7 sent", progress.begun_ns + (int64_t)(seconds * NS_PER_S), line);
	return line;
}

static void percent_and_time_left_follow_the_speed_so_far(void **state)
{
	(void)state;
	assert_string_equal(line_at(10, 25, 100), "25%, 7 sent, 30 s left");
	assert_string_equal(line_at(10, 50, 100), "50%, 7 sent, 10 s left");
	assert_string_equal(line_at(10, 100, 100), "100%, 7 sent, 0 s left");
	assert_string_equal(line_at(4, 1, 3), "33%, 7 sent, 8 s left");
}

static void long_times_are_in_minutes_and_hours(void **state)
{
	(void)state;
	assert_string_equal(line_at(59, 1, 2), "50%, 7 sent, 59 s left");
	assert_string_equal(line_at(60, 1, 2), "50%, 7 sent, 1 min 0 s left");
	assert_string_equal(line_at(3599, 1, 2), "50%, 7 sent, 59 min 59 s left");
	assert_string_equal(line_at(3600, 1, 2), "50%, 7 sent, 1 h 0 min left");
	assert_string_equal(line_at(7500, 1, 2), "50%, 7 sent, 2 h 5 min left");
}

static void there_is_no_time_left_before_a_speed_is_known(void **state)
{
	(void)state;
	assert_string_equal(line_at(0.99, 25, 100), "25%, 7 sent");
	assert_string_equal(line_at(1, 25, 100), "25%, 7 sent, 3 s left");
	assert_string_equal(line_at(10, 0, 100), "0%, 7 sent");
}

static void without_an_end_there_is_no_percent(void **state)
{
	(void)state;
	assert_string_equal(line_at(10, 25, 0), "7 sent");
}

static void what_grew_meanwhile_is_not_more_than_all(void **state)
{
	(void)state;
	assert_string_equal(line_at(10, 120, 100), "100%, 7 sent, 0 s left");
}

static void nothing_is_shown_where_there_is_no_terminal(void **state)
{
	(void)state;
	struct progress_line progress;
	FILE *file = tmpfile();
	assert_non_null(file);
	progress_begin(&progress, file, true, 0);
	assert_false(progress_due(&progress, 60 * (int64_t)NS_PER_S));
	progress_show(&progress, 1, 2, "7 sent", NS_PER_S);
	progress_clear(&progress);
	assert_int_equal(ftell(file), 0);
	fclose(file);
}

static void a_line_is_due_four_times_a_second(void **state)
{
	(void)state;
	const struct progress_line progress = {.terminal = stderr, .shown_ns = NS_PER_S};
	assert_false(progress_due(&progress, NS_PER_S + 249 * (int64_t)NS_PER_MS));
	assert_true(progress_due(&progress, NS_PER_S + 250 * (int64_t)NS_PER_MS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(percent_and_time_left_follow_the_speed_so_far),
		cmocka_unit_test(long_times_are_in_minutes_and_hours),
		cmocka_unit_test(there_is_no_time_left_before_a_speed_is_known),
		cmocka_unit_test(without_an_end_there_is_no_percent),
		cmocka_unit_test(what_grew_meanwhile_is_not_more_than_all),
		cmocka_unit_test(nothing_is_shown_where_there_is_no_terminal),
		cmocka_unit_test(a_line_is_due_four_times_a_second),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
