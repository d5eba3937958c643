/* watermarks_test.c: Tests of watermarks, the times up to which partitions of a stream have come: which hold the others, for
 * how long, and when a clock was set back.
 */
#include "methods/drift/watermarks.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define BEGIN_MS 1700000000000
#define DAY_MS 86400000

static struct watermarks watermarks;

static void come(int32_t partition, int64_t from_ms, int rows, int64_t step_ms)
{
	for (int i = 0; i < rows; i++)
		assert_false(watermarks_take(&watermarks, partition, from_ms + i * step_ms).set_back);
}

static void a_single_partition_holds_nothing(void **state)
{
	(void)state;
	watermarks_begin(&watermarks, 5000);
	watermarks_note(&watermarks, 0, true);
	watermarks_note(&watermarks, 1, false);
	come(0, BEGIN_MS, 10, 1000);
	assert_true(watermarks_horizon(&watermarks) == INT64_MAX);
}

static void a_partition_that_is_behind_holds_what_is_younger(void **state)
{
	(void)state;
	watermarks_begin(&watermarks, 0);
	watermarks_note(&watermarks, 0, true);
	watermarks_note(&watermarks, 1, true);
	come(0, BEGIN_MS, 10, 1000);
	assert_true(watermarks_horizon(&watermarks) == INT64_MIN); /* nothing of the other has come */
	come(1, BEGIN_MS + 500, 5, 1000);
	assert_true(watermarks_horizon(&watermarks) == BEGIN_MS + 4500);
	watermarks_note(&watermarks, 1, false);
	assert_true(watermarks_horizon(&watermarks) == BEGIN_MS + 9000);
	watermarks_note(&watermarks, 0, false);
	assert_true(watermarks_horizon(&watermarks) == INT64_MAX);
}

/* In windows by time a partition that has all is waited for, for a moment of the stream's time. */
static void a_quiet_partition_holds_windows_by_time_for_a_moment(void **state)
{
	(void)state;
	watermarks_begin(&watermarks, 5000);
	come(0, BEGIN_MS, 1, 0);
	come(1, BEGIN_MS + 400, 1, 0);
	assert_true(watermarks_horizon(&watermarks) == BEGIN_MS);
	come(1, BEGIN_MS + 60000, 1, 0);
	assert_true(watermarks_horizon(&watermarks) == BEGIN_MS + 60000 - WATERMARKS_SLACK_MS);
}

static void a_partition_of_which_nothing_comes_is_waited_for_so_long(void **state)
{
	(void)state;
	watermarks_begin(&watermarks, 0);
	watermarks_tick(&watermarks, BEGIN_MS);
	watermarks_note(&watermarks, 0, true);
	watermarks_note(&watermarks, 1, true);
	come(1, BEGIN_MS, 1, 0);
	for (int64_t ms = 0; ms < WATERMARKS_PATIENCE_MS; ms += 500) {
		watermarks_tick(&watermarks, BEGIN_MS + ms);
		come(0, BEGIN_MS + ms, 1, 0);
		assert_true(watermarks_horizon(&watermarks) == BEGIN_MS);
	}
	watermarks_tick(&watermarks, BEGIN_MS + WATERMARKS_PATIENCE_MS);
	assert_true(watermarks_horizon(&watermarks) == BEGIN_MS + WATERMARKS_PATIENCE_MS - 500);
}

/* An engine that comes back after a day finds the partitions as it left them, and waits for all of them. */
static void a_pause_of_all_partitions_is_no_silence(void **state)
{
	(void)state;
	watermarks_begin(&watermarks, 0);
	watermarks_tick(&watermarks, BEGIN_MS);
	watermarks_note(&watermarks, 0, true);
	watermarks_note(&watermarks, 1, true);
	come(0, BEGIN_MS, 1, 0);
	come(1, BEGIN_MS + 1, 1, 0);
	watermarks_tick(&watermarks, BEGIN_MS + DAY_MS);
	come(0, BEGIN_MS + 20000, 1, 0);
	assert_true(watermarks_horizon(&watermarks) == BEGIN_MS + 1);
}

static void a_partition_that_lags_is_not_set_back(void **state)
{
	(void)state;
	watermarks_begin(&watermarks, 5000);
	come(0, BEGIN_MS, 100, 1000);
	come(1, BEGIN_MS - DAY_MS, 500, 100);
	assert_int_equal(watermarks.resets, 0);
}

/* Windows begin anew only when all have been set back. */
static void windows_begin_anew_when_all_clocks_were_set_back(void **state)
{
	(void)state;
	for (int64_t window_ms = 0; window_ms <= 5000; window_ms += 5000) {
		watermarks_begin(&watermarks, window_ms);
		come(0, BEGIN_MS, 10, 1000);
		come(1, BEGIN_MS, 10, 1000);
		come(1, BEGIN_MS - DAY_MS, WATERMARKS_BACK_ROWS - 1, 100);
		const struct watermark_finding one = watermarks_take(&watermarks, 1, BEGIN_MS - DAY_MS + 10000);
		assert_true(one.set_back && !one.anew);
		assert_true(one.from_ms == BEGIN_MS + 9000);
		come(0, BEGIN_MS - DAY_MS, WATERMARKS_BACK_ROWS - 1, 100);
		assert_true(watermarks_take(&watermarks, 0, BEGIN_MS - DAY_MS + 10000).anew);
		assert_int_equal(watermarks.resets, 1);
	}
}

/* Some rows of a wrong time, as of requests that waited, are only late. */
static void fewer_rows_are_late(void **state)
{
	(void)state;
	watermarks_begin(&watermarks, 5000);
	for (int i = 0; i < 10; i++) {
		come(0, BEGIN_MS + 1000 * i, 1, 0);
		come(0, BEGIN_MS - DAY_MS, WATERMARKS_BACK_ROWS - 1, 0);
	}
	assert_true(watermarks.items[0].newest_ms == BEGIN_MS + 9000);
}

static void times_beyond_all_do_not_overflow(void **state)
{
	(void)state;
	watermarks_begin(&watermarks, 5000);
	come(0, INT64_MIN, 1, 0);
	come(1, INT64_MAX, 1, 0);
	assert_true(watermarks_horizon(&watermarks) > BEGIN_MS);
	for (int i = 0; i < WATERMARKS_BACK_ROWS; i++)
		(void)watermarks_take(&watermarks, 1, INT64_MIN);
	assert_int_equal(watermarks.resets, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_single_partition_holds_nothing),
		cmocka_unit_test(a_partition_that_is_behind_holds_what_is_younger),
		cmocka_unit_test(a_quiet_partition_holds_windows_by_time_for_a_moment),
		cmocka_unit_test(a_partition_of_which_nothing_comes_is_waited_for_so_long),
		cmocka_unit_test(a_pause_of_all_partitions_is_no_silence),
		cmocka_unit_test(a_partition_that_lags_is_not_set_back),
		cmocka_unit_test(windows_begin_anew_when_all_clocks_were_set_back),
		cmocka_unit_test(fewer_rows_are_late),
		cmocka_unit_test(times_beyond_all_do_not_overflow),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
