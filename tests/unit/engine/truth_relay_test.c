/* truth_relay_test.c: feedback on its way to observers, by a worker against the mock of a broker: what cannot reach them is counted
 * and logged, and the records after it go on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "message/records/truth_link.h"
#include "observe/log_sink.h"
#include "tests/unit/worker_stand.h"

#define PRODUCE 0	   /* Kafka's number of that request */
#define REFUSALS 40	   /* more than it takes until a record has a batch to itself */
#define MANY_NUMBERS 30000 /* 234 KiB in a link */

static const uint32_t next[] = {0};
static char lines[4096]; /* of the log; read when the worker has stopped */

static void line_keep(const struct log_sink *sink, const struct log_line *line)
{
	const size_t length = strlen(lines);
	(void)sink;
	snprintf(lines + length, sizeof lines - length, "%s\n", line->message);
}

static const struct log_sink kept_lines = {line_keep};

/* A relay from `in` to an observer that reads `out`. `id` NULL: at least once. */
static void relay_configure(struct stand *stand, const char *id)
{
	struct plan plan;
	lines[0] = '\0';
	stand_configure(stand, "  - {name: watch, drift: {tensors: [x], reference: {past: 1h}, window: 100, "
			       "estimate: {probabilities: p, outcomeWindow: 10m}}}\n"
			       "  output: {steps: [watch]}\n");
	planning_plan(&stand->planning[0], NULL, &plan);
	assert_non_null(plan.pipelines[0].relay);
	stand->stages[0] = (struct stage_config){.name = "p feedback",
						 .graph = plan.pipelines[0].relay,
						 .caller = &stand->caller,
						 .topic_count = 1,
						 .topics = stand->stages[0].topics,
						 .next = next,
						 .relays = true,
						 STAGE_WRITES_NOTHING};
	stand->config.transaction.id = id;
	stand->config.partition_state.log = &kept_lines;
}

static void feedback_write(const struct stand *stand, const char *id, size_t count)
{
	struct buffer out;
	struct error error = {0};
	signed char *numbers = test_calloc(count, 1);
	const int64_t shape[] = {(int64_t)count};
	const struct tensor tensor = {
		.name = TEXT("y"), .datatype = DATATYPE_INT8, .shape = shape, .rank = 1, .data = numbers, .count = count};
	const struct tensor *items[] = {&tensor};
	const struct feedback feedback = {.id = text_of(id), .truth = {1, items}, .time_ms = 1000};
	buffer_open(&out, FEEDBACK_BYTES_MAX);
	assert_true(feedback_encode(&feedback, &out, &error));
	mock_append(&stand->mock, "in", TEXT("key"), buffer_view(&out));
	buffer_close(&out);
	test_free(numbers);
}

static void lost_await(const struct stand *stand, uint64_t lost)
{
	for (int turns = 0; turns < MOCK_WAIT_MS / 10 && worker_counts(stand->running.worker).truths_lost < lost; turns++)
		usleep(10000);
}

/* Whether the next record to the observer is the truth of that request. */
static void link_expect(struct stand *stand, const char *id)
{
	const rd_kafka_message_t *record = mock_read(&stand->mock);
	const uint64_t request = request_hash(text_of(id));
	assert_non_null(memmem(record->payload, record->len, &request, sizeof request));
}

static void feedback_that_kafka_refuses_is_lost_and_counted(void **state)
{
	struct stand *stand = *state;
	relay_configure(stand, "test");
	feedback_write(stand, "refused", 3);
	for (int i = 0; i < REFUSALS; i++)
		rd_kafka_mock_push_request_errors(stand->mock.cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
	stand_start(stand);
	lost_await(stand, 1);
	rd_kafka_mock_clear_request_errors(stand->mock.cluster, PRODUCE);
	feedback_write(stand, "next", 3);
	link_expect(stand, "next");
	assert_int_equal(stand_stop(stand).truths_lost, 1);
	assert_non_null(strstr(lines, "feedback in-0 at offset 0 does not reach the observers of drift: Kafka refused"));
}

static void feedback_that_the_producer_refuses_is_lost_and_counted(void **state)
{
	static const struct property small[] = {{"message.max.bytes", "100000"}};
	struct stand *stand = *state;
	relay_configure(stand, "test");
	stand->config.transaction.properties = (struct properties){1, small};
	feedback_write(stand, "large", MANY_NUMBERS);
	feedback_write(stand, "next", 3);
	stand_start(stand);
	link_expect(stand, "next");
	assert_int_equal(stand_stop(stand).truths_lost, 1);
	assert_non_null(strstr(lines, "feedback in-0 at offset 0"));
}

static void feedback_for_which_memory_runs_out_is_lost_and_counted(void **state)
{
	struct stand *stand = *state;
	relay_configure(stand, "test");
	stand->config.limits.message_bytes = (size_t)128 << 10;
	feedback_write(stand, "large", MANY_NUMBERS);
	feedback_write(stand, "next", 3);
	stand_start(stand);
	link_expect(stand, "next");
	assert_int_equal(stand_stop(stand).truths_lost, 1);
	assert_non_null(strstr(lines, "memory ran out"));
}

/* One line tells of several. */
static void a_truth_of_too_many_rows_is_lost_and_counted(void **state)
{
	struct stand *stand = *state;
	relay_configure(stand, "test");
	feedback_write(stand, "most", TRUTH_NUMBERS_MAX);
	feedback_write(stand, "beyond", TRUTH_NUMBERS_MAX + 1);
	feedback_write(stand, "beyond", TRUTH_NUMBERS_MAX + 2);
	feedback_write(stand, "next", 3);
	stand_start(stand);
	link_expect(stand, "most");
	link_expect(stand, "next");
	assert_int_equal(stand_stop(stand).truths_lost, 2);
	assert_non_null(strstr(lines, "feedback in-0 at offset 1 does not reach"));
	assert_non_null(strstr(lines, "its truth has 65537 numbers"));
	assert_null(strstr(lines, "65538"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(feedback_that_kafka_refuses_is_lost_and_counted),
		STORY(feedback_that_the_producer_refuses_is_lost_and_counted),
		STORY(feedback_for_which_memory_runs_out_is_lost_and_counted),
		STORY(a_truth_of_too_many_rows_is_lost_and_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
