/* best_effort.c: Best-effort producer on Kafka, which ignores the results of records; see best_effort.h. */
#include "log/best_effort.h"

#include <assert.h>
#include <stdio.h>

#include "base/memory.h"
#include "log/client.h"

#define CLOSE_WAIT_MS 500

struct kafka_best_effort {
	struct best_effort base; /* first: the table of operations */
	rd_kafka_t *client;
	struct topic_handles topics;
	uint64_t acknowledged; /* counted in the caller's thread, where reports are served */
};

static void on_report(rd_kafka_t *client, const rd_kafka_message_t *record, void *context)
{
	(void)client;
	struct kafka_best_effort *producer = context;
	producer->acknowledged += record->err == RD_KAFKA_RESP_ERR_NO_ERROR;
}

static bool producer_set_up(struct kafka_best_effort *producer, const struct best_effort_config *config, struct error *error)
{
	char kilobytes[32];
	snprintf(kilobytes, sizeof kilobytes, "%zu", config->queue_bytes / 1024 + 1);
	const struct property own[] = {
		{"bootstrap.servers", config->brokers}, {"linger.ms", config->at_once ? "0" : "50"},
		{"message.timeout.ms", "10000"},	{"queue.buffering.max.kbytes", kilobytes},
		{"sticky.partitioning.linger.ms", "0"}, /* keeps a record without a key in the partition of its request */
	};
	rd_kafka_conf_t *configuration =
		client_configuration((struct properties){sizeof own / sizeof own[0], own}, config->properties, error);
	if (!configuration)
		return false;
	(void)client_limit_batches(configuration, config->batches);
	if (config->counts) {
		rd_kafka_conf_set_opaque(configuration, producer);
		rd_kafka_conf_set_dr_msg_cb(configuration, on_report);
	}
	rd_kafka_conf_set_log_cb(configuration, NULL); /* the worker's own clients report problems with Kafka */
	producer->client = client_open(RD_KAFKA_PRODUCER, configuration, error);
	return producer->client != NULL;
}

static void kafka_close(struct best_effort *self)
{
	struct kafka_best_effort *producer = (struct kafka_best_effort *)self;
	if (producer->client)
		rd_kafka_flush(producer->client, CLOSE_WAIT_MS);
	topic_handles_close(&producer->topics);
	if (producer->client)
		rd_kafka_destroy(producer->client);
	memory_give(producer);
}

static bool kafka_topics(struct best_effort *self, const char *const *names, size_t count, struct error *error)
{
	struct kafka_best_effort *producer = (struct kafka_best_effort *)self;
	return topic_handles_follow(&producer->topics, producer->client, names, count, error);
}

static bool kafka_produce(struct best_effort *self, const struct outgoing *record)
{
	struct kafka_best_effort *producer = (struct kafka_best_effort *)self;
	struct error refused = {0};
	return client_produce(producer->client, producer->topics.items[record->topic], record, 0, &refused) == PRODUCED;
}

static uint64_t kafka_acknowledged(struct best_effort *self)
{
	struct kafka_best_effort *producer = (struct kafka_best_effort *)self;
	(void)rd_kafka_poll(producer->client, 0);
	return producer->acknowledged;
}

static const struct best_effort_operations operations = {
	.close = kafka_close,
	.topics = kafka_topics,
	.produce = kafka_produce,
	.acknowledged = kafka_acknowledged,
};

struct best_effort *best_effort_open(const struct best_effort_config *config, struct error *error)
{
	assert(config->brokers);
	struct kafka_best_effort *producer = memory_take(1, sizeof *producer);
	if (!producer) {
		error_memory(error, ERROR_SYSTEM, "opening a producer for taps");
		return NULL;
	}
	producer->base.operations = &operations;
	if (producer_set_up(producer, config, error))
		return &producer->base;
	best_effort_close(&producer->base);
	return NULL;
}
