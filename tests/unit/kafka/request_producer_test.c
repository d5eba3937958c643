/* request_producer_test.c: Producer of a gateway's requests, on librdkafka's mock of a broker: what a broker's failure costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <unistd.h>

#include "base/clock.h"
#include "kafka/produce/request_producer.h"
#include "tests/unit/mock_broker.h"

#define PRODUCE 0 /* Kafka's number of that request */
#define TIMEOUT_MS 10000
#define RECORDS 20
#define PAUSE_MS 1000

struct producer_stand {
	struct mock mock;
	struct request_producer_config config;
	struct request_producer *producer;
	uint64_t sent;
	size_t acknowledged, refused;
};

static void on_reported(void *context, const struct request_report *report)
{
	struct producer_stand *stand = context;
	assert_in_range(report->number, 1, stand->sent);
	stand->acknowledged += !report->refused;
	stand->refused += report->refused != NULL;
}

static int set_up(void **state)
{
	static struct producer_stand stand;
	struct error error = {0};
	stand = (struct producer_stand){0};
	mock_open(&stand.mock);
	stand.config = (struct request_producer_config){.brokers = stand.mock.brokers,
							.timeout_ms = TIMEOUT_MS,
							.message_bytes = 1 << 20,
							.queue_bytes = 1 << 20,
							.properties = mock_quick,
							.bell = bell_open(&error),
							.reported = on_reported,
							.context = &stand};
	stand.producer = request_producer_open(&stand.config, &error);
	assert_non_null(stand.producer);
	assert_true(request_producer_topics(stand.producer, mock_out, 1, &error));
	*state = &stand;
	return 0;
}

static int tear_down(void **state)
{
	struct producer_stand *stand = *state;
	request_producer_close(stand->producer);
	(void)close(stand->config.bell);
	mock_close(&stand->mock);
	return 0;
}

static enum produce_verdict send_one(struct producer_stand *stand)
{
	struct error error = {0};
	const struct outgoing record = {.value = TEXT("a request")};
	return request_producer_send(stand->producer, &record, ++stand->sent, &error);
}

static void await_reports(struct producer_stand *stand, size_t count)
{
	struct pollfd descriptor = {.fd = stand->config.bell, .events = POLLIN};
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; stand->acknowledged + stand->refused < count;) {
		assert_true(clock_ms() < until_ms);
		(void)poll(&descriptor, 1, 10);
		(void)bell_quiet(stand->config.bell);
		request_producer_tell(stand->producer);
	}
}

/* Kafka has lost track of a client that has sent records before: the error is fatal. */
static void fail_client(struct producer_stand *stand)
{
	const size_t before = stand->refused;
	rd_kafka_mock_push_request_errors(stand->mock.cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
	assert_int_equal(send_one(stand), PRODUCED);
	await_reports(stand, stand->sent);
	assert_int_equal(stand->refused - before, 1);
}

/* Each record has its report, and reaches Kafka. */
static void assert_next_are_acknowledged(struct producer_stand *stand)
{
	const size_t before = stand->acknowledged;
	for (int i = 0; i < RECORDS; i++)
		assert_int_equal(send_one(stand), PRODUCED);
	await_reports(stand, stand->sent);
	assert_int_equal(stand->acknowledged - before, RECORDS);
}

static void a_client_that_kafka_has_lost_track_of_is_replaced(void **state)
{
	struct producer_stand *stand = *state;
	assert_next_are_acknowledged(stand);
	fail_client(stand);
	assert_next_are_acknowledged(stand);
}

/* Without a right that all clients need, each fails at once. */
static void clients_are_replaced_at_most_once_a_second(void **state)
{
	struct producer_stand *stand = *state;
	assert_next_are_acknowledged(stand);
	fail_client(stand);
	const int64_t begin_ms = clock_ms();
	assert_next_are_acknowledged(stand);
	fail_client(stand);
	assert_int_equal(send_one(stand), PRODUCE_SPOILT);
	for (stand->sent--; send_one(stand) != PRODUCED; stand->sent--) { /* what is not produced has no report */
		(void)poll(NULL, 0, 10);
		assert_true(clock_ms() - begin_ms < MOCK_WAIT_MS);
	}
	assert_true(clock_ms() - begin_ms >= PAUSE_MS);
	await_reports(stand, stand->sent);
	assert_next_are_acknowledged(stand);
}

/* Records of a batch that was too large are sent by a client of their own. */
static void a_client_of_single_records_is_replaced_too(void **state)
{
	struct producer_stand *stand = *state;
	assert_next_are_acknowledged(stand);
	rd_kafka_mock_push_request_errors(stand->mock.cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE);
	fail_client(stand);
	rd_kafka_mock_push_request_errors(stand->mock.cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE);
	assert_next_are_acknowledged(stand);
}

static void a_broker_that_fails_costs_the_records_that_it_refuses(void **state)
{
	struct producer_stand *stand = *state;
	assert_int_equal(send_one(stand), PRODUCED);
	await_reports(stand, 1);
	rd_kafka_mock_push_request_errors(stand->mock.cluster, PRODUCE, 1, RD_KAFKA_RESP_ERR_UNKNOWN);
	assert_int_equal(send_one(stand), PRODUCED);
	await_reports(stand, 2);
	assert_int_equal(stand->refused, 1);
	assert_next_are_acknowledged(stand);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_client_that_kafka_has_lost_track_of_is_replaced),
		TEST(clients_are_replaced_at_most_once_a_second),
		TEST(a_client_of_single_records_is_replaced_too),
		TEST(a_broker_that_fails_costs_the_records_that_it_refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
