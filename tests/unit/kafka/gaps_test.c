/* Records that were deleted before they were read: how that is recognised in librdkafka's log, and told. On librdkafka's
 * mock of a broker; that retention is counted is shown on a real Kafka, by tests/kafka/faults.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "kafka/consume/consumer_parts.h"
#include "kafka/kafka_log.h"
#include "tests/unit/mock_broker.h"

static void expect_line(const char *words, const char *topic, int32_t partition, int64_t offset)
{
	struct offset_reset reset;
	assert_true(gap_line_read(words, &reset));
	assert_string_equal(reset.topic, topic);
	assert_int_equal(reset.partition, partition);
	assert_int_equal(reset.offset, offset);
}

/* As librdkafka 2.0 writes them, and as it does since 2.1. */
static void a_line_of_an_offset_reset_names_the_partition_and_the_offset(void **state)
{
	(void)state;
	expect_line("[thrd:main]: in [0]: offset reset (at offset 554, broker 1) to offset BEGINNING: fetch failed due to "
		    "requested offset not available on the broker: Broker: Offset out of range",
		    "in", 0, 554);
	expect_line("a.b-c [12]: offset reset (at offset 0 (leader epoch 3), broker 1) to offset BEGINNING (leader epoch -1): why",
		    "a.b-c", 12, 0);
}

static void other_lines_are_none(void **state)
{
	(void)state;
	static const char *const others[] = {
		"", "[", "[thrd:main]: ", "in [0]: offset reset", " [0]: offset reset (at offset 1, broker 1) to",
		"in [x]: offset reset (at offset 1, broker 1) to", "in [0]: offset reset (at offset INVALID, broker 1) to",
		"in 0]: offset reset (at offset 1, broker 1) to", "in [-1]: offset reset (at offset 1, broker 1) to"};
	struct offset_reset reset;
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		assert_false(gap_line_read(others[i], &reset));
	char topic[TOPIC_NAME_BYTES + 64];
	memset(topic, 't', sizeof topic);
	snprintf(topic + TOPIC_NAME_BYTES, 64, " [0]: offset reset (at offset 1, broker 1) to");
	assert_false(gap_line_read(topic, &reset));
	assert_true(gap_line_read(topic + 1, &reset)); /* the longest name that Kafka takes */
}

static void a_gap_is_said_by_its_offsets(void **state)
{
	(void)state;
	char words[512];
	gap_words(&(struct gap){.partition = 3, .from = 100, .to = 1000}, "in", words, sizeof words);
	assert_non_null(strstr(words, "900 records of in-3 were deleted before they were read: offsets 100 to 999"));
	assert_int_equal(gap_count(&(struct gap){.partition = 3, .from = 100, .to = 1000}), 900);
	gap_words(&(struct gap){.partition = 3, .from = 5, .to = 1005, .remade = true}, "in", words, sizeof words);
	assert_non_null(strstr(words, "in was created again while it was read: at least 1000 records of in-3 were not read"));
	assert_non_null(strstr(words, "offsets 5 to 1004"));
	gap_words(&(struct gap){.partition = 3, .from = 100, .to = OFFSET_NONE}, "in", words, sizeof words);
	assert_non_null(strstr(words, "a broker had not got offset 100 of in-3"));
	assert_int_equal(gap_count(&(struct gap){.partition = 3, .from = 100, .to = OFFSET_NONE}), 0);
}

static size_t said, others;

static void count_said(const struct log_sink *sink, const struct log_line *said_line)
{
	const char *line = said_line->message;
	(void)sink;
	bool tells = strstr(line, "in-0 ends before offset 50, the position of the engine") != NULL;
	said += tells;
	others += !tells;
	assert_null(strstr(line, "offset reset"));
}

static const struct log_sink count_said_sink = {count_said};

/* The group has read further than the topic reaches, as when it was made anew. */
static void read_beyond_the_end(const char *log_level)
{
	static struct position assigned[] = {{0, 0, OFFSET_NONE}};
	const struct property quick[] = {
		{"fetch.wait.max.ms", "10"}, {"reconnect.backoff.ms", "10"}, {"log_level", log_level}};
	struct mock mock;
	struct error error = {0};
	struct record record;
	struct gap gap = {0};
	size_t count = 0;
	bool found = false;
	said = others = 0;
	kafka_log_to(&count_said_sink);
	mock_open(&mock);
	mock_write(&mock, "k", "first", NULL, NULL);
	mock_commit(&mock, "test", 50);
	const struct consumer_config config = {.brokers = mock.brokers,
					       .group = "test",
					       .topics = mock_in,
					       .topic_count = 1,
					       .assigned = {1, assigned},
					       .properties = {log_level ? 3 : 2, quick}};
	struct consumer *consumer = consumer_open(&config, &error);
	assert_non_null(consumer);
	assert_true(consumer_accept(consumer, &error));
	while (count == 0) {
		struct pollfd bell = {.fd = consumer_bell(consumer), .events = POLLIN};
		assert_int_equal(poll(&bell, 1, MOCK_WAIT_MS), 1);
		assert_true(consumer_take(consumer, &record, 1, &count, &error));
		found = consumer_gap(consumer, &gap) || found;
	}
	assert_true(found);
	assert_int_equal(gap.from, 50);
	assert_int_equal(gap_count(&gap), 0);
	assert_int_equal(record.offset, 0);
	assert_false(consumer_gap(consumer, &gap));
	assert_int_equal(said, 1);
	record_release(&record);
	consumer_close(consumer);
	mock_close(&mock);
	kafka_log_to(NULL);
}

static void a_partition_that_is_read_from_its_beginning_is_told_before_its_records(void **state)
{
	(void)state;
	read_beyond_the_end(NULL);
}

/* Nothing else of librdkafka's is said then. */
static void it_is_told_though_librdkafka_is_to_log_nothing(void **state)
{
	(void)state;
	read_beyond_the_end("0");
	assert_int_equal(others, 0);
}

/* As one whose end is not waited for: it may write lines when its consumer has another client, or is closed. */
static rd_kafka_t *client_left_behind(struct consumer *consumer)
{
	char words[256];
	rd_kafka_conf_t *configuration = rd_kafka_conf_new();
	rd_kafka_conf_set_opaque(configuration, consumer);
	rd_kafka_t *client = rd_kafka_new(RD_KAFKA_CONSUMER, configuration, words, sizeof words);
	assert_non_null(client);
	return client;
}

static const char reset_line[] = "in [0]: offset reset (at offset 50, broker 1) to offset BEGINNING: why";

/* Reads partition 0 of `in`. */
static struct consumer *consumer_of(const struct mock *mock)
{
	static struct position assigned[] = {{0, 0, OFFSET_NONE}};
	struct error error = {0};
	const struct consumer_config config = {.brokers = mock->brokers,
					       .group = "test",
					       .topics = mock_in,
					       .topic_count = 1,
					       .assigned = {1, assigned},
					       .properties = mock_quick};
	struct consumer *consumer = consumer_open(&config, &error);
	assert_non_null(consumer);
	return consumer;
}

static void a_client_that_is_left_behind_tells_its_consumer_nothing(void **state)
{
	struct mock mock;
	struct gap gap = {0};
	(void)state;
	mock_open(&mock);
	struct consumer *consumer = consumer_of(&mock);
	rd_kafka_t *left = client_left_behind(consumer);
	consumer_on_log_line(left, 4, "OFFSET", reset_line);
	assert_false(consumer_gap(consumer, &gap));
	consumer_on_log_line(consumer_client(consumer), 4, "OFFSET", reset_line);
	assert_true(consumer_gap(consumer, &gap));
	consumer_close(consumer);
	kafka_log_to(&count_said_sink);
	others = 0;
	consumer_on_log_line(left, 4, "OFFSET", reset_line);
	consumer_on_log_line(left, 7, "FETCH", "what librdkafka does not log by default");
	assert_int_equal(others, 0);
	consumer_on_log_line(left, 4, "CONFWARN", "a line that anybody may write");
	assert_int_equal(others, 1);
	kafka_log_to(NULL);
	rd_kafka_destroy(left);
	mock_close(&mock);
}

/* A topic that was created again: all its partitions end before what was read, and are waited for together. */
static void resets_of_many_partitions_take_the_time_of_one(void **state)
{
	struct mock mock;
	struct gap gap = {0};
	(void)state;
	mock_open(&mock);
	struct consumer *consumer = consumer_of(&mock);
	for (int i = 0; i < 4; i++)
		consumer_on_log_line(consumer_client(consumer), 4, "OFFSET", reset_line);
	const int64_t begun_ms = clock_ms();
	for (int i = 0; i < 4; i++) {
		assert_true(consumer_gap(consumer, &gap));
		assert_int_equal(gap.to, 0);
	}
	assert_in_range(clock_ms() - begun_ms, 2500, 5900);
	consumer_close(consumer);
	mock_close(&mock);
}

#define LIST_OFFSETS 2 /* Kafka's number of that request */
#define SLOW_MS 350    /* of each: a request waits behind the fetch before it, up to fetch.wait.max.ms */

/* Else it would be asked again and again where the partition ends, and the requests in it were not read. */
static void a_slow_broker_is_heard_to_the_end(void **state)
{
	struct mock mock;
	struct gap gap = {0};
	(void)state;
	mock_open(&mock);
	struct consumer *consumer = consumer_of(&mock);
	for (int i = 0; i < 64; i++)
		assert_int_equal(rd_kafka_mock_broker_push_request_error_rtts(mock.cluster, 1, LIST_OFFSETS, (size_t)1,
									      RD_KAFKA_RESP_ERR_NO_ERROR, SLOW_MS),
				 RD_KAFKA_RESP_ERR_NO_ERROR);
	for (int i = 0; i < 3; i++)
		consumer_on_log_line(consumer_client(consumer), 4, "OFFSET", reset_line);
	for (int i = 0; i < 3; i++) {
		assert_true(consumer_gap(consumer, &gap));
		assert_int_equal(gap.to, 0);
	}
	consumer_close(consumer);
	mock_close(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_of_an_offset_reset_names_the_partition_and_the_offset),
		cmocka_unit_test(other_lines_are_none),
		cmocka_unit_test(a_gap_is_said_by_its_offsets),
		cmocka_unit_test(a_partition_that_is_read_from_its_beginning_is_told_before_its_records),
		cmocka_unit_test(it_is_told_though_librdkafka_is_to_log_nothing),
		cmocka_unit_test(a_client_that_is_left_behind_tells_its_consumer_nothing),
		cmocka_unit_test(resets_of_many_partitions_take_the_time_of_one),
		cmocka_unit_test(a_slow_broker_is_heard_to_the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
