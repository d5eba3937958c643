/* probe_state.c: see probe_state.h. */
#include "log/probe_state.h"

#include <stdio.h>
#include <string.h>

#include "log/client.h"

#define ANSWER_WAIT_MS 5000

static rd_kafka_t *asker_open(const char *brokers, struct properties properties, const char *group)
{
	struct error error = {0};
	const struct property own[] = {
		{"bootstrap.servers", brokers}, {"group.id", group}, {"enable.auto.commit", "false"}, {"log_level", "0"}};
	rd_kafka_conf_t *configuration =
		client_configuration((struct properties){sizeof own / sizeof own[0], own}, properties, &error);
	return configuration ? client_open(RD_KAFKA_CONSUMER, configuration, &error) : NULL;
}

/* Why what this commit refers to is not there; false: it is, or the commit refers to nothing. */
static bool is_lost(rd_kafka_t *asker, const struct wanted_topic *changelog, const rd_kafka_topic_partition_t *commit, bool absent,
		    char words[ERROR_TEXT_MAX])
{
	struct state_reference reference;
	char name[CHANGELOG_NAME_BYTES_MAX];
	int64_t low, high;
	state_reference_read((struct text){commit->metadata, commit->metadata_size}, &reference, name);
	if (reference.id == 0)
		return false;
	if (strcmp(name, changelog->name) != 0)
		return snprintf(words, ERROR_TEXT_MAX,
				"state of pipeline %s is lost: the last commit was made with the changelog %s; was the "
				"pipeline or a step renamed, or `isolate` changed?",
				changelog->pipeline, name) > 0;
	if (absent)
		return snprintf(words, ERROR_TEXT_MAX,
				"state of pipeline %s is lost: the topic is gone, and the last commit refers to it",
				changelog->pipeline) > 0;
	rd_kafka_resp_err_t code =
		rd_kafka_query_watermark_offsets(asker, changelog->name, commit->partition, &low, &high, ANSWER_WAIT_MS);
	return code == RD_KAFKA_RESP_ERR_NO_ERROR && high < reference.end &&
	       snprintf(words, ERROR_TEXT_MAX,
			"state of pipeline %s is lost: partition %d ends at offset %lld, and the last commit was made "
			"when it reached %lld",
			changelog->pipeline, (int)commit->partition, (long long)high, (long long)reference.end) > 0;
}

bool probe_state(const char *brokers, struct properties properties, const struct wanted_topic *changelog, int partitions,
		 bool absent, char words[ERROR_TEXT_MAX])
{
	rd_kafka_t *asker = changelog->group && partitions > 0 ? asker_open(brokers, properties, changelog->group) : NULL;
	bool lost = false;
	if (!asker)
		return true;
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
	rd_kafka_topic_partition_list_add_range(list, changelog->changelog_of, 0, partitions - 1);
	if (rd_kafka_committed(asker, list, ANSWER_WAIT_MS) == RD_KAFKA_RESP_ERR_NO_ERROR)
		for (int i = 0; !lost && i < list->cnt; i++)
			lost = is_lost(asker, changelog, &list->elems[i], absent, words);
	rd_kafka_topic_partition_list_destroy(list);
	client_leave(asker, 0); /* librdkafka 2.0 does not end one whose coordinator was not found */
	return !lost;
}
