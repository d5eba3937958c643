/* read_probe.c: see read_probe.h. librdkafka's plain consumer asks again by itself, and reports an error once. */
#include "kafka/topics/read_probe.h"

#include <stdio.h>

#include "base/memory.h"

#define TOPICS_AT_FIRST 4

static bool client_set_up(struct read_probe *probe, const char *brokers, struct properties properties, struct error *error)
{
	const struct property own[] = {
		{"bootstrap.servers", brokers},
		{"allow.auto.create.topics", "false"},
		{"enable.auto.commit", "false"},
		{"enable.partition.eof", "true"},
		{"log_level", "0"},
	};
	rd_kafka_conf_t *configuration =
		client_configuration((struct properties){sizeof own / sizeof *own, own}, properties, error);
	probe->client = configuration ? client_open(RD_KAFKA_CONSUMER, configuration, error) : NULL;
	if (!probe->client)
		return false;
	probe->queue = rd_kafka_queue_new(probe->client);
	return true;
}

static size_t topic_find(const struct read_probe *probe, const char *topic)
{
	size_t i = 0;
	while (i < probe->count && strcmp(rd_kafka_topic_name(probe->topics[i]), topic) != 0)
		i++;
	return i;
}

bool read_probe_begin(struct read_probe *probe, const char *brokers, struct properties properties, const char *topic,
		      struct error *error)
{
	if (!probe->client && !client_set_up(probe, brokers, properties, error))
		return false;
	if (topic_find(probe, topic) < probe->count)
		return true;
	rd_kafka_topic_t **topics = memory_grow(probe->topics, probe->count, &probe->capacity, TOPICS_AT_FIRST, sizeof *topics);
	if (!topics)
		return error_memory(error, ERROR_SYSTEM, "probing a topic");
	probe->topics = topics;
	rd_kafka_topic_t *handle = rd_kafka_topic_new(probe->client, topic, NULL);
	if (!handle || rd_kafka_consume_start_queue(handle, 0, RD_KAFKA_OFFSET_END, probe->queue) != 0) {
		const char *reason = rd_kafka_err2str(rd_kafka_last_error());
		if (handle)
			rd_kafka_topic_destroy(handle);
		return error_set(error, ERROR_SYSTEM, PLACE_NONE, "topic %s cannot be read: %s", topic, reason);
	}
	topics[probe->count++] = handle;
	return true;
}

static void topic_forget(struct read_probe *probe, size_t number)
{
	(void)rd_kafka_consume_stop(probe->topics[number], 0);
	rd_kafka_topic_destroy(probe->topics[number]);
	probe->topics[number] = probe->topics[--probe->count];
	if (probe->count == 0)
		read_probe_close(probe);
}

const char *read_probe_next(struct read_probe *probe, char *name, size_t size)
{
	rd_kafka_message_t *message;
	while (probe->queue && (message = rd_kafka_consume_queue(probe->queue, 0))) {
		const bool may_read =
			message->err == RD_KAFKA_RESP_ERR_NO_ERROR || message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
		(void)snprintf(name, size, "%s", message->rkt ? rd_kafka_topic_name(message->rkt) : "");
		rd_kafka_message_destroy(message);
		const size_t number = topic_find(probe, name);
		if (!may_read || number == probe->count)
			continue;
		topic_forget(probe, number);
		return name;
	}
	return NULL;
}

void read_probe_close(struct read_probe *probe)
{
	for (size_t i = 0; i < probe->count; i++) {
		(void)rd_kafka_consume_stop(probe->topics[i], 0);
		rd_kafka_topic_destroy(probe->topics[i]);
	}
	memory_give(probe->topics);
	client_queue_forget(probe->queue);
	if (probe->client)
		client_destroy(probe->client, 0);
	*probe = (struct read_probe){0};
}
