/* fenced_writer_test.c: Tests of a writer that another one replaces: what it returns, and what it logs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "kafka/produce/fenced_writer.h"
#include "kafka/kafka_log.h"
#include "tests/unit/mock_broker.h"

/* NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl*,readability-identifier-naming): LeakSanitizer looks for this name */
const char *__lsan_default_suppressions(void);

/* A producer that is closed while its group's coordinator has not answered loses that request (librdkafka 2.0.2). */
const char *__lsan_default_suppressions(void)
{
	return "leak:librdkafka.so.1\n";
}

static const struct fenced_position next = {.topic = "in", .offset = 1};
static struct mock mock;
static pthread_mutex_t said_lock = PTHREAD_MUTEX_INITIALIZER;
static struct buffer said;

static void said_write(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	pthread_mutex_lock(&said_lock);
	buffer_print(&said, "%s\n", line->message);
	pthread_mutex_unlock(&said_lock);
}

static const struct log_sink sink = {said_write};

static int broker_setup(void **state)
{
	(void)state;
	mock_open(&mock);
	buffer_open(&said, (size_t)1 << 20);
	kafka_log_to(&sink);
	return 0;
}

static int broker_teardown(void **state)
{
	(void)state;
	kafka_log_to(NULL);
	buffer_close(&said);
	mock_close(&mock);
	return 0;
}

/* The one who lost the race for a transactional id returns the reason. Its caller logs it; librdkafka does not too. */
static void a_writer_that_was_replaced_returns_the_reason_and_logs_nothing(void **state)
{
	static const int16_t add_partitions = 24, add_offsets = 25, produce = 0; /* Kafka's numbers of these requests */
	const int16_t requests[] = {add_partitions, add_offsets, produce};
	const struct fenced_writer_config config = {
		.brokers = mock.brokers, .id = "keeper", .topic_count = 1, .topics = &(const char *){"out"}};
	(void)state;
	for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
		struct error error = {0};
		struct fenced_writer *writer = fenced_writer_open(&config, &error);
		assert_string_equal(error.text, "");
		rd_kafka_mock_push_request_errors(mock.cluster, requests[i], 1, RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH);
		assert_false(fenced_writer_add(writer, 0, TEXT("k"), TEXT("v"), &error) &&
			     fenced_writer_commit(writer, &next, 1, NULL, &error));
		assert_int_equal(error.kind, ERROR_SYSTEM);
		assert_string_equal(error.text, "another writer took over keeper");
		fenced_writer_close(writer);
	}
	buffer_append(&said, "", 1);
	assert_string_equal(said.bytes, "");
}

/* As Kafka refuses positions that are committed with a former membership. */
static void a_writer_of_a_former_generation_returns_the_reason_and_logs_nothing(void **state)
{
	static const int16_t offset_commit = 28;
	static const rd_kafka_resp_err_t codes[] = {RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID,
						    RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID};
	const struct fenced_writer_config config = {
		.brokers = mock.brokers, .id = "keeper", .topic_count = 1, .topics = &(const char *){"out"}};
	(void)state;
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		struct error error = {0};
		struct fenced_writer *writer = fenced_writer_open(&config, &error);
		assert_string_equal(error.text, "");
		rd_kafka_mock_push_request_errors(mock.cluster, offset_commit, 1, codes[i]);
		assert_false(fenced_writer_add(writer, 0, TEXT("k"), TEXT("v"), &error) &&
			     fenced_writer_commit(writer, &next, 1, NULL, &error));
		assert_int_equal(error.kind, ERROR_SYSTEM);
		assert_non_null(strstr(error.text, rd_kafka_err2str(codes[i])));
		fenced_writer_close(writer);
	}
	buffer_append(&said, "", 1);
	assert_string_equal(said.bytes, "");
}

static void a_right_that_is_missing_is_named_with_the_command(void **state)
{
	static const int16_t init_producer_id = 22;
	const struct fenced_writer_config config = {
		.brokers = mock.brokers, .id = "keeper", .topic_count = 1, .topics = &(const char *){"out"}};
	struct error error = {0};
	(void)state;
	rd_kafka_mock_push_request_errors(mock.cluster, init_producer_id, 1,
					  RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
	assert_null(fenced_writer_open(&config, &error));
	assert_non_null(strstr(error.text, "; give its login the right that `sluice plan --acls` lists"));
}

static void another_failure_is_logged(void **state)
{
	static const int16_t add_partitions = 24;
	const struct fenced_writer_config config = {
		.brokers = mock.brokers, .id = "keeper", .topic_count = 1, .topics = &(const char *){"out"}};
	struct error error = {0};
	(void)state;
	struct fenced_writer *writer = fenced_writer_open(&config, &error);
	rd_kafka_mock_push_request_errors(mock.cluster, add_partitions, 1, RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
	assert_false(fenced_writer_add(writer, 0, TEXT("k"), TEXT("v"), &error) &&
			     fenced_writer_commit(writer, &next, 1, NULL, &error));
	assert_non_null(strstr(error.text, " for keeper failed: "));
	fenced_writer_close(writer);
	assert_true(said.length > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_writer_that_was_replaced_returns_the_reason_and_logs_nothing, broker_setup,
						broker_teardown),
		cmocka_unit_test_setup_teardown(a_writer_of_a_former_generation_returns_the_reason_and_logs_nothing, broker_setup,
						broker_teardown),
		cmocka_unit_test_setup_teardown(a_right_that_is_missing_is_named_with_the_command, broker_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(another_failure_is_logged, broker_setup, broker_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
