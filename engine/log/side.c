/* side.c: Best-effort producer on Kafka, which ignores the results of records; see side.h. */
#include "log/side.h"

#include <stdio.h>

#include "base/memory.h"
#include "log/client.h"

#define CLOSE_WAIT_MS 500

struct kafka_side {
	struct side side; /* first: the table of operations */
	rd_kafka_t *producer;
	struct topic_handles topics;
	uint64_t acknowledged; /* counted in the caller's thread, where reports are served */
};

static void on_report(rd_kafka_t *producer, const rd_kafka_message_t *record, void *context)
{
	(void)producer;
	struct kafka_side *side = context;
	side->acknowledged += record->err == RD_KAFKA_RESP_ERR_NO_ERROR;
}

static bool side_set_up(struct kafka_side *side, const struct side_config *config, struct error *error)
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
		rd_kafka_conf_set_opaque(configuration, side);
		rd_kafka_conf_set_dr_msg_cb(configuration, on_report);
	}
	rd_kafka_conf_set_log_cb(configuration, NULL); /* the worker's own clients report problems with Kafka */
	side->producer = client_open(RD_KAFKA_PRODUCER, configuration, error);
	return side->producer != NULL;
}

static void kafka_close(struct side *self)
{
	struct kafka_side *side = (struct kafka_side *)self;
	if (side->producer)
		rd_kafka_flush(side->producer, CLOSE_WAIT_MS);
	topic_handles_close(&side->topics);
	if (side->producer)
		rd_kafka_destroy(side->producer);
	memory_give(side);
}

static bool kafka_topics(struct side *self, const char *const *names, size_t count, struct error *error)
{
	struct kafka_side *side = (struct kafka_side *)self;
	return topic_handles_follow(&side->topics, side->producer, names, count, error);
}

static bool kafka_produce(struct side *self, const struct outgoing *record)
{
	struct kafka_side *side = (struct kafka_side *)self;
	struct error refused = {0};
	return client_produce(side->producer, side->topics.items[record->topic], record, 0, &refused) == PRODUCED;
}

static uint64_t kafka_acknowledged(struct side *self)
{
	struct kafka_side *side = (struct kafka_side *)self;
	(void)rd_kafka_poll(side->producer, 0);
	return side->acknowledged;
}

static const struct side_operations operations = {
	.close = kafka_close,
	.topics = kafka_topics,
	.produce = kafka_produce,
	.acknowledged = kafka_acknowledged,
};

struct side *side_open(const struct side_config *config, struct error *error)
{
	struct kafka_side *side = memory_take(1, sizeof *side);
	if (!side) {
		error_memory(error, ERROR_SYSTEM, "opening a producer for taps");
		return NULL;
	}
	side->side.operations = &operations;
	if (side_set_up(side, config, error))
		return &side->side;
	side_close(&side->side);
	return NULL;
}
