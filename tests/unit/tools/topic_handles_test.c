/* topic_handles_test.c: Tests of topic handles: what a client asks Kafka about the topics that it is given by number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kafka/client.h"
#include "tests/unit/mock_broker.h"

#define TOPICS 300
#define WAIT_MS 10000
#define STATISTICS_MS 100

static struct mock mock;
static char names[TOPICS][32];
static const char *listed[TOPICS];

static int broker_setup(void **state)
{
	(void)state;
	mock_open(&mock);
	for (size_t i = 0; i < TOPICS; i++) {
		(void)snprintf(names[i], sizeof names[i], "topic-%zu", i);
		listed[i] = names[i];
		assert_int_equal(rd_kafka_mock_topic_create(mock.cluster, names[i], 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
	}
	return 0;
}

static int broker_teardown(void **state)
{
	(void)state;
	mock_close(&mock);
	return 0;
}

static rd_kafka_t *producer_open(struct error *error)
{
	const struct property own[] = {
		{"bootstrap.servers", mock.brokers}, {"enable.idempotence", "true"}, {"statistics.interval.ms", "100"}};
	rd_kafka_conf_t *configuration = client_configuration((struct properties){3, own}, (struct properties){0}, error);
	assert_non_null(configuration);
	rd_kafka_conf_set_events(configuration, RD_KAFKA_EVENT_STATS);
	rd_kafka_t *client = client_open(RD_KAFKA_PRODUCER, configuration, error);
	assert_non_null(client);
	return client;
}

/* The requests that the client has sent when it has sent none for some reports. */
static uint64_t requests_counted(rd_kafka_t *client)
{
	struct client_counts counts = {0};
	rd_kafka_queue_t *queue = rd_kafka_queue_get_main(client);
	uint64_t before = 0;
	for (int same = 0, waited_ms = 0; same < 4 && waited_ms < WAIT_MS; waited_ms += STATISTICS_MS) {
		rd_kafka_event_t *event = rd_kafka_queue_poll(queue, WAIT_MS);
		assert_non_null(event);
		client_note_statistics(event, &counts);
		rd_kafka_event_destroy(event);
		const uint64_t now = counts.requests;
		same = now == before && now > 0 ? same + 1 : 0;
		before = now;
	}
	rd_kafka_queue_destroy(queue);
	return before;
}

static void many_topics_are_made_known_by_one_request(void **state)
{
	(void)state;
	struct error error = {0};
	struct topic_handles handles = {0};
	rd_kafka_t *client = producer_open(&error);
	assert_true(topic_handles_follow(&handles, client, listed, TOPICS, &error));
	assert_int_equal(handles.count, TOPICS);
	const uint64_t requests = requests_counted(client);
	assert_true(requests > 0 && requests < 20);
	topic_handles_close(&handles);
	rd_kafka_destroy(client);
}

/* A change that adds a pipeline adds a few: no list of all topics is worth that. */
static void a_few_more_topics_ask_for_themselves(void **state)
{
	(void)state;
	struct error error = {0};
	struct topic_handles handles = {0};
	rd_kafka_t *client = producer_open(&error);
	assert_true(topic_handles_follow(&handles, client, listed, 3, &error));
	assert_int_equal(handles.count, 3);
	assert_true(topic_handles_follow(&handles, client, listed, 5, &error));
	assert_int_equal(handles.count, 5);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(rd_kafka_topic_name(handles.items[i]), listed[i]);
	topic_handles_close(&handles);
	rd_kafka_destroy(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_topics_are_made_known_by_one_request),
		cmocka_unit_test(a_few_more_topics_ask_for_themselves),
	};
	return cmocka_run_group_tests(tests, broker_setup, broker_teardown);
}
