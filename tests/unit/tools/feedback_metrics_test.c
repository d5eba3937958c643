/* feedback_metrics_test.c: Tests of the metrics that a command computes for feedback: which answer, request and exposure a feedback
 * is joined with, and what is counted where there is none. */
#include "tools/client/data/feedback_metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "tools/client/kafka.h"
#include "tests/unit/planning.h"
#include "tests/unit/arena_fixture.h"
#include "tests/unit/mock_broker.h"

#define ANSWERS "answers"
#define REQUESTS "requests"
#define PIPELINE(metrics)                                                                                                          \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"                                       \
	"  steps: [{name: s, expression: {set: {y: x * 2}}}]\n  output: {steps: [s]}\n  metrics:\n" metrics
#define METRIC(name, value) "  - {name: " name ", type: gauge, value: \"" value "\"}\n"

static struct mock mock;
static struct planning planning;
static struct feedback_metrics metrics;

static int set_up(void **state)
{
	mock_open(&mock);
	rd_kafka_mock_topic_create(mock.cluster, ANSWERS, 1, 1);
	rd_kafka_mock_topic_create(mock.cluster, REQUESTS, 1, 1);
	return arena_begin(state);
}

static int tear_down(void **state)
{
	mock_close(&mock);
	return arena_end(state);
}

static void tensor_append(const char *topic, const char *member, const char *id, const char *name, double value)
{
	const char *text =
		arena_print(arena, "{\"id\":\"%s\",\"%s\":[{\"name\":\"%s\",\"datatype\":\"FP64\",\"shape\":[1],\"data\":[%g]}]}",
			    id, member, name, value);
	mock_append(&mock, topic, (struct text){0}, text_of(text));
}

static void metrics_open(const char *yaml)
{
	const struct kafka_asked asked = {.brokers = mock.brokers};
	struct kafka *kafka = ARENA_NEW(arena, struct kafka);
	struct error error = {0};
	planning_open(&planning, yaml);
	assert_int_equal(planning_errors(&planning), 0);
	assert_true(kafka_find(NULL, &asked, arena, kafka, &error));
	metrics = (struct feedback_metrics){.arena = arena};
	if (!feedback_metrics_open(&metrics, planning.graph, planning.spec.faults, kafka, ANSWERS, REQUESTS, &error))
		fail_msg("%s", error.text);
}

static void metrics_close(void)
{
	feedback_metrics_close(&metrics);
	planning_close(&planning);
}

/* The value that the line of feedback gets of the metric; NaN: none. */
static double value_of(const char *line, const char *metric)
{
	struct feedback feedback;
	struct error error = {0};
	if (!feedback_decode(text_of(line), arena, &feedback, &error))
		fail_msg("%s", error.text);
	assert_true(feedback_metrics_add(&metrics, &feedback, arena));
	const struct feedback_metric *found = feedback_metric_find(&feedback, text_of(metric));
	return found ? found->value : (double)NAN;
}

static void an_answer_is_found_by_its_id_or_its_origin(void **state)
{
	(void)state;
	tensor_append(ANSWERS, "outputs", "r1", "y", 10);
	tensor_append(ANSWERS, "outputs", "r2", "y", 20);
	tensor_append(ANSWERS, "outputs", "r1", "y", 30); /* it was answered again: the first counts */
	metrics_open(PIPELINE(METRIC("profit", "answer.y * reward")));
	assert_true(value_of("{\"id\":\"r1\",\"reward\":2}", "profit") == 20);
	assert_true(value_of("{\"id\":\"r2\",\"reward\":2}", "profit") == 40);
	assert_int_equal(metrics.missed, 0);
	assert_true(isnan(value_of("{\"id\":\"r3\",\"reward\":2}", "profit")));
	assert_true(metrics.missed == 1 && metrics.unanswered == 1);
	assert_true(isnan(value_of("{\"id\":\"r1\",\"truth\":2}", "profit")));
	assert_true(metrics.missed == 2 && metrics.unanswered == 1); /* it has an answer, and no reward */
	metrics_close();
}

static void a_metric_reads_the_request_and_the_answer(void **state)
{
	(void)state;
	tensor_append(REQUESTS, "inputs", "r1", "x", 3);
	tensor_append(REQUESTS, "inputs", "r2", "x", 4);
	tensor_append(ANSWERS, "outputs", "r1", "y", 10);
	metrics_open(PIPELINE(METRIC("cost", "answer.y * reward - request.x")));
	assert_true(value_of("{\"id\":\"r1\",\"reward\":2}", "cost") == 17);
	assert_true(isnan(value_of("{\"id\":\"r2\",\"reward\":2}", "cost")));
	assert_true(metrics.missed == 1 && metrics.unanswered == 1);
	metrics_close();
}

static void what_a_caller_or_an_engine_has_computed_counts(void **state)
{
	(void)state;
	metrics_open(PIPELINE(METRIC("twice", "reward * 2")));
	assert_true(value_of("{\"id\":\"r1\",\"reward\":2}", "twice") == 4);
	assert_true(value_of("{\"id\":\"r1\",\"reward\":2,\"metrics\":{\"twice\":7}}", "twice") == 7);
	assert_true(isnan(value_of("{\"id\":\"r1\",\"reward\":2,\"feedback_id\":\"sluice-computed\"}", "twice")));
	assert_int_equal(metrics.missed, 0);
	metrics_close();
}

static void expose(const char *id, int64_t offset, const char *variant, double latency_ms)
{
	const struct exposure exposure = {.id = text_of(id),
					  .origin = {.topic = TEXT("t"), .offset = offset},
					  .variant = text_of(variant),
					  .latency_ms = latency_ms};
	struct error error = {0};
	assert_true(feedback_metrics_expose(&metrics, &exposure, &error));
}

static void a_metric_reads_the_exposure(void **state)
{
	(void)state;
	metrics_open(PIPELINE(METRIC("slow", "reward * latency_ms")));
	expose("r2", 2, "new", 30);
	expose("r1", 1, "old", 20);
	assert_true(value_of("{\"id\":\"r1\",\"reward\":2}", "slow") == 40);
	assert_true(value_of("{\"origin\":{\"topic\":\"t\",\"partition\":0,\"offset\":2},\"reward\":2}", "slow") == 60);
	assert_true(isnan(value_of("{\"id\":\"r3\",\"reward\":2}", "slow")));
	assert_true(metrics.missed == 1 && metrics.unanswered == 0);
	metrics_close();
}

/* V1 has no name for a tensor that is alone, and this answer no header that has it. */
static void an_answer_without_names_is_counted_as_such(void **state)
{
	(void)state;
	mock_append(&mock, ANSWERS, (struct text){0}, TEXT("{\"predictions\":[10]}"));
	metrics_open(PIPELINE(METRIC("profit", "answer.y * reward")));
	assert_true(
		isnan(value_of("{\"origin\":{\"topic\":\"" ANSWERS "\",\"partition\":0,\"offset\":0},\"reward\":2}", "profit")));
	assert_true(metrics.missed == 1 && metrics.unanswered == 0 && metrics.unnamed == 1);
	metrics_close();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_answer_is_found_by_its_id_or_its_origin),     TEST(a_metric_reads_the_request_and_the_answer),
		TEST(what_a_caller_or_an_engine_has_computed_counts), TEST(a_metric_reads_the_exposure),
		TEST(an_answer_without_names_is_counted_as_such),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
