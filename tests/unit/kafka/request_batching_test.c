/* request_batching_test.c: records that wait while Kafka is busy with others, against the mock of a broker that takes its time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/memory.h"
#include "kafka/produce/request_batching.h"
#include "tests/unit/mock_broker.h"

#define SLOW_MS 400 /* in which the broker acknowledges nothing: longer than a busy machine stops a test */

struct batching_stand {
	struct mock mock;
	struct loop *loop;
	struct request_batching *batching;
	rd_kafka_t *client;
	rd_kafka_topic_t *out;
	size_t reports, refused;
	uint64_t refused_number;
	uint64_t next; /* number of the next record */
};

static void on_report(rd_kafka_t *client, const rd_kafka_message_t *message, void *context)
{
	struct batching_stand *stand = context;
	(void)client;
	request_batching_note_report(stand->batching, message);
	stand->reports++;
}

static void on_refused(void *context, uint64_t number)
{
	struct batching_stand *stand = context;
	stand->refused++;
	stand->refused_number = number;
}

static void client_start(struct batching_stand *stand, const char *queue_records)
{
	char words[256];
	const struct property settings[] = {{"bootstrap.servers", stand->mock.brokers},
					    {"linger.ms", "0"},
					    {"enable.idempotence", "true"},
					    {"queue.buffering.max.messages", queue_records}};
	rd_kafka_conf_t *configuration = rd_kafka_conf_new();
	for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++)
		assert_int_equal(rd_kafka_conf_set(configuration, settings[i].name, settings[i].value, words, sizeof words), 0);
	rd_kafka_conf_set_opaque(configuration, stand);
	rd_kafka_conf_set_dr_msg_cb(configuration, on_report);
	stand->batching = request_batching_open(configuration, stand->loop, on_refused, stand);
	assert_non_null(stand->batching);
	stand->client = rd_kafka_new(RD_KAFKA_PRODUCER, configuration, words, sizeof words);
	assert_non_null(stand->client);
	stand->out = rd_kafka_topic_new(stand->client, "out", NULL);
}

static enum produce_verdict produce(struct batching_stand *stand, size_t bytes)
{
	struct error error = {0};
	char *value = memory_take(bytes, 1), header[24];
	const uint64_t number = ++stand->next;
	assert_non_null(value);
	(void)snprintf(value, bytes, "%llu", (unsigned long long)number);
	(void)snprintf(header, sizeof header, "h%llu", (unsigned long long)number);
	const struct header headers[] = {{TEXT("first"), text_of(header)}, {TEXT("second"), TEXT("2")}};
	const struct outgoing record = {.key = TEXT("k"), .value = {value, bytes}, .headers = {2, headers}};
	enum produce_verdict verdict =
		request_batching_produce(stand->batching, stand->client, stand->out, &record, number, &error);
	memset(value, 'x', bytes);
	memory_give(value);
	return verdict;
}

static void produce_many(struct batching_stand *stand, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_int_equal(produce(stand, 24), PRODUCED);
}

static void await_reports(struct batching_stand *stand, size_t count)
{
	const int64_t until_ms = clock_ms() + MOCK_WAIT_MS;
	while (stand->reports < count) {
		(void)rd_kafka_poll(stand->client, 5);
		assert_true(clock_ms() < until_ms);
	}
}

static void turn_for(struct batching_stand *stand, int64_t wait_ms)
{
	struct error error = {0};
	for (int64_t until_ms = clock_ms() + wait_ms; clock_ms() < until_ms;)
		assert_true(loop_turn(stand->loop, 1, &error));
}

/* The records that are in `out`, the first ones, in the order in which they were produced, with what they had. */
static void expect_in_order(struct batching_stand *stand, size_t count)
{
	for (size_t i = 1; i <= count; i++) {
		char expected[24];
		const void *value;
		size_t length;
		rd_kafka_headers_t *headers;
		const rd_kafka_message_t *message = mock_read(&stand->mock);
		(void)snprintf(expected, sizeof expected, "%zu", i);
		assert_string_equal(message->payload, expected);
		assert_int_equal(message->key_len, 1);
		assert_int_equal(rd_kafka_message_headers(message, &headers), RD_KAFKA_RESP_ERR_NO_ERROR);
		assert_int_equal(rd_kafka_header_get_last(headers, "first", &value, &length), RD_KAFKA_RESP_ERR_NO_ERROR);
		assert_int_equal(length, strlen(expected) + 1);
		assert_memory_equal((const char *)value + 1, expected, length - 1);
	}
}

static int stand_open(void **state)
{
	static struct batching_stand stand;
	struct error error = {0};
	stand = (struct batching_stand){0};
	mock_open(&stand.mock);
	stand.loop = loop_open(&error);
	assert_non_null(stand.loop);
	client_start(&stand, "100000");
	produce_many(&stand, 1); /* connects */
	await_reports(&stand, 1);
	*state = &stand;
	return 0;
}

static void client_stop(struct batching_stand *stand)
{
	request_batching_close(stand->batching);
	stand->batching = NULL;
	(void)rd_kafka_purge(stand->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
	rd_kafka_topic_destroy(stand->out);
	rd_kafka_destroy(stand->client);
}

static int stand_close(void **state)
{
	struct batching_stand *stand = *state;
	client_stop(stand);
	loop_close(stand->loop);
	mock_close(&stand->mock);
	return 0;
}

static void be_slow(struct batching_stand *stand, int milliseconds)
{
	rd_kafka_mock_broker_set_rtt(stand->mock.cluster, 1, milliseconds);
}

static void a_record_leaves_at_once_while_few_are_on_their_way(void **state)
{
	struct batching_stand *stand = *state;
	be_slow(stand, SLOW_MS * 10);
	for (size_t i = 0; i < REQUEST_BATCHING_AHEAD; i++) {
		produce_many(stand, 1);
		assert_int_equal(request_batching_count(stand->batching), 0);
	}
	produce_many(stand, 1);
	assert_int_equal(request_batching_count(stand->batching), 1);
}

static void a_record_at_a_time_is_never_batched(void **state)
{
	struct batching_stand *stand = *state;
	for (size_t i = 0; i < 20; i++) {
		produce_many(stand, 1);
		assert_int_equal(request_batching_count(stand->batching), 0);
		await_reports(stand, i + 2);
	}
	expect_in_order(stand, 21);
}

/* The loop stands still, so no timer lets them leave. */
static void batched_records_leave_in_order_when_kafka_has_acknowledged_others(void **state)
{
	struct batching_stand *stand = *state;
	be_slow(stand, SLOW_MS);
	produce_many(stand, 40);
	assert_true(request_batching_count(stand->batching) >= 40 - REQUEST_BATCHING_AHEAD);
	await_reports(stand, 41);
	assert_int_equal(request_batching_count(stand->batching), 0);
	expect_in_order(stand, 41);
}

/* An acknowledgement of few others does not let records leave, while a batch is on its way behind which they would wait. */
static void batched_records_stay_until_the_batch_before_them_is_acknowledged(void **state)
{
	struct batching_stand *stand = *state;
	const int64_t until_ms = clock_ms() + MOCK_WAIT_MS;
	be_slow(stand, SLOW_MS * 5);
	produce_many(stand, 1);
	for (const int64_t half_ms = clock_ms() + (int64_t)SLOW_MS * 5 / 2; clock_ms() < half_ms;)
		(void)rd_kafka_poll(stand->client, 20);
	produce_many(stand, REQUEST_BATCHING_AHEAD - 1 + 20);
	assert_int_equal(request_batching_count(stand->batching), 20);
	while (request_batching_count(stand->batching) > 0 && clock_ms() < until_ms)
		(void)rd_kafka_poll(stand->client, 5);
	produce_many(stand, 10);
	await_reports(stand, 1 + REQUEST_BATCHING_AHEAD);
	assert_int_equal(request_batching_count(stand->batching), 10);
}

static void batched_records_wait_for_a_slow_broker_only_so_long(void **state)
{
	struct batching_stand *stand = *state;
	be_slow(stand, SLOW_MS * 10);
	produce_many(stand, 10);
	assert_true(request_batching_count(stand->batching) > 0);
	turn_for(stand, (int64_t)REQUEST_BATCHING_MS * 4);
	assert_int_equal(request_batching_count(stand->batching), 0);
	(void)rd_kafka_poll(stand->client, 0);
	assert_int_equal(stand->reports, 1);
}

/* librdkafka polls without a pause for as long as a record that it has may not leave. */
static void a_record_that_waits_costs_no_processor_time(void **state)
{
	struct batching_stand *stand = *state;
	be_slow(stand, SLOW_MS);
	const clock_t before = clock();
	produce_many(stand, 64);
	const int64_t until_ms = clock_ms() + (int64_t)SLOW_MS * 3 / 4;
	while (clock_ms() < until_ms)
		(void)rd_kafka_poll(stand->client, 20);
	assert_int_equal(stand->reports, 1);
	assert_true((clock() - before) * 1000 / CLOCKS_PER_SEC < SLOW_MS / 4);
}

static void a_larger_record_leaves_at_once_after_those_before_it(void **state)
{
	struct batching_stand *stand = *state;
	be_slow(stand, SLOW_MS);
	produce_many(stand, 10);
	assert_true(request_batching_count(stand->batching) > 0);
	assert_int_equal(produce(stand, REQUEST_BATCHING_RECORD_BYTES + 1), PRODUCED);
	assert_int_equal(request_batching_count(stand->batching), 0);
	await_reports(stand, 12);
	expect_in_order(stand, 12);
}

static void so_many_records_are_batched_and_further_ones_leave_with_them(void **state)
{
	struct batching_stand *stand = *state;
	be_slow(stand, SLOW_MS);
	produce_many(stand, REQUEST_BATCHING_AHEAD + REQUEST_BATCHING_RECORDS);
	assert_int_equal(request_batching_count(stand->batching), REQUEST_BATCHING_RECORDS);
	produce_many(stand, 1);
	assert_int_equal(request_batching_count(stand->batching), 0);
	be_slow(stand, 0);
	await_reports(stand, stand->next);
	expect_in_order(stand, stand->next);
}

static void so_many_bytes_are_batched(void **state)
{
	struct batching_stand *stand = *state;
	const size_t bytes = REQUEST_BATCHING_RECORD_BYTES - 64, most = REQUEST_BATCHING_BYTES / bytes;
	be_slow(stand, SLOW_MS * 10);
	produce_many(stand, REQUEST_BATCHING_AHEAD);
	for (size_t i = 0; i < most; i++) {
		assert_int_equal(produce(stand, bytes), PRODUCED);
		assert_int_equal(request_batching_count(stand->batching), i + 1);
	}
	assert_int_equal(produce(stand, bytes), PRODUCED);
	assert_int_equal(request_batching_count(stand->batching), 0);
}

static void a_batched_record_that_the_producer_refuses_is_reported(void **state)
{
	struct batching_stand *stand = *state;
	client_stop(stand);
	client_start(stand, "4");
	be_slow(stand, SLOW_MS * 10);
	produce_many(stand, REQUEST_BATCHING_AHEAD + 1);
	assert_int_equal(request_batching_count(stand->batching), 1);
	turn_for(stand, (int64_t)REQUEST_BATCHING_MS * 4);
	assert_int_equal(request_batching_count(stand->batching), 0);
	assert_int_equal(stand->refused, 1);
	assert_int_equal(stand->refused_number, stand->next);
	assert_int_equal(produce(stand, 24), PRODUCED);
	assert_int_equal(request_batching_count(stand->batching), 1);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, stand_open, stand_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(a_record_leaves_at_once_while_few_are_on_their_way),
		STORY(a_record_at_a_time_is_never_batched),
		STORY(batched_records_leave_in_order_when_kafka_has_acknowledged_others),
		STORY(batched_records_stay_until_the_batch_before_them_is_acknowledged),
		STORY(batched_records_wait_for_a_slow_broker_only_so_long),
		STORY(a_record_that_waits_costs_no_processor_time),
		STORY(a_larger_record_leaves_at_once_after_those_before_it),
		STORY(so_many_records_are_batched_and_further_ones_leave_with_them),
		STORY(so_many_bytes_are_batched),
		STORY(a_batched_record_that_the_producer_refuses_is_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
