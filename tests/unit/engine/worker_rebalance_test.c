/* worker_rebalance_test.c: Test of a worker whose stages go while its group rebalances, against the mock of a broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tests/unit/worker_stand.h"

#define PARTITIONS 4
#define REBALANCE_WAIT_MS 30000 /* the mock waits 3 s for members */

static const char *const many[] = {"many"};

static rd_kafka_t *other_join(const struct stand *stand)
{
	const struct property settings[] = {
		{"bootstrap.servers", stand->mock.brokers}, {"group.id", "test"}, {"heartbeat.interval.ms", "200"}};
	rd_kafka_conf_t *configuration = rd_kafka_conf_new();
	char reason[200];
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
		assert_int_equal(rd_kafka_conf_set(configuration, settings[i].name, settings[i].value, reason, sizeof reason),
				 RD_KAFKA_CONF_OK);
	rd_kafka_t *other = rd_kafka_new(RD_KAFKA_CONSUMER, configuration, reason, sizeof reason);
	rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(1);
	assert_non_null(other);
	rd_kafka_poll_set_consumer(other);
	rd_kafka_topic_partition_list_add(topics, many[0], RD_KAFKA_PARTITION_UA);
	assert_int_equal(rd_kafka_subscribe(other, topics), RD_KAFKA_RESP_ERR_NO_ERROR);
	rd_kafka_topic_partition_list_destroy(topics);
	return other;
}

static int other_partitions(rd_kafka_t *other)
{
	rd_kafka_topic_partition_list_t *given = NULL;
	rd_kafka_message_t *message = rd_kafka_consumer_poll(other, 10);
	if (message)
		rd_kafka_message_destroy(message);
	assert_int_equal(rd_kafka_assignment(other, &given), RD_KAFKA_RESP_ERR_NO_ERROR);
	int count = given->cnt;
	rd_kafka_topic_partition_list_destroy(given);
	return count;
}

static bool worker_waits(const struct stand *stand, bool has_partitions, rd_kafka_t *other)
{
	const int64_t end_ms = clock_ms() + REBALANCE_WAIT_MS;
	while (worker_has_partitions(stand->running.worker) != has_partitions && clock_ms() < end_ms) {
		if (other)
			(void)other_partitions(other);
		else
			nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	return worker_has_partitions(stand->running.worker) == has_partitions;
}

/* librdkafka leaves the group after the rebalance, if the worker serves that. Else another member would not get the worker's
 * partitions, and a group that is to follow this one would wait for ever. */
static void without_stages_it_still_takes_part_in_a_rebalance(void **state)
{
	struct stand *stand = *state;
	stand_configure(stand, "  - name: twice\n    expression: {set: {x: x * 2}}\n  output: {steps: [twice]}\n");
	rd_kafka_mock_topic_create(stand->mock.cluster, many[0], PARTITIONS, 1);
	stand->config.setup.reads.names = many;
	stand->config.consumer.assigned.count = 0;
	struct worker_setup empty = stand->config.setup;
	empty.stage_count = 0;
	stand_start(stand);
	assert_true(worker_waits(stand, true, NULL));
	rd_kafka_t *other = other_join(stand);
	assert_true(worker_waits(stand, false, other));
	worker_reload(stand->running.worker, &empty);
	const int64_t end_ms = clock_ms() + REBALANCE_WAIT_MS;
	while (other_partitions(other) < PARTITIONS)
		assert_true(clock_ms() < end_ms);
	rd_kafka_consumer_close(other);
	rd_kafka_destroy(other);
	(void)stand_stop(stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {STORY(without_stages_it_still_takes_part_in_a_rebalance)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
