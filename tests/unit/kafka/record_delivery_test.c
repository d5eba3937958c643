/* record_delivery_test.c: Tests of the delivery of an array of records, on a Kafka in the process: what is refused for good hinders
 * no other, and the call ends when it is told to stop. */
#include "kafka/produce/record_delivery.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "tests/unit/mock_broker.h"

#define PRODUCE 0
#define LONG_MS (3 * MOCK_WAIT_MS)
#define DRAIN_MS 300

static struct mock mock;
static struct {
	size_t count, index;
	char reason[ERROR_TEXT_MAX];
} rejections;

static void on_rejected(void *context, size_t index, const char *reason)
{
	assert_ptr_equal(context, &rejections);
	rejections.count++;
	rejections.index = index;
	(void)snprintf(rejections.reason, sizeof rejections.reason, "%s", reason);
}

static struct record_delivery delivery(void)
{
	return (struct record_delivery){.brokers = mock.brokers,
					.topic = "out",
					.properties = mock_quick,
					.timeout_ms = LONG_MS,
					.rejected = on_rejected,
					.context = &rejections};
}

static int broker_setup(void **state)
{
	(void)state;
	mock_open(&mock);
	memset(&rejections, 0, sizeof rejections);
	return 0;
}

static int broker_teardown(void **state)
{
	(void)state;
	mock_close(&mock);
	return 0;
}

static void expect_read(const char *key, const char *value)
{
	const rd_kafka_message_t *message = mock_read(&mock);
	assert_true(text_is((struct text){message->key, message->key_len}, key));
	if (value)
		assert_true(text_is((struct text){message->payload, message->len}, value));
	else
		assert_null(message->payload);
}

static void records_arrive_in_their_order_and_a_tombstone_without_bytes(void **state)
{
	(void)state;
	const struct outgoing records[] = {
		{.key = TEXT("a"), .value = TEXT("1")}, {.key = TEXT("b"), .value = TEXT("2")}, {.key = TEXT("a")}};
	const struct record_delivery of = delivery();
	struct error error = {0};
	assert_true(records_deliver(&of, records, 3, &error));
	assert_int_equal(error.kind, ERROR_NONE);
	expect_read("a", "1");
	expect_read("b", "2");
	expect_read("a", NULL);
	assert_true(records_deliver(&of, records, 0, &error));
}

/* The producer's own limit. */
static void a_record_beyond_the_limit_of_the_producer_is_rejected_and_the_others_arrive(void **state)
{
	(void)state;
	static char large[4000];
	const struct property properties[] = {{"message.max.bytes", "2000"}, {"linger.ms", "0"}};
	const struct outgoing records[] = {{.key = TEXT("a"), .value = TEXT("1")},
					   {.key = TEXT("large"), .value = {large, sizeof large}},
					   {.key = TEXT("b"), .value = TEXT("2")}};
	struct record_delivery of = delivery();
	struct error error = {0};
	of.properties = (struct properties){2, properties};
	assert_true(records_deliver(&of, records, 3, &error));
	assert_int_equal(error.kind, ERROR_NONE);
	assert_int_equal(rejections.count, 1);
	assert_int_equal(rejections.index, 1);
	assert_non_null(strstr(rejections.reason, "raise it by --kafka-setting message.max.bytes="));
	expect_read("a", "1");
	expect_read("b", "2");
}

/* The broker refuses the batch, and then the first record, which is alone in the next one. */
static void a_record_that_the_broker_refuses_for_good_is_rejected_and_the_others_arrive(void **state)
{
	(void)state;
	const struct outgoing records[] = {{.key = TEXT("bad"), .value = TEXT("0")}, {.key = TEXT("b"), .value = TEXT("2")}};
	const struct record_delivery of = delivery();
	struct error error = {0};
	rd_kafka_mock_push_request_errors(mock.cluster, PRODUCE, 2, RD_KAFKA_RESP_ERR_INVALID_RECORD,
					  RD_KAFKA_RESP_ERR_INVALID_RECORD);
	assert_true(records_deliver(&of, records, 2, &error));
	assert_int_equal(rejections.count, 1);
	assert_int_equal(rejections.index, 0);
	assert_non_null(strstr(rejections.reason, "; see cleanup.policy of topic out"));
	expect_read("b", "2");
}

static void a_missing_right_is_no_rejection(void **state)
{
	(void)state;
	const struct outgoing record = {.key = TEXT("a"), .value = TEXT("1")};
	const struct record_delivery of = delivery();
	struct error error = {0};
	rd_kafka_mock_push_request_errors(mock.cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	assert_false(records_deliver(&of, &record, 1, &error));
	assert_int_equal(rejections.count, 0);
	assert_non_null(strstr(error.text, "Kafka refuses records for topic out: "));
	assert_non_null(strstr(error.text, "uthorization failed; grant Write on it"));
}

/* ---- a broker that does not answer ---- */

static void the_call_ends_at_the_timeout(void **state)
{
	(void)state;
	const struct outgoing record = {.key = TEXT("a"), .value = TEXT("1")};
	struct record_delivery of = delivery();
	struct error error = {0};
	of.timeout_ms = 500;
	rd_kafka_mock_broker_set_down(mock.cluster, 1);
	const int64_t begun_ms = clock_ms();
	assert_false(records_deliver(&of, &record, 1, &error));
	assert_true(clock_ms() - begun_ms >= 500 && clock_ms() - begun_ms < MOCK_WAIT_MS);
	assert_true(strstr(error.text, "Kafka has not acknowledged records for topic out") || strstr(error.text, "timed out"));
}

struct stop {
	atomic_bool stopping;
	_Atomic int64_t by_ms;
	const struct record_delivery *of;
	struct text second;
	atomic_bool has_rejected;
	bool delivered;
	int64_t ended_ms;
};

static void on_rejected_while_it_runs(void *context, size_t index, const char *reason)
{
	(void)index, (void)reason;
	atomic_store(&((struct stop *)context)->has_rejected, true);
}

static void *delivery_run(void *context)
{
	struct stop *stop = context;
	const struct outgoing records[] = {{.key = TEXT("a"), .value = TEXT("1")}, {.key = TEXT("b"), .value = stop->second}};
	struct error error = {0};
	stop->delivered = records_deliver(stop->of, records, 2, &error);
	stop->ended_ms = clock_ms();
	return NULL;
}

/* The call runs when it is told: it rejects a record behind one that waits for a broker. */
static void a_call_that_is_told_to_stop_ends_by_the_time_given(void **state)
{
	(void)state;
	static char large[4000];
	const struct timespec pause = {.tv_nsec = 5 * NS_PER_MS};
	const struct property properties[] = {{"message.max.bytes", "2000"}, {"linger.ms", "0"}};
	struct record_delivery of = delivery();
	struct stop stop = {.of = &of, .second = {large, sizeof large}};
	pthread_t thread;
	of.stopping = &stop.stopping;
	of.stop_by_ms = &stop.by_ms;
	of.properties = (struct properties){2, properties};
	of.rejected = on_rejected_while_it_runs;
	of.context = &stop;
	rd_kafka_mock_broker_set_down(mock.cluster, 1);
	assert_int_equal(pthread_create(&thread, NULL, delivery_run, &stop), 0);
	for (const int64_t until_ms = clock_ms() + MOCK_WAIT_MS; !atomic_load(&stop.has_rejected); nanosleep(&pause, NULL))
		assert_true(clock_ms() < until_ms);
	const int64_t told_ms = clock_ms();
	atomic_store(&stop.by_ms, told_ms + DRAIN_MS);
	atomic_store(&stop.stopping, true);
	pthread_join(thread, NULL);
	assert_false(stop.delivered);
	assert_in_range(stop.ended_ms - told_ms, DRAIN_MS, MOCK_WAIT_MS);
}

/* Each record is a request of its own, so that one poll does not have both reports. */
static void what_arrives_during_the_drain_counts(void **state)
{
	(void)state;
	const struct property properties[] = {{"linger.ms", "0"}, {"batch.num.messages", "1"}, {"max.in.flight", "1"}};
	struct record_delivery of = delivery();
	struct stop stop = {.of = &of, .second = TEXT("2"), .stopping = true};
	of.stopping = &stop.stopping;
	of.properties = (struct properties){3, properties};
	atomic_store(&stop.by_ms, clock_ms() + MOCK_WAIT_MS);
	of.stop_by_ms = &stop.by_ms;
	rd_kafka_mock_broker_set_rtt(mock.cluster, 1, 150);
	(void)delivery_run(&stop);
	assert_true(stop.delivered);
	expect_read("a", "1");
	expect_read("b", "2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(records_arrive_in_their_order_and_a_tombstone_without_bytes, broker_setup,
						broker_teardown),
		cmocka_unit_test_setup_teardown(a_record_beyond_the_limit_of_the_producer_is_rejected_and_the_others_arrive,
						broker_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(a_record_that_the_broker_refuses_for_good_is_rejected_and_the_others_arrive,
						broker_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(a_missing_right_is_no_rejection, broker_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(the_call_ends_at_the_timeout, broker_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(a_call_that_is_told_to_stop_ends_by_the_time_given, broker_setup, broker_teardown),
		cmocka_unit_test_setup_teardown(what_arrives_during_the_drain_counts, broker_setup, broker_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
