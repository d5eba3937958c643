/* backlog.c: see backlog.h. */
#include "log/backlog.h"

#include "base/memory.h"
#include "log/client.h"

#define TOPIC_BYTES_MAX 250 /* Kafka's own limit is 249 */

struct backlog {
	rd_kafka_t *consumer;
};

struct backlog *backlog_open(const char *brokers, struct properties properties, const char *group, struct error *error)
{
	const struct property own[] = {{"bootstrap.servers", brokers}, {"group.id", group}};
	rd_kafka_conf_t *configuration =
		client_configuration((struct properties){sizeof own / sizeof own[0], own}, properties, error);
	if (!configuration)
		return NULL;
	rd_kafka_conf_set_log_cb(configuration, NULL); /* who cannot reach Kafka is told by the reader beside it */
	struct backlog *backlog = memory_take(1, sizeof *backlog);
	rd_kafka_t *consumer = backlog ? client_open(RD_KAFKA_CONSUMER, configuration, error) : NULL;
	if (consumer) {
		backlog->consumer = consumer;
		return backlog;
	}
	if (!backlog) {
		rd_kafka_conf_destroy(configuration);
		error_memory(error, ERROR_SYSTEM, "looking at a group");
	}
	memory_give(backlog);
	return NULL;
}

void backlog_close(struct backlog *backlog)
{
	if (!backlog)
		return;
	rd_kafka_destroy_flags(backlog->consumer, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
	memory_give(backlog);
}

/* All partitions of the topic go on the list. */
static bool add_partitions(struct backlog *backlog, const char *topic, int timeout_ms, rd_kafka_topic_partition_list_t *list)
{
	const struct rd_kafka_metadata *metadata = NULL;
	rd_kafka_topic_t *handle = rd_kafka_topic_new(backlog->consumer, topic, NULL);
	bool good = handle && !rd_kafka_metadata(backlog->consumer, 0, handle, &metadata, timeout_ms);
	for (int i = 0; good && i < metadata->topic_cnt; i++) {
		good = !metadata->topics[i].err;
		for (int j = 0; good && j < metadata->topics[i].partition_cnt; j++)
			rd_kafka_topic_partition_list_add(list, topic, metadata->topics[i].partitions[j].id);
	}
	if (metadata)
		rd_kafka_metadata_destroy(metadata);
	if (handle)
		rd_kafka_topic_destroy(handle);
	return good;
}

static bool gather(struct backlog *backlog, struct text topics, int timeout_ms, rd_kafka_topic_partition_list_t *list)
{
	bool good = true;
	for (size_t at = 0; good && at < topics.length;) {
		char topic[TOPIC_BYTES_MAX];
		const char *blank = memchr(topics.bytes + at, ' ', topics.length - at);
		size_t length = blank ? (size_t)(blank - topics.bytes) - at : topics.length - at;
		good = length < sizeof topic;
		memcpy(topic, topics.bytes + at, good ? length : 0);
		topic[good ? length : 0] = '\0';
		good = good && add_partitions(backlog, topic, timeout_ms, list);
		at += length + 1;
	}
	return good;
}

int64_t backlog_measure(struct backlog *backlog, struct text topics, int timeout_ms)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(0);
	bool good = list && topics.length > 0 && gather(backlog, topics, timeout_ms, list) &&
		    !rd_kafka_committed(backlog->consumer, list, timeout_ms);
	int64_t sum = 0;
	for (int i = 0; good && i < list->cnt; i++) {
		const rd_kafka_topic_partition_t *at = &list->elems[i];
		int64_t first = 0, end = 0;
		good = !at->err &&
		       !rd_kafka_query_watermark_offsets(backlog->consumer, at->topic, at->partition, &first, &end, timeout_ms);
		/* What was never committed, or is gone from the topic, begins where the topic does. */
		int64_t from = at->offset > first ? at->offset : first;
		sum += end > from ? end - from : 0;
	}
	if (list)
		rd_kafka_topic_partition_list_destroy(list);
	return good ? sum : -1;
}
