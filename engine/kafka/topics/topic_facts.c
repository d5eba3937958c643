/* topic_facts.c: see topic_facts.h. */
#include "kafka/topics/topic_facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/number/number.h"
#include "kafka/admin_client.h"
#include "kafka/topics/topic_settings.h"
#include "base/table.h"

struct facts_reading {
	rd_kafka_t *client;
	struct topic_facts *facts;
	size_t count;
	struct settings_wait wait;
	struct state_table *by_name; /* from the name to the position */
	const char **asked;	     /* names of topics whose settings are read */
	size_t *positions;	     /* of those, among the facts */
	size_t asked_count;
};

static bool facts_index(struct facts_reading *reading)
{
	for (size_t i = 0; i < reading->count; i++) {
		struct topic_facts *facts = &reading->facts[i];
		*facts = (struct topic_facts){.name = facts->name, .is_own = facts->is_own};
		if (!table_put(reading->by_name, text_of(facts->name), (struct text){(const char *)&i, sizeof i}, false))
			return false;
	}
	return true;
}

/* One pass over Kafka's topics: there may be thousands, and as many facts. */
static void partitions_take(const struct facts_reading *reading, const struct rd_kafka_metadata *metadata)
{
	for (int i = 0; i < metadata->topic_cnt; i++) {
		const struct rd_kafka_metadata_topic *topic = &metadata->topics[i];
		struct text value;
		size_t at;
		if (topic->err != RD_KAFKA_RESP_ERR_NO_ERROR || !table_read(reading->by_name, text_of(topic->topic), &value))
			continue;
		memcpy(&at, value.bytes, sizeof at);
		reading->facts[at].partitions = topic->partition_cnt;
	}
}

static void setting_take(void *context, size_t topic, const char *name, const char *value)
{
	const struct facts_reading *reading = context;
	struct topic_facts *facts = &reading->facts[reading->positions[topic]];
	if (value && strcmp(name, "cleanup.policy") == 0)
		(void)snprintf(facts->policy, sizeof facts->policy, "%s", value);
	else if (value && strcmp(name, "retention.ms") == 0)
		facts->has_retention = number_read_int64(text_of(value), &facts->retention_ms);
}

static bool settings_take(struct facts_reading *reading, struct error *error)
{
	for (size_t i = 0; i < reading->count; i++) {
		if (!reading->facts[i].is_own || reading->facts[i].partitions == 0)
			continue;
		reading->positions[reading->asked_count] = i;
		reading->asked[reading->asked_count++] = reading->facts[i].name;
	}
	return topic_settings_await(reading->client, reading->asked, reading->asked_count, setting_take, reading, &reading->wait,
				    error);
}

static bool facts_take(struct facts_reading *reading, struct error *error)
{
	if (!reading->by_name || !reading->asked || !reading->positions || !facts_index(reading))
		return error_memory(error, ERROR_SYSTEM, "looking at topics");
	const struct rd_kafka_metadata *metadata = topic_metadata_await(reading->client, true, &reading->wait);
	if (metadata) {
		partitions_take(reading, metadata);
		rd_kafka_metadata_destroy(metadata);
		if (!settings_take(reading, error))
			return false;
	}
	return !reading->wait.is_unanswered ||
	       error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka does not answer what topics there are, and with which settings");
}

bool topic_facts_read(const char *brokers, struct properties properties, struct topic_facts *facts, size_t count,
		      const atomic_bool *stopping, struct error *error)
{
	struct admin_client *admin = admin_client_open(brokers, properties, ADMIN_LOGS, error);
	if (!admin)
		return false;
	struct facts_reading reading = {
		.client = admin->client, .facts = facts, .count = count, .wait = {.stopping = stopping}};
	reading.by_name = table_open();
	reading.asked = memory_take(count + 1, sizeof *reading.asked);
	reading.positions = memory_take(count + 1, sizeof *reading.positions);
	bool good = facts_take(&reading, error);
	table_close(reading.by_name);
	memory_give(reading.asked);
	memory_give(reading.positions);
	admin_client_close(admin, ADMIN_CLOSE_WAIT_S);
	return good;
}

/* ---- the list of topics ---- */

static int name_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* False: memory ran out. */
static bool list_fill(struct topic_names *list, const struct rd_kafka_metadata *metadata, const char *prefix, struct arena *arena)
{
	const size_t length = strlen(prefix), most = (size_t)metadata->topic_cnt;
	*list = (struct topic_names){.names = ARENA_ARRAY(arena, const char *, most + 1)};
	for (size_t i = 0; list->names && i < most; i++) {
		const char *name = metadata->topics[i].topic;
		if (strncmp(name, prefix, length) == 0)
			list->names[list->count++] = arena_copy(arena, name, strlen(name));
	}
	if (!list->names || arena_failed(arena))
		return false;
	qsort(list->names, list->count, sizeof *list->names, name_compare);
	return true;
}

bool topic_names_read(const char *brokers, struct properties properties, const char *prefix, struct arena *arena,
		     struct topic_names *list, struct error *error)
{
	struct admin_client *admin = admin_client_open(brokers, properties, ADMIN_IS_QUIET, error);
	if (!admin)
		return false;
	const struct rd_kafka_metadata *metadata = admin_client_look(admin, NULL, error);
	bool good = metadata != NULL;
	if (good) {
		good = list_fill(list, metadata, prefix, arena) || error_memory(error, ERROR_SYSTEM, "listing topics");
		rd_kafka_metadata_destroy(metadata);
	}
	admin_client_close(admin, ADMIN_CLOSE_WAIT_S);
	return good;
}
