/* trailing_test.c: Tests of what a trailing window says is what all its values say, looked through
 * anew each time. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/number/random.h"
#include "methods/numeric/trailing.h"

#define ALL (TRACK_SUM | TRACK_SPREAD | TRACK_LEAST | TRACK_GREATEST | TRACK_ORDER)

/* A window, and beside it all that was ever added. */
struct watched {
	struct trailing form;
	void *window;
	uint32_t capacity;
	int64_t newest_ms;
	size_t count;
	struct entry {
		int64_t time_ms;
		size_t nth;
		double value;
	} * entries;
};

static void watched_open(struct watched *watched, struct trailing form, size_t entries)
{
	*watched = (struct watched){.form = form, .newest_ms = INT64_MIN, .entries = calloc(entries, sizeof *watched->entries)};
	assert_non_null(watched->entries);
}

static void watched_close(struct watched *watched)
{
	free(watched->window);
	free(watched->entries);
}

static void add(struct watched *watched, int64_t time_ms, double value)
{
	watched->newest_ms = time_ms > watched->newest_ms ? time_ms : watched->newest_ms;
	uint32_t capacity = trailing_capacity(&watched->form, watched->window, watched->capacity, watched->newest_ms);
	assert_true(capacity <= TRAILING_VALUES_MAX);
	if (!watched->window || capacity != watched->capacity) {
		void *grown = calloc(1, trailing_bytes(&watched->form, capacity));
		assert_non_null(grown);
		if (watched->window)
			trailing_move(&watched->form, watched->window, watched->capacity, grown, capacity);
		free(watched->window);
		watched->window = grown;
		watched->capacity = capacity;
	}
	trailing_add(&watched->form, watched->window, capacity, time_ms, watched->newest_ms, value);
	watched->entries[watched->count] = (struct entry){time_ms, watched->count, value};
	watched->count++;
}

static int by_time(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	if (a->time_ms != b->time_ms)
		return a->time_ms < b->time_ms ? -1 : 1;
	return a->nth < b->nth ? -1 : 1;
}

static int by_value(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;
	return a < b ? -1 : a > b;
}

/* The entries that the window should hold, in its order; how many. */
static size_t in_window(const struct watched *watched, struct entry *kept)
{
	size_t count = 0;
	if (watched->form.messages) {
		count = watched->count < watched->form.messages ? watched->count : watched->form.messages;
		memcpy(kept, watched->entries + watched->count - count, count * sizeof *kept);
		return count;
	}
	for (size_t i = 0; i < watched->count; i++)
		if (watched->entries[i].time_ms > watched->newest_ms - watched->form.duration_ms)
			kept[count++] = watched->entries[i];
	qsort(kept, count, sizeof *kept, by_time);
	return count;
}

static void expect_near(double got, double expected, double scale)
{
	if (isnan(expected) || isinf(expected)) {
		assert_true(isnan(expected) ? isnan(got) : got == expected);
		return;
	}
	if (!(fabs(got - expected) <= 1e-9 * scale))
		fail_msg("%.17g, and %.17g was expected", got, expected);
}

static void expect_moments(const struct watched *watched, const double *values, size_t count)
{
	double sum = 0, squares = 0, scale = 1;
	for (size_t i = 0; i < count; i++) {
		sum += values[i];
		scale = fmax(scale, isfinite(values[i]) ? fabs(values[i]) : 0);
	}
	for (size_t i = 0; i < count; i++)
		squares += (values[i] - sum / (double)count) * (values[i] - sum / (double)count);
	double mean, got = trailing_squares(&watched->form, watched->window, watched->capacity, &mean);
	expect_near(trailing_sum(&watched->form, watched->window, watched->capacity), sum, scale * (double)(count + 1));
	expect_near(trailing_mean(&watched->form, watched->window, watched->capacity), count ? sum / (double)count : NAN, scale);
	expect_near(got, count ? squares : NAN, fmax(squares, 1e-12));
}

static void expect_order(const struct watched *watched, double *values, size_t count)
{
	uint32_t distinct = 0;
	qsort(values, count, sizeof *values, by_value);
	for (size_t i = 0; i < count; i++)
		distinct += i == 0 || values[i] != values[i - 1];
	assert_int_equal(trailing_distinct(watched->window), distinct);
	expect_near(trailing_least(&watched->form, watched->window, watched->capacity), count ? values[0] : NAN, 1);
	expect_near(trailing_greatest(&watched->form, watched->window, watched->capacity), count ? values[count - 1] : NAN, 1);
	const double qs[] = {0, 0.1, 0.5, 0.9, 1};
	for (size_t i = 0; i < sizeof qs / sizeof *qs; i++) {
		double rank = count ? qs[i] * (double)(count - 1) : 0;
		size_t low = (size_t)rank, high = rank > (double)low ? low + 1 : low;
		double part = rank - (double)low, expected = count ? values[low] : NAN;
		if (high > low)
			expected = values[low] * (1 - part) + values[high] * part;
		expect_near(trailing_quantile(&watched->form, watched->window, watched->capacity, qs[i]), expected,
			    fmax(fabs(expected), 1));
	}
}

static void expect_all(const struct watched *watched)
{
	struct entry *kept = calloc(watched->count + 1, sizeof *kept);
	double *values = calloc(watched->count + 1, sizeof *values);
	assert_true(kept && values);
	size_t messages = in_window(watched, kept), count = 0;
	for (size_t i = 0; i < messages; i++)
		if (!isnan(kept[i].value))
			values[count++] = kept[i].value;
	assert_int_equal(trailing_values(watched->window), count);
	expect_near(trailing_oldest(&watched->form, watched->window, watched->capacity), messages ? kept[0].value : NAN, 1);
	expect_near(trailing_first(&watched->form, watched->window, watched->capacity), count ? values[0] : NAN, 1);
	expect_near(trailing_last(&watched->form, watched->window, watched->capacity), count ? values[count - 1] : NAN, 1);
	expect_moments(watched, values, count);
	expect_order(watched, values, count);
	free(kept);
	free(values);
}

static double share(struct random *random)
{
	return (double)(random_next(random) >> 11) * 0x1p-53;
}

/* Few different values, so that many are equal; now and then none, or an infinite one. */
static double drawn(struct random *random)
{
	uint64_t draw = random_next(random) % 100;
	if (draw < 5)
		return NAN;
	if (draw < 7)
		return draw == 5 ? INFINITY : -INFINITY;
	return draw < 50 ? (double)(draw % 7) : 1e3 * share(random);
}

static void windows_of_messages_hold_the_last_of_them(void **state)
{
	(void)state;
	const uint32_t spans[] = {1, 2, 3, 20, 100};
	for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
		struct random random = {i + 1};
		struct watched watched;
		watched_open(&watched, (struct trailing){.messages = spans[i], .tracks = ALL}, 1000);
		for (int64_t nth = 0; nth < 1000; nth++) {
			assert_true(nth == 0 || trailing_warm(&watched.form, watched.window) == (nth >= spans[i]));
			add(&watched, -nth, drawn(&random)); /* their times do not matter */
			expect_all(&watched);
		}
		watched_close(&watched);
	}
}

static void windows_of_time_hold_what_is_young_enough(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		struct random random = {seed};
		struct watched watched;
		int64_t now = -5000;
		watched_open(&watched, (struct trailing){.duration_ms = 1000, .tracks = ALL}, 1500);
		for (int nth = 0; nth < 1500; nth++) {
			/* In bursts, with equal times, and with long silences that empty it. */
			uint64_t draw = random_next(&random) % 200;
			now += draw == 0 ? 5000 : draw < 100 ? 0 : (int64_t)(draw % 30);
			int64_t late = random_next(&random) % 4 == 0 ? (int64_t)(random_next(&random) % 1500) : 0;
			add(&watched, now - late, drawn(&random));
			expect_all(&watched);
		}
		watched_close(&watched);
	}
}

static void what_is_older_than_the_window_leaves_it_as_it_was(void **state)
{
	(void)state;
	struct watched watched;
	watched_open(&watched, (struct trailing){.duration_ms = 1000, .tracks = ALL}, 8);
	add(&watched, 10000, 1);
	add(&watched, 9000, 100);
	assert_int_equal(trailing_values(watched.window), 1);
	add(&watched, 9001, 3);
	assert_int_equal(trailing_values(watched.window), 2);
	assert_true(trailing_first(&watched.form, watched.window, watched.capacity) == 3);
	assert_true(trailing_last(&watched.form, watched.window, watched.capacity) == 1);
	watched_close(&watched);
}

static void what_is_seen_once_takes_little(void **state)
{
	(void)state;
	struct watched watched;
	watched_open(&watched, (struct trailing){.messages = 10000, .tracks = TRACK_SUM}, 1);
	add(&watched, 0, 1);
	assert_true(trailing_bytes(&watched.form, watched.capacity) <= 64);
	watched_close(&watched);
}

static void a_window_is_small_again_after_a_burst(void **state)
{
	(void)state;
	struct watched watched;
	watched_open(&watched, (struct trailing){.duration_ms = 1000, .tracks = ALL}, 2000);
	for (int i = 0; i < 1000; i++)
		add(&watched, i, i);
	assert_in_range(watched.capacity, 1000, 1500); /* as many as are in it, and half as many again at most */
	for (int i = 0; i < 20; i++)
		add(&watched, 100000 + i * 400, i);
	assert_true(watched.capacity <= 16);
	expect_all(&watched);
	watched_close(&watched);
}

static void a_window_is_spent_once_its_newest_is_too_old(void **state)
{
	(void)state;
	struct watched watched, last;
	watched_open(&watched, (struct trailing){.duration_ms = 1000}, 3);
	add(&watched, 500, 2);
	add(&watched, 0, 1);
	add(&watched, 700, (double)NAN);
	assert_false(trailing_spent(&watched.form, watched.window, watched.capacity, 1699));
	assert_true(trailing_spent(&watched.form, watched.window, watched.capacity, 1700));
	watched_open(&last, (struct trailing){.messages = 1}, 1);
	add(&last, 0, 1);
	assert_false(trailing_spent(&last.form, last.window, last.capacity, INT64_MAX));
	watched_close(&watched);
	watched_close(&last);
}

static void a_full_window_of_time_says_so(void **state)
{
	(void)state;
	struct trailing form = {.duration_ms = 1000};
	void *window = calloc(1, trailing_bytes(&form, TRAILING_VALUES_MAX));
	assert_non_null(window);
	for (int i = 0; i < TRAILING_VALUES_MAX; i++)
		trailing_add(&form, window, TRAILING_VALUES_MAX, i / 100, i / 100, 1);
	assert_true(trailing_capacity(&form, window, TRAILING_VALUES_MAX, TRAILING_VALUES_MAX / 100) > TRAILING_VALUES_MAX);
	assert_int_equal(trailing_capacity(&form, window, TRAILING_VALUES_MAX, 1000), TRAILING_VALUES_MAX);
	free(window);
}

/* A million values around a billion, of which the noise alone is asked for. */
static void errors_do_not_pile_up_over_a_million_values(void **state)
{
	(void)state;
	enum { UPDATES = 1000000, SPAN = 500, LOOKED_AT_EVERY = 997 };
	struct random random = {7};
	struct watched watched;
	double *values = calloc(UPDATES, sizeof *values);
	assert_non_null(values);
	watched_open(&watched, (struct trailing){.messages = SPAN, .tracks = TRACK_SUM | TRACK_SPREAD}, UPDATES);
	for (size_t i = 0; i < UPDATES; i++) {
		/* Long tails: one in a thousand is a million times as large. */
		double noise = (share(&random) - 0.5) * (random_next(&random) % 1000 == 0 ? 1e6 : 1);
		values[i] = 1e9 + noise;
		add(&watched, 0, values[i]);
		if (i < SPAN || i % LOOKED_AT_EVERY)
			continue;
		long double sum = 0, squares = 0;
		for (size_t j = i + 1 - SPAN; j <= i; j++)
			sum += (long double)values[j];
		for (size_t j = i + 1 - SPAN; j <= i; j++)
			squares += ((long double)values[j] - sum / SPAN) * ((long double)values[j] - sum / SPAN);
		double mean, got = trailing_squares(&watched.form, watched.window, watched.capacity, &mean);
		assert_true(fabs(got / (double)squares - 1) < 1e-9);
		assert_true(fabs(mean - (double)(sum / SPAN)) <= 2e-7); /* the last digit */
		assert_true(fabs(trailing_sum(&watched.form, watched.window, watched.capacity) - (double)sum) <= 1e-4);
	}
	watched_close(&watched);
	free(values);
}

static void how_far_a_value_lies_above_the_mean_is_exact_beside_an_offset(void **state)
{
	(void)state;
	struct watched watched;
	const double offset = 1e9, unit = 1.0 / 1024;
	watched_open(&watched, (struct trailing){.messages = 4, .tracks = TRACK_SPREAD}, 10);
	for (int i = 1; i <= 4; i++)
		add(&watched, 0, offset + i * i * unit);
	assert_true(trailing_above_mean(&watched.form, watched.window, watched.capacity, offset + 16 * unit) == 8.5 * unit);
	add(&watched, 0, (double)INFINITY);
	assert_true(isnan(trailing_above_mean(&watched.form, watched.window, watched.capacity, offset)));
	watched_close(&watched);
}

static void values_that_are_all_the_same_have_no_spread_at_all(void **state)
{
	(void)state;
	struct watched watched;
	double mean;
	watched_open(&watched, (struct trailing){.messages = 20, .tracks = ALL}, 100);
	for (int i = 0; i < 30; i++)
		add(&watched, 0, sin(i) * 1000);
	for (int i = 0; i < 20; i++)
		add(&watched, 0, 0.1);
	assert_true(trailing_squares(&watched.form, watched.window, watched.capacity, &mean) == 0);
	assert_true(mean == 0.1);
	watched_close(&watched);
}

/* Windows of three that a huge value passes through: what they say without it is as if it
 * had never been there, and with it as on paper. */
static void what_overflowed_leaves_no_trace(void **state)
{
	(void)state;
	static const double given[] = {1, 2, 1e155, 3, 4, 5, 6, 7};
	const double far = 1e155 / sqrt(3), deviations[] = {far, far, far, 1, 1, 1};
	struct watched watched;
	double mean;
	watched_open(&watched, (struct trailing){.messages = 3, .tracks = TRACK_SUM | TRACK_SPREAD}, 10);
	for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
		add(&watched, 0, given[i]);
		if (i < 2)
			continue;
		double got = trailing_deviation(&watched.form, watched.window, watched.capacity, 1);
		expect_near(got, deviations[i - 2], deviations[i - 2]);
		double squares = trailing_squares(&watched.form, watched.window, watched.capacity, &mean);
		assert_true(i < 5 ? isinf(squares) : squares == 2);
		expect_near(mean, (given[i - 2] + given[i - 1] + given[i]) / 3, mean);
	}
	watched_close(&watched);
}

static void sums_that_overflow_have_a_mean_and_leave_no_trace(void **state)
{
	(void)state;
	static const double given[] = {1, 1e308, 1e308, 1e308, 1, 1, 1, -1e308, 1e308, 1e308};
	static const double sums[] = {(double)INFINITY, (double)INFINITY, (double)INFINITY, 1e308, 3, -1e308, 1, 1e308};
	static const double thirds[] = {2, 3, 2, 1, 0, -1, 0, 1}; /* of 1e308, but for what is small beside it */
	struct watched watched;
	double mean;
	watched_open(&watched, (struct trailing){.messages = 3, .tracks = TRACK_SUM | TRACK_SPREAD}, 10);
	for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
		add(&watched, 0, given[i]);
		if (i < 2)
			continue;
		double small = i == 6 ? 1 : i == 8 ? 1.0 / 3 : 0, expected = thirds[i - 2] * (1e308 / 3) + small;
		expect_near(trailing_sum(&watched.form, watched.window, watched.capacity), sums[i - 2], fabs(sums[i - 2]));
		expect_near(trailing_mean(&watched.form, watched.window, watched.capacity), expected, fabs(expected));
		(void)trailing_squares(&watched.form, watched.window, watched.capacity, &mean);
		expect_near(mean, expected, i == 8 ? 1e308 / 1e9 : fabs(expected)); /* of distances as large as these */
	}
	watched_close(&watched);
}

/* One that only makes others leave has them forgotten, too. */
static void what_overflowed_leaves_with_a_value_that_is_too_old(void **state)
{
	(void)state;
	struct watched watched;
	watched_open(&watched, (struct trailing){.duration_ms = 1000, .tracks = TRACK_SUM | TRACK_SPREAD}, 10);
	add(&watched, 0, 1e308);
	add(&watched, 0, 1e308);
	add(&watched, 500, 1);
	add(&watched, 500, 2);
	watched.newest_ms = 1200;
	add(&watched, 100, 5);
	assert_true(trailing_sum(&watched.form, watched.window, watched.capacity) == 3);
	expect_near(trailing_deviation(&watched.form, watched.window, watched.capacity, 0), 0.5, 0.5);
	watched_close(&watched);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_of_messages_hold_the_last_of_them),
		cmocka_unit_test(windows_of_time_hold_what_is_young_enough),
		cmocka_unit_test(what_is_older_than_the_window_leaves_it_as_it_was),
		cmocka_unit_test(what_is_seen_once_takes_little),
		cmocka_unit_test(a_window_is_small_again_after_a_burst),
		cmocka_unit_test(a_window_is_spent_once_its_newest_is_too_old),
		cmocka_unit_test(a_full_window_of_time_says_so),
		cmocka_unit_test(errors_do_not_pile_up_over_a_million_values),
		cmocka_unit_test(how_far_a_value_lies_above_the_mean_is_exact_beside_an_offset),
		cmocka_unit_test(values_that_are_all_the_same_have_no_spread_at_all),
		cmocka_unit_test(what_overflowed_leaves_no_trace),
		cmocka_unit_test(sums_that_overflow_have_a_mean_and_leave_no_trace),
		cmocka_unit_test(what_overflowed_leaves_with_a_value_that_is_too_old),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
