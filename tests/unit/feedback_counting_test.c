/* feedback_counting_test.c: Tests of the thread that counts feedback, with a mock broker: answers of two workers and feedback of
 * two partitions meet, and what is kept outlives a reload. */
#include "engine/learn/feedback_counting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/number/duration.h"
#include "kafka/consume/reader.h"
#include "mock_broker.h"
#include "planning.h"
#include "engine/learn/learners.h"

#include <cmocka.h>

#define WORKERS 2
#define WAIT_MS 200
#define BURST 5000 /* answers */
#define YAML                                                                                                                       \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"                                      \
	"  steps: [{name: s, inputs: [p], expression: {set: {side: x > 0}}}]\n  output: {steps: [s]}\n"                          \
	"  metrics: [{name: income, type: counter, value: reward * answer.side}]\n"

static struct mock mock;
static struct planning planning;
static struct plan plan;
static struct arena *arena;
static struct answer_space space;
static struct answer_queue *queues[WORKERS];
static struct kept_metric metric;
static struct feedback_state state_of_engine;
static struct feedback_counting *counting;

static int losses_logged, stops_logged, broken_logged;

static void said_write(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	print_message("%s\n", line->message);
	stops_logged += strstr(line->message, "p: 1 answers of this engine have no feedback yet") != NULL;
	broken_logged += strstr(line->message, "feedback: partition 1, offset 0: the record is not feedback") != NULL;
	losses_logged += strstr(line->message, "sluice_metric_lost_total") != NULL;
}

static const struct log_sink sink = {said_write};

static int stand_open(void **state)
{
	(void)state;
	mock_open(&mock);
	rd_kafka_mock_topic_create(mock.cluster, "feedback", 2, 1);
	planning_open(&planning, YAML);
	planning_plan(&planning, NULL, &plan);
	arena = arena_open((size_t)64 << 20);
	space = (struct answer_space){.most = ANSWER_SPACE_BYTES};
	for (size_t i = 0; i < WORKERS; i++)
		queues[i] = answer_queue_open(arena, &space);
	assert_int_equal(plan.pipelines[0].metric_count, 1);
	metric = (struct kept_metric){&plan.pipelines[0].metrics[0], series_table_open(&plan.pipelines[0].metrics[0].form, arena),
				      false};
	return 0;
}

static int stand_close(void **state)
{
	(void)state;
	feedback_state_close(&state_of_engine, "p", &sink);
	for (size_t i = 0; i < WORKERS; i++)
		answer_queue_close(queues[i]);
	assert_int_equal(space.taken, 0);
	planning_close(&planning);
	mock_close(&mock);
	arena_close(arena);
	return 0;
}

static void service_start(void)
{
	struct error error = {0};
	const struct feedback_counting_config config = {.brokers = mock.brokers,
							.consumer = mock_quick,
							.producer = mock_quick,
							.pipeline = "p",
							.feedback = "feedback",
							.queues = queues,
							.queue_count = WORKERS,
							.metrics = &metric,
							.metric_count = 1,
							.state = &state_of_engine,
							.wait_ms = WAIT_MS,
							.log = &sink};
	counting = feedback_counting_open(&config, &error);
	if (!counting)
		fail_msg("%s", error.text);
}

static void answer(size_t worker, const char *id, double side)
{
	static const int64_t shape[] = {1};
	const struct tensor tensor = {
		.name = TEXT("side"), .shape = shape, .rank = 1, .data = &side, .count = 1, .datatype = DATATYPE_FP64};
	const struct tensor *const items[] = {&tensor};
	const struct payload payload = {.tensors = {.items = items, .count = 1}};
	const struct message message = {
		.id = text_of(id), .origin = {TEXT("in"), (int32_t)worker, id[0]}, .time_ms = time_of_day_ms()};
	const struct judged_answer judged = {.message = &message, .answer = &payload, .latency_ms = 1};
	struct arena *work = arena_open(1 << 20);
	struct buffer bytes;
	struct error error = {0};
	buffer_open(&bytes, KEPT_ANSWER_BYTES_MAX);
	assert_true(kept_answer_encode(&judged, false, work, &bytes, &error));
	answer_queue_add(queues[worker], buffer_view(&bytes));
	buffer_close(&bytes);
	arena_close(work);
}

static void inform(const char *id, double reward)
{
	char line[128];
	const int length = snprintf(line, sizeof line, "{\"id\":\"%s\",\"reward\":%g}", id, reward);
	assert_int_equal(rd_kafka_producev(mock.writer, RD_KAFKA_V_TOPIC("feedback"), RD_KAFKA_V_PARTITION(id[0] % 2),
					   RD_KAFKA_V_VALUE(line, (size_t)length), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
					   RD_KAFKA_V_TIMESTAMP(time_of_day_ms()), RD_KAFKA_V_END),
			 RD_KAFKA_RESP_ERR_NO_ERROR);
	assert_int_equal(rd_kafka_flush(mock.writer, MOCK_WAIT_MS), 0);
}

static void expect_income(uint64_t count, double sum)
{
	struct series_sum series = {0};
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; series.count != count;) {
		if (series_count(metric.table) > 0)
			series_read(metric.table, 0, &series);
		if (clock_ms() > until_ms)
			fail_msg("%llu counted, not %llu", (unsigned long long)series.count, (unsigned long long)count);
		nanosleep(&(struct timespec){.tv_nsec = 10 * NS_PER_MS}, NULL);
	}
	assert_true(series_double(series.sum) == sum);
}

static void answers_of_all_workers_meet_the_feedback_of_all_partitions(void **state)
{
	(void)state;
	service_start();
	answer(0, "a", 1);
	answer(1, "b", 2);
	inform("a", 10);
	inform("b", 100);
	inform("nobody", 1000); /* an answer of another engine */
	expect_income(2, 10 + 200);
	answer(1, "c", 3);
	feedback_counting_close(counting);
	answer(0, "d", 4); /* while no thread takes answers */
	inform("d", 1000);
	inform("c", 1000);
	service_start();
	inform("c", 1);
	inform("a", 1);
	expect_income(4, 10 + 200 + 4000 + 3000);
	inform("a", 1);
	inform("d", 1);
	nanosleep(&(struct timespec){.tv_nsec = 300 * NS_PER_MS}, NULL);
	expect_income(4, 10 + 200 + 4000 + 3000);
	feedback_counting_close(counting);
}

static void broken_append(void)
{
	assert_int_equal(rd_kafka_producev(mock.writer, RD_KAFKA_V_TOPIC("feedback"), RD_KAFKA_V_PARTITION(1),
					   RD_KAFKA_V_VALUE((void *)(uintptr_t) "hello", 5),
					   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_TIMESTAMP(time_of_day_ms()),
					   RD_KAFKA_V_END),
			 RD_KAFKA_RESP_ERR_NO_ERROR);
	assert_int_equal(rd_kafka_flush(mock.writer, MOCK_WAIT_MS), 0);
}

/* Twice, and read again by another thread of the same engine. */
static void feedback_that_cannot_be_read_is_said_once(void **state)
{
	(void)state;
	broken_logged = 0;
	service_start();
	answer(0, "b", 2);
	broken_append();
	broken_append();
	inform("b", 100);
	expect_income(1, 200);
	feedback_counting_close(counting);
	service_start();
	answer(0, "d", 2);
	inform("d", 100);
	expect_income(2, 400);
	feedback_counting_close(counting);
	assert_int_equal(broken_logged, 1);
}

static void count_derived(const struct record *record, size_t *found)
{
	struct feedback feedback;
	struct error error = {0};
	struct arena *work = arena_open(1 << 20);
	assert_true(feedback_decode(record->value, work, &feedback, &error));
	if (feedback.metric_count > 0) {
		assert_int_equal(feedback.metric_count, 1);
		assert_true(feedback_is_computed(&feedback));
		assert_true(text_is(feedback.id, "b") && text_is(feedback.metrics[0].name, "income"));
		assert_true(feedback.metrics[0].value == 200 && !feedback.has_reward);
		++*found;
	}
	arena_close(work);
}

static bool record_take(void *context, const struct record *record, struct error *error)
{
	(void)error;
	count_derived(record, context);
	return true;
}

static void a_value_by_which_somebody_learns_is_written_to_the_topic_once(void **state)
{
	const struct reader_config config = {
		.brokers = mock.brokers, .topic = "feedback", .from_beginning = true, .properties = mock_quick};
	struct error error = {0};
	size_t found = 0;
	(void)state;
	metric.published = true;
	service_start();
	answer(1, "b", 2);
	inform("b", 100);
	expect_income(1, 200);
	inform("b", 100);
	nanosleep(&(struct timespec){.tv_nsec = 300 * NS_PER_MS}, NULL);
	feedback_counting_close(counting);
	struct reader *reader = reader_open(&config, &error);
	assert_true(reader && reader_give_all(reader, record_take, &found, &error));
	reader_close(reader);
	assert_int_equal(found, 1);
	expect_income(1, 200);
}

static void an_answer_that_was_left_out_is_counted_as_missing(void **state)
{
	(void)state;
	answer_queue_miss(queues[1]);
	service_start();
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; series_missed(metric.table) != 1 && clock_ms() < until_ms;)
		nanosleep(&(struct timespec){.tv_nsec = 10 * NS_PER_MS}, NULL);
	assert_int_equal(series_missed(metric.table), 1);
	feedback_counting_close(counting);
}

/* More than is taken at once: a backlog is answered faster than the thread, which may wait for Kafka, keeps answers. */
static void a_burst_of_answers_is_kept_whole(void **state)
{
	char id[16];
	(void)state;
	for (int i = 0; i < BURST; i++) {
		snprintf(id, sizeof id, "b%d", i);
		answer(0, id, 1);
	}
	service_start();
	inform("b0", 1);
	snprintf(id, sizeof id, "b%d", BURST - 1);
	inform(id, 10);
	expect_income(2, 11);
	assert_int_equal(series_missed(metric.table) + series_lost(metric.table), 0);
	feedback_counting_close(counting);
}

/* A truth may be known before a backlog is answered. */
static void feedback_that_is_ahead_of_its_answer_waits_for_it(void **state)
{
	(void)state;
	service_start();
	answer(0, "here", 1);
	inform("ahead", 10);
	inform("nobody", 10);
	inform("here", 1); /* all before it was read */
	expect_income(1, 1);
	answer(1, "ahead", 2);
	expect_income(2, 1 + 20);
	answer(1, "ahead", 5); /* the same id again */
	inform("here", 1);
	expect_income(2, 1 + 20);
	feedback_counting_close(counting);
}

static void an_engine_that_stops_says_how_many_answers_have_no_feedback(void **state)
{
	(void)state;
	service_start();
	answer(0, "a", 1);
	answer(0, "b", 1);
	inform("a", 1);
	expect_income(1, 1);
	feedback_counting_close(counting);
	assert_int_equal(stops_logged, 0); /* the state outlives a reload */
	feedback_state_close(&state_of_engine, "p", &sink);
	assert_int_equal(stops_logged, 1);
}

static void what_is_beyond_the_memory_is_counted_as_lost_and_logged_once(void **state)
{
	(void)state;
	space.most = 0;
	for (int i = 0; i < BURST; i++)
		answer(0, "a", 1);
	service_start();
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; series_lost(metric.table) == 0 && clock_ms() < until_ms;)
		nanosleep(&(struct timespec){.tv_nsec = 10 * NS_PER_MS}, NULL);
	feedback_counting_close(counting);
	assert_in_range(series_lost(metric.table), 1, BURST - 1);
	assert_int_equal(series_missed(metric.table), 0);
	assert_int_equal(losses_logged, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stand_open, stand_close)

/* Its plan and its arena are in use until then, also after a reload. */
static void it_is_one_of_the_learners_until_it_has_ended(void **state)
{
	(void)state;
	service_start();
	struct learners learners = {.countings = &counting, .counting_count = 1};
	assert_false(learners_free_ended(&learners));
	assert_false(learners_are_gone(&learners));
	learners_stop(&learners);
	for (const int64_t until_ms = clock_ms() + MOCK_WAIT_MS; !learners_free_ended(&learners);) {
		assert_false(learners_are_gone(&learners));
		assert_true(clock_ms() < until_ms);
		nanosleep(&(struct timespec){.tv_nsec = 10 * NS_PER_MS}, NULL);
	}
	assert_true(learners_are_gone(&learners));
	assert_null(counting);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(feedback_that_cannot_be_read_is_said_once),
		TEST(answers_of_all_workers_meet_the_feedback_of_all_partitions),
		TEST(a_value_by_which_somebody_learns_is_written_to_the_topic_once),
		TEST(an_answer_that_was_left_out_is_counted_as_missing),
		TEST(a_burst_of_answers_is_kept_whole),
		TEST(feedback_that_is_ahead_of_its_answer_waits_for_it),
		TEST(an_engine_that_stops_says_how_many_answers_have_no_feedback),
		TEST(it_is_one_of_the_learners_until_it_has_ended),
		TEST(what_is_beyond_the_memory_is_counted_as_lost_and_logged_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
