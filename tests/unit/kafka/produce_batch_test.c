/* produce_batch_test.c: results that wait for each other leave whole and in their order, whatever
 * the producer takes of them at once. There is no broker, but in some
 * of them: what librdkafka took is seen when its queue is purged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "kafka/produce/produce_batch.h"

#define SEEN_MAX 1024
#define PARTITIONS 4
#define KEYS 13

struct stand {
	rd_kafka_t *client;
	rd_kafka_topic_t *items[2];
	struct topic_handles topics;
	struct produce_batch batch;
	size_t seen;
	int32_t partitions[SEEN_MAX];
	char values[SEEN_MAX][32];
};

static void on_report(rd_kafka_t *client, const rd_kafka_message_t *message, void *context)
{
	(void)client;
	struct stand *stand = context;
	assert_true(stand->seen < SEEN_MAX);
	stand->partitions[stand->seen] = message->partition;
	snprintf(stand->values[stand->seen++], sizeof *stand->values, "%.*s=%.*s", (int)message->key_len,
		 (const char *)message->key, message->len > 20 ? 3 : (int)message->len, (const char *)message->payload);
}

static void set(rd_kafka_conf_t *configuration, const char *name, const char *value)
{
	char words[256];
	assert_int_equal(rd_kafka_conf_set(configuration, name, value, words, sizeof words), 0);
}

static void stand_start_client(struct stand *stand, rd_kafka_conf_t *configuration)
{
	char words[256];
	*stand = (struct stand){0};
	set(configuration, "enable.idempotence", "true");
	set(configuration, "log_level", "0");
	rd_kafka_conf_set_opaque(configuration, stand);
	rd_kafka_conf_set_dr_msg_cb(configuration, on_report);
	stand->client = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, words, sizeof words);
	assert_non_null(stand->client);
}

static void stand_name_topics(struct stand *stand)
{
	for (size_t i = 0; i < 2; i++)
		stand->items[i] = rd_kafka_topic_new(stand->client, i ? "letters" : "answers", NULL);
	stand->topics = (struct topic_handles){.count = 2, .items = stand->items};
}

static void stand_open(struct stand *stand, const char *queue)
{
	rd_kafka_conf_t *configuration = rd_kafka_conf_new();
	set(configuration, "queue.buffering.max.messages", queue);
	stand_start_client(stand, configuration);
	stand_name_topics(stand);
}

/* What librdkafka has, as `key=value`, is told and gone. */
static void purge(struct stand *stand)
{
	assert_int_equal(rd_kafka_purge(stand->client, RD_KAFKA_PURGE_F_QUEUE), RD_KAFKA_RESP_ERR_NO_ERROR);
	while (rd_kafka_outq_len(stand->client) > 0)
		(void)rd_kafka_poll(stand->client, 10);
}

static void stand_close(struct stand *stand)
{
	purge(stand);
	rd_kafka_topic_destroy(stand->items[0]);
	rd_kafka_topic_destroy(stand->items[1]);
	rd_kafka_destroy(stand->client);
}

static enum produce_verdict put(struct stand *stand, uint32_t topic, struct text value, struct error *error)
{
	const struct outgoing record = {.topic = topic, .key = TEXT("k"), .value = value};
	return produce_batch_put(&stand->batch, stand->client, &stand->topics, &record, NULL, error);
}

static enum produce_verdict put_number(struct stand *stand, int number, struct error *error)
{
	char value[16];
	snprintf(value, sizeof value, "%d", number);
	return put(stand, 0, text_of(value), error);
}

static void expect_numbers(const struct stand *stand, size_t first, size_t count)
{
	char value[32];
	for (size_t i = 0; i < count; i++) {
		snprintf(value, sizeof value, "k=%zu", first + i);
		assert_string_equal(stand->values[i], value);
	}
	assert_int_equal(stand->seen, count);
}

static void short_ones_leave_together_and_in_their_order(void **state)
{
	(void)state;
	static struct stand stand;
	struct error error = {0};
	stand_open(&stand, "1000");
	for (int i = 0; i < 2 * PRODUCE_BATCH_RECORDS + 5; i++)
		assert_int_equal(put_number(&stand, i, &error), PRODUCED);
	assert_int_equal(rd_kafka_outq_len(stand.client), 2 * PRODUCE_BATCH_RECORDS);
	assert_int_equal(produce_batch_send(&stand.batch, &stand.topics, &error), PRODUCED);
	assert_int_equal(produce_batch_send(&stand.batch, &stand.topics, &error), PRODUCED);
	purge(&stand);
	expect_numbers(&stand, 0, 2 * PRODUCE_BATCH_RECORDS + 5);
	stand_close(&stand);
}

static void a_long_one_leaves_behind_those_before(void **state)
{
	(void)state;
	static struct stand stand;
	struct error error = {0};
	static char longer[2000];
	memset(longer, 'l', sizeof longer);
	stand_open(&stand, "1000");
	assert_int_equal(put(&stand, 0, TEXT("a"), &error), PRODUCED);
	assert_int_equal(rd_kafka_outq_len(stand.client), 0);
	assert_int_equal(put(&stand, 0, (struct text){longer, sizeof longer}, &error), PRODUCED);
	assert_int_equal(rd_kafka_outq_len(stand.client), 2);
	assert_int_equal(put(&stand, 0, TEXT("b"), &error), PRODUCED);
	assert_int_equal(put(&stand, 1, (struct text){longer, sizeof longer}, &error), PRODUCED); /* and those to other topics */
	assert_int_equal(rd_kafka_outq_len(stand.client), 4);
	stand_close(&stand);
}

static void topics_do_not_send_each_other_away(void **state)
{
	(void)state;
	static struct stand stand;
	struct error error = {0};
	stand_open(&stand, "1000");
	for (int i = 0; i < 2 * (PRODUCE_BATCH_RECORDS + 1); i++) {
		char value[16];
		snprintf(value, sizeof value, "%d", i);
		assert_int_equal(rd_kafka_outq_len(stand.client), i < 2 * PRODUCE_BATCH_RECORDS + 1 ? 0 : PRODUCE_BATCH_RECORDS);
		assert_int_equal(put(&stand, i % 2 ? 1 : 0, text_of(value), &error), PRODUCED);
	}
	assert_int_equal(rd_kafka_outq_len(stand.client), 2 * PRODUCE_BATCH_RECORDS);
	assert_int_equal(produce_batch_send(&stand.batch, &stand.topics, &error), PRODUCED);
	purge(&stand);
	assert_int_equal(stand.seen, 2 * (PRODUCE_BATCH_RECORDS + 1));
	int last[2] = {-1, -1};
	for (size_t i = 0; i < stand.seen; i++) {
		int number;
		assert_int_equal(sscanf(stand.values[i], "k=%d", &number), 1);
		assert_true(number > last[number % 2]);
		last[number % 2] = number;
	}
	stand_close(&stand);
}

/* What a full queue did not take of one topic stays in front of the next results, whatever part has those of another. */
static void a_full_queue_keeps_the_order_of_each_topic(void **state)
{
	(void)state;
	static struct stand stand;
	struct error error = {0};
	stand_open(&stand, "3");
	for (int i = 0; i < 5; i++)
		assert_int_equal(put_number(&stand, i, &error), PRODUCED);
	assert_int_equal(put(&stand, 1, TEXT("9"), &error), PRODUCED);
	assert_int_equal(produce_batch_send(&stand.batch, &stand.topics, &error), PRODUCE_FULL);
	purge(&stand);
	expect_numbers(&stand, 0, 3);
	stand.seen = 0;
	assert_int_equal(produce_batch_send(&stand.batch, &stand.topics, &error), PRODUCED);
	purge(&stand);
	assert_int_equal(stand.seen, 3);
	assert_string_equal(stand.values[0], "k=3");
	assert_string_equal(stand.values[1], "k=4");
	assert_string_equal(stand.values[2], "k=9");
	stand_close(&stand);
}

static void further_topics_take_the_part_with_the_most_results(void **state)
{
	(void)state;
	struct produce_batch_part parts[PRODUCE_BATCH_PARTS] = {0};
	const struct outgoing record = {.topic = 9};
	for (uint32_t i = 0; i < PRODUCE_BATCH_PARTS; i++) {
		const size_t index = produce_batch_part_of(parts, i);
		assert_int_equal(index, i);
		assert_true(produce_batch_joins(&parts[index], &(struct outgoing){.topic = i}));
		parts[index] = (struct produce_batch_part){.topic = i, .count = i == 2 ? 7 : 1};
	}
	assert_int_equal(produce_batch_part_of(parts, 3), 3);
	assert_int_equal(produce_batch_part_of(parts, 9), 2);
	assert_false(produce_batch_joins(&parts[2], &record));
	parts[1].count = 0;
	assert_int_equal(produce_batch_part_of(parts, 9), 1);
	assert_true(produce_batch_joins(&parts[1], &record));
}

static void what_a_full_queue_did_not_take_leaves_next(void **state)
{
	(void)state;
	static struct stand stand;
	struct error error = {0};
	stand_open(&stand, "3");
	for (int i = 0; i < 5; i++)
		assert_int_equal(put_number(&stand, i, &error), PRODUCED);
	assert_int_equal(produce_batch_send(&stand.batch, &stand.topics, &error), PRODUCE_FULL);
	assert_int_equal(produce_batch_send(&stand.batch, &stand.topics, &error), PRODUCE_FULL);
	purge(&stand);
	expect_numbers(&stand, 0, 3);
	stand.seen = 0;
	assert_int_equal(put_number(&stand, 5, &error), PRODUCED);
	assert_int_equal(produce_batch_send(&stand.batch, &stand.topics, &error), PRODUCED);
	purge(&stand);
	expect_numbers(&stand, 3, 3);
	stand_close(&stand);
}

static void a_full_queue_takes_no_more_than_a_batch(void **state)
{
	(void)state;
	static struct stand stand;
	struct error error = {0};
	int number = 0;
	stand_open(&stand, "3");
	while (put_number(&stand, number, &error) == PRODUCED)
		number++;
	assert_in_range(number, PRODUCE_BATCH_RECORDS, PRODUCE_BATCH_RECORDS + 3);
	for (int i = 0; i < 100 && produce_batch_send(&stand.batch, &stand.topics, &error) == PRODUCE_FULL; i++)
		purge(&stand);
	purge(&stand);
	expect_numbers(&stand, 0, (size_t)number);
	stand_close(&stand);
}

static void what_a_producer_at_its_end_did_not_take_is_lost_until_it_is_void(void **state)
{
	(void)state;
	static struct stand stand;
	struct error error = {0};
	stand_open(&stand, "1000");
	assert_int_equal(put_number(&stand, 0, &error), PRODUCED);
	rd_kafka_test_fatal_error(stand.client, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER, "its end");
	assert_int_equal(produce_batch_send(&stand.batch, &stand.topics, &error), PRODUCE_SPOILT);
	assert_true(stand.batch.lost);
	assert_int_equal(put_number(&stand, 1, &error), PRODUCE_SPOILT);
	assert_int_equal(produce_batch_send(&stand.batch, &stand.topics, &error), PRODUCE_SPOILT);
	assert_int_equal(error.kind, ERROR_SYSTEM);
	produce_batch_empty(&stand.batch);
	assert_false(stand.batch.lost);
	assert_int_equal(produce_batch_send(&stand.batch, &stand.topics, &error), PRODUCED);
	stand_close(&stand);
}

static int32_t partition_of_key(const char *pair, int32_t partitions)
{
	return rd_kafka_msg_partitioner_murmur2(NULL, pair, strcspn(pair, "="), partitions, NULL, NULL);
}

/* All in the partition of their key, and each key's in the order in which they were put. */
static void expect_by_partition(const struct stand *stand, size_t count, int32_t partitions)
{
	int last[KEYS];
	memset(last, -1, sizeof last);
	assert_int_equal(stand->seen, count);
	for (size_t i = 0; i < count; i++) {
		int key, number;
		assert_int_equal(sscanf(stand->values[i], "key-%d=%d", &key, &number), 2);
		assert_true(number > last[key]);
		last[key] = number;
		assert_int_equal(stand->partitions[i], partition_of_key(stand->values[i], partitions));
	}
}

static void put_keys(struct stand *stand, int count)
{
	struct error error = {0};
	for (int i = 0; i < count; i++) {
		char key[16], value[16];
		snprintf(key, sizeof key, "key-%d", i % KEYS);
		snprintf(value, sizeof value, "%d", i);
		const struct outgoing record = {.key = text_of(key), .value = text_of(value)};
		assert_int_equal(produce_batch_put(&stand->batch, stand->client, &stand->topics, &record, NULL, &error), PRODUCED);
	}
}

/* The broker is librdkafka's own, which makes topics of four partitions; but the answers have `partitions`. */
static void stand_open_with_broker(struct stand *stand, int partitions, const char *queue)
{
	rd_kafka_conf_t *configuration = rd_kafka_conf_new();
	set(configuration, "test.mock.num.brokers", "1");
	set(configuration, "queue.buffering.max.messages", queue);
	set(configuration, "partitioner", "murmur2_random"); /* without one there are no settings of topics yet */
	client_keep_partitions(configuration, (struct properties){0});
	stand_start_client(stand, configuration);
	rd_kafka_mock_cluster_t *cluster = rd_kafka_handle_mock_cluster(stand->client);
	/* Before anything names it: the broker makes what a client asks for. */
	assert_int_equal(rd_kafka_mock_topic_create(cluster, "answers", partitions, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
	stand_name_topics(stand);
}

static void deliver(struct stand *stand)
{
	assert_int_equal(rd_kafka_flush(stand->client, 10000), RD_KAFKA_RESP_ERR_NO_ERROR);
}

static void send_until_known(struct stand *stand, uint32_t topic)
{
	struct error error = {0};
	int partitions = 0;
	for (int tries = 0; partitions == 0 && tries < 2000; tries++) {
		assert_int_equal(put(stand, topic, TEXT("0"), &error), PRODUCED);
		enum produce_verdict verdict;
		while ((verdict = produce_batch_send(&stand->batch, &stand->topics, &error)) == PRODUCE_FULL)
			(void)rd_kafka_poll(stand->client, 10); /* the queue may be short, and the broker not be there yet */
		assert_int_equal(verdict, PRODUCED);
		partitions = client_partitions_seen();
		stand->seen = 0;
		(void)rd_kafka_poll(stand->client, 10);
	}
	assert_true(partitions > 0);
	deliver(stand);
	stand->seen = 0;
}

static void expect_known(int32_t partitions, int count)
{
	static struct stand stand;
	struct error error = {0};
	stand_open_with_broker(&stand, partitions, "1000");
	send_until_known(&stand, 0);
	put_keys(&stand, count);
	assert_int_equal(produce_batch_send(&stand.batch, &stand.topics, &error), PRODUCED);
	deliver(&stand);
	expect_by_partition(&stand, (size_t)count, partitions);
	stand_close(&stand);
}

/* A run of each partition, a lookup for each record, and few records. */
static void those_of_a_key_leave_for_its_partition_in_their_order(void **state)
{
	(void)state;
	expect_known(1, 100);
	expect_known(PARTITIONS, PRODUCE_BATCH_RECORDS);
	expect_known(100, 40);
	expect_known(PARTITIONS, 3);
}

static void those_of_a_partition_leave_in_their_order_by_and_by(void **state)
{
	(void)state;
	static struct stand stand;
	struct error error = {0};
	stand_open_with_broker(&stand, PARTITIONS, "7");
	send_until_known(&stand, 0);
	put_keys(&stand, 100);
	while (produce_batch_send(&stand.batch, &stand.topics, &error) == PRODUCE_FULL)
		deliver(&stand);
	deliver(&stand);
	expect_by_partition(&stand, 100, PARTITIONS);
	stand_close(&stand);
}

static void those_without_a_key_leave_by_the_partition_of_their_origin(void **state)
{
	(void)state;
	static struct stand stand;
	struct error error = {0};
	stand_open_with_broker(&stand, 2, "100");
	send_until_known(&stand, 0);
	for (int i = 0; i < 40; i++) {
		const struct position origin = {.partition = 3 - i % 4, .offset = i};
		const struct outgoing record = {.origin = origin, .value = i % 2 ? TEXT("0") : TEXT("1")};
		void *tag = tag_of(&origin, 0);
		assert_int_equal(produce_batch_put(&stand.batch, stand.client, &stand.topics, &record, tag, &error), PRODUCED);
	}
	assert_int_equal(produce_batch_send(&stand.batch, &stand.topics, &error), PRODUCED);
	deliver(&stand);
	assert_int_equal(stand.seen, 40);
	for (size_t i = 0; i < stand.seen; i++)
		assert_string_equal(stand.values[i], stand.partitions[i] == 0 ? "=0" : "=1");
	stand_close(&stand);
}

static void those_of_a_partition_stay_in_their_order_where_another_topic_has_more_of_them(void **state)
{
	(void)state;
	static struct stand stand;
	struct error error = {0};
	stand_open_with_broker(&stand, 1, "1000");
	send_until_known(&stand, 0);
	send_until_known(&stand, 1);
	assert_int_equal(client_partitions_seen(), PARTITIONS);
	put_keys(&stand, 100);
	assert_int_equal(produce_batch_send(&stand.batch, &stand.topics, &error), PRODUCED);
	deliver(&stand);
	assert_int_equal(stand.seen, 100);
	for (size_t i = 0; i < stand.seen; i++) {
		int key, number;
		assert_int_equal(sscanf(stand.values[i], "key-%d=%d", &key, &number), 2);
		assert_int_equal(number, i);
	}
	stand.seen = 0;
	stand_close(&stand);
}

static void what_goes_to_a_topic_that_is_not_known_is_not_sorted(void **state)
{
	(void)state;
	static struct stand stand;
	struct error error = {0};
	stand_open(&stand, "1000");
	put_keys(&stand, 100);
	assert_int_equal(produce_batch_send(&stand.batch, &stand.topics, &error), PRODUCED);
	purge(&stand);
	for (size_t i = 0; i < stand.seen; i++) {
		int key, number;
		assert_int_equal(sscanf(stand.values[i], "key-%d=%d", &key, &number), 2);
		assert_int_equal(number, i);
	}
	assert_int_equal(stand.seen, 100);
	stand_close(&stand);
}

static void a_result_without_a_key_goes_to_its_partition_modulo_how_many_there_are(void **state)
{
	(void)state;
	for (int32_t partition = 0; partition < 20; partition++) {
		const struct position origin = {.partition = partition, .offset = 5};
		for (int32_t count = 1; count < 9; count++)
			assert_int_equal(client_partition(NULL, 0, tag_of(&origin, 1), count), partition % count);
	}
}

static void a_tombstone_stays_one(void **state)
{
	(void)state;
	static struct stand stand;
	struct error error = {0};
	stand_open(&stand, "10");
	assert_int_equal(put(&stand, 0, (struct text){0}, &error), PRODUCED);
	assert_null(stand.batch.rooms[0].messages[0].payload);
	assert_non_null(stand.batch.rooms[0].messages[0].key);
	stand_close(&stand);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(short_ones_leave_together_and_in_their_order),
		cmocka_unit_test(a_long_one_leaves_behind_those_before),
		cmocka_unit_test(topics_do_not_send_each_other_away),
		cmocka_unit_test(a_full_queue_keeps_the_order_of_each_topic),
		cmocka_unit_test(further_topics_take_the_part_with_the_most_results),
		cmocka_unit_test(what_a_full_queue_did_not_take_leaves_next),
		cmocka_unit_test(a_full_queue_takes_no_more_than_a_batch),
		cmocka_unit_test(what_a_producer_at_its_end_did_not_take_is_lost_until_it_is_void),
		cmocka_unit_test(those_of_a_key_leave_for_its_partition_in_their_order),
		cmocka_unit_test(those_of_a_partition_leave_in_their_order_by_and_by),
		cmocka_unit_test(those_without_a_key_leave_by_the_partition_of_their_origin),
		cmocka_unit_test(those_of_a_partition_stay_in_their_order_where_another_topic_has_more_of_them),
		cmocka_unit_test(what_goes_to_a_topic_that_is_not_known_is_not_sorted),
		cmocka_unit_test(a_result_without_a_key_goes_to_its_partition_modulo_how_many_there_are),
		cmocka_unit_test(a_tombstone_stays_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
