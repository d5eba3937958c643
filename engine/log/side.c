/* side.c: a producer of which nobody asks what became of a record; see side.h. */
#include "log/side.h"

#include <stdio.h>

#include "base/memory.h"
#include "log/client.h"

#define CLOSE_WAIT_MS 500

struct side {
	rd_kafka_t *producer;
	struct topic_handles topics;
};

static bool side_set_up(struct side *side, const struct side_config *config, struct error *error)
{
	char kilobytes[32];
	snprintf(kilobytes, sizeof kilobytes, "%zu", config->queue_bytes / 1024 + 1);
	const struct property own[] = {
		{"bootstrap.servers", config->brokers}, {"linger.ms", "50"},
		{"message.timeout.ms", "10000"},	{"queue.buffering.max.kbytes", kilobytes},
		{"sticky.partitioning.linger.ms", "0"}, /* so that a record without a key goes where its request came from */
	};
	rd_kafka_conf_t *configuration =
		client_configuration((struct properties){sizeof own / sizeof own[0], own}, config->properties, error);
	if (!configuration)
		return false;
	rd_kafka_conf_set_log_cb(configuration, NULL); /* the worker's own clients say what is wrong with Kafka */
	side->producer = client_open(RD_KAFKA_PRODUCER, configuration, error);
	return side->producer != NULL;
}

struct side *side_open(const struct side_config *config, struct error *error)
{
	struct side *side = memory_take(1, sizeof *side);
	if (!side) {
		error_memory(error, ERROR_SYSTEM, "opening a producer for taps");
		return NULL;
	}
	if (side_set_up(side, config, error))
		return side;
	side_close(side);
	return NULL;
}

void side_close(struct side *side)
{
	if (!side)
		return;
	if (side->producer)
		rd_kafka_flush(side->producer, CLOSE_WAIT_MS);
	topic_handles_close(&side->topics);
	if (side->producer)
		rd_kafka_destroy(side->producer);
	memory_give(side);
}

bool side_topics(struct side *side, const char *const *names, size_t count, struct error *error)
{
	return topic_handles_follow(&side->topics, side->producer, names, count, error);
}

bool side_produce(struct side *side, const struct outgoing *record)
{
	struct error refused = {0};
	return client_produce(side->producer, side->topics.items[record->topic], record, 0, &refused) == PRODUCED;
}
