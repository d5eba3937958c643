/* kept_answers_test.c: Tests of kept answers: which feedback counts in metrics of truth and reward, once, and what is dropped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "experiments/outcomes/kept_answers.h"
#include "planning.h"

#define NOW_MS INT64_C(1800000000000)
#define SMALL_BYTES ((size_t)1 << 20)
#define YAML                                                                                                                       \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"                                      \
	"  steps: [{name: s, inputs: [p], expression: {set: {side: x > 0}}}]\n  output: {steps: [s]}\n  metrics:\n"              \
	"  - {name: profit, type: histogram, value: truth.move * answer.side - 0.5, buckets: [0, 10], labels: {by: variant}}\n" \
	"  - {name: income, type: counter, value: reward * request.x}\n"                                                          \
	"  - {name: wait, type: gauge, value: latency_ms + truth.move}\n"                                                         \
	"  - {name: plain, type: counter, value: side}\n"

enum { PROFIT, INCOME, WAIT, METRICS };

static struct planning planning;
static struct plan plan;
static struct arena *arena;
static struct kept_metric metrics[METRICS];
static struct kept_answers *kept;

static void metrics_open(void)
{
	size_t count = 0;
	for (size_t i = 0; i < plan.pipelines[0].metric_count; i++) {
		const struct pipeline_metric *metric = &plan.pipelines[0].metrics[i];
		if (metric->of_feedback)
			metrics[count++] = (struct kept_metric){metric, series_table_open(&metric->form, arena), false};
	}
	assert_int_equal(count, METRICS);
}

static void kept_open(size_t index_bytes, size_t record_bytes)
{
	struct error error = {0};
	kept = kept_answers_open("p", index_bytes, record_bytes, &error);
	if (!kept || !kept_answers_use(kept, metrics, METRICS, &error))
		fail_msg("%s", error.text);
}

static int stand_open(void **state)
{
	(void)state;
	planning_open(&planning, YAML);
	assert_int_equal(planning_errors(&planning), 0);
	planning_plan(&planning, NULL, &plan);
	arena = arena_open((size_t)64 << 20);
	metrics_open();
	kept_open(SMALL_BYTES, SMALL_BYTES);
	return 0;
}

static int stand_close(void **state)
{
	(void)state;
	kept_answers_close(kept);
	arena_close(arena);
	planning_close(&planning);
	return 0;
}

/* One number: NAME=NUMBER. */
static struct payload *payload_of(const char *written)
{
	static const int64_t shape[] = {1};
	struct payload *payload = ARENA_NEW(arena, struct payload);
	struct tensor *tensor = ARENA_NEW(arena, struct tensor);
	double *number = ARENA_NEW(arena, double);
	const struct tensor **items = ARENA_ARRAY(arena, const struct tensor *, 1);
	const char *equals = strchr(written, '=');
	*number = strtod(equals + 1, NULL);
	*tensor = (struct tensor){.name = {written, (size_t)(equals - written)},
				  .shape = shape,
				  .rank = 1,
				  .data = number,
				  .count = 1,
				  .datatype = DATATYPE_FP64};
	items[0] = tensor;
	payload->tensors = (struct tensors){.items = items, .count = 1};
	return payload;
}

/* An answer of the pipeline, as the worker sends it. */
static void answer(const char *id, const char *request, const char *said, const char *variant, int64_t time_ms)
{
	struct buffer bytes;
	struct error error = {0};
	struct arena *work = arena_open(SMALL_BYTES);
	const struct message message = {.id = text_of(id),
					.origin = {TEXT("in"), 0, id[0]},
					.time_ms = time_ms,
					.payload = *payload_of(request)};
	const struct judged_answer judged = {
		.message = &message, .answer = payload_of(said), .variant = text_of(variant), .latency_ms = 20};
	buffer_open(&bytes, KEPT_ANSWER_BYTES_MAX);
	if (!kept_answer_encode(&judged, true, work, &bytes, &error))
		fail_msg("%s", error.text);
	kept_answers_add(kept, buffer_view(&bytes));
	buffer_close(&bytes);
	arena_close(work);
}

static void inform(const char *id, const char *truth, double reward, int64_t time_ms)
{
	struct feedback feedback = {.id = text_of(id), .has_reward = !isnan(reward), .reward = reward};
	if (truth)
		feedback.truth = payload_of(truth)->tensors;
	kept_answers_feedback(kept, &feedback, time_ms);
}

static struct series_sum series_of(size_t metric, size_t index)
{
	struct series_sum series = {0};
	assert_true(index < series_count(metrics[metric].table));
	series_read(metrics[metric].table, index, &series);
	return series;
}

static void expect_sum(size_t metric, size_t index, double sum, uint64_t count)
{
	const struct series_sum series = series_of(metric, index);
	assert_true(fabs(series_double(series.sum) - sum) < 1e-9);
	assert_int_equal(series.count, count);
}

/* What each test counts by hand: profit = move * side - 0.5, income = reward * x. */
static void truth_and_reward_are_counted_with_the_answer_that_was_given(void **state)
{
	(void)state;
	answer("a", "x=3", "side=1", "new", NOW_MS);
	answer("b", "x=5", "side=-1", "old", NOW_MS);
	answer("c", "x=7", "side=1", "new", NOW_MS);
	inform("a", "move=4", NAN, NOW_MS + 60000);
	inform("c", "move=-2", 10, NOW_MS + 60000);
	inform("b", "move=2", NAN, NOW_MS + 60000);
	assert_int_equal(series_count(metrics[PROFIT].table), 2);
	assert_true(text_is(series_of(PROFIT, 0).labels[0], "new"));
	expect_sum(PROFIT, 0, (4 - 0.5) + (-2 - 0.5), 2);
	assert_true(text_is(series_of(PROFIT, 1).labels[0], "old"));
	expect_sum(PROFIT, 1, -2 - 0.5, 1);
	expect_sum(INCOME, 0, 10 * 7, 1);
	assert_true(series_double(series_of(WAIT, 0).last) == 20 + 2);
}

static void each_metric_counts_an_answer_once_with_the_feedback_that_has_what_it_needs(void **state)
{
	(void)state;
	answer("a", "x=3", "side=1", "new", NOW_MS);
	answer("a", "x=3", "side=1", "new", NOW_MS); /* the answer was given again */
	inform("a", NULL, 2, NOW_MS + 1000);
	expect_sum(INCOME, 0, 6, 1);
	assert_int_equal(series_count(metrics[PROFIT].table), 0);
	inform("a", "move=4", 9, NOW_MS + 2000);
	inform("a", "move=5", 9, NOW_MS + 3000);
	expect_sum(INCOME, 0, 6, 1);
	expect_sum(PROFIT, 0, 3.5, 1);
}

static char told[256];

static void value_told(void *context, const struct feedback *feedback, const struct feedback_metric *values, size_t count)
{
	(void)context;
	for (size_t i = 0; i < count; i++)
		(void)snprintf(told + strlen(told), sizeof told - strlen(told), TEXT_FORMAT " " TEXT_FORMAT "=%g; ",
			       TEXT_ARGUMENTS(feedback->id), TEXT_ARGUMENTS(values[i].name), values[i].value);
}

static void values_are_told_once_of_metrics_that_somebody_learns_by(void **state)
{
	const struct feedback_metric given = {TEXT("profit"), 7};
	const struct feedback ready = {.id = TEXT("b"), .metric_count = 1, .metrics = &given};
	(void)state;
	told[0] = '\0';
	metrics[PROFIT].published = metrics[INCOME].published = true;
	kept_answers_listen(kept, (struct kept_listener){NULL, value_told});
	answer("a", "x=3", "side=1", "new", NOW_MS);
	answer("b", "x=5", "side=-1", "new", NOW_MS);
	inform("a", "move=4", 2, NOW_MS + 1000);
	inform("a", "move=5", 3, NOW_MS + 2000);
	kept_answers_feedback(kept, &ready, NOW_MS + 2000); /* the caller has computed it */
	inform("b", NULL, 10, NOW_MS + 3000);
	assert_string_equal(told, "a profit=3.5; a income=6; b income=50; ");
	kept_answers_listen(kept, (struct kept_listener){0});
	answer("c", "x=3", "side=1", "new", NOW_MS);
	inform("c", "move=4", 2, NOW_MS + 1000);
	assert_string_equal(told, "a profit=3.5; a income=6; b income=50; ");
}

static void a_value_that_feedback_has_by_itself_counts(void **state)
{
	(void)state;
	const struct feedback_metric given = {TEXT("profit"), 7};
	const struct feedback feedback = {.id = TEXT("a"), .metric_count = 1, .metrics = &given};
	answer("a", "x=3", "side=1", "new", NOW_MS);
	kept_answers_feedback(kept, &feedback, NOW_MS + 1000);
	inform("a", "move=4", NAN, NOW_MS + 2000);
	expect_sum(PROFIT, 0, 7, 1);
	assert_true(text_is(series_of(PROFIT, 0).labels[0], "new"));
}

static void feedback_of_others_and_after_the_window_counts_nothing(void **state)
{
	(void)state;
	answer("a", "x=3", "side=1", "new", NOW_MS);
	inform("nobody", "move=4", 1, NOW_MS + 1000);
	inform("a", "move=4", 1, NOW_MS + KEPT_WINDOW_MS + 2000);
	for (size_t i = 0; i < METRICS; i++) {
		assert_int_equal(series_count(metrics[i].table), 0);
		assert_int_equal(series_missed(metrics[i].table), 0);
	}
	answer("b", "x=3", "side=1", "new", NOW_MS + KEPT_WINDOW_MS + 2000);
	assert_int_equal(kept_answers_count(kept), 1);
	assert_int_equal(kept_answers_waiting(kept), 1);
	inform("b", NULL, 1, NOW_MS + KEPT_WINDOW_MS + 3000);
	assert_int_equal(kept_answers_waiting(kept), 0);
}

static void what_cannot_be_computed_is_counted_as_missing(void **state)
{
	(void)state;
	answer("a", "x=3", "other=1", "new", NOW_MS); /* no `side` */
	answer("b", "x=1", "side=1", "new", NOW_MS);
	inform("a", "move=4", -1, NOW_MS + 1000);
	inform("b", "moved=4", -1, NOW_MS + 1000);
	assert_int_equal(series_missed(metrics[PROFIT].table), 2);
	assert_int_equal(series_missed(metrics[INCOME].table), 2); /* a counter takes no negative number */
	assert_int_equal(series_count(metrics[PROFIT].table), 0);
}

static void the_oldest_are_dropped_where_memory_is_short(void **state)
{
	(void)state;
	char id[32];
	size_t first_kept = SIZE_MAX;
	kept_answers_close(kept);
	kept_open(SMALL_BYTES, 4000);
	for (size_t i = 0; i < 500; i++) {
		(void)snprintf(id, sizeof id, "%zu", i);
		answer(id, "x=1", "side=1", "new", NOW_MS + (int64_t)i);
	}
	const size_t count = kept_answers_count(kept);
	assert_in_range(count, 10, 60);
	for (size_t i = 0; i < 500; i++) {
		(void)snprintf(id, sizeof id, "%zu", i);
		inform(id, NULL, 1, NOW_MS + 1000);
		if (first_kept == SIZE_MAX && series_count(metrics[INCOME].table) > 0)
			first_kept = i;
	}
	assert_int_equal(first_kept, 500 - count); /* the newest are there, without a gap */
	expect_sum(INCOME, 0, (double)count, count);
	assert_int_equal(series_lost(metrics[INCOME].table), 500 - count);
	assert_int_equal(series_missed(metrics[INCOME].table), 0);
	assert_int_equal(kept_answers_lost(kept), 500 - count);
	assert_int_equal(kept_answers_lost(kept), 0);
}

static void an_answer_that_is_too_large_is_refused(void **state)
{
	(void)state;
	static const double numbers[KEPT_ANSWER_BYTES_MAX / sizeof(double)];
	static const int64_t shape[] = {KEPT_ANSWER_BYTES_MAX / sizeof(double)};
	const struct tensor tensor = {.name = TEXT("side"),
				      .shape = shape,
				      .rank = 1,
				      .data = numbers,
				      .count = (size_t)shape[0],
				      .datatype = DATATYPE_FP64};
	const struct tensor *const items[] = {&tensor};
	const struct payload payload = {.tensors = {.items = items, .count = 1}};
	const struct message message = {.id = TEXT("a")};
	const struct judged_answer judged = {.message = &message, .answer = &payload, .latency_ms = NAN};
	struct buffer bytes;
	struct error error = {0};
	buffer_open(&bytes, KEPT_ANSWER_BYTES_MAX);
	assert_false(kept_answer_encode(&judged, false, arena, &bytes, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
	buffer_close(&bytes);
}

static void answers_stay_if_the_metrics_have_the_same_names_and_go_if_not(void **state)
{
	struct error error = {0};
	(void)state;
	answer("a", "x=3", "side=1", "new", NOW_MS);
	assert_true(kept_answers_use(kept, metrics, METRICS, &error));
	assert_int_equal(kept_answers_count(kept), 1);
	assert_true(kept_answers_use(kept, metrics + 1, METRICS - 1, &error));
	assert_int_equal(kept_answers_count(kept), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stand_open, stand_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(truth_and_reward_are_counted_with_the_answer_that_was_given),
		TEST(each_metric_counts_an_answer_once_with_the_feedback_that_has_what_it_needs),
		TEST(a_value_that_feedback_has_by_itself_counts),
		TEST(values_are_told_once_of_metrics_that_somebody_learns_by),
		TEST(feedback_of_others_and_after_the_window_counts_nothing),
		TEST(what_cannot_be_computed_is_counted_as_missing),
		TEST(the_oldest_are_dropped_where_memory_is_short),
		TEST(an_answer_that_is_too_large_is_refused),
		TEST(answers_stay_if_the_metrics_have_the_same_names_and_go_if_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
