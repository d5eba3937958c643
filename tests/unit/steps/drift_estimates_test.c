/* drift_estimates_test.c: estimated quality of a classifier in the windows of a step `drift`: which rows count, in
 * which window, and what is known afterwards. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "steps/drift/drift_comparison.h"
#include "steps/drift/state/drift_window_state.h"
#include "steps/drift/drift_observer.h"
#include "tests/unit/observed.h"

#define ESTIMATES USUAL ", estimate: {probabilities: p}"

static struct last_verdict last_of(struct observed *observed)
{
	return verdict_entry_get(verdict_board_entry(observed->board, observed->planning.graph->name, "watch"), TEXT(""));
}

static bool near(double a, double b)
{
	return fabs(a - b) < 1e-12;
}

/* ---- windows ---- */

static void a_window_has_its_estimates(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, ESTIMATES);
	observed_positives(&observed, 30, 0.9);
	observed_positives(&observed, 10, 0.3);
	assert_int_equal(observed.count, 1);
	const struct seen *seen = &observed.seen[0];
	assert_int_equal(seen->estimates, 4);
	assert_int_equal(seen->estimated_rows, 40);
	assert_string_equal(seen->estimate.metric, "accuracy");
	assert_true(near(seen->estimate.value, (30 * 0.9 + 10 * 0.7) / 40)); /* right if predicted, or if not */
	assert_true(seen->estimate.low < seen->estimate.value && seen->estimate.high > seen->estimate.value);
	const struct last_verdict last = last_of(&observed);
	assert_true(last.accuracy == seen->estimate.value && last.accuracy_low == seen->estimate.low);
	assert_true(near(last.precision, 0.9));
	assert_true(near(last.recall, 27.0 / 30)); /* of 27 + 3 positives */
	observed_positives(&observed, 40, 0.6);	   /* the next has its own */
	assert_true(near(observed.seen[1].estimate.value, 0.6));
	observed_close(&observed);
}

static void windows_by_time_do_not_have_the_row_that_closes_them(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, "window: 40s, falseAlarms: 0.1 per 1000, estimate: {probabilities: p}");
	observed_positives(&observed, 40, 0.8);
	assert_int_equal(observed.count, 0);
	observed_positives(&observed, 1, 0.1);
	assert_int_equal(observed.count, 1);
	assert_int_equal(observed.seen[0].estimated_rows, 40);
	assert_true(near(observed.seen[0].estimate.value, 0.8));
	observed_positives(&observed, 40, 0.9);
	assert_int_equal(observed.seen[1].estimated_rows, 40);
	assert_true(near(observed.seen[1].estimate.value, 0.9));
	observed_close(&observed);
}

static void estimates_go_on_in_another_engine(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, ESTIMATES);
	observed_positives(&observed, 15, 0.9);
	observed_engine_close(&observed);
	observed_engine_open(&observed);
	observed_positives(&observed, 25, 0.7);
	assert_int_equal(observed.seen[0].estimated_rows, 40);
	assert_true(near(observed.seen[0].estimate.value, (15 * 0.9 + 25 * 0.7) / 40));
	verdict_board_close(observed.board); /* a restarted engine knows the last with its first message */
	observed_engine_close(&observed);
	observed.board = verdict_board_open();
	observed_engine_open(&observed);
	assert_true(isnan(last_of(&observed).accuracy));
	observed_positives(&observed, 1, 0.7);
	assert_true(last_of(&observed).accuracy == observed.seen[0].estimate.value);
	observed_close(&observed);
}

/* ---- the area under the ROC curve ---- */

/* Of windows of so many rows with one probability, and so many with a lower one: pairs of two rows that are in order. */
static double area_of(double high, double highs, double low, double lows)
{
	const double in_order = highs * high * lows * (1 - low), turned = lows * low * highs * (1 - high);
	const double equal = highs * (highs - 1) * high * (1 - high) + lows * (lows - 1) * low * (1 - low);
	return (in_order + equal / 2) / (in_order + turned + equal);
}

static void a_window_has_its_area(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, ESTIMATES);
	observed_positives(&observed, 30, 0.9);
	observed_positives(&observed, 10, 0.3);
	const struct drift_estimate *area = &observed.seen[0].last_estimate;
	assert_string_equal(area->metric, "auc");
	assert_true(near(area->value, area_of(0.9, 30, 0.3, 10)));
	assert_true(area->low < area->value && area->high > area->value);
	assert_true(last_of(&observed).auc == area->value && isnan(last_of(&observed).error));
	observed_positives(&observed, 20, 0.8); /* the next has its own */
	observed_positives(&observed, 20, 0.01);
	assert_true(near(observed.seen[1].last_estimate.value, area_of(0.8, 20, 0.01, 20)));
	observed_close(&observed);
}

static void the_area_of_a_window_by_time_does_not_have_the_row_that_closes_it(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, "window: 40s, falseAlarms: 0.1 per 1000, estimate: {probabilities: p}");
	observed_positives(&observed, 20, 0.8);
	observed_positives(&observed, 20, 0.4);
	observed_positives(&observed, 1, 0.1);
	assert_int_equal(observed.count, 1);
	assert_true(near(observed.seen[0].last_estimate.value, area_of(0.8, 20, 0.4, 20)));
	observed_positives(&observed, 39, 0.9);
	observed_positives(&observed, 1, 0.9);
	assert_true(near(observed.seen[1].last_estimate.value, area_of(0.9, 39, 0.1, 1)));
	observed_close(&observed);
}

static void the_area_goes_on_in_another_engine(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, ESTIMATES);
	observed_positives(&observed, 15, 0.9);
	observed_engine_close(&observed);
	observed_engine_open(&observed);
	observed_positives(&observed, 25, 0.7);
	assert_string_equal(observed.seen[0].last_estimate.metric, "auc");
	assert_true(near(observed.seen[0].last_estimate.value, area_of(0.9, 15, 0.7, 25)));
	observed_close(&observed);
}

static uint32_t observer_scope(struct observed *observed)
{
	uint32_t scope;
	assert_true(store_scope_find(observed->store, TEXT("watch" OBSERVER_SUFFIX), &scope));
	return scope;
}

/* A window that an engine of before has begun has no area, since that is of all its rows or of none. */
static void an_area_of_some_rows_is_not_recorded(void **state)
{
	(void)state;
	struct observed observed;
	struct error error = {0};
	observed_open(&observed, ESTIMATES);
	observed_positives(&observed, 15, 0.9);
	const uint32_t scope = observer_scope(&observed);
	observed_engine_close(&observed);
	assert_true(store_restore(observed.store, scope, TEXT("estimates/"), (struct text){0}, &error));
	observed_engine_open(&observed);
	observed_positives(&observed, 25, 0.7);
	assert_int_equal(observed.seen[0].estimates, 3);
	assert_int_equal(observed.seen[0].estimated_rows, 40);
	assert_true(near(observed.seen[0].estimate.value, (15 * 0.9 + 25 * 0.7) / 40));
	observed_positives(&observed, 40, 0.7);
	assert_int_equal(observed.seen[1].estimates, 4);
	observed_close(&observed);
}

static void steps_change(struct observed *observed, const char *options)
{
	observed_engine_close(observed);
	planning_close(&observed->planning);
	observed_steps(observed, options);
	observed_engine_open(observed);
}

/* Of what is stored, only that of the same window counts: not that of another step, nor that of a window before. */
static void an_area_is_of_its_own_window(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, ESTIMATES);
	observed_positives(&observed, 15, 0.9);
	steps_change(&observed, "window: 41, falseAlarms: 0.1 per 1000, estimate: p");
	observed_positives(&observed, 20, 0.9);
	observed_positives(&observed, 21, 0.7);
	assert_int_equal(observed.seen[0].estimates, 4);
	assert_true(near(observed.seen[0].last_estimate.value, area_of(0.9, 20, 0.7, 21)));
	observed_positives(&observed, 15, 0.9);
	steps_change(&observed, "window: 41, falseAlarms: 0.1 per 1000");
	observed_rows(&observed, 26 + 11, 1, 0); /* the next window has begun, without estimates */
	assert_int_equal(observed.count, 2);
	steps_change(&observed, "window: 41, falseAlarms: 0.1 per 1000, estimate: p");
	observed_positives(&observed, 15, 0.9);
	observed_positives(&observed, 15, 0.7);
	assert_int_equal(observed.count, 3);
	assert_int_equal(observed.seen[2].estimates, 4);
	assert_int_equal(observed.seen[2].estimated_rows, 30);
	assert_true(near(observed.seen[2].last_estimate.value, area_of(0.9, 15, 0.7, 15)));
	observed_close(&observed);
}

/* A window whose rows are not all there begins again, with its estimates. */
static void a_window_that_begins_again_has_the_area_of_its_rows(void **state)
{
	(void)state;
	struct observed observed;
	struct error error = {0};
	observed_open(&observed, ESTIMATES);
	observed_positives(&observed, 15, 0.9);
	const uint32_t scope = observer_scope(&observed);
	observed_engine_close(&observed);
	assert_true(store_restore(observed.store, scope, TEXT("rows//3"), (struct text){0}, &error));
	observed_engine_open(&observed);
	observed_positives(&observed, 25, 0.7); /* the last would close it */
	assert_int_equal(observed.count, 0);
	observed_positives(&observed, 39, 0.4);
	assert_int_equal(observed.count, 1);
	assert_int_equal(observed.seen[0].estimated_rows, 40);
	assert_int_equal(observed.seen[0].estimates, 4);
	assert_true(near(observed.seen[0].last_estimate.value, area_of(0.7, 1, 0.4, 39)));
	observed_close(&observed);
}

/* What is stored has the bins with rows, of two numbers each, so it does not grow with the window. */
static void the_stored_area_is_bounded(void **state)
{
	static const double spread[] = {0, 1e-12, 0.001, 0.1, 0.5, 0.9, 0.999, 1 - 1e-12, 1};
	(void)state;
	struct observed observed;
	struct text one, many;
	observed_open(&observed, "window: 10000, falseAlarms: 0.1 per 1000, estimate: p");
	observed_positives(&observed, 10, 0.5);
	const uint32_t scope = observer_scope(&observed);
	assert_true(store_read(observed.store, scope, TEXT("estimates/"), &one));
	const size_t few = one.length;
	assert_in_range(few, 64, 128);
	observed_positives(&observed, 100, 0.5);
	assert_true(store_read(observed.store, scope, TEXT("estimates/"), &one));
	assert_int_equal(one.length, few);
	for (size_t i = 0; i < 1000; i++)
		observed_positives(&observed, 1, spread[i % 9]);
	assert_true(store_read(observed.store, scope, TEXT("estimates/"), &many));
	assert_int_equal(many.length, few + 8 * 2 * sizeof(double));
	observed_close(&observed);
}

/* Sums that another version of the engine has stored, whose bins may be others, are left out. */
static void an_area_of_another_version_is_not_recorded(void **state)
{
	(void)state;
	struct observed observed;
	struct error error = {0};
	struct text stored;
	char other[256];
	observed_open(&observed, ESTIMATES);
	observed_positives(&observed, 15, 0.9);
	const uint32_t scope = observer_scope(&observed);
	assert_true(store_read(observed.store, scope, TEXT("estimates/"), &stored));
	assert_in_range(stored.length, sizeof(uint64_t), sizeof other);
	memcpy(other, stored.bytes, stored.length);
	memcpy(other, &(uint64_t){1}, sizeof(uint64_t));
	const size_t length = stored.length;
	observed_engine_close(&observed);
	assert_true(store_restore(observed.store, scope, TEXT("estimates/"), (struct text){other, length}, &error));
	observed_engine_open(&observed);
	observed_positives(&observed, 25, 0.7);
	assert_int_equal(observed.seen[0].estimates, 3);
	assert_int_equal(observed.seen[0].estimated_rows, 40);
	observed_close(&observed);
}

static void steps_without_estimates_store_no_sums(void **state)
{
	(void)state;
	struct observed observed;
	struct text stored;
	observed_open(&observed, USUAL);
	observed_positives(&observed, 10, 0.5);
	assert_false(store_read(observed.store, observer_scope(&observed), TEXT("estimates/"), &stored));
	observed_close(&observed);
}

/* ---- regressors ---- */

static void a_window_has_its_expected_error(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, USUAL ", estimateError: p");
	observed_positives(&observed, 30, 2);
	observed_engine_close(&observed);
	observed_engine_open(&observed);
	observed_positives(&observed, 10, 6);
	const struct seen *seen = &observed.seen[0];
	assert_int_equal(seen->estimates, 1);
	assert_int_equal(seen->estimated_rows, 40);
	assert_string_equal(seen->estimate.metric, "absolute_error");
	assert_true(near(seen->estimate.value, 3));
	assert_true(fabs(seen->estimate.high - (3 + 1.959963984540054 * sqrt(30 * 4 + 10 * 36) / 40)) < 1e-9);
	assert_true(last_of(&observed).error == seen->estimate.value);
	assert_true(isnan(last_of(&observed).accuracy) && isnan(last_of(&observed).auc));
	observed_positives(&observed, 20, 1);
	observed_positives(&observed, 10, -1); /* no absolute error */
	observed_positives(&observed, 5, (double)NAN);
	observed_classes(&observed, 5, 2, (const double[]){4, 4}); /* for one row, so it is not known which is its own */
	assert_int_equal(observed.seen[1].estimated_rows, 20);
	assert_true(near(observed.seen[1].estimate.value, 1));
	observed_close(&observed);
}

static void messages_are_marked_with_both(void **state)
{
	const struct {
		const char *options, *told;
		double wanted;
	} marks[] = {{USUAL ", estimateError: p",
		      "{score: estimated_error, flag: is_drift, state: drift_state}, keep: [score, flag, state]", 0.75},
		     {ESTIMATES, "{score: estimated_auc, flag: is_drift, state: drift_state}, keep: [score, flag, state]",
		      area_of(0.9, 20, 0.6, 20)}};
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct observed observed;
		observed_open(&observed, marks[i].options);
		observed.told = marks[i].told;
		steps_change(&observed, marks[i].options);
		observed_positives(&observed, 20, 0.9);
		assert_true(isnan(observed.score)); /* not known yet */
		observed_positives(&observed, 20, 0.6);
		observed_positives(&observed, 1, 0.6);
		assert_true(near(observed.score, marks[i].wanted));
		observed_close(&observed);
	}
}

/* Of a step that names its tensors, slices have these and what is estimated from. */
static void slices_have_what_is_estimated_from(void **state)
{
	(void)state;
	struct name watched[] = {{.text = "x"}};
	const struct drift options = {
		.tensors = {1, watched},
		.estimate = {.probabilities = {.text = "p"}, .error = {.expected = {.text = "e"}, .prediction = {.text = "y"}}}};
	const struct step step = {.options = &options};
	const struct {
		struct text name;
		bool read;
	} tensors[] = {{TEXT("x"), true}, {TEXT("p"), true}, {TEXT("e"), true}, {TEXT("y"), false}};
	for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
		const struct tensor tensor = {.name = tensors[i].name, .datatype = DATATYPE_FP64};
		assert_int_equal(step_drift_observer.observes->reads(&step, &tensor), tensors[i].read);
	}
}

/* ---- rows ---- */

static void of_many_classes_the_accuracy_is_known(void **state)
{
	(void)state;
	const double three[] = {0.2, 0.7, 0.1}, two[] = {0.75, 0.25};
	struct observed observed;
	observed_open(&observed, ESTIMATES);
	observed_classes(&observed, 40, 3, three);
	assert_int_equal(observed.seen[0].estimates, 1);
	assert_true(near(observed.seen[0].estimate.value, 0.7));
	assert_true(isnan(last_of(&observed).precision) && isnan(last_of(&observed).recall));
	observed_classes(&observed, 40, 2, two); /* the second class is the positive one: none is predicted */
	assert_true(near(observed.seen[1].estimate.value, 0.75));
	assert_true(isnan(last_of(&observed).precision) && last_of(&observed).recall == 0);
	observed_close(&observed);
}

static void what_is_no_probability_does_not_count(void **state)
{
	(void)state;
	const double larger[] = {0.2, 0.7, 0.2}, two[] = {0.5, 0.6}, four[] = {0.1, 0.7, 0.1, 0.1};
	struct observed observed;
	observed_open(&observed, ESTIMATES);
	observed_positives(&observed, 4, 1.5);
	observed_positives(&observed, 4, (double)NAN);
	observed_classes(&observed, 4, 3, larger);
	observed_classes(&observed, 4, 2, two);
	observed_rows(&observed, 4, 1, 0); /* without the tensor */
	observed_classes(&observed, 1, 4, four);
	observed_positives(&observed, 19, 0.8);
	assert_int_equal(observed.count, 1);
	assert_int_equal(observed.seen[0].messages, 40);
	assert_int_equal(observed.seen[0].estimated_rows, 20);
	observed_rows(&observed, 40, 1, 0);
	assert_int_equal(observed.seen[1].estimated_rows, 0);
	assert_int_equal(observed.seen[1].estimates, 0);
	assert_true(isnan(last_of(&observed).accuracy));
	observed_close(&observed);
}

/* Rounded to 3 decimals each of 3 probabilities is off by at most 0.0005, so their sum by 0.0015; its parts of that sum count:
 * 0.667 / 1.001. Of 2 it is 0.001: 0.25 / 0.999. */
static void probabilities_that_are_rounded_count(void **state)
{
	(void)state;
	const double up[] = {0.167, 0.667, 0.167}, down[] = {0.333, 0.333, 0.333}, two[] = {0.749, 0.25};
	const double off[] = {0.167, 0.669, 0.167}, pair[] = {0.748, 0.25};
	struct observed observed;
	observed_open(&observed, ESTIMATES);
	observed_classes(&observed, 40, 3, up);
	observed_classes(&observed, 40, 3, down);
	observed_classes(&observed, 40, 2, two);
	observed_classes(&observed, 20, 3, off);
	observed_classes(&observed, 20, 2, pair);
	assert_int_equal(observed.count, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(observed.seen[i].estimated_rows, i < 3 ? 40 : 0);
	assert_true(near(observed.seen[0].estimate.value, 0.667 / 1.001));
	assert_true(near(observed.seen[1].estimate.value, 1.0 / 3));
	assert_true(near(observed.seen[2].estimate.value, 1 - 0.25 / 0.999));
	observed_close(&observed);
}

static void rows_of_a_batch_have_one_each(void **state)
{
	(void)state;
	const double chances[] = {0.9, 0.7, 0.2};
	const int64_t two_rows[] = {2}, three_rows[] = {3};
	struct tensor tensor = {
		.name = TEXT("p"), .datatype = DATATYPE_FP64, .shape = two_rows, .rank = 1, .data = chances, .count = 2};
	struct observed observed;
	observed_open(&observed, ESTIMATES);
	observed.also = &tensor;
	observed_rows(&observed, 10, 2, 0);
	tensor.shape = three_rows; /* for two rows, so it is not known which are whose */
	tensor.count = 3;
	observed_rows(&observed, 10, 2, 0);
	assert_int_equal(observed.seen[0].messages, 40);
	assert_int_equal(observed.seen[0].estimated_rows, 20);
	assert_true(near(observed.seen[0].estimate.value, 0.8));
	observed_close(&observed);
}

static void the_threshold_says_what_is_predicted(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, USUAL ", estimate: {probabilities: p, threshold: 0.25}");
	observed_positives(&observed, 20, 0.25);
	observed_positives(&observed, 20, 0.2);
	assert_true(near(observed.seen[0].estimate.value, (0.25 + 0.8) / 2));
	assert_true(near(last_of(&observed).precision, 0.25));
	observed_close(&observed);
}

/* ---- quality ---- */

static void the_quality_of_the_last_window_is_known(void **state)
{
	(void)state;
	struct observed observed;
	double numbers[] = {__builtin_nan(""), 20};
	const int64_t shape[] = {1, 2};
	const struct tensor tensor = {
		.name = TEXT("x"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = numbers, .count = 2};
	observed_open(&observed, USUAL);
	assert_true(isnan(last_of(&observed).quality_alarm));
	observed_rows(&observed, 40, 1, 0);
	assert_true(last_of(&observed).quality_alarm == 0);
	assert_true(last_of(&observed).missing_share == 0);
	observed_rows(&observed, 30, 1, 0);
	for (int i = 0; i < 10; i++)
		observed_send(&observed, &tensor);
	assert_int_equal(observed.count, 2);
	assert_true(last_of(&observed).quality_alarm == 1);
	assert_true(near(last_of(&observed).missing_share, 0.25));
	assert_true(near(last_of(&observed).outside_share, 0.25));
	assert_true(last_of(&observed).unseen_share == 0);
	observed_close(&observed);
}

/* ---- messages a minute, and the age of the newest event ---- */

static void the_times_of_the_last_window_are_known(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, USUAL);
	observed_rows(&observed, 40, 1, 0);
	assert_int_equal(observed.count, 1);
	assert_true(isnan(last_of(&observed).messages_per_minute) && isnan(last_of(&observed).newest_age_ms)); /* none before */
	assert_true(isnan(observed.rate) && isnan(observed.age_ms)); /* marks of the last message */
	observed_rows(&observed, 40, 1, 0); /* one a second */
	observed_rows(&observed, 1, 1, 0);
	assert_true(near(observed.rate, 60) && observed.age_ms == 1000);
	observed_rows(&observed, 39, 1, 0);
	assert_true(near(last_of(&observed).messages_per_minute, 60));
	assert_true(last_of(&observed).newest_age_ms == 1000);
	observed.time_ms += 3600000;
	observed_rows(&observed, 40, 1, 0);
	assert_true(near(last_of(&observed).messages_per_minute, 40 * 60 / 3640.0));
	assert_true(last_of(&observed).newest_age_ms == 3601000);
	verdict_board_close(observed.board); /* a restarted engine knows them too */
	observed_engine_close(&observed);
	observed.board = verdict_board_open();
	observed_engine_open(&observed);
	observed_rows(&observed, 1, 1, 0);
	assert_true(near(last_of(&observed).messages_per_minute, 40 * 60 / 3640.0));
	assert_true(last_of(&observed).newest_age_ms == 3601000);
	observed_close(&observed);
}

/* A window in which the clock jumps back a day has no duration, and nobody waited a day. */
static void a_clock_that_jumps_back_has_no_rate(void **state)
{
	(void)state;
	struct observed observed;
	observed_open(&observed, USUAL);
	observed_rows(&observed, 80, 1, 0);
	assert_true(near(last_of(&observed).messages_per_minute, 60));
	observed.time_ms -= 86400000;
	observed_rows(&observed, 40, 1, 0);
	assert_true(isnan(last_of(&observed).messages_per_minute) && last_of(&observed).newest_age_ms == 0);
	observed_rows(&observed, 40, 1, 0);
	assert_true(near(last_of(&observed).messages_per_minute, 60) && last_of(&observed).newest_age_ms == 1000);
	observed_close(&observed);
}

#define FORMER_BYTES 352 /* of an open window, as a former build stored it: without the feature that has drifted most */

/* A window that began before an upgrade is closed after it. */
static void a_window_of_a_former_build_goes_on(void **state)
{
	(void)state;
	struct observed observed;
	char former[FORMER_BYTES];
	struct error error = {0};
	struct text stored;
	observed_open(&observed, ESTIMATES);
	observed_positives(&observed, 80, 0.9);
	observed_positives(&observed, 15, 0.9);
	const uint32_t scope = observer_scope(&observed);
	assert_true(store_read(observed.store, scope, TEXT("window/"), &stored));
	assert_true(stored.length > sizeof former);
	memcpy(former, stored.bytes, sizeof former);
	observed_engine_close(&observed);
	verdict_board_close(observed.board);
	assert_true(store_restore(observed.store, scope, TEXT("window/"), (struct text){former, sizeof former}, &error));
	observed.board = verdict_board_open();
	observed_engine_open(&observed);
	observed_positives(&observed, 1, 0.7);
	assert_true(near(last_of(&observed).accuracy, 0.9));
	assert_true(last_of(&observed).mistyped_share == 0 && !isnan(last_of(&observed).messages_per_minute));
	assert_string_equal(last_of(&observed).cause.feature, "");
	observed_positives(&observed, 24, 0.7);
	assert_int_equal(observed.count, 3);
	assert_int_equal(observed.seen[2].window, 2);
	assert_true(near(observed.seen[2].estimate.value, (15 * 0.9 + 25 * 0.7) / 40));
	assert_true(near(last_of(&observed).messages_per_minute, 60) && last_of(&observed).newest_age_ms == 1000);
	observed_close(&observed);
}

/* ---- of several verdicts, the worst ---- */

static void the_worse_of_two_is_kept_number_by_number(void **state)
{
	(void)state;
	struct last_verdict sum = verdict_unknown(), one = verdict_unknown();
	one.verdict = DRIFT_STEADY;
	one.accuracy = 0.9;
	one.accuracy_low = 0.8;
	one.missing_share = 0.1;
	one.messages_per_minute = 60;
	one.newest_age_ms = 1000;
	one.auc = 0.8;
	one.error = 2;
	verdict_fold(&sum, &one);
	assert_int_equal(sum.verdict, DRIFT_STEADY);
	assert_true(sum.accuracy == 0.9 && sum.missing_share == 0.1 && isnan(sum.precision));
	assert_true(sum.messages_per_minute == 60 && sum.newest_age_ms == 1000);
	one = (struct last_verdict){
		.verdict = DRIFT_FOUND, .score = 0.5, .accuracy = 0.7, .accuracy_low = 0.6, .precision = 0.4, .missing_share = 0};
	one.messages_per_minute = 30;
	one.newest_age_ms = 500;
	one.auc = 0.7;
	one.error = 3;
	verdict_fold(&sum, &one);
	assert_int_equal(sum.verdict, DRIFT_FOUND);
	assert_true(sum.score == 0.5 && sum.accuracy == 0.7 && sum.accuracy_low == 0.6);
	assert_true(sum.precision == 0.4 && sum.missing_share == 0.1 && sum.auc == 0.7 && sum.error == 3);
	assert_true(sum.messages_per_minute == 30 && sum.newest_age_ms == 1000);
	one = verdict_unknown();
	verdict_fold(&sum, &one);
	assert_true(sum.accuracy == 0.7 && sum.accuracy_low == 0.6 && sum.recall == 0 && sum.auc == 0.7 && sum.error == 3);
	assert_true(sum.messages_per_minute == 30 && sum.newest_age_ms == 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_has_its_estimates),
		cmocka_unit_test(windows_by_time_do_not_have_the_row_that_closes_them),
		cmocka_unit_test(estimates_go_on_in_another_engine),
		cmocka_unit_test(a_window_has_its_area),
		cmocka_unit_test(the_area_of_a_window_by_time_does_not_have_the_row_that_closes_it),
		cmocka_unit_test(the_area_goes_on_in_another_engine),
		cmocka_unit_test(an_area_of_some_rows_is_not_recorded),
		cmocka_unit_test(an_area_is_of_its_own_window),
		cmocka_unit_test(a_window_that_begins_again_has_the_area_of_its_rows),
		cmocka_unit_test(the_stored_area_is_bounded),
		cmocka_unit_test(an_area_of_another_version_is_not_recorded),
		cmocka_unit_test(steps_without_estimates_store_no_sums),
		cmocka_unit_test(a_window_has_its_expected_error),
		cmocka_unit_test(messages_are_marked_with_both),
		cmocka_unit_test(slices_have_what_is_estimated_from),
		cmocka_unit_test(of_many_classes_the_accuracy_is_known),
		cmocka_unit_test(what_is_no_probability_does_not_count),
		cmocka_unit_test(probabilities_that_are_rounded_count),
		cmocka_unit_test(rows_of_a_batch_have_one_each),
		cmocka_unit_test(the_threshold_says_what_is_predicted),
		cmocka_unit_test(the_quality_of_the_last_window_is_known),
		cmocka_unit_test(the_times_of_the_last_window_are_known),
		cmocka_unit_test(a_clock_that_jumps_back_has_no_rate),
		cmocka_unit_test(a_window_of_a_former_build_goes_on),
		cmocka_unit_test(the_worse_of_two_is_kept_number_by_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
