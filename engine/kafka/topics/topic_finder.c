/* topic_finder.c: see topic_finder.h. */
#include "kafka/topics/topic_finder.h"

#include <string.h>

#include "base/memory.h"
#include "kafka/admin_client.h"
#include "base/table.h"

struct topic_finder {
	struct admin_client *admin;
	struct topic_handles topics; /* the client asks for the topics that it has handles of */
	struct state_table *by_name; /* from a topic to its index, because a gateway may have thousands */
	size_t named;		     /* topics that it has */
};

struct topic_finder *topic_finder_open(const char *brokers, struct properties properties, struct error *error)
{
	struct topic_finder *finder = memory_take(1, sizeof *finder);
	if (!finder) {
		error_memory(error, ERROR_SYSTEM, "looking at topics");
		return NULL;
	}
	finder->by_name = table_open();
	if (!finder->by_name)
		error_memory(error, ERROR_SYSTEM, "looking at topics");
	else
		finder->admin = admin_client_open(brokers, properties, ADMIN_IS_QUIET, error); /* others log what they miss */
	if (finder->admin)
		return finder;
	topic_finder_close(finder);
	return NULL;
}

void topic_finder_close(struct topic_finder *finder)
{
	if (!finder)
		return;
	topic_handles_close(&finder->topics);
	admin_client_close(finder->admin, 0); /* the topics stay with the client */
	table_close(finder->by_name);
	memory_give(finder);
}

static enum topic_sight sight_of(const struct rd_kafka_metadata_topic *topic)
{
	if (topic->err == RD_KAFKA_RESP_ERR_NO_ERROR && topic->partition_cnt > 0)
		return TOPIC_SHOWN;
	return failure_is_absence(topic->err) ? TOPIC_ABSENT : TOPIC_NOT_TOLD;
}

/* Puts the new names into the table. False: memory ran out. */
static bool names_follow(struct topic_finder *finder, const char *const *names, size_t count)
{
	for (; finder->named < count; finder->named++) {
		const struct text index = {(const char *)&finder->named, sizeof finder->named};
		if (!table_put(finder->by_name, text_of(names[finder->named]), index, false))
			return false;
	}
	return true;
}

static void sights_take(const struct topic_finder *finder, const struct rd_kafka_metadata *metadata, enum topic_sight *sights)
{
	for (int i = 0; i < metadata->topic_cnt; i++) {
		struct text value;
		size_t at;
		if (!table_read(finder->by_name, text_of(metadata->topics[i].topic), &value))
			continue;
		memcpy(&at, value.bytes, sizeof at);
		sights[at] = sight_of(&metadata->topics[i]);
	}
}

bool topic_finder_look(struct topic_finder *finder, const char *const *names, size_t count, enum topic_sight *sights, int wait_ms,
		       struct error *error)
{
	const struct rd_kafka_metadata *metadata;
	for (size_t i = 0; i < count; i++)
		sights[i] = TOPIC_NOT_TOLD;
	if (!topic_handles_follow(&finder->topics, finder->admin->client, names, count, error))
		return false;
	if (!names_follow(finder, names, count))
		return error_memory(error, ERROR_SYSTEM, "looking at topics");
	const rd_kafka_resp_err_t code = rd_kafka_metadata(finder->admin->client, 0, NULL, &metadata, wait_ms);
	(void)rd_kafka_poll(finder->admin->client, 0);
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
		return error_set(error, ERROR_SYSTEM, PLACE_NONE, "Kafka does not answer which topics there are: %s",
				 rd_kafka_err2str(code));
	sights_take(finder, metadata, sights);
	rd_kafka_metadata_destroy(metadata);
	return true;
}
