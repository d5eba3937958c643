/* arrivals_test.c: Tests of the arrivals of rows: false alarms of clean streams, changes that are found, and references that say
 * nothing of time. */
#include "drift/arrivals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "base/random.h"

#define ARENA_BYTES ((size_t)16 << 20)
#define ROWS 4000
#define WINDOW 100

static struct arena *arena;
static struct random chance;

static int set_up(void **state)
{
	(void)state;
	chance = (struct random){5};
	arena = arena_open(ARENA_BYTES);
	return arena ? 0 : 1;
}

static int tear_down(void **state)
{
	(void)state;
	arena_close(arena);
	return 0;
}

/* A gap of an exponential law; every 20th of a bursty stream is ten times as long. */
static double gap(double mean_ms, bool bursts)
{
	const double even = (double)(random_next(&chance) >> 11) * 0x1p-53;
	return -log(1 - even) * mean_ms * (bursts && random_below(&chance, 20) == 0 ? 10 : 1);
}

static struct arrival_law *law_learn(struct arrivals *arrivals, bool bursts)
{
	static int64_t times_ms[ROWS];
	double now = 1e12;
	for (size_t i = 0; i < ROWS; i++)
		times_ms[i] = (int64_t)(now += gap(1000, bursts));
	assert_true(arrivals_learn(times_ms, ROWS, arena, arrivals));
	assert_null(arrivals_trouble(arrivals));
	struct arrival_law *law = arrival_law_open(arena, arrivals);
	assert_non_null(law);
	return law;
}

/* A window by count, in whose midst nothing comes for `pause_ms`. */
static struct arrival_finding judge(struct arrival_law *law, double mean_ms, bool bursts, double pause_ms, double alpha)
{
	struct arrival_window window = {.rows = WINDOW, .usual_rows = WINDOW, .share = 1, .rate_alpha = alpha, .age_alpha = alpha};
	for (int i = 0; i < WINDOW; i++) {
		const double more = floor(gap(mean_ms, bursts)) + (i == WINDOW / 2 ? pause_ms : 0);
		window.duration_ms += more;
		window.age_ms = fmax(window.age_ms, more);
	}
	return arrival_judge(law, &window);
}

static void clean_windows_raise_no_more_alarms_than_declared(void **state)
{
	(void)state;
	const double alpha = 0.002;
	for (int bursts = 0; bursts < 2; bursts++) {
		size_t rate = 0, age = 0;
		enum { REFERENCES = 20, WINDOWS = 500 };
		for (int i = 0; i < REFERENCES; i++, arena_reset(arena)) {
			struct arrivals arrivals;
			struct arrival_law *law = law_learn(&arrivals, bursts);
			for (int j = 0; j < WINDOWS; j++) {
				const struct arrival_finding found = judge(law, 1000, bursts, 0, alpha);
				rate += found.rate_alarm;
				age += found.age_alarm;
			}
		}
		const double declared = REFERENCES * WINDOWS * alpha, most = declared + 3 * sqrt(declared);
		print_message("bursts %d: %zu of the rate, %zu of the age, %.0f declared of each\n", bursts, rate, age, declared);
		assert_true((double)rate <= most && (double)age <= most);
	}
}

static void another_rate_and_a_long_pause_are_found(void **state)
{
	(void)state;
	struct arrivals arrivals;
	struct arrival_law *law = law_learn(&arrivals, false);
	const struct arrival_finding slow = judge(law, 2500, false, 0, 1e-4), fast = judge(law, 400, false, 0, 1e-4);
	assert_true(slow.rate_alarm && slow.rate < slow.rate_low && !slow.age_alarm);
	assert_true(fast.rate_alarm && fast.rate > fast.rate_high && !fast.age_alarm);
	assert_true(slow.rate_low < 60 && slow.rate_high > 60);
	const struct arrival_finding paused = judge(law, 1000, false, 600000, 1e-4);
	assert_true(paused.age_alarm && paused.rate_alarm);
	assert_true(paused.age_most_ms >= arrivals.gaps_ms[0] && paused.age_most_ms < 120000);
}

/* Of a share of the messages, the bounds are those of the share. */
static void a_share_has_bounds_of_its_own(void **state)
{
	(void)state;
	struct arrivals arrivals;
	struct arrival_law *law = law_learn(&arrivals, false);
	struct arrival_window window = {.rows = 100,
					.duration_ms = 1e6,
					.age_ms = 50000,
					.usual_rows = 100,
					.share = 0.1,
					.rate_alpha = 1e-4,
					.age_alpha = 1e-4};
	const struct arrival_finding usual = arrival_judge(law, &window);
	assert_false(usual.rate_alarm || usual.age_alarm);
	window.share = 1;
	assert_true(arrival_judge(law, &window).rate_alarm);
}

static void a_reference_may_say_nothing_of_time(void **state)
{
	(void)state;
	int64_t times_ms[ROWS];
	struct arrivals arrivals = {0};
	assert_string_equal(arrivals_trouble(&arrivals), "the reference has no times");
	for (size_t i = 0; i < ROWS; i++)
		times_ms[i] = (int64_t)(ROWS - i) * 10;
	assert_true(arrivals_learn(times_ms, ROWS, arena, &arrivals));
	assert_true(arrivals.times_ms[0] == 10 && arrivals.times_ms[arrivals.count - 1] == ROWS * 10);
	assert_true(arrivals.gaps_ms[0] == 10 && arrivals.count == ARRIVAL_TIMES_MAX);
	assert_string_equal(arrivals_trouble(&arrivals), "the times of the reference are of less than a minute");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(clean_windows_raise_no_more_alarms_than_declared, set_up, tear_down),
		cmocka_unit_test_setup_teardown(another_rate_and_a_long_pause_are_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_share_has_bounds_of_its_own, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_reference_may_say_nothing_of_time, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
