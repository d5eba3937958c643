/* changelog_settings.c: see changelog_settings.h. */
#include "log/changelog_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define ANSWER_WAIT_MS 5000
#define FAULT_WORDS_MAX 400

/* "": it is not told. */
static const char *setting_of(const rd_kafka_ConfigEntry_t **entries, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), name) == 0 && rd_kafka_ConfigEntry_value(entries[i]))
			return rd_kafka_ConfigEntry_value(entries[i]);
	return "";
}

static void look_at(const rd_kafka_ConfigResource_t *resource, changelog_found *found, void *context)
{
	size_t count;
	char words[FAULT_WORDS_MAX];
	const char *topic = rd_kafka_ConfigResource_name(resource);
	const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &count);
	if (rd_kafka_ConfigResource_error(resource) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return;
	const char *policy = setting_of(entries, count, "cleanup.policy");
	const char *told = setting_of(entries, count, "delete.retention.ms");
	if (policy[0] && (strstr(policy, "delete") || !strstr(policy, "compact"))) {
		(void)snprintf(words, sizeof words,
			       "its cleanup.policy is %s, by which Kafka deletes state after retention.ms=%s; set it to compact "
			       "(kafka-configs.sh --alter --entity-type topics --entity-name %s --add-config "
			       "cleanup.policy=compact)",
			       policy, setting_of(entries, count, "retention.ms"), topic);
		found(context, topic, CHANGELOG_DELETES, words);
	}
	if (told[0] && strtoll(told, NULL, 10) < REMOVALS_TOLD_LEAST_MS) {
		(void)snprintf(words, sizeof words,
			       "its delete.retention.ms is %s, and a snapshot (--state) is used for %lld; set it to that at least",
			       told, (long long)REMOVALS_TOLD_LEAST_MS);
		found(context, topic, CHANGELOG_FORGETS, words);
	}
}

static void ask(rd_kafka_t *client, rd_kafka_ConfigResource_t **resources, size_t count, changelog_found *found, void *context)
{
	char words[LIBRARY_TEXT_MAX];
	rd_kafka_queue_t *queue = rd_kafka_queue_new(client);
	rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
	(void)rd_kafka_AdminOptions_set_request_timeout(options, ANSWER_WAIT_MS, words, sizeof words);
	rd_kafka_DescribeConfigs(client, resources, count, options, queue);
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, 2 * ANSWER_WAIT_MS);
	if (event && rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR_NO_ERROR) {
		size_t answered;
		const rd_kafka_ConfigResource_t **answers =
			rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &answered);
		for (size_t i = 0; i < answered; i++)
			look_at(answers[i], found, context);
	}
	if (event)
		rd_kafka_event_destroy(event);
	rd_kafka_AdminOptions_destroy(options);
	rd_kafka_queue_destroy(queue);
}

void changelog_settings_look(rd_kafka_t *client, const char *const *topics, size_t count, changelog_found *found, void *context)
{
	rd_kafka_ConfigResource_t **resources = count > 0 ? memory_take(count, sizeof *resources) : NULL;
	if (!resources)
		return;
	for (size_t i = 0; i < count; i++)
		resources[i] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topics[i]);
	ask(client, resources, count, found, context);
	rd_kafka_ConfigResource_destroy_array(resources, count);
	memory_give(resources);
}
