/* monitor_clock_test.c: the time that windows by count take of a declared rate in time: with wrong times, and after a pause. */
#include "methods/drift/monitor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "base/number/random.h"
#include "tests/unit/arena_fixture.h"

#define ARENA_BYTES ((size_t)256 << 20)
#define ROWS 400
#define WINDOW 100
#define BEGIN_MS 1700000000000
#define HOUR_MS 3600000
#define ALIKE(a, b) assert_true(fabs((a) / (b) - 1) < 0.02)

struct clock_stream {
	struct monitor *monitor;
	struct random chance;
	int64_t time_ms;
};

static double even(struct random *chance)
{
	return (double)(random_next(chance) >> 11) * 0x1p-53;
}

static struct clock_stream stream_open(void)
{
	static double values[ROWS];
	static const struct drift_feature feature = {.name = {"x", 1}, .values = values, .least = 0, .greatest = 1};
	static const struct drift_reference reference = {
		.all_rows = ROWS, .rows = ROWS, .block = ROWS, .feature_count = 1, .features = &feature};
	const struct monitor_settings settings = {.window_rows = WINDOW, .rate = {.alarms = 1, .duration_ms = 24 * HOUR_MS}};
	struct error error = {0};
	struct clock_stream stream = {.chance = {11}, .time_ms = BEGIN_MS};
	for (size_t i = 0; i < ROWS; i++)
		values[i] = even(&stream.chance);
	stream.monitor = monitor_open(arena, &reference, &settings, &error);
	assert_non_null(stream.monitor);
	return stream;
}

/* The level of KS of the next window, whose rows are so far apart. That at `wrong` has another time; -1: none has. */
static double level_next(struct clock_stream *stream, int64_t step_ms, int wrong, int64_t wrong_ms)
{
	const struct monitor_verdict *closed = NULL;
	for (int i = 0; i < WINDOW; i++, stream->time_ms += step_ms) {
		const double row = even(&stream->chance);
		assert_null(closed);
		closed = monitor_add(stream->monitor, &row, i == wrong ? wrong_ms : stream->time_ms);
	}
	assert_non_null(closed);
	return closed->features[0].tests[0].level;
}

static double usual_next(struct clock_stream *stream)
{
	return level_next(stream, 1000, -1, 0);
}

static const int64_t wrong_times[] = {0, -1, INT64_MIN, INT64_MAX, BEGIN_MS * 1000, BEGIN_MS + HOUR_MS};
#define WRONG_TIMES (sizeof wrong_times / sizeof *wrong_times)

/* A time of a thousand years ahead would make each window since take the share of a thousand years. Two windows later nothing is
 * left of it. */
static void a_wrong_time_gives_no_window_a_larger_share(void **state)
{
	(void)state;
	static const int places[] = {0, 1, WINDOW / 2, WINDOW - 1};
	for (size_t i = 0; i < WRONG_TIMES * 4; i++) {
		struct clock_stream stream = stream_open();
		const double usual = usual_next(&stream);
		for (int window = 1; window < 10; window++) {
			const int wrong = window % 3 == 2 ? places[i % 4] : -1;
			const double level = level_next(&stream, 1000, wrong, wrong_times[i / 4]);
			assert_true(level > usual * 0.98 && level < usual * 1.5);
			if (window % 3 == 1)
				ALIKE(level, usual);
		}
		arena_reset(arena);
	}
}

static void nor_does_one_in_the_first_window(void **state)
{
	(void)state;
	static const int places[] = {0, 1, WINDOW - 1};
	for (size_t i = 0; i < WRONG_TIMES * 3; i++) {
		struct clock_stream stream = stream_open(), clean = stream_open();
		for (int window = 0; window < 4; window++) {
			const int wrong = window == 0 ? places[i % 3] : -1;
			const double level = level_next(&stream, 1000, wrong, wrong_times[i / 3]), usual = usual_next(&clean);
			assert_true(level > usual * 0.98);
			if (window >= 2)
				ALIKE(level, usual);
		}
		arena_reset(arena);
	}
}

/* An hour in which nothing comes counts in the window after it. */
static void a_pause_counts_when_the_clock_has_gone_on(void **state)
{
	(void)state;
	struct clock_stream stream = stream_open();
	const double usual = usual_next(&stream);
	ALIKE(usual_next(&stream), usual);
	stream.time_ms += HOUR_MS;
	ALIKE(usual_next(&stream), usual);
	assert_true(usual_next(&stream) < 0.9 * usual);
	ALIKE(usual_next(&stream), usual);
}

/* Such as of one message each. */
static void windows_of_one_time_take_the_time_between_them(void **state)
{
	(void)state;
	struct clock_stream stream = stream_open();
	const double usual = usual_next(&stream);
	for (int window = 0; window < 6; window++) {
		const double level = level_next(&stream, 0, -1, 0);
		stream.time_ms += HOUR_MS;
		if (window > 2)
			assert_true(level < 0.9 * usual);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_wrong_time_gives_no_window_a_larger_share, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(nor_does_one_in_the_first_window, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(a_pause_counts_when_the_clock_has_gone_on, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(windows_of_one_time_take_the_time_between_them, arena_begin, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
