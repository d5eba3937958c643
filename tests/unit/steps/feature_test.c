/* feature_test.c: features by name: when they warm up, what NaN does to them, and what
 * one piece of memory may stand for. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "methods/numeric/feature.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* A call, and what its forms keep. */
struct kept {
	struct feature_call call;
	size_t count;
	struct feature_form forms[FEATURE_FORMS_MAX];
	void *bytes[FEATURE_FORMS_MAX];
	uint32_t capacities[FEATURE_FORMS_MAX];
};

static struct kept kept_of(struct feature_call call)
{
	struct kept kept = {.call = call};
	kept.count = feature_forms(&kept.call, kept.forms);
	return kept;
}

static void kept_close(struct kept *kept)
{
	for (size_t i = 0; i < kept->count; i++)
		free(kept->bytes[i]);
}

static void next_values(struct kept *kept, const double inputs[FEATURE_INPUTS_MAX], double values[FEATURE_VALUES_MAX])
{
	struct feature_piece pieces[FEATURE_FORMS_MAX];
	for (size_t i = 0; i < kept->count; i++) {
		uint32_t capacity = feature_capacity(&kept->forms[i], kept->bytes[i], kept->capacities[i], 0);
		if (!kept->bytes[i] || capacity != kept->capacities[i]) {
			void *bytes = calloc(1, feature_bytes(&kept->forms[i], capacity));
			assert_non_null(bytes);
			if (kept->bytes[i])
				feature_move(&kept->forms[i], kept->bytes[i], kept->capacities[i], bytes, capacity);
			free(kept->bytes[i]);
			kept->bytes[i] = bytes;
			kept->capacities[i] = capacity;
		}
		feature_update(&kept->forms[i], kept->bytes[i], capacity, 0, 0, inputs);
		pieces[i] = (struct feature_piece){&kept->forms[i], kept->bytes[i], capacity};
	}
	feature_value(&kept->call, pieces, inputs, false, values);
}

static double next(struct kept *kept, double value)
{
	const double inputs[FEATURE_INPUTS_MAX] = {value, NAN, NAN};
	double values[FEATURE_VALUES_MAX];
	next_values(kept, inputs, values);
	return values[0];
}

static void expect(double got, double expected)
{
	if (isnan(expected) ? !isnan(got) : !(fabs(got - expected) <= 1e-12 * fmax(1, fabs(expected))))
		fail_msg("%.17g, and %.17g was expected", got, expected);
}

static void over_three_messages(void **state)
{
	(void)state;
	static const double nan = (double)NAN;
	static const double given[] = {4, 1, 1, 7, nan, 7, 7, 7};
	static const struct {
		enum feature_function function;
		double expected[COUNT(given)];
	} rows[] = {
		{FEATURE_SUM, {nan, nan, 6, 9, 8, 14, 14, 21}},
		{FEATURE_MEAN, {nan, nan, 2, 3, 4, 7, 7, 7}},
		{FEATURE_VAR, {nan, nan, 3, 12, 18, 0, 0, 0}},
		{FEATURE_MIN, {nan, nan, 1, 1, 1, 7, 7, 7}},
		{FEATURE_MAX, {nan, nan, 4, 7, 7, 7, 7, 7}},
		{FEATURE_COUNT, {1, 2, 3, 3, 2, 2, 2, 3}},
		{FEATURE_DISTINCT, {1, 2, 2, 2, 2, 1, 1, 1}},
		{FEATURE_FIRST, {nan, nan, 4, 1, 1, 7, 7, 7}},
		{FEATURE_LAST, {4, 1, 1, 7, 7, 7, 7, 7}},
		{FEATURE_MEDIAN, {nan, nan, 1, 1, 4, 7, 7, 7}},
		{FEATURE_ZSCORE, {nan, nan, -1 / 1.7320508075688772, 4 / 3.4641016151377544, nan, 0, 0, 0}},
	};
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct kept kept = kept_of((struct feature_call){.function = rows[i].function, .messages = 3});
		for (size_t nth = 0; nth < COUNT(given); nth++)
			expect(next(&kept, given[nth]), rows[i].expected[nth]);
		kept_close(&kept);
	}
}

static void looking_back_by_messages(void **state)
{
	(void)state;
	struct kept lag = kept_of((struct feature_call){.function = FEATURE_LAG, .messages = 2});
	struct kept delta = kept_of((struct feature_call){.function = FEATURE_DELTA, .messages = 1});
	struct kept log_return = kept_of((struct feature_call){.function = FEATURE_LOG_RETURN, .messages = 1});
	static const double given[] = {2, 4, (double)NAN, 8, 8};
	static const double lags[] = {(double)NAN, (double)NAN, 2, 4, (double)NAN};
	static const double deltas[] = {(double)NAN, 2, (double)NAN, (double)NAN, 0};
	static const double returns[] = {(double)NAN, 0.6931471805599453, (double)NAN, (double)NAN, 0};
	for (size_t i = 0; i < COUNT(given); i++) {
		expect(next(&lag, given[i]), lags[i]);
		expect(next(&delta, given[i]), deltas[i]);
		expect(next(&log_return, given[i]), returns[i]);
	}
	kept_close(&lag);
	kept_close(&delta);
	kept_close(&log_return);
}

static void averages_leave_out_what_is_no_number(void **state)
{
	(void)state;
	struct kept mean = kept_of((struct feature_call){.function = FEATURE_EMA, .messages = 3});
	struct kept first = kept_of((struct feature_call){.function = FEATURE_EMA, .messages = 3, .seed = SEED_FIRST});
	static const double given[] = {1, (double)NAN, 2, 6, (double)INFINITY, 5};
	static const double by_mean[] = {(double)NAN, (double)NAN, (double)NAN, 3, 3, 4};
	static const double by_first[] = {1, 1, 1.5, 3.75, 3.75, 4.375};
	for (size_t i = 0; i < COUNT(given); i++) {
		expect(next(&mean, given[i]), by_mean[i]);
		expect(next(&first, given[i]), by_first[i]);
	}
	kept_close(&mean);
	kept_close(&first);
}

/* 1, 1e308, 1e308 begin an average of three with 2e308 / 3; each 1 then halves it. */
static void averages_outlive_sums_that_overflow(void **state)
{
	(void)state;
	struct kept mean = kept_of((struct feature_call){.function = FEATURE_EMA, .messages = 3});
	struct kept first = kept_of((struct feature_call){.function = FEATURE_EMA, .messages = 3, .seed = SEED_FIRST});
	struct kept four = kept_of((struct feature_call){.function = FEATURE_EMA, .messages = 4});
	static const double given[] = {1, 1e308, 1e308, 1, 1, -1.5e308};
	static const double by_mean[] = {(double)NAN, (double)NAN, 1e308 / 1.5, 1e308 / 3, 1e308 / 6, -1.5e308 / 2 + 1e308 / 12};
	static const double by_first[] = {1, 5e307, 7.5e307, 3.75e307, 1.875e307, -1.5e308 / 2 + 1.875e307 / 2};
	static const double of_four[] = {(double)NAN, (double)NAN, (double)NAN,
					 (double)NAN, 2.5e307,	   2.5e307 * 0.6 - 1.5e308 * 0.4};
	for (size_t i = 0; i < COUNT(given); i++) {
		expect(next(&mean, given[i]) / 1e308, by_mean[i] / 1e308);
		expect(next(&first, given[i]) / 1e308, by_first[i] / 1e308);
		expect(next(&four, given[i]) / 1e308, of_four[i] / 1e308); /* without the third value: two of them have no sum */
	}
	kept_close(&mean);
	kept_close(&first);
	kept_close(&four);
}

/* Changes of 3e308 are beyond a double, so those values are left out. */
static void indicators_outlive_changes_that_overflow(void **state)
{
	(void)state;
	struct kept rsi = kept_of((struct feature_call){.function = FEATURE_RSI, .messages = 2});
	struct kept atr = kept_of((struct feature_call){.function = FEATURE_ATR, .messages = 2});
	static const double given[] = {-1.5e308, 1.5e308, -1.6e308, -1.5e308, -1.6e308};
	static const double strengths[] = {(double)NAN, (double)NAN, (double)NAN, 50, 25};
	static const double ranges[] = {(double)NAN, (double)NAN, (double)NAN, 1e307, 1e307};
	for (size_t i = 0; i < COUNT(given); i++) {
		const double bar[FEATURE_INPUTS_MAX] = {given[i], given[i], given[i]};
		double values[FEATURE_VALUES_MAX];
		expect(next(&rsi, given[i]), strengths[i]);
		next_values(&atr, bar, values);
		expect(values[0] / 1e307, ranges[i] / 1e307);
	}
	kept_close(&rsi);
	kept_close(&atr);
}

/* Of three: 1, 1, 1e155 lie -1, -1 and 2 thirds of 1e155 from their mean. */
static void a_huge_value_is_as_far_from_the_others_as_any(void **state)
{
	(void)state;
	struct kept score = kept_of((struct feature_call){.function = FEATURE_ZSCORE, .messages = 3});
	struct kept bands = kept_of((struct feature_call){.function = FEATURE_BOLLINGER, .messages = 3, .number = 2});
	struct kept var = kept_of((struct feature_call){.function = FEATURE_VAR, .messages = 3});
	const double far[FEATURE_INPUTS_MAX] = {1e155, NAN, NAN}, one[FEATURE_INPUTS_MAX] = {1, NAN, NAN};
	double values[FEATURE_VALUES_MAX];
	for (int i = 0; i < 2; i++) {
		(void)next(&score, 1);
		(void)next(&var, 1);
		next_values(&bands, one, values);
	}
	expect(next(&score, 1e155), 2 / sqrt(3));
	assert_true(isinf(next(&var, 1e155)));
	next_values(&bands, far, values);
	expect(values[0] / 1e155, (1 - 2 * sqrt(2)) / 3);
	expect(values[1] / 1e155, 1.0 / 3);
	expect(values[2] / 1e155, (1 + 2 * sqrt(2)) / 3);
	kept_close(&score);
	kept_close(&bands);
	kept_close(&var);
}

static void a_flat_series_has_a_strength_of_fifty(void **state)
{
	(void)state;
	struct kept rsi = kept_of((struct feature_call){.function = FEATURE_RSI, .messages = 2});
	expect(next(&rsi, 5), (double)NAN);
	expect(next(&rsi, 5), (double)NAN);
	expect(next(&rsi, 5), 50);
	expect(next(&rsi, 6), 100);
	kept_close(&rsi);
}

static void prices_without_volume_have_no_average(void **state)
{
	(void)state;
	struct kept vwap = kept_of((struct feature_call){.function = FEATURE_VWAP, .messages = 2});
	static const double given[][FEATURE_INPUTS_MAX] = {{10, 0.1, 0}, {20, 0.3, 0},	       {30, 0, 0},
							   {40, 0, 0},	 {50, (double)NAN, 0}, {60, 0.7, 0}};
	static const double expected[] = {(double)NAN, 17.5, 20, (double)NAN, (double)NAN, 60};
	for (size_t i = 0; i < COUNT(given); i++) {
		double values[FEATURE_VALUES_MAX];
		next_values(&vwap, given[i], values);
		expect(values[0], expected[i]);
	}
	kept_close(&vwap);
}

static void rates_are_by_the_second(void **state)
{
	(void)state;
	struct kept rate = kept_of((struct feature_call){.function = FEATURE_RATE, .duration_ms = 60000});
	expect(next(&rate, 30), 0.5);
	expect(next(&rate, 90), 2);
	kept_close(&rate);
}

static void calls_of_one_window_share_it(void **state)
{
	(void)state;
	struct feature_form mean[FEATURE_FORMS_MAX], std[FEATURE_FORMS_MAX], wider[FEATURE_FORMS_MAX];
	feature_forms(&(struct feature_call){.function = FEATURE_MEAN, .messages = 20}, mean);
	feature_forms(&(struct feature_call){.function = FEATURE_STD, .messages = 20}, std);
	feature_forms(&(struct feature_call){.function = FEATURE_STD, .messages = 21}, wider);
	size_t alone = feature_bytes(&mean[0], 20) + feature_bytes(&std[0], 20);
	assert_false(feature_forms_join(&mean[0], &wider[0]));
	assert_true(feature_forms_join(&mean[0], &std[0]));
	assert_true(feature_bytes(&mean[0], 20) < alone);
	assert_int_equal(mean[0].window.tracks, TRACK_SUM | TRACK_SPREAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(over_three_messages),
		cmocka_unit_test(looking_back_by_messages),
		cmocka_unit_test(averages_leave_out_what_is_no_number),
		cmocka_unit_test(averages_outlive_sums_that_overflow),
		cmocka_unit_test(indicators_outlive_changes_that_overflow),
		cmocka_unit_test(a_huge_value_is_as_far_from_the_others_as_any),
		cmocka_unit_test(a_flat_series_has_a_strength_of_fifty),
		cmocka_unit_test(prices_without_volume_have_no_average),
		cmocka_unit_test(rates_are_by_the_second),
		cmocka_unit_test(calls_of_one_window_share_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
