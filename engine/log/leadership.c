/* leadership.c: see leadership.h. */
#include "log/leadership.h"

#include <assert.h>
#include <stdio.h>

#include "base/memory.h"
#include "log/client.h"

#define CLOSE_WAIT_S 5

struct leadership {
	rd_kafka_t *client;
	const char *group;
	bool leads;
};

static bool has_first(const rd_kafka_topic_partition_list_t *list)
{
	for (int i = 0; i < list->cnt; i++)
		if (list->elems[i].partition == 0)
			return true;
	return false;
}

/* Partitions are assigned, so that the group counts them as taken, and paused: their records are read elsewhere. */
static void on_rebalance(rd_kafka_t *client, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list, void *context)
{
	struct leadership *leadership = context;
	const bool assigned = code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
	leadership->leads = assigned && has_first(list);
	(void)rd_kafka_assign(client, assigned ? list : NULL);
	if (assigned && list->cnt > 0)
		(void)rd_kafka_pause_partitions(client, list);
}

static bool leadership_join(struct leadership *leadership, const struct leadership_config *config, struct error *error)
{
	char session[16];
	leadership->group = config->group;
	(void)snprintf(session, sizeof session, "%d", LEADERSHIP_SESSION_MS);
	const struct property own[] = {
		{"bootstrap.servers", config->brokers}, {"group.id", config->group}, {"enable.auto.commit", "false"},
		{"session.timeout.ms", session},	{"log_level", "0"},
	};
	rd_kafka_conf_t *configuration =
		client_configuration((struct properties){sizeof own / sizeof own[0], own}, config->properties, error);
	if (!configuration)
		return false;
	rd_kafka_conf_set_opaque(configuration, leadership);
	rd_kafka_conf_set_rebalance_cb(configuration, on_rebalance);
	leadership->client = client_open(RD_KAFKA_CONSUMER, configuration, error);
	if (!leadership->client)
		return false;
	(void)rd_kafka_poll_set_consumer(leadership->client);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, config->topic, RD_KAFKA_PARTITION_UA);
	const rd_kafka_resp_err_t code = rd_kafka_subscribe(leadership->client, list);
	rd_kafka_topic_partition_list_destroy(list);
	return code == RD_KAFKA_RESP_ERR_NO_ERROR ||
	       error_set(error, ERROR_SYSTEM, PLACE_NONE, "group %s cannot be joined: %s", config->group, rd_kafka_err2str(code));
}

struct leadership *leadership_open(const struct leadership_config *config, struct error *error)
{
	assert(config->brokers && config->group && config->topic);
	struct leadership *leadership = memory_take(1, sizeof *leadership);
	if (leadership && leadership_join(leadership, config, error))
		return leadership;
	if (!leadership)
		error_memory(error, ERROR_SYSTEM, "joining a group");
	leadership_close(leadership);
	return NULL;
}

void leadership_close(struct leadership *leadership)
{
	if (!leadership)
		return;
	if (!leadership->client || client_leave(leadership->client, CLOSE_WAIT_S, leadership))
		memory_give(leadership);
}

/* A failure that librdkafka does not get over by itself. After a silence of this member it joins anew. */
static bool failure_lasts(rd_kafka_resp_err_t code)
{
	return code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED && !failure_is_passing(code) &&
	       !failure_is_absence(code);
}

bool leadership_look(struct leadership *leadership, bool *held, struct error *error)
{
	assert(leadership && held);
	rd_kafka_message_t *message;
	bool good = true;
	while (good && (message = rd_kafka_consumer_poll(leadership->client, 0))) {
		if (failure_lasts(message->err))
			good = error_set(error, ERROR_SYSTEM, PLACE_NONE,
					 "group %s cannot be joined: %s; `sluice plan --acls` lists the rights that it needs",
					 leadership->group, rd_kafka_message_errstr(message));
		rd_kafka_message_destroy(message);
	}
	*held = good && leadership->leads;
	return good;
}

bool leadership_seek(struct leadership **leadership, const struct leadership_config *config, bool *held, struct error *error)
{
	if (!*leadership)
		*leadership = leadership_open(config, error);
	if (*leadership && leadership_look(*leadership, held, error))
		return true;
	leadership_close(*leadership);
	*leadership = NULL;
	return false;
}
