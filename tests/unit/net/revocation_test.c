/* revocation_test.c: Tests of what a consumer makes of an assignment that comes before it has given its partitions up, as
 * librdkafka's callback tells it, on librdkafka's mock of a broker. tests/unit/contract.c has the same on a real Kafka. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>

#include "base/clock.h"
#include "kafka/consume/consumer_parts.h"
#include "net/loop.h"
#include "tests/unit/mock_broker.h"

static const char *const both[] = {"in", "out"};

static struct mock mock;
static struct consumer_config config;
static struct consumer *consumer;

static enum assignment_change change_now(size_t *count)
{
	struct positions changed;
	const enum assignment_change change = consumer_change(consumer, &changed);
	*count = changed.count;
	return change;
}

static void wait_until_given(size_t wanted)
{
	struct error error = {0};
	size_t taken, count;
	for (const int64_t until_ms = clock_ms() + MOCK_WAIT_MS; change_now(&count) != ASSIGNMENT_GIVEN;) {
		struct pollfd bell = {.fd = consumer_bell(consumer), .events = POLLIN};
		struct record record;
		assert_true(clock_ms() < until_ms);
		(void)poll(&bell, 1, 50);
		(void)bell_quiet(bell.fd);
		assert_true(consumer_take(consumer, &record, 1, &taken, &error));
	}
	assert_int_equal(count, wanted);
	assert_true(consumer_accept(consumer, &error));
}

static int stand_begin(void **state)
{
	struct error error = {0};
	(void)state;
	mock_open(&mock);
	config = (struct consumer_config){
		.brokers = mock.brokers, .group = "g", .topics = both, .topic_count = 2, .properties = mock_quick};
	consumer = consumer_open(&config, &error);
	assert_string_equal(error.text, "");
	wait_until_given(2);
	return 0;
}

static int stand_end(void **state)
{
	(void)state;
	consumer_close(consumer);
	consumer = NULL;
	mock_close(&mock);
	return 0;
}

/* The callback of librdkafka, with partition 0 of each topic. */
static void group_says(rd_kafka_resp_err_t code, const char *const *topics, size_t count)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
	for (size_t i = 0; i < count; i++)
		rd_kafka_topic_partition_list_add(list, topics[i], 0);
	consumer_on_rebalance(consumer_client(consumer), code, list, consumer);
	rd_kafka_topic_partition_list_destroy(list);
}

static void assert_change(enum assignment_change wanted, size_t wanted_count)
{
	size_t count;
	assert_int_equal(change_now(&count), wanted);
	assert_int_equal(count, wanted_count);
	assert_int_equal(consumer_has_lost(consumer), wanted == ASSIGNMENT_LOST);
}

static void partitions_that_come_back_may_be_committed(void **state)
{
	(void)state;
	group_says(RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS, both, 2);
	assert_change(ASSIGNMENT_TAKEN, 2);
	group_says(RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS, (const char *const[]){"out", "in"}, 2);
	assert_change(ASSIGNMENT_TAKEN, 2);
	assert_true(consumer_accept(consumer, &(struct error){0}));
	wait_until_given(2);
}

static void partitions_of_which_one_does_not_come_back_are_lost(void **state)
{
	(void)state;
	group_says(RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS, both, 2);
	group_says(RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS, both, 1);
	assert_change(ASSIGNMENT_LOST, 2);
	/* Another member has had it: that it comes back later changes nothing. */
	group_says(RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS, both, 2);
	assert_change(ASSIGNMENT_LOST, 2);
	assert_true(consumer_accept(consumer, &(struct error){0}));
	assert_false(consumer_has_lost(consumer));
	wait_until_given(2);
}

/* librdkafka revokes nothing when it joined again while it waited for the acceptance. */
static void partitions_that_are_given_over_others_are_lost(void **state)
{
	(void)state;
	group_says(RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS, both, 2);
	assert_change(ASSIGNMENT_LOST, 2);
	assert_true(consumer_accept(consumer, &(struct error){0}));
	wait_until_given(2);
}

/* librdkafka keeps a partition paused over a revocation. */
static void a_partition_that_was_paused_is_read_when_it_comes_back(void **state)
{
	(void)state;
	struct position paused[] = {{0, 0, OFFSET_NONE}, {1, 0, OFFSET_NONE}};
	struct error error = {0};
	struct record record;
	size_t taken = 0;
	assert_true(consumer_pause(consumer, (struct positions){2, paused}, true, &error));
	group_says(RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS, both, 2);
	assert_true(consumer_accept(consumer, &error));
	mock_write(&mock, NULL, "value", NULL, NULL);
	group_says(RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS, both, 2);
	assert_true(consumer_accept(consumer, &error));
	for (const int64_t until_ms = clock_ms() + MOCK_WAIT_MS; taken == 0;) {
		struct pollfd bell = {.fd = consumer_bell(consumer), .events = POLLIN};
		assert_true(clock_ms() < until_ms);
		(void)poll(&bell, 1, 50);
		(void)bell_quiet(bell.fd);
		assert_true(consumer_take(consumer, &record, 1, &taken, &error));
	}
	record_release(&record);
}

#define REVOCATION(name) cmocka_unit_test_setup_teardown(name, stand_begin, stand_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		REVOCATION(partitions_that_come_back_may_be_committed),
		REVOCATION(partitions_of_which_one_does_not_come_back_are_lost),
		REVOCATION(partitions_that_are_given_over_others_are_lost),
		REVOCATION(a_partition_that_was_paused_is_read_when_it_comes_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
