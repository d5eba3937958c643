/* request_producer.c: Producer of a gateway's requests; see request_producer.h. It is idempotent, so that a
 * request is not answered twice when it is sent again because its acknowledgement is missing. */
#include "log/request_producer.h"

#include <assert.h>
#include <stdio.h>

#include "base/memory.h"
#include "log/client.h"
#include "log/client_statistics.h"
#include "log/request_batching.h"

#define CLOSE_WAIT_S 2

struct request_producer {
	const struct request_producer_config *config;
	rd_kafka_t *client;
	rd_kafka_queue_t *queue;
	struct topic_handles topics;
	struct request_batching *batching; /* NULL: each record leaves at once */
};

static void request_producer_on_report(rd_kafka_t *client, const rd_kafka_message_t *message, void *context)
{
	const struct request_producer *producer = context;
	const struct request_report report = {
		.number = (uint64_t)(uintptr_t)message->_private,
		.refused = message->err ? rd_kafka_err2str(message->err) : NULL,
		.is_uncertain = message->err && rd_kafka_message_status(message) == RD_KAFKA_MSG_STATUS_POSSIBLY_PERSISTED,
		.is_too_large = failure_is_of_size(message->err),
		.gone = failure_is_absence(message->err) ? rd_kafka_topic_name(message->rkt) : NULL,
		.partition = message->partition,
		.offset = message->offset,
	};
	(void)client;
	if (producer->batching)
		request_batching_note_report(producer->batching, message);
	producer->config->reported(producer->config->context, &report);
}

static void on_refused(void *context, uint64_t number)
{
	const struct request_producer *producer = context;
	const struct request_report report = {
		.number = number, .refused = "the producer's queue is full", .partition = -1, .offset = OFFSET_NONE};
	producer->config->reported(producer->config->context, &report);
}

static int request_producer_on_statistics(rd_kafka_t *client, char *json, size_t length, void *context)
{
	const struct request_producer *producer = context;
	struct error error = {0};
	(void)client;
	(void)client_statistics_read((struct text){json, length}, producer->config->statistics, &error);
	return 0; /* librdkafka frees the text */
}

static bool producer_set_up(struct request_producer *producer, struct error *error)
{
	const struct request_producer_config *config = producer->config;
	char timeout[24], message[24], queue[24];
	(void)snprintf(timeout, sizeof timeout, "%lld", (long long)config->timeout_ms);
	(void)snprintf(message, sizeof message, "%zu", config->message_bytes);
	(void)snprintf(queue, sizeof queue, "%zu", config->queue_bytes / 1024 + 1);
	const struct property own[] = {
		{"bootstrap.servers", config->brokers},
		{"linger.ms", "0"},
		{"enable.idempotence", "true"},
		{"message.timeout.ms", timeout},
		{"allow.auto.create.topics", "false"}, /* a topic that Kafka creates by itself has other settings and partitions */
		{"message.max.bytes", message},
		{"queue.buffering.max.kbytes", queue},
		{"partitioner", "murmur2_random"}, /* with a key where Java's producers would put it */
		{"statistics.interval.ms", config->statistics ? CLIENT_STATISTICS_MS : NULL},
	};
	rd_kafka_conf_t *configuration =
		client_configuration((struct properties){sizeof own / sizeof own[0], own}, config->properties, error);
	if (!configuration)
		return false;
	rd_kafka_conf_set_opaque(configuration, producer);
	rd_kafka_conf_set_dr_msg_cb(configuration, request_producer_on_report);
	if (config->statistics)
		rd_kafka_conf_set_stats_cb(configuration, request_producer_on_statistics);
	producer->batching = config->loop ? request_batching_open(configuration, config->loop, on_refused, producer) : NULL;
	if (config->loop && !producer->batching) {
		rd_kafka_conf_destroy(configuration);
		return error_memory(error, ERROR_SYSTEM, "opening a producer of requests");
	}
	producer->client = client_open(RD_KAFKA_PRODUCER, configuration, error);
	if (!producer->client)
		return false;
	producer->queue = rd_kafka_queue_get_main(producer->client);
	client_queue_ring(producer->queue, config->bell);
	return true;
}

struct request_producer *request_producer_open(const struct request_producer_config *config, struct error *error)
{
	assert(config->brokers && config->reported);
	assert(config->message_bytes > 0 && config->queue_bytes > 0);
	struct request_producer *producer = memory_take(1, sizeof *producer);
	if (!producer) {
		error_memory(error, ERROR_SYSTEM, "opening a producer of requests");
		return NULL;
	}
	producer->config = config;
	if (producer_set_up(producer, error))
		return producer;
	request_batching_close(producer->batching);
	memory_give(producer);
	return NULL;
}

void request_producer_close(struct request_producer *producer)
{
	if (!producer)
		return;
	request_batching_close(producer->batching);
	producer->batching = NULL;
	(void)rd_kafka_purge(producer->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
	client_queue_forget(producer->queue);
	topic_handles_close(&producer->topics);
	client_destroy(producer->client, CLOSE_WAIT_S);
	memory_give(producer);
}

bool request_producer_topics(struct request_producer *producer, const char *const *names, size_t count, struct error *error)
{
	return topic_handles_follow(&producer->topics, producer->client, names, count, error);
}

enum produce_verdict request_producer_send(struct request_producer *producer, const struct outgoing *record, uint64_t number,
					   struct error *error)
{
	assert(number > 0 && record->topic < producer->topics.count);
	rd_kafka_topic_t *topic = producer->topics.items[record->topic];
	if (producer->batching)
		return request_batching_produce(producer->batching, producer->client, topic, record, number, error);
	return client_produce(producer->client, topic, record, (void *)(uintptr_t)number, error);
}

int32_t request_producer_answers(const struct request_producer *producer, struct text key, int32_t partition)
{
	const struct properties *users = &producer->config->properties;
	for (size_t i = 0; i < users->count; i++)
		if (strcmp(users->items[i].name, "partitioner") == 0)
			return -1;
	return key.bytes ? rd_kafka_msg_partitioner_murmur2(NULL, key.bytes, key.length, INT32_MAX, NULL, NULL) : partition;
}

void request_producer_tell(struct request_producer *producer)
{
	(void)rd_kafka_poll(producer->client, 0);
	if (producer->batching)
		request_batching_report_refused(producer->batching);
}
