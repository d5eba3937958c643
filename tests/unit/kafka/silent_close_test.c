/* The end of a worker's clients while no broker answers, on librdkafka's mock of a broker: it takes seconds, whatever they wait
 * for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>

#include "base/clock.h"
#include "kafka/produce/output.h"
#include "tests/unit/mock_broker.h"

#define SILENCE_MS 60000
#define EACH_MOST_MS 7000 /* of the output, and of the consumer: 5 s, and what a busy machine adds */

static enum transaction_news wait_for_news(struct output *output, struct error *error)
{
	struct pollfd descriptor = {.fd = output_bell(output), .events = POLLIN};
	enum transaction_news news;
	struct positions committed;
	while ((news = output_news(output, &committed, error)) == NEWS_NONE)
		assert_int_equal(poll(&descriptor, 1, MOCK_WAIT_MS), 1);
	return news;
}

static void await_partitions(struct consumer *consumer)
{
	struct positions changed;
	struct record records[4];
	struct error error = {0};
	size_t count;
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; consumer_change(consumer, &changed) != ASSIGNMENT_GIVEN;) {
		assert_true(clock_ms() < until_ms);
		assert_true(consumer_take(consumer, records, 4, &count, &error));
		(void)poll(NULL, 0, 10);
	}
	assert_true(consumer_accept(consumer, &error));
}

/* Id NULL: at least once. It is closed while records, or a transaction, wait for the broker. */
static void is_closed_within_seconds(const char *id)
{
	static struct mock mock; /* clients that are left behind may outlive the test */
	struct error error = {0};
	mock_open(&mock);
	const struct consumer_config consumer_config = {
		.brokers = mock.brokers, .group = "test", .topics = mock_in, .topic_count = 1, .properties = mock_quick};
	const struct transaction_config transaction_config = {
		.brokers = mock.brokers, .id = id, .topics = mock_out, .topic_count = 1, .properties = mock_quick};
	struct consumer *consumer = consumer_open(&consumer_config, &error);
	assert_non_null(consumer);
	struct output *output = output_open(&transaction_config, consumer, &error);
	assert_non_null(output);
	assert_int_equal(wait_for_news(output, &error), NEWS_STARTED);
	await_partitions(consumer);
	assert_int_equal(rd_kafka_mock_broker_set_rtt(mock.cluster, 1, SILENCE_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
	const struct outgoing record = {.origin = {0, 0, 0}, .key = TEXT("k"), .value = TEXT("value")};
	struct position position = {0, 0, 1};
	assert_int_equal(output_produce(output, &record, &error), PRODUCED);
	(void)output_send(output, &error);
	assert_true(output_end(output, (struct positions){1, &position}, &error));
	int64_t begun_ms = clock_ms();
	output_close(output);
	assert_in_range(clock_ms() - begun_ms, 0, EACH_MOST_MS);
	begun_ms = clock_ms();
	consumer_close(consumer);
	assert_in_range(clock_ms() - begun_ms, 0, EACH_MOST_MS);
	rd_kafka_mock_broker_set_rtt(mock.cluster, 1, 0);
	mock_close(&mock);
}

static void at_least_once_clients_are_closed_though_no_broker_answers(void **state)
{
	(void)state;
	is_closed_within_seconds(NULL);
}

static void exactly_once_clients_are_closed_though_no_broker_answers(void **state)
{
	(void)state;
	is_closed_within_seconds("test");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_least_once_clients_are_closed_though_no_broker_answers),
		cmocka_unit_test(exactly_once_clients_are_closed_though_no_broker_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
