/* lead_group.c: see lead_group.h. */
#include "kafka/consume/lead_group.h"

#include <assert.h>
#include <stdio.h>

#include "base/memory.h"
#include "kafka/client.h"

#define CLOSE_WAIT_S 5

struct lead_group {
	rd_kafka_t *client;
	const char *name;
	rd_kafka_topic_partition_list_t *assigned;	/* NULL: nothing is */
	rd_kafka_consumer_group_metadata_t *membership; /* of the generation of `assigned`; NULL with it */
	uint64_t assignments;
};

static void assigned_forget(struct lead_group *group)
{
	if (group->assigned)
		rd_kafka_topic_partition_list_destroy(group->assigned);
	if (group->membership)
		rd_kafka_consumer_group_metadata_destroy(group->membership);
	group->assigned = NULL;
	group->membership = NULL;
}

/* Partitions are assigned, so that the group counts them as taken, and paused: their records are read elsewhere. The membership is
 * kept as it is now: the client's own may become a later one before this thread has seen that its topics were revoked. */
static void on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list, void *context)
{
	struct lead_group *group = context;
	assigned_forget(group);
	if (code != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
		(void)rd_kafka_assign(client, NULL);
		return;
	}
	(void)rd_kafka_assign(client, list);
	if (list->cnt > 0)
		(void)rd_kafka_pause_partitions(client, list);
	group->assigned = rd_kafka_topic_partition_list_copy(list);
	group->membership = rd_kafka_consumer_group_metadata(client);
	group->assignments++;
}

bool lead_group_follow(struct lead_group *group, const char *const *topics, size_t count, struct error *error)
{
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
	for (size_t i = 0; i < count; i++)
		rd_kafka_topic_partition_list_add(list, topics[i], RD_KAFKA_PARTITION_UA);
	const rd_kafka_resp_err_t code = rd_kafka_subscribe(group->client, list);
	rd_kafka_topic_partition_list_destroy(list);
	return code == RD_KAFKA_RESP_ERR_NO_ERROR ||
	       error_set(error, ERROR_SYSTEM, PLACE_NONE, "group %s cannot be joined: %s", group->name, rd_kafka_err2str(code));
}

/* `range`, librdkafka's own choice, would assign all topics of one partition to one member. */
static bool group_join(struct lead_group *group, const struct lead_group_config *config, struct error *error)
{
	char session[16];
	group->name = config->group;
	(void)snprintf(session, sizeof session, "%d", LEAD_GROUP_SESSION_MS);
	const struct property own[] = {
		{"bootstrap.servers", config->brokers},
		{"group.id", config->group},
		{"enable.auto.commit", "false"},
		{"partition.assignment.strategy", "roundrobin"},
		{"session.timeout.ms", session},
		{"log_level", "0"},
		{"group.instance.id", config->instance},
	};
	const size_t count = sizeof own / sizeof own[0] - (config->instance ? 0 : 1);
	rd_kafka_conf_t *configuration = client_configuration((struct properties){count, own}, config->properties, error);
	if (!configuration)
		return false;
	rd_kafka_conf_set_opaque(configuration, group);
	rd_kafka_conf_set_rebalance_cb(configuration, on_rebalance);
	group->client = client_open(RD_KAFKA_CONSUMER, configuration, error);
	if (!group->client)
		return false;
	(void)rd_kafka_poll_set_consumer(group->client);
	return lead_group_follow(group, config->topics, config->topic_count, error);
}

struct lead_group *lead_group_open(const struct lead_group_config *config, struct error *error)
{
	assert(config->brokers && config->group && config->topic_count > 0);
	struct lead_group *group = memory_take(1, sizeof *group);
	if (group && group_join(group, config, error))
		return group;
	if (!group)
		error_memory(error, ERROR_SYSTEM, "joining a group");
	lead_group_close(group);
	return NULL;
}

void lead_group_close(struct lead_group *group)
{
	if (!group || (group->client && !client_leave(group->client, CLOSE_WAIT_S, group)))
		return;
	assigned_forget(group);
	memory_give(group);
}

/* A failure that librdkafka does not get over by itself. After a silence of this member it joins anew. */
static bool failure_lasts(rd_kafka_resp_err_t code)
{
	return code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED && !failure_is_passing(code) &&
	       !failure_is_absence(code);
}

bool lead_group_look(struct lead_group *group, struct error *error)
{
	assert(group);
	rd_kafka_message_t *message;
	bool good = true;
	while (good && (message = rd_kafka_consumer_poll(group->client, 0))) {
		if (failure_lasts(message->err))
			good = error_set(error, ERROR_SYSTEM, PLACE_NONE,
					 "group %s cannot be joined: %s; `sluice plan --acls` lists the rights that it needs",
					 group->name, rd_kafka_message_errstr(message));
		rd_kafka_message_destroy(message);
	}
	return good;
}

bool lead_group_leads(const struct lead_group *group, const char *topic)
{
	return group->assigned && rd_kafka_topic_partition_list_find(group->assigned, topic, 0);
}

uint64_t lead_group_assignments(const struct lead_group *group)
{
	return group->assignments;
}

const rd_kafka_consumer_group_metadata_t *lead_group_membership(const struct lead_group *group)
{
	return group->membership;
}

bool lead_group_seek(struct lead_group **group, const struct lead_group_config *config, bool *held, struct error *error)
{
	assert(config->topic_count == 1);
	if (!*group)
		*group = lead_group_open(config, error);
	const bool good = *group && lead_group_look(*group, error);
	*held = good && lead_group_leads(*group, config->topics[0]);
	if (good)
		return true;
	lead_group_close(*group);
	*group = NULL;
	return false;
}
