/* monitor_reach_test.c: Tests of what a drift monitor says it cannot find: a feature in which no window has drift, by its trend, by
 * its dependence, or since windows are too small; and that it says so of no other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "base/number/random.h"
#include "methods/drift/monitor.h"
#include "methods/statistics/distribution.h"
#include "tests/unit/arena_fixture.h"

#define ARENA_BYTES ((size_t)256 << 20)
#define ROWS_MOST 4000
#define FEATURES_MOST 20
#define HOUR_MS 3600000
#define FAR 1e6 /* beyond all values of a reference */

static struct random chance;
static double values[FEATURES_MOST][ROWS_MOST];
static struct drift_feature features[FEATURES_MOST];
static const struct text sides[] = {{"buy", 3}, {"sell", 4}};

static double normal(void)
{
	return normal_quantile(((double)(random_next(&chance) >> 12) + 0.5) * 0x1p-52);
}

/* ---- references ---- */

/* One feature more of a reference, whose ends are those of its values. */
static void feature_end(size_t feature, size_t rows)
{
	features[feature] = (struct drift_feature){.name = TEXT("f"), .values = values[feature], .least = FAR, .greatest = -FAR};
	for (size_t i = 0; i < rows; i++) {
		features[feature].least = fmin(features[feature].least, values[feature][i]);
		features[feature].greatest = fmax(features[feature].greatest, values[feature][i]);
	}
}

/* Normal numbers that rise by so many deviations over the rows. */
static void trend_make(size_t feature, size_t rows, double rise)
{
	for (size_t i = 0; i < rows; i++)
		values[feature][i] = normal() + rise * (double)i / (double)rows;
	feature_end(feature, rows);
}

/* An autoregression of first order. */
static void carried_make(size_t feature, size_t rows, double carry)
{
	double value = normal() / sqrt(1 - carry * carry);
	for (size_t i = 0; i < rows; i++) {
		values[feature][i] = value;
		value = carry * value + normal();
	}
	feature_end(feature, rows);
}

static struct drift_reference reference_of(size_t count, size_t rows)
{
	return (struct drift_reference){
		.all_rows = rows, .rows = rows, .block = rows, .feature_count = count, .features = features};
}

static struct monitor_settings settings_of(int64_t window, unsigned methods)
{
	return (struct monitor_settings){
		.methods = methods, .window_rows = window, .rate = {.alarms = 0.5, .rows = 1000}, .effect = 0, .share = 0};
}

static struct monitor_reach reach_of(const struct drift_reference *reference, const struct monitor_settings *settings,
				     size_t feature)
{
	struct error error = {0};
	const struct monitor *monitor = monitor_learn(arena, reference, settings, &error);
	assert_non_null(monitor);
	return monitor_reach_of(monitor, reference, feature);
}

static struct monitor_reach reach_alone(size_t rows, int64_t window)
{
	const struct drift_reference reference = reference_of(1, rows);
	const struct monitor_settings settings = settings_of(window, 0);
	return reach_of(&reference, &settings, 0);
}

/* ---- windows ---- */

/* Whether a window of that value alone has drift. */
static bool constant_drifts(struct monitor *monitor, int64_t window, double value)
{
	const struct monitor_verdict *verdict = NULL;
	for (int64_t i = 0; i < window; i++)
		verdict = monitor_add(monitor, &value, i);
	assert_non_null(verdict);
	return verdict->drifted;
}

/* The same of any value: beyond both ends, and that of each row. */
static bool any_drifts(const struct drift_reference *reference, const struct monitor_settings *settings)
{
	struct error error = {0};
	struct monitor *monitor = monitor_open(arena, reference, settings, &error);
	assert_non_null(monitor);
	bool drifts = constant_drifts(monitor, settings->window_rows, FAR) || constant_drifts(monitor, settings->window_rows, -FAR);
	for (size_t i = 0; i < reference->rows && !drifts; i += 5)
		drifts = constant_drifts(monitor, settings->window_rows, values[0][i]);
	return drifts;
}

/* ---- what is said ---- */

static void a_trend_makes_a_feature_that_never_drifts(void **state)
{
	(void)state;
	for (int falls = 0; falls <= 1; falls++) {
		trend_make(0, 400, falls ? -4 : 4);
		const struct monitor_reach reach = reach_alone(400, 50);
		assert_int_equal(reach.sight, MONITOR_BLIND_BY_TREND);
		assert_int_equal(reach.falls, falls);
		assert_true(reach.independent_values > 8 && reach.independent_values < 16); /* of 400 values */
		const struct drift_reference reference = reference_of(1, 400);
		const struct monitor_settings settings = settings_of(50, 0);
		assert_false(any_drifts(&reference, &settings));
	}
}

/* In 4,000 rows, too; and with windows that are large enough, such a reference is good for large changes. */
static void a_trend_of_many_rows_hides_small_windows(void **state)
{
	(void)state;
	trend_make(0, 4000, 5);
	assert_int_equal(reach_alone(4000, 100).sight, MONITOR_BLIND_BY_TREND);
	assert_int_equal(reach_alone(4000, 1000).sight, MONITOR_SEES);
}

/* Not only a straight one: a level that climbs ever faster, and steps that go up. */
static void a_trend_may_have_any_form(void **state)
{
	(void)state;
	for (int stepped = 0; stepped <= 1; stepped++) {
		for (size_t i = 0; i < 400; i++)
			values[0][i] = stepped ? floor((double)i / 20) + 0.5 * normal() : exp((double)i / 40) + 0.1 * normal();
		feature_end(0, 400);
		assert_int_equal(reach_alone(400, 50).sight, MONITOR_BLIND_BY_TREND);
	}
}

static void clean_rows_are_seen(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		chance.state = seed;
		for (size_t i = 0; i < FEATURES_MOST; i++)
			carried_make(i, 400, i % 2 ? 0.8 : 0);
		const struct drift_reference reference = reference_of(FEATURES_MOST, 400);
		const struct monitor_settings settings = settings_of(100, 0);
		struct error error = {0};
		const struct monitor *monitor = monitor_learn(arena, &reference, &settings, &error);
		assert_non_null(monitor);
		for (size_t i = 0; i < FEATURES_MOST; i++)
			assert_int_equal(monitor_reach_of(monitor, &reference, i).sight, MONITOR_SEES);
		arena_reset(arena);
	}
}

static void states_that_last_are_no_trend(void **state)
{
	(void)state;
	for (size_t i = 0; i < 400; i++)
		values[0][i] = (i / 100 % 2 ? 10 : 0) + normal();
	feature_end(0, 400);
	assert_int_equal(reach_alone(400, 50).sight, MONITOR_BLIND_BY_DEPENDENCE);
}

/* First all are bought, then all are sold. */
static void categories_have_no_line_through_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < 400; i++)
		values[0][i] = i < 200;
	feature_end(0, 400);
	features[0].categories = true;
	features[0].category_count = 2;
	features[0].category_names = sides;
	assert_int_equal(reach_alone(400, 50).sight, MONITOR_BLIND_BY_DEPENDENCE);
}

static void a_window_may_be_too_small_for_the_rate(void **state)
{
	(void)state;
	trend_make(0, 400, 0);
	const struct drift_reference reference = reference_of(1, 400);
	struct monitor_settings settings = settings_of(20, 1U << MONITOR_KS);
	assert_int_equal(reach_of(&reference, &settings, 0).sight, MONITOR_SEES);
	settings.rate.alarms = 1e-30;
	assert_int_equal(reach_of(&reference, &settings, 0).sight, MONITOR_BLIND_BY_SIZE);
	assert_false(any_drifts(&reference, &settings));
}

/* A rate by time says what a window takes of it when it is known how long windows take: by the reference's times, if it has some.
 */
static void a_rate_by_time_needs_the_length_of_a_window(void **state)
{
	static double times_ms[2];
	(void)state;
	trend_make(0, 400, 2);
	struct drift_reference reference = reference_of(1, 400);
	struct monitor_settings settings = settings_of(50, 0);
	settings.rate = (struct monitor_rate){.alarms = 1, .duration_ms = 30 * INT64_C(86400000)};
	assert_int_equal(reach_of(&reference, &settings, 0).sight, MONITOR_BLIND_BY_TREND);
	assert_true(reach_of(&reference, &settings, 0).spans_an_hour);
	reference.arrivals = (struct arrivals){.rows = 400, .count = 2, .times_ms = times_ms};
	times_ms[1] = 60e3; /* a window takes seconds */
	assert_int_equal(reach_of(&reference, &settings, 0).sight, MONITOR_BLIND_BY_TREND);
	assert_false(reach_of(&reference, &settings, 0).spans_an_hour);
	times_ms[1] = 60 * 86400e3; /* a window takes a week */
	assert_int_equal(reach_of(&reference, &settings, 0).sight, MONITOR_SEES);
}

/* Whether an hour of rows beyond all of the reference, ten in a second, has drift. */
static bool an_hour_drifts(const struct drift_reference *reference, const struct monitor_settings *settings)
{
	const double value = FAR;
	const struct monitor_verdict *verdict = NULL;
	struct error error = {0};
	struct monitor *monitor = monitor_open(arena, reference, settings, &error);
	assert_non_null(monitor);
	for (int64_t i = 0; i < 36000; i++)
		assert_null(monitor_add(monitor, &value, i * 100));
	verdict = monitor_add(monitor, &value, HOUR_MS);
	assert_non_null(verdict);
	return verdict->drifted;
}

/* Of a window by time the reference's times say how many rows it has; without them, nothing is said. */
static void a_window_by_time_has_the_rows_that_come_in_it(void **state)
{
	static double times_ms[2];
	(void)state;
	trend_make(0, 400, 3);
	struct drift_reference reference = reference_of(1, 400);
	struct monitor_settings settings = settings_of(0, 1U << MONITOR_KS);
	settings.window_ms = HOUR_MS;
	settings.rate.alarms = 2e-7;
	assert_int_equal(reach_of(&reference, &settings, 0).sight, MONITOR_SEES);
	reference.arrivals = (struct arrivals){.rows = 4000, .count = 2, .times_ms = times_ms};
	times_ms[1] = 400e3; /* ten in a second */
	assert_int_equal(reach_of(&reference, &settings, 0).rows, 36000);
	assert_int_equal(reach_of(&reference, &settings, 0).sight, MONITOR_SEES);
	assert_true(an_hour_drifts(&reference, &settings));
	settings.share = 0.01;
	assert_int_equal(reach_of(&reference, &settings, 0).rows, 360);
	assert_int_equal(reach_of(&reference, &settings, 0).sight, MONITOR_BLIND_BY_TREND);
	settings.segmented = true; /* how many of them are of one is not known */
	assert_int_equal(reach_of(&reference, &settings, 0).sight, MONITOR_SEES);
	settings.segmented = false;
	settings.share = 0;
	times_ms[1] = 8 * HOUR_MS;
	assert_int_equal(reach_of(&reference, &settings, 0).rows, 500);
	assert_int_equal(reach_of(&reference, &settings, 0).sight, MONITOR_BLIND_BY_TREND);
	times_ms[1] = 59e3; /* too short for a pace */
	assert_int_equal(reach_of(&reference, &settings, 0).sight, MONITOR_SEES);
}

/* Windows of one end of all numbers, then of the other: whether one of the latter has drift. */
static bool a_lasting_change_drifts(const struct drift_reference *reference, const struct monitor_settings *settings)
{
	struct error error = {0};
	struct monitor *monitor = monitor_open(arena, reference, settings, &error);
	assert_non_null(monitor);
	for (size_t i = 0; i < 20; i++)
		(void)constant_drifts(monitor, settings->window_rows, -FAR);
	bool drifts = false;
	for (size_t i = 0; i < 200 && !drifts; i++)
		drifts = constant_drifts(monitor, settings->window_rows, FAR);
	return drifts;
}

/* Page-Hinkley and ADWIN know the stream's own mean, of any number of rows, and cusum that of the reference. */
static void online_methods_see_what_their_levels_let_them(void **state)
{
	static const struct {
		unsigned method;
		double rise;
		bool sees;
	} cases[] = {
		{MONITOR_CUSUM, 0, true}, {MONITOR_CUSUM, 3, false}, {MONITOR_PAGE_HINKLEY, 3, true}, {MONITOR_ADWIN, 3, true}};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		trend_make(0, 400, cases[i].rise);
		const struct drift_reference reference = reference_of(1, 400);
		const struct monitor_settings settings = settings_of(50, 1U << cases[i].method);
		assert_int_equal(reach_of(&reference, &settings, 0).sight == MONITOR_SEES, cases[i].sees);
		assert_int_equal(a_lasting_change_drifts(&reference, &settings), cases[i].sees);
	}
}

/* For each test, what is said to be seen is what a window can show. */
static void what_is_seen_is_what_some_window_shows(void **state)
{
	static const unsigned methods[] = {0, 1U << MONITOR_KS, 1U << MONITOR_PSI, 1U << MONITOR_WASSERSTEIN};
	static const double rises[] = {0, 1, 1.5, 2, 3, 6, 30};
	static const int64_t windows[] = {20, 50, 100, 500};
	size_t seen = 0, blind = 0;
	(void)state;
	chance.state = 7;
	for (size_t i = 0; i < sizeof rises / sizeof *rises; i++)
		for (size_t j = 0; j < sizeof windows / sizeof *windows; j++)
			for (size_t k = 0; k < sizeof methods / sizeof *methods; k++) {
				trend_make(0, 400, rises[i]);
				const struct drift_reference reference = reference_of(1, 400);
				const struct monitor_settings settings = settings_of(windows[j], methods[k]);
				const bool sees = reach_of(&reference, &settings, 0).sight == MONITOR_SEES;
				assert_int_equal(sees, any_drifts(&reference, &settings));
				seen += sees;
				blind += !sees;
				arena_reset(arena);
			}
	assert_true(seen > 30 && blind > 30);
}

static int set_up(void **state)
{
	(void)state;
	arena = arena_open(ARENA_BYTES);
	return arena ? 0 : 1;
}

static int begin(void **state)
{
	(void)state;
	chance.state = 3;
	arena_reset(arena);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_close(arena);
	return 0;
}

/* ---- seasons ---- */

#define SEASON 300

static double seasonal(size_t row)
{
	return sin(2 * M_PI * (double)row / SEASON) + 0.3 * normal();
}

/* How many of so many windows have drift, whose values have moved by so many standard deviations. */
static size_t windows_drifted(struct monitor *monitor, size_t windows, size_t rows, double moved)
{
	size_t drifted = 0, row = ROWS_MOST + 70; /* they begin anywhere in the season */
	for (size_t i = 0; i < windows; i++) {
		const struct monitor_verdict *verdict = NULL;
		for (size_t j = 0; j < rows; j++) {
			const double value = seasonal(row++) + moved * sqrt(0.5 + 0.09);
			verdict = monitor_add(monitor, &value, (int64_t)row);
		}
		assert_non_null(verdict);
		drifted += verdict->drifted;
	}
	return drifted;
}

/* Windows of a part of it are as different as its parts are; those of a whole one are not. */
static void a_season_is_known_and_whole_ones_are_judged_as_such(void **state)
{
	(void)state;
	chance.state = 1;
	for (size_t i = 0; i < ROWS_MOST; i++)
		values[0][i] = seasonal(i);
	feature_end(0, ROWS_MOST);
	const struct drift_reference reference = reference_of(1, ROWS_MOST);
	struct monitor_reach reach = reach_alone(ROWS_MOST, 200);
	assert_int_equal(reach.season, SEASON);
	assert_int_equal(reach.sight, MONITOR_SEES);
	assert_true(reach.changes[MONITOR_KS] > MONITOR_LARGE_SHIFT && reach.changes[MONITOR_PSI] > MONITOR_LARGE_SHIFT);
	for (int64_t window = SEASON; window <= 2 * SEASON; window += SEASON) {
		struct error error = {0};
		const struct monitor_settings settings = {.window_rows = window, .rate = {.alarms = 0.1, .rows = 1000}};
		struct monitor *monitor = monitor_open(arena, &reference, &settings, &error);
		assert_non_null(monitor);
		reach = monitor_reach_of(monitor, &reference, 0);
		assert_int_equal(reach.season, 0); /* nothing is to be done about it */
		assert_true(reach.changes[MONITOR_KS] < 0.6);
		assert_true(windows_drifted(monitor, 40, (size_t)window, 0) <= 2);
		assert_true(windows_drifted(monitor, 32, (size_t)window, 0.5) >= 29);
	}
}

/* Neither states that last nor an autoregression repeat. */
static void what_does_not_repeat_has_no_season(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++) {
		chance.state = seed;
		carried_make(0, ROWS_MOST, 0.97);
		assert_int_equal(reach_alone(ROWS_MOST, 100).season, 0);
		arena_reset(arena);
	}
}

/* A shift of normal numbers moves the distribution function by 2 * Phi(shift / 2) - 1 at most: that of KS at this level. */
static void the_smallest_change_is_that_at_the_level_of_a_test(void **state)
{
	(void)state;
	chance.state = 3;
	for (size_t i = 0; i < ROWS_MOST; i++)
		values[0][i] = normal();
	feature_end(0, ROWS_MOST);
	const struct drift_reference reference = reference_of(1, ROWS_MOST);
	const struct monitor_settings settings = settings_of(200, 1U << MONITOR_KS);
	const double alpha = 0.9 * 0.1, distance = sqrt(-log(alpha / 2) / 2) / sqrt(4000.0 * 200 / 4200);
	const struct monitor_reach reach = reach_of(&reference, &settings, 0);
	assert_true(fabs(reach.changes[MONITOR_KS] - 2 * normal_quantile((1 + distance) / 2)) < 0.03);
	assert_true(isnan(reach.changes[MONITOR_PSI]) && isnan(reach.changes[MONITOR_MMD]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_trend_makes_a_feature_that_never_drifts, begin),
		cmocka_unit_test_setup(a_trend_of_many_rows_hides_small_windows, begin),
		cmocka_unit_test_setup(a_trend_may_have_any_form, begin),
		cmocka_unit_test_setup(clean_rows_are_seen, begin),
		cmocka_unit_test_setup(states_that_last_are_no_trend, begin),
		cmocka_unit_test_setup(categories_have_no_line_through_them, begin),
		cmocka_unit_test_setup(a_window_may_be_too_small_for_the_rate, begin),
		cmocka_unit_test_setup(a_rate_by_time_needs_the_length_of_a_window, begin),
		cmocka_unit_test_setup(a_window_by_time_has_the_rows_that_come_in_it, begin),
		cmocka_unit_test_setup(online_methods_see_what_their_levels_let_them, begin),
		cmocka_unit_test_setup(what_is_seen_is_what_some_window_shows, begin),
		cmocka_unit_test_setup(a_season_is_known_and_whole_ones_are_judged_as_such, begin),
		cmocka_unit_test_setup(what_does_not_repeat_has_no_season, begin),
		cmocka_unit_test_setup(the_smallest_change_is_that_at_the_level_of_a_test, begin),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
