/* start_offsets_test.c: Tests of a consumer whose group does not tell where its partitions begin. librdkafka then reads none of
 * them, and does not ask again, so the consumer does. On librdkafka's mock of a broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "kafka/consume/consumer_parts.h"
#include "kafka/kafka_log.h"
#include "net/loop.h"
#include "tests/unit/mock_broker.h"

#define OFFSET_FETCH 9
#define JOIN_GROUP 11
#define LASTS_MS 30000

static struct mock mock;
static struct consumer_config config;
static struct consumer *consumer;

static atomic_int lines;

static void count_line(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	atomic_fetch_add(&lines, strstr(line->message, "Kafka: nothing is committed for now: reading as a member of group g: "
						       "JoinGroup failed: ") != NULL);
}

static const struct log_sink count_line_sink = {count_line};

/* Attempts to join the group, as often as given, are in vain. */
static void stand_open(size_t joins_in_vain)
{
	struct error error = {0};
	mock_open(&mock);
	config = (struct consumer_config){
		.brokers = mock.brokers, .group = "g", .topics = mock_in, .topic_count = 1, .properties = mock_quick};
	mock_write(&mock, NULL, "first", NULL, NULL);
	mock_write(&mock, NULL, "second", NULL, NULL);
	mock_commit(&mock, "g", 1);
	for (size_t i = 0; i < joins_in_vain; i++)
		rd_kafka_mock_push_request_errors(mock.cluster, JOIN_GROUP, 1, RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL);
	consumer = consumer_open(&config, &error);
	assert_string_equal(error.text, "");
}

static int stand_begin(void **state)
{
	(void)state;
	stand_open(0);
	return 0;
}

static int stand_begin_without_group(void **state)
{
	(void)state;
	kafka_log_to(&count_line_sink);
	stand_open(10);
	return 0;
}

static int stand_end(void **state)
{
	(void)state;
	consumer_close(consumer);
	mock_close(&mock);
	return 0;
}

/* The next record, or one of OFFSET_NONE when a change waits to be accepted. */
static struct record record_take(void)
{
	struct error error = {0};
	struct record record = {.offset = OFFSET_NONE};
	struct positions changed;
	size_t count = 0;
	for (const int64_t until_ms = clock_ms() + MOCK_WAIT_MS; count == 0;) {
		struct pollfd bell = {.fd = consumer_bell(consumer), .events = POLLIN};
		if (consumer_change(consumer, &changed) != ASSIGNMENT_SAME)
			return record;
		assert_true(clock_ms() < until_ms);
		(void)poll(&bell, 1, 50);
		(void)bell_quiet(bell.fd);
		assert_true(consumer_take(consumer, &record, 1, &count, &error));
	}
	return record;
}

static void assert_begins_after(rd_kafka_resp_err_t code, size_t times)
{
	struct error error = {0};
	assert_int_equal(record_take().offset, OFFSET_NONE);
	for (size_t i = 0; i < times; i++)
		rd_kafka_mock_push_request_errors(mock.cluster, OFFSET_FETCH, 1, code);
	assert_true(consumer_accept(consumer, &error));
	struct record record = record_take();
	assert_int_equal(record.offset, 1);
	record_release(&record);
}

static void a_coordinator_that_has_moved_is_asked_again(void **state)
{
	(void)state;
	assert_begins_after(RD_KAFKA_RESP_ERR_NOT_COORDINATOR, 1);
}

static void a_coordinator_is_asked_until_it_is_there(void **state)
{
	(void)state;
	assert_begins_after(RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, 3);
}

/* As one that has just started, and has not heard of the topic. */
static void a_coordinator_that_does_not_know_the_topic_is_asked_again(void **state)
{
	(void)state;
	assert_begins_after(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, 1);
}

/* The right to the group is lost, and there again before its members are asked for anything else. */
static void a_group_that_was_denied_for_a_moment_is_asked_again(void **state)
{
	(void)state;
	assert_begins_after(RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, 1);
}

/* As after a transaction in doubt, while the group has not told yet where the partition begins. */
static void a_partition_that_has_not_begun_need_not_go_back(void **state)
{
	struct error error = {0};
	struct position committed = {0, 0, 1};
	(void)state;
	assert_int_equal(record_take().offset, OFFSET_NONE);
	rd_kafka_mock_push_request_errors(mock.cluster, OFFSET_FETCH, 1, RD_KAFKA_RESP_ERR_NOT_COORDINATOR);
	assert_true(consumer_accept(consumer, &error));
	assert_true(consumer_seek(consumer, (struct positions){1, &committed}, &error));
	struct record record = record_take();
	assert_int_equal(record.offset, 1);
	record_release(&record);
}

/* As when the group told of some partitions and not of others: those go on where they are. */
static void a_partition_that_is_read_goes_on_where_it_is(void **state)
{
	struct kafka_consumer *parts = (struct kafka_consumer *)consumer;
	struct error error = {0};
	size_t count;
	(void)state;
	assert_int_equal(record_take().offset, OFFSET_NONE);
	assert_true(consumer_accept(consumer, &error));
	struct record record = record_take();
	assert_int_equal(record.offset, 1);
	record_release(&record);
	parts->unbegun_ms = 1;
	assert_true(consumer_take(consumer, &record, 1, &count, &error));
	assert_int_equal(count, 0);
	assert_int_equal(parts->unbegun_ms, 0);
	mock_write(&mock, NULL, "third", NULL, NULL);
	record = record_take();
	assert_int_equal(record.offset, 2);
	record_release(&record);
}

/* As when another program uses the group's name. librdkafka tries again each second, and logs nothing. */
static void a_group_that_cannot_be_joined_for_long_is_logged(void **state)
{
	struct kafka_consumer *parts = (struct kafka_consumer *)consumer;
	struct error error = {0};
	struct record record;
	size_t count;
	(void)state;
	for (const int64_t until_ms = clock_ms() + MOCK_WAIT_MS; atomic_load(&lines) == 0;) {
		struct pollfd bell = {.fd = consumer_bell(consumer), .events = POLLIN};
		assert_true(clock_ms() < until_ms);
		(void)poll(&bell, 1, 50);
		(void)bell_quiet(bell.fd);
		assert_true(consumer_take(consumer, &record, 1, &count, &error));
		if (parts->hindrance.since_ms > 0)
			parts->hindrance.since_ms = clock_ms() - LASTS_MS; /* so long ago it failed first */
	}
	kafka_log_to(NULL);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, stand_begin, stand_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_coordinator_that_has_moved_is_asked_again),	 STORY(a_coordinator_is_asked_until_it_is_there),
		STORY(a_coordinator_that_does_not_know_the_topic_is_asked_again),
		STORY(a_group_that_was_denied_for_a_moment_is_asked_again),
		STORY(a_partition_that_has_not_begun_need_not_go_back),	 STORY(a_partition_that_is_read_goes_on_where_it_is),
		cmocka_unit_test_setup_teardown(a_group_that_cannot_be_joined_for_long_is_logged, stand_begin_without_group,
						stand_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
