/* outcome_metrics_test.c: Tests of metrics of truth and reward: their values by feedback on an answer, as its header has it, and
 * what /metrics counts of their outcomes. That each answer counts once is the join's: exposure_join_test.c. */
#include "engine/learn/outcome_metrics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "experiments/outcomes/judged_answer.h"
#include "tests/unit/planning.h"

#define NOW_MS INT64_C(1800000000000)
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
static struct join_windows windows;
static struct arena *arena;
static struct group group;
static struct metric_series series;
static struct outcome_reader reader;
static struct exposure_join_counts counts;
static struct buffer kept;

static struct exposure_join_counts counts_of(const void *lead, struct text experiment)
{
	(void)lead;
	assert_int_equal(experiment.length, 0);
	return counts;
}

static struct readers_context context = {.series = &series, .windows = &windows, .counts = counts_of};

static int stand_open(void **state)
{
	struct error error = {0};
	struct counted_pipeline *counted;
	(void)state;
	planning_open(&planning, YAML);
	assert_int_equal(planning_errors(&planning), 0);
	planning_plan(&planning, NULL, &plan);
	context.pipeline = &plan.pipelines[0];
	arena = arena_open((size_t)64 << 20);
	assert_true(join_windows_make(context.pipeline, &windows, &error));
	counted = ARENA_NEW(arena, struct counted_pipeline);
	counted->name = "p";
	group = (struct group){.worker_count = 1, .pipelines = counted};
	assert_non_null(metric_tables_make(&group, counted, context.pipeline, arena, arena));
	atomic_store(&series.first, NULL);
	counts = (struct exposure_join_counts){0};
	for (int again = 0; again < 2; again++)
		assert_true(metric_series_take(&series, &plan, &group, arena, &error));
	assert_true(outcome_metrics_open(&context, &reader, &error));
	buffer_open(&kept, JUDGED_BYTES_MAX);
	return 0;
}

static int stand_close(void **state)
{
	(void)state;
	reader.close(reader.context);
	buffer_close(&kept);
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

/* The answer of a pipeline, as the header of its record has it. */
static void answer(const char *request, const char *said, const char *variant)
{
	struct error error = {0};
	const struct message message = {.id = TEXT("a"), .time_ms = NOW_MS, .payload = *payload_of(request)};
	const struct judged_answer judged = {
		.message = &message, .answer = payload_of(said), .variant = text_of(variant), .latency_ms = 20};
	buffer_clear(&kept);
	if (!judged_answer_write(&judged, judged_parts_of(context.pipeline->metrics, context.pipeline->metric_count), arena, &kept,
				 &error))
		fail_msg("%s", error.text);
}

static struct outcome_metric values[JOIN_NAMES_MAX];

/* Feedback on the answer, and its outcome, which is counted. Returns how many values are computed. */
static size_t inform(const char *truth, double reward, const struct feedback_metric *given, uint32_t had)
{
	struct feedback feedback = {.id = TEXT("a"), .has_reward = !isnan(reward), .reward = reward};
	struct outcome_metric sent = {0};
	struct outcome outcome = {.written_ms = NOW_MS + 1000, .weight = 1};
	struct error error = {0};
	if (truth)
		feedback.truth = payload_of(truth)->tensors;
	if (given) {
		feedback.metric_count = 1;
		feedback.metrics = given;
		sent = (struct outcome_metric){.name = given->name, .value = given->value};
		outcome.metric_count = 1;
		outcome.metrics = &sent;
		had |= UINT32_MAX; /* it has it by now */
	}
	const size_t count = outcome_metrics_compute(context.pipeline, &windows, windows.count - 1, &feedback, &outcome,
						     buffer_view(&kept), had, values, JOIN_NAMES_MAX, arena);
	assert_true(reader.outcome(reader.context, &outcome, 0, &error));
	return count;
}

static uint32_t bit_of(const char *name)
{
	size_t i = 0;
	while (!text_is(windows.names[i], name))
		i++;
	return UINT32_C(1) << i;
}

static struct series_table *table_of(size_t metric)
{
	const struct counted_metric *found = counted_metric_find(group.pipelines, &context.pipeline->metrics[metric]);
	assert_non_null(found);
	return found->tables[0];
}

static void expect_sum(size_t metric, size_t index, double sum, uint64_t count)
{
	struct series_sum one = {0};
	assert_true(index < series_count(table_of(metric)));
	series_read(table_of(metric), index, &one);
	assert_true(fabs(series_double(one.sum) - sum) < 1e-9);
	assert_int_equal(one.count, count);
}

/* What each test counts by hand: profit = move * side - 0.5, income = reward * x. */
static void truth_and_reward_are_counted_with_the_answer_that_was_given(void **state)
{
	struct series_sum one;
	(void)state;
	answer("x=3", "side=1", "new");
	assert_int_equal(inform("move=4", NAN, NULL, 0), 2);
	assert_true(text_is(values[0].name, "profit") && values[0].value == 3.5 && values[0].how == OUTCOME_COMPUTED);
	answer("x=7", "side=1", "new");
	assert_int_equal(inform("move=-2", 10, NULL, 0), 3);
	answer("x=5", "side=-1", "old");
	assert_int_equal(inform("move=2", NAN, NULL, 0), 2);
	assert_int_equal(series_count(table_of(PROFIT)), 2);
	series_read(table_of(PROFIT), 0, &one);
	assert_true(text_is(one.labels[0], "new"));
	expect_sum(PROFIT, 0, (4 - 0.5) + (-2 - 0.5), 2);
	expect_sum(PROFIT, 1, -2 - 0.5, 1);
	expect_sum(INCOME, 0, 10 * 7, 1);
	series_read(table_of(WAIT), 0, &one);
	assert_true(series_double(one.last) == 20 + 2);
}

static void each_metric_counts_with_the_first_feedback_that_has_what_it_needs(void **state)
{
	(void)state;
	answer("x=3", "side=1", "new");
	assert_int_equal(inform(NULL, 2, NULL, 0), 1);
	expect_sum(INCOME, 0, 6, 1);
	assert_int_equal(series_count(table_of(PROFIT)), 0);
	assert_int_equal(inform("move=4", 9, NULL, bit_of("income")), 2);
	expect_sum(INCOME, 0, 6, 1);
	expect_sum(PROFIT, 0, 3.5, 1);
}

static void a_value_that_feedback_has_by_itself_counts(void **state)
{
	const struct feedback_metric given = {TEXT("profit"), 7};
	struct series_sum one;
	(void)state;
	answer("x=3", "side=1", "new");
	assert_int_equal(inform(NULL, NAN, &given, 0), 0); /* the outcome has it as it was sent */
	expect_sum(PROFIT, 0, 7, 1);
	series_read(table_of(PROFIT), 0, &one);
	assert_true(text_is(one.labels[0], "new"));
}

static void what_cannot_be_computed_is_counted_as_missing(void **state)
{
	(void)state;
	answer("x=3", "other=1", "new"); /* no `side` */
	assert_int_equal(inform("move=4", -1, NULL, 0), 3);
	assert_true(isnan(values[0].value));
	answer("x=1", "side=1", "new");
	(void)inform("moved=4", -1, NULL, 0);
	buffer_clear(&kept); /* too large for a header */
	(void)inform("move=4", NAN, NULL, 0);
	assert_int_equal(series_missed(table_of(PROFIT)), 3);
	assert_int_equal(series_missed(table_of(INCOME)), 2); /* a counter takes no negative number */
	assert_int_equal(series_count(table_of(PROFIT)), 0);
}

/* An outcome that another engine wrote by other files. */
static void a_sample_with_other_labels_is_counted_as_missing(void **state)
{
	const struct outcome_sample samples[] = {{.metric = TEXT("profit"), .value = 1}, {.metric = TEXT("gone"), .value = 1}};
	const struct outcome outcome = {.sample_count = 2, .samples = samples};
	struct error error = {0};
	(void)state;
	assert_true(reader.outcome(reader.context, &outcome, 0, &error));
	assert_int_equal(series_missed(table_of(PROFIT)), 1);
	assert_int_equal(series_count(table_of(PROFIT)), 0);
}

static void answers_that_were_forgotten_are_lost_by_what_they_lack(void **state)
{
	struct error error = {0};
	(void)state;
	for (uint64_t forgotten = 2; forgotten < 6; forgotten += 3) {
		for (size_t i = 0; i < windows.name_count; i++)
			counts.lacking[i] = text_is(windows.names[i], "profit") ? forgotten : 1;
		assert_true(reader.due(reader.context, NULL, 0, &error));
		assert_int_equal(series_lost(table_of(PROFIT)), forgotten);
		assert_int_equal(series_lost(table_of(INCOME)), 1);
	}
}

static void the_header_has_what_metrics_of_feedback_name(void **state)
{
	struct message message;
	struct judged_answer judged;
	const struct pipeline_metric *metrics = context.pipeline->metrics;
	struct error error = {0};
	(void)state;
	struct judged_parts parts = judged_parts_of(metrics, context.pipeline->metric_count);
	assert_true(parts.is_needed && parts.answer && parts.request);
	parts = judged_parts_of(&metrics[WAIT], 1);
	assert_true(parts.is_needed && !parts.answer && !parts.request);
	const struct message asked = {.id = TEXT("a"), .time_ms = NOW_MS, .payload = *payload_of("x=1")};
	const struct judged_answer given = {.message = &asked, .answer = payload_of("side=1"), .latency_ms = (double)NAN};
	assert_true(judged_answer_write(&given, parts, arena, &kept, &error));
	assert_true(judged_answer_read(buffer_view(&kept), arena, &message, &judged));
	assert_true(text_is(message.id, "a") && message.time_ms == NOW_MS && isnan(judged.latency_ms));
	assert_int_equal(message.payload.tensors.count + judged.answer->tensors.count, 0);
	static double many[JUDGED_BYTES_MAX / sizeof(double)];
	static const int64_t shape[] = {JUDGED_BYTES_MAX / sizeof(double)};
	const struct tensor large = {.name = TEXT("side"), .shape = shape, .rank = 1, .data = many, .count = (size_t)shape[0],
				     .datatype = DATATYPE_FP64};
	const struct tensor *const items[] = {&large};
	const struct payload payload = {.tensors = {.items = items, .count = 1}};
	const struct judged_answer beyond = {.message = &asked, .answer = &payload};
	buffer_clear(&kept);
	assert_false(judged_answer_write(&beyond, judged_parts_of(metrics, 1), arena, &kept, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stand_open, stand_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(truth_and_reward_are_counted_with_the_answer_that_was_given),
		TEST(each_metric_counts_with_the_first_feedback_that_has_what_it_needs),
		TEST(a_value_that_feedback_has_by_itself_counts),
		TEST(what_cannot_be_computed_is_counted_as_missing),
		TEST(a_sample_with_other_labels_is_counted_as_missing),
		TEST(answers_that_were_forgotten_are_lost_by_what_they_lack),
		TEST(the_header_has_what_metrics_of_feedback_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
