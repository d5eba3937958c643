/* moved_partitions_test.c: Tests of a consumer that is given partitions that were moved to another group, on librdkafka's
 * mock of a broker. That an engine which was frozen reads none is shown on a real Kafka, by tests/kafka/moving.sh. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "kafka/client.h"
#include "kafka/consume/consumer.h"
#include "kafka/kafka_log.h"
#include "kafka/consume/assignment_check.h"
#include "net/loop.h"
#include "tests/unit/mock_broker.h"

#define PAUSE_MS 500   /* for a change that must not come */

static struct mock mock;
static struct consumer *consumer;
static size_t said;

static void count_said(const struct log_sink *sink, const struct log_line *line)
{
	(void)sink;
	said += strstr(line->message,
		       "in-0 is not read by group former, nor are 0 more partitions: group new reads on since") != NULL;
}

static const struct log_sink count_said_sink = {count_said};

static atomic_bool kafka_is_silent; /* about what was committed */
static atomic_int asked, answer_ms; /* the time that an answer takes */

rd_kafka_resp_err_t rd_kafka_committed(rd_kafka_t *rk, rd_kafka_topic_partition_list_t *partitions, int timeout_ms)
{
	rd_kafka_resp_err_t (*committed)(rd_kafka_t *, rd_kafka_topic_partition_list_t *, int);
	void *found = dlsym(RTLD_NEXT, "rd_kafka_committed");
	memcpy(&committed, &found, sizeof committed);
	atomic_fetch_add(&asked, 1);
	return atomic_load(&kafka_is_silent) || timeout_ms < atomic_load(&answer_ms) ? RD_KAFKA_RESP_ERR__TIMED_OUT
										     : committed(rk, partitions, timeout_ms);
}

static int stand_open(void **state)
{
	(void)state;
	said = 0;
	atomic_store(&asked, 0);
	atomic_store(&answer_ms, 0);
	atomic_store(&kafka_is_silent, false);
	kafka_log_to(&count_said_sink);
	mock_open(&mock);
	mock_write(&mock, "k", "zero", "colour", "red");
	return 0;
}

static int stand_close(void **state)
{
	(void)state;
	consumer_close(consumer);
	consumer = NULL;
	mock_close(&mock);
	kafka_log_to(NULL);
	return 0;
}

static void join(void)
{
	static struct consumer_config config;
	struct error error = {0};
	config = (struct consumer_config){
		.brokers = mock.brokers, .group = "former", .topics = mock_in, .topic_count = 1, .properties = mock_quick};
	consumer = consumer_open(&config, &error);
	assert_string_equal(error.text, "");
}

/* The records that came meanwhile. */
static size_t turn(void)
{
	struct error error = {0};
	struct record record;
	size_t count;
	struct pollfd descriptor = {.fd = consumer_bell(consumer), .events = POLLIN};
	(void)poll(&descriptor, 1, 50);
	(void)bell_quiet(descriptor.fd);
	assert_true(consumer_take(consumer, &record, 1, &count, &error));
	if (count > 0)
		record_release(&record);
	return count;
}

/* Accepts what comes until partitions are given; how many. */
static size_t wait_until_given(void)
{
	const int64_t until_ms = clock_ms() + MOCK_WAIT_MS;
	struct error error = {0};
	struct positions changed;
	for (;;) {
		assert_true(clock_ms() < until_ms);
		(void)turn();
		const enum assignment_change change = consumer_change(consumer, &changed);
		const size_t count = changed.count;
		if (change != ASSIGNMENT_SAME)
			assert_true(consumer_accept(consumer, &error));
		if (change == ASSIGNMENT_GIVEN)
			return count;
	}
}

static void wait_for_a_record(void)
{
	const int64_t until_ms = clock_ms() + MOCK_WAIT_MS;
	while (turn() == 0)
		assert_true(clock_ms() < until_ms);
}

static void a_partition_without_a_mark_is_read(void **state)
{
	(void)state;
	mock_commit_with(&mock, "former", 0, "sluice state id=00000000000000ff end=12 changelog=p.state");
	join();
	assert_int_equal(wait_until_given(), 1);
	wait_for_a_record();
	assert_int_equal(said, 0);
}

/* As a member: the mock takes no commit of others while the group has one. */
static void move_back(void)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, "in", 0)->offset = 0;
	assert_int_equal(rd_kafka_commit(consumer_client(consumer), list, 0), RD_KAFKA_RESP_ERR_NO_ERROR);
	rd_kafka_topic_partition_list_destroy(list);
}

static void a_moved_partition_is_not_read_until_it_is_moved_back(void **state)
{
	(void)state;
	mock_commit_with(&mock, "former", 0, "sluice moved to=new");
	join();
	assert_int_equal(wait_until_given(), 0);
	assert_int_equal(said, 1);
	for (const int64_t until_ms = clock_ms() + PAUSE_MS; clock_ms() < until_ms;)
		assert_int_equal(turn(), 0);
	move_back();
	assert_int_equal(wait_until_given(), 1);
	wait_for_a_record();
	assert_int_equal(said, 1);
}

/* Joins, and is given a partition of which it is not known whether it was moved. */
static void join_in_silence(void)
{
	struct positions changed;
	atomic_store(&kafka_is_silent, true);
	join();
	for (const int64_t until_ms = clock_ms() + MOCK_WAIT_MS; atomic_load(&asked) < 2;) {
		assert_int_equal(turn(), 0);
		assert_true(clock_ms() < until_ms);
	}
	for (const int64_t until_ms = clock_ms() + PAUSE_MS; clock_ms() < until_ms;) {
		assert_int_equal(turn(), 0);
		assert_int_equal(consumer_change(consumer, &changed), ASSIGNMENT_SAME);
	}
}

static void nothing_is_given_before_kafka_has_answered(void **state)
{
	(void)state;
	join_in_silence();
	atomic_store(&kafka_is_silent, false);
	assert_int_equal(wait_until_given(), 1);
	wait_for_a_record();
}

static void a_slow_kafka_is_waited_for(void **state)
{
	(void)state;
	atomic_store(&answer_ms, 1500);
	join();
	assert_int_equal(wait_until_given(), 1);
	wait_for_a_record();
}

/* Topics can be followed again when the change is accepted. */
static void a_consumer_says_that_it_asks(void **state)
{
	static const bool read[] = {true};
	const struct consumer_topics topics = {mock_in, 1, read};
	struct error error = {0};
	(void)state;
	join_in_silence();
	assert_true(consumer_is_checking(consumer));
	atomic_store(&kafka_is_silent, false);
	assert_int_equal(wait_until_given(), 1);
	assert_false(consumer_is_checking(consumer));
	assert_true(consumer_follow(consumer, &topics, &error));
	assert_int_equal(wait_until_given(), 1);
	wait_for_a_record();
}

static void a_consumer_is_closed_while_it_asks(void **state)
{
	(void)state;
	join_in_silence();
	const int64_t began_ms = clock_ms();
	consumer_close(consumer);
	consumer = NULL;
	assert_true(clock_ms() - began_ms < ASSIGNMENT_CHECK_LOOK_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_partition_without_a_mark_is_read, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(a_moved_partition_is_not_read_until_it_is_moved_back, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(nothing_is_given_before_kafka_has_answered, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(a_slow_kafka_is_waited_for, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(a_consumer_says_that_it_asks, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(a_consumer_is_closed_while_it_asks, stand_open, stand_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
