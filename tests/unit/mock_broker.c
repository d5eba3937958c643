/* mock_broker.c: see mock_broker.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/memory.h"
#include "tests/unit/mock_broker.h"

static const struct property quick[] = {{"topic.metadata.refresh.fast.interval.ms", "20"},
					{"reconnect.backoff.ms", "10"},
					{"fetch.wait.max.ms", "10"}, /* the mock does not end a wait when a record comes */
					{"log_level", "0"}};

const char *const mock_in[] = {"in"};
const char *const mock_out[] = {"out"};
const struct properties mock_quick = {sizeof quick / sizeof quick[0], quick};

static rd_kafka_t *client(rd_kafka_type_t type, const char *brokers)
{
	char words[256];
	rd_kafka_conf_t *configuration = rd_kafka_conf_new();
	for (size_t i = 0; i < mock_quick.count; i++)
		assert_int_equal(rd_kafka_conf_set(configuration, quick[i].name, quick[i].value, words, sizeof words), 0);
	if (brokers)
		assert_int_equal(rd_kafka_conf_set(configuration, "bootstrap.servers", brokers, words, sizeof words), 0);
	if (type == RD_KAFKA_CONSUMER)
		assert_int_equal(rd_kafka_conf_set(configuration, "group.id", "reader", words, sizeof words), 0);
	rd_kafka_t *made = rd_kafka_new(type, configuration, words, sizeof words);
	assert_non_null(made);
	return made;
}

void mock_open(struct mock *mock)
{
	*mock = (struct mock){0};
	mock->holder = client(RD_KAFKA_PRODUCER, NULL);
	mock->cluster = rd_kafka_mock_cluster_new(mock->holder, 1);
	mock->brokers = rd_kafka_mock_cluster_bootstraps(mock->cluster);
	rd_kafka_mock_topic_create(mock->cluster, "in", 1, 1);
	rd_kafka_mock_topic_create(mock->cluster, "out", 1, 1);
	mock->writer = client(RD_KAFKA_PRODUCER, mock->brokers);
	mock->in = rd_kafka_topic_new(mock->writer, "in", NULL); /* one that it meets later it looks up after a second */
	mock->reader = client(RD_KAFKA_CONSUMER, mock->brokers);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, "out", 0)->offset = 0;
	assert_int_equal(rd_kafka_assign(mock->reader, list), 0);
	rd_kafka_topic_partition_list_destroy(list);
}

void mock_close(struct mock *mock)
{
	for (size_t i = 0; i < mock->message_count; i++)
		rd_kafka_message_destroy(mock->messages[i]);
	memory_give(mock->messages);
	rd_kafka_consumer_close(mock->reader);
	rd_kafka_destroy(mock->reader);
	rd_kafka_topic_destroy(mock->in);
	rd_kafka_destroy(mock->writer);
	rd_kafka_mock_cluster_destroy(mock->cluster);
	rd_kafka_destroy(mock->holder);
}

void mock_write(struct mock *mock, const char *key, const char *value, const char *header, const char *header_value)
{
	rd_kafka_headers_t *headers = rd_kafka_headers_new(1);
	if (header)
		rd_kafka_header_add(headers, header, -1, header_value, -1);
	rd_kafka_resp_err_t code = rd_kafka_producev(
		mock->writer, RD_KAFKA_V_RKT(mock->in), RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
		RD_KAFKA_V_KEY(key, key ? strlen(key) : 0), RD_KAFKA_V_VALUE((void *)(uintptr_t)value, strlen(value)),
		RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_TIMESTAMP(1000), RD_KAFKA_V_END);
	assert_int_equal(code, RD_KAFKA_RESP_ERR_NO_ERROR);
	assert_int_equal(rd_kafka_flush(mock->writer, MOCK_WAIT_MS), 0);
}

void mock_send(const struct mock *mock, const char *topic, struct text key, struct text value)
{
	rd_kafka_resp_err_t code =
		rd_kafka_producev(mock->writer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0),
				  RD_KAFKA_V_KEY((void *)(uintptr_t)key.bytes, key.length),
				  RD_KAFKA_V_VALUE((void *)(uintptr_t)value.bytes, value.length),
				  RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
	assert_int_equal(code, RD_KAFKA_RESP_ERR_NO_ERROR);
}

void mock_append(const struct mock *mock, const char *topic, struct text key, struct text value)
{
	mock_send(mock, topic, key, value);
	assert_int_equal(rd_kafka_flush(mock->writer, MOCK_WAIT_MS), 0);
}

static const rd_kafka_message_t *message_keep(struct mock *mock, rd_kafka_message_t *message)
{
	mock->messages = memory_resize(mock->messages, mock->message_count + 1, sizeof(rd_kafka_message_t *));
	assert_non_null(mock->messages);
	return mock->messages[mock->message_count++] = message;
}

const rd_kafka_message_t *mock_read(struct mock *mock)
{
	rd_kafka_message_t *message;
	for (int waited_ms = 0; waited_ms < MOCK_WAIT_MS; waited_ms += 100) {
		message = rd_kafka_consumer_poll(mock->reader, 100);
		if (message && !message->err)
			return message_keep(mock, message);
		if (message)
			rd_kafka_message_destroy(message);
	}
	fail_msg("no answer came");
	return NULL;
}

void mock_commit(const struct mock *mock, const char *group, int64_t offset)
{
	mock_commit_with(mock, group, offset, NULL);
}

void mock_commit_with(const struct mock *mock, const char *group, int64_t offset, const char *metadata)
{
	char words[256];
	rd_kafka_conf_t *configuration = rd_kafka_conf_new();
	assert_int_equal(rd_kafka_conf_set(configuration, "bootstrap.servers", mock->brokers, words, sizeof words), 0);
	assert_int_equal(rd_kafka_conf_set(configuration, "group.id", group, words, sizeof words), 0);
	assert_int_equal(rd_kafka_conf_set(configuration, "log_level", "0", words, sizeof words), 0);
	rd_kafka_t *member = rd_kafka_new(RD_KAFKA_CONSUMER, configuration, words, sizeof words);
	assert_non_null(member);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_t *at = rd_kafka_topic_partition_list_add(list, "in", 0);
	at->offset = offset;
	if (metadata && metadata[0]) {
		at->metadata = strdup(metadata); /* librdkafka gives it back by free() */
		at->metadata_size = strlen(metadata);
	}
	assert_int_equal(rd_kafka_commit(member, list, 0), RD_KAFKA_RESP_ERR_NO_ERROR);
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_destroy(member);
}

void mock_break_connections(struct mock *mock)
{
	rd_kafka_mock_broker_set_down(mock->cluster, 1);
	rd_kafka_mock_broker_set_up(mock->cluster, 1);
}

void mock_forget_producers(struct mock *mock, size_t count)
{
	static const int16_t produce = 0; /* Kafka's number of that request */
	rd_kafka_mock_push_request_errors(mock->cluster, produce, 1, RD_KAFKA_RESP_ERR_NO_ERROR);
	for (size_t i = 0; i < count; i++)
		rd_kafka_mock_push_request_errors(mock->cluster, produce, 1, RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER);
}

void mock_hide_offsets(const struct mock *mock)
{
	static const int16_t list_offsets = 2; /* Kafka's number of that request */
	static const int delay_ms = 60000;     /* far more than any test takes */
	for (int i = 0; i < 64; i++)
		assert_int_equal(rd_kafka_mock_broker_push_request_error_rtts(mock->cluster, 1, list_offsets, (size_t)1,
									      RD_KAFKA_RESP_ERR_NO_ERROR, delay_ms),
				 RD_KAFKA_RESP_ERR_NO_ERROR);
}

bool mock_error_of_topic_crashes(void)
{
	return rd_kafka_version() >= 0x020100ff && rd_kafka_version() < 0x020a0000;
}
