/* answer_recovery_test.c: Tests of the recovery of answers, with a mock broker: values of feedback whose engine was stopped are
 * computed from the topics, once, and written to the feedback topic as an engine would have. */
#include "engine/learn/answer_recovery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/number/duration.h"
#include "experiments/outcomes/wanted_answers.h"
#include "kafka/consume/reader.h"
#include "message/rows.h"
#include "mock_broker.h"
#include "planning.h"

#include <cmocka.h>

#define WINDOW_MS 600000
#define FOUND_MAX 16
#define YAML                                                                                                                       \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"                                       \
	"  steps:\n  - {name: s, inputs: [p], expression: {set: {side: x > 0}}}\n"                                                 \
	"  - {name: e, inputs: [s], experiment: {default: m, candidates: [{name: m, weight: 1}, {name: n, weight: 1}], "           \
	"bandits: {algorithm: ucb1, rewardMetric: income}}}\n  output: {steps: [e]}\n"                                             \
	"  metrics: [{name: income, type: counter, value: reward * answer.side}, "                                                 \
	"{name: spent, type: counter, value: reward - request.x}, "                                                                \
	"{name: bonus, type: counter, value: \"reward + where(variant == \\\"new\\\", 1, 0)\"}]\n"

static struct mock mock;
static struct planning planning;
static struct plan plan;
static struct arena *arena;
static struct policy_board *board;
static struct shared_recovery shared;
static const struct pipeline_metric *metrics[3];
static struct answer_recovery *recovery;
static int64_t asked_ms;
static struct feedback_metric found[FOUND_MAX];
static struct feedback found_of[FOUND_MAX];
static size_t found_count;

static void said_write(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	print_message("%s\n", line->message);
}

static const struct log_sink sink = {said_write};

static int stand_open(void **state)
{
	(void)state;
	mock_open(&mock);
	rd_kafka_mock_topic_create(mock.cluster, "feedback", 2, 1);
	rd_kafka_mock_topic_create(mock.cluster, "outputs", 2, 1);
	rd_kafka_mock_topic_create(mock.cluster, "exposures", 2, 1);
	planning_open(&planning, YAML);
	planning_plan(&planning, NULL, &plan);
	arena = arena_open((size_t)64 << 20);
	assert_int_equal(plan.pipelines[0].metric_count, 3);
	for (size_t i = 0; i < 3; i++)
		metrics[i] = &plan.pipelines[0].metrics[i];
	const struct answer_recovery_config config = {.brokers = mock.brokers,
						      .consumer = mock_quick,
						      .producer = mock_quick,
						      .graph = plan.pipelines[0].graph,
						      .inputs = "in",
						      .outputs = "outputs",
						      .exposures = "exposures",
						      .feedback = "feedback",
						      .log = &sink};
	board = policy_board_open();
	shared = (struct shared_recovery){.config = config, .lock = PTHREAD_MUTEX_INITIALIZER};
	shared.config.board = board;
	asked_ms = time_of_day_ms();
	found_count = 0;
	return 0;
}

static int stand_close(void **state)
{
	(void)state;
	answer_recovery_close(recovery);
	recovery = NULL;
	policy_board_close(board);
	planning_close(&planning);
	mock_close(&mock);
	arena_close(arena);
	return 0;
}

static void recovery_start(const struct pipeline_metric *const *of, size_t count)
{
	struct error error = {0};
	shared.config.metrics = of;
	shared.config.metric_count = count;
	recovery = answer_recovery_open(&shared, &error);
	if (!recovery)
		fail_msg("%s", error.text);
}

static bool exposure_lacks(void *context, const struct feedback *feedback, int64_t time_ms, const char *metric,
			   struct lacking_exposure *lacking)
{
	(void)context, (void)feedback, (void)time_ms, (void)metric;
	*lacking = (struct lacking_exposure){
		.request = {.arm = 1, .exposed_ms = asked_ms / MS_PER_S * MS_PER_S}, .variant = "new", .window_ms = WINDOW_MS};
	return true;
}

/* Feedback that was written long enough ago. */
static void inform_one(struct answer_recovery *to, const char *id, double reward, const char *metric)
{
	const struct feedback_metric value = {text_of(metric ? metric : ""), 1};
	const struct feedback feedback = {
		.id = text_of(id), .has_reward = true, .reward = reward, .metric_count = metric != NULL, .metrics = &value};
	struct error error = {0};
	struct buffer bytes;
	buffer_open(&bytes, FEEDBACK_BYTES_MAX);
	assert_true(feedback_encode(&feedback, &bytes, &error));
	const struct held_record held = {.time_ms = asked_ms - WANTED_WAIT_MS, .value = buffer_view(&bytes)};
	answer_recovery_feedback(to, &feedback, &held, (struct recovery_join){NULL, exposure_lacks});
	buffer_close(&bytes);
}

static void inform(const char *id, double reward, const char *metric)
{
	inform_one(recovery, id, reward, metric);
}

static void answer(const char *id, int side)
{
	char json[256];
	snprintf(json, sizeof json,
		 "{\"id\":\"%s\",\"model_name\":\"p\",\"outputs\":[{\"name\":\"side\",\"shape\":[1],\"datatype\":\"FP64\",\"data\":"
		 "[%d]}]}",
		 id, side);
	mock_append(&mock, "outputs", text_of(id), text_of(json));
}

static void request(const char *id, int x)
{
	char json[256];
	snprintf(json, sizeof json,
		 "{\"id\":\"%s\",\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"FP64\",\"data\":[%d]}]}", id, x);
	mock_append(&mock, "in", text_of(id), text_of(json));
}

static bool value_take(void *context, const struct record *record, struct error *error)
{
	struct feedback *feedback = &found_of[found_count];
	(void)context;
	assert_true(found_count < FOUND_MAX && feedback_decode(text_copied(arena, record->value), arena, feedback, error));
	assert_true(feedback_is_computed(feedback) && feedback->metric_count == 1 && !feedback->has_reward);
	assert_int_equal(feedback->time_ms, asked_ms - WANTED_WAIT_MS); /* that of the feedback, not of the recovery */
	found[found_count++] = feedback->metrics[0];
	return true;
}

/* The values in the topic, as soon as there are so many. */
static void expect_values(size_t count)
{
	const struct reader_config reading = {
		.brokers = mock.brokers, .topic = "feedback", .from_beginning = true, .properties = mock_quick};
	struct error error = {0};
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; found_count < count && clock_ms() < until_ms;) {
		found_count = 0;
		assert_true(topic_give_all(&reading, value_take, NULL, &error));
	}
	assert_int_equal(found_count, count);
}

static double value_of(const char *id)
{
	for (size_t i = 0; i < found_count; i++)
		if (text_is(found_of[i].id, id))
			return found[i].value;
	fail_msg("%s has no value", id);
	return 0;
}

static void answers_of_nobody_are_read_again_and_judged_once(void **state)
{
	(void)state;
	answer("a", 2);
	answer("b", 3);
	answer("other", 4);
	answer("b", 5); /* delivered at least once, by an engine that answered anew */
	recovery_start(metrics, 1);
	inform("a", 10, NULL);
	inform("b", 100, NULL);
	inform("a", 1000, NULL); /* the first one counts */
	inform("nobody", 1, NULL);
	inform("other", 1, "income"); /* it has the value by itself */
	answer_recovery_pass(recovery, asked_ms);
	expect_values(2);
	assert_true(value_of("a") == 20 && value_of("b") == 300);
	answer_recovery_close(recovery); /* which waits for what it has written */
	recovery = NULL;
	found_count = 0;
	expect_values(2);
}

static void a_value_that_came_in_between_is_not_computed_again(void **state)
{
	(void)state;
	answer("a", 2);
	answer("b", 3);
	recovery_start(metrics, 1);
	inform("a", 10, NULL);
	inform("b", 10, NULL);
	inform("a", 0, "income"); /* of the engine that had it */
	answer_recovery_pass(recovery, asked_ms);
	expect_values(1);
	assert_true(value_of("b") == 30);
}

static void requests_are_read_for_metrics_that_name_them(void **state)
{
	(void)state;
	request("a", 4);
	request("b", 5);
	recovery_start(metrics + 1, 1);
	inform("a", 10, NULL);
	inform("b", 20, NULL);
	answer_recovery_pass(recovery, asked_ms);
	expect_values(2);
	assert_true(value_of("a") == 6 && value_of("b") == 15);
}

/* The topics have nothing that it needs. */
static void a_metric_that_names_no_record_needs_none(void **state)
{
	(void)state;
	shared.config.outputs = shared.config.inputs = shared.config.exposures = "absent";
	recovery_start(metrics + 2, 1);
	inform("a", 10, NULL);
	answer_recovery_pass(recovery, asked_ms);
	expect_values(1);
	assert_true(value_of("a") == 11); /* of the candidate `new` */
}

/* Another recovery, which shares nothing, begins to read now, and writes the value of that answer. */
static void expect_apart(const char *id)
{
	struct shared_recovery apart = {.config = shared.config, .lock = PTHREAD_MUTEX_INITIALIZER};
	struct error error = {0};
	struct answer_recovery *alone = answer_recovery_open(&apart, &error);
	assert_non_null(alone);
	answer(id, 1);
	inform_one(alone, id, 1, NULL);
	answer_recovery_pass(alone, asked_ms);
	expect_values(1);
	answer_recovery_close(alone);
}

/* Bandits and a rollout of one pipeline want the same values. Who is behind has not read yet which of them engines have computed.
 */
static void two_who_want_the_same_share_one_reading(void **state)
{
	struct error error = {0};
	(void)state;
	answer("a", 2);
	answer("b", 3);
	recovery_start(metrics, 1);
	struct answer_recovery *other = answer_recovery_open(&shared, &error);
	assert_non_null(other);
	inform("a", 10, NULL);
	inform_one(other, "a", 10, NULL);
	inform_one(other, "b", 10, NULL);
	answer_recovery_pass(other, asked_ms);
	expect_apart("apart"); /* which takes as long as a reading that would be too early */
	inform("b", 0, "income");
	answer_recovery_pass(recovery, asked_ms);
	found_count = 0;
	expect_values(2);
	assert_true(value_of("a") == 20);
	answer_recovery_close(other);
	answer_recovery_close(recovery);
	recovery = NULL;
	found_count = 0;
	expect_values(2);
}

static void who_reads_nothing_is_not_waited_for(void **state)
{
	struct error error = {0};
	(void)state;
	answer("a", 2);
	recovery_start(metrics, 1);
	struct answer_recovery *other = answer_recovery_open(&shared, &error);
	assert_non_null(other);
	inform("a", 10, NULL);
	answer_recovery_pass(recovery, asked_ms);
	answer_recovery_pass(other, INT64_MAX);
	expect_values(1);
	answer_recovery_close(recovery); /* what it wanted is read for the other one */
	recovery = other;
	answer("b", 3);
	inform("b", 10, NULL);
	answer_recovery_pass(other, asked_ms);
	found_count = 0;
	expect_values(2);
}

/* Of the experiment that learns by the metric. */
static void what_is_recovered_and_what_is_not_is_counted(void **state)
{
	const struct policy_entry *entry = policy_board_entry(board, "p", "p/e");
	struct policy_losses losses = {0};
	(void)state;
	answer("a", 2);
	mock_append(&mock, "outputs", TEXT("b"), TEXT("{\"id\":\"b\",\"model_name\":\"p\",\"outputs\":[]}"));
	recovery_start(metrics, 1);
	inform("a", 10, NULL);
	inform("nobody", 10, NULL);
	inform("b", 10, NULL); /* it has not what the metric names */
	answer_recovery_pass(recovery, asked_ms);
	expect_values(1);
	answer_recovery_pass(recovery, asked_ms + WANTED_AGAIN_MS);
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; losses.recovered + losses.unrecovered < 3 && clock_ms() < until_ms;)
		losses = policy_entry_losses(entry);
	assert_int_equal(losses.recovered, 1);
	assert_int_equal(losses.unrecovered, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stand_open, stand_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answers_of_nobody_are_read_again_and_judged_once), TEST(a_value_that_came_in_between_is_not_computed_again),
		TEST(requests_are_read_for_metrics_that_name_them),	TEST(a_metric_that_names_no_record_needs_none),
		TEST(two_who_want_the_same_share_one_reading),		TEST(who_reads_nothing_is_not_waited_for),
		TEST(what_is_recovered_and_what_is_not_is_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
