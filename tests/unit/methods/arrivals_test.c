/* arrivals_test.c: Tests of the arrivals of rows: false alarms of clean streams, changes that are found, and references that say
 * nothing of time. */
#include "methods/drift/arrivals.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <math.h>

#include "base/number/random.h"

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

/* Gaps between rows: of an exponential law, of one whose every 20th is ten times as long, of laws with heavy tails, and of rates
 * that follow from one another; and clusters of rows, of a law with a heavy tail, or of at most 50 rows. */
enum gaps {
	GAPS_EXPONENTIAL,
	GAPS_TENFOLD,
	GAPS_PARETO,
	GAPS_LOGNORMAL,
	GAPS_EXCITED,
	GAPS_STATES,
	GAPS_CLUSTERS,
	GAPS,
	GAPS_CUT = GAPS
};

static double even(void)
{
	return (double)(random_next(&chance) >> 11) * 0x1p-53;
}

static double exponential(double mean)
{
	return -log(1 - even()) * mean;
}

static double gap_of_clusters(double mean_ms, double most)
{
	static double left; /* rows of a cluster */
	if (--left >= 0)
		return exponential(mean_ms / 50);
	left = fmin(floor(3 * pow(1 - even(), -1 / 1.5)), most);
	return exponential(9 * mean_ms);
}

static double gap(double mean_ms, enum gaps gaps)
{
	static double excited; /* by the rows before (Hawkes 1971) */
	static bool fast;
	switch (gaps) {
	case GAPS_PARETO:
		return mean_ms * pow(1 - even(), -1 / 1.2);
	case GAPS_LOGNORMAL:
		return mean_ms * exp(2 * sqrt(2 * exponential(1)) * cos(2 * M_PI * even()));
	case GAPS_EXCITED: {
		const double left = 1 - exponential(1) / excited, own = exponential(3 * mean_ms);
		const double waited = left > 0 ? fmin(own, -log(left) * mean_ms / 10) : own;
		excited = excited * exp(-10 * waited / mean_ms) + 0.8;
		return waited;
	}
	case GAPS_STATES:
		fast = random_below(&chance, 100) == 0 ? !fast : fast;
		return exponential(mean_ms) * (fast ? 0.1 : 1);
	case GAPS_CLUSTERS:
	case GAPS_CUT:
		return gap_of_clusters(mean_ms, gaps == GAPS_CUT ? 50 : 1e6);
	default:
		return exponential(mean_ms) * (gaps == GAPS_TENFOLD && random_below(&chance, 20) == 0 ? 10 : 1);
	}
}

static struct arrival_law *law_learn(struct arrivals *arrivals, enum gaps gaps)
{
	static int64_t times_ms[ROWS];
	double now = 1e12;
	for (size_t i = 0; i < ROWS; i++)
		times_ms[i] = (int64_t)(now += gap(1000, gaps));
	assert_true(arrivals_learn(times_ms, ROWS, arena, arrivals));
	assert_null(arrivals_trouble(arrivals));
	struct arrival_law *law = arrival_law_open(arena, arrivals);
	assert_non_null(law);
	return law;
}

/* A window by count, in whose midst nothing comes for `pause_ms`. */
static struct arrival_finding judge(struct arrival_law *law, double mean_ms, enum gaps gaps, double pause_ms, double alpha)
{
	struct arrival_window window = {.rows = WINDOW, .usual_rows = WINDOW, .share = 1, .rate_alpha = alpha, .age_alpha = alpha};
	for (int i = 0; i < WINDOW; i++) {
		const double more = floor(gap(mean_ms, gaps)) + (i == WINDOW / 2 ? pause_ms : 0);
		window.duration_ms += more;
		window.age_ms = fmax(window.age_ms, more);
	}
	return arrival_judge(law, &window);
}

/* A window by time, of as long as WINDOW rows last on the average of a reference. */
static struct arrival_finding judge_by_time(struct arrival_law *law, const struct arrivals *arrivals, enum gaps gaps, double alpha)
{
	const double span = arrivals->times_ms[arrivals->count - 1] - arrivals->times_ms[0];
	struct arrival_window window = {.duration_ms = span / ROWS * WINDOW, .share = 1, .rate_alpha = alpha, .age_alpha = alpha};
	static double over; /* of the gap in which the window before ended */
	while (over < window.duration_ms) {
		const double more = floor(gap(1000, gaps));
		window.age_ms = fmax(window.age_ms, more);
		window.rows++;
		over += more;
	}
	over = fmod(over, window.duration_ms);
	return arrival_judge(law, &window);
}

#define WINDOWS 500

/* `make change` runs more. */
static size_t references_wanted(void)
{
	const char *wanted = getenv("DRIFT_STREAMS");
	return wanted ? (size_t)strtoul(wanted, NULL, 10) * 5 : 20;
}

static void clean_windows_raise_no_more_alarms_than_declared(void **state)
{
	(void)state;
	const size_t references = references_wanted();
	const double alpha = 0.002, declared = (double)references * WINDOWS * alpha, most = declared + 3 * sqrt(declared);
	for (enum gaps gaps = 0; gaps < GAPS; gaps++) {
		size_t rate = 0, age = 0, rate_by_time = 0;
		for (size_t i = 0; i < references; i++, arena_reset(arena)) {
			struct arrivals arrivals;
			struct arrival_law *law = law_learn(&arrivals, gaps);
			for (int j = 0; j < WINDOWS; j++) {
				const struct arrival_finding found = judge(law, 1000, gaps, 0, alpha);
				rate += found.rate_alarm;
				age += found.age_alarm;
			}
			for (int j = 0; j < WINDOWS; j++)
				rate_by_time += judge_by_time(law, &arrivals, gaps, alpha).rate_alarm;
		}
		print_message("gaps %d: %zu of the rate, %zu by time, %zu of the age, %.0f declared of each\n", (int)gaps, rate,
			      rate_by_time, age, declared);
		assert_true((double)rate <= most && (double)rate_by_time <= most && (double)age <= most);
	}
}

/* Rows that all come that long after one another. */
static bool rate_alarms(struct arrival_law *law, double gap_ms)
{
	return arrival_judge(law, &(struct arrival_window){.rows = WINDOW,
							   .duration_ms = WINDOW * gap_ms,
							   .age_ms = gap_ms,
							   .usual_rows = WINDOW,
							   .share = 1,
							   .rate_alpha = 1e-4,
							   .age_alpha = 1e-4})
		.rate_alarm;
}

/* A cluster that fills a window, where the reference has some that fill a quarter of one. One ten times as fast is another thing.
 */
static void a_cluster_raises_no_alarm_of_the_rate(void **state)
{
	(void)state;
	size_t faster = 0;
	for (size_t i = 0; i < 20; i++, arena_reset(arena)) {
		struct arrivals arrivals;
		struct arrival_law *law = law_learn(&arrivals, GAPS_CUT);
		assert_false(rate_alarms(law, 20));
		faster += rate_alarms(law, 2);
	}
	assert_true(faster > 10);
}

static void another_rate_and_a_long_pause_are_found(void **state)
{
	(void)state;
	struct arrivals arrivals;
	struct arrival_law *law = law_learn(&arrivals, GAPS_EXPONENTIAL);
	const struct arrival_finding slow = judge(law, 2500, GAPS_EXPONENTIAL, 0, 1e-4),
				     fast = judge(law, 400, GAPS_EXPONENTIAL, 0, 1e-4);
	assert_true(slow.rate_alarm && slow.rate < slow.rate_low && !slow.age_alarm);
	assert_true(fast.rate_alarm && fast.rate > fast.rate_high && !fast.age_alarm);
	assert_true(slow.rate_low < 60 && slow.rate_high > 60);
	const struct arrival_finding paused = judge(law, 1000, GAPS_EXPONENTIAL, 600000, 1e-4);
	assert_true(paused.age_alarm && paused.rate_alarm);
	assert_true(paused.age_most_ms >= arrivals.gaps_ms[0] && paused.age_most_ms < 120000);
}

/* Of a share of the messages, the bounds are those of the share. */
static void a_share_has_bounds_of_its_own(void **state)
{
	(void)state;
	struct arrivals arrivals;
	struct arrival_law *law = law_learn(&arrivals, GAPS_EXPONENTIAL);
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
		cmocka_unit_test_setup_teardown(a_cluster_raises_no_alarm_of_the_rate, set_up, tear_down),
		cmocka_unit_test_setup_teardown(another_rate_and_a_long_pause_are_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_share_has_bounds_of_its_own, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_reference_may_say_nothing_of_time, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
