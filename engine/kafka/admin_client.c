/* admin_client.c: see admin_client.h. */
#include "kafka/admin_client.h"

#include <assert.h>

#include "base/memory.h"

static void on_error(rd_kafka_t *client, int code, const char *words, void *context)
{
	struct admin_client *admin = context;
	(void)client;
	client_note_trouble(code, words, &admin->trouble);
}

static rd_kafka_t *client_set_up(struct admin_client *admin, struct properties properties, enum admin_log log, struct error *error)
{
	const struct property own[] = {
		{"bootstrap.servers", admin->brokers},
		{"allow.auto.create.topics", "false"},
		{"log_level", log == ADMIN_IS_QUIET ? "0" : NULL},
	};
	rd_kafka_conf_t *configuration =
		client_configuration((struct properties){sizeof own / sizeof *own, own}, properties, error);
	if (!configuration)
		return NULL;
	rd_kafka_conf_set_opaque(configuration, admin);
	rd_kafka_conf_set_error_cb(configuration, on_error);
	return client_open(RD_KAFKA_PRODUCER, configuration, error);
}

struct admin_client *admin_client_open(const char *brokers, struct properties properties, enum admin_log log, struct error *error)
{
	assert(brokers);
	struct admin_client *admin = memory_take(1, sizeof *admin);
	if (!admin) {
		error_memory(error, ERROR_SYSTEM, "asking Kafka");
		return NULL;
	}
	admin->brokers = brokers;
	admin->client = client_set_up(admin, properties, log, error);
	if (admin->client)
		return admin;
	memory_give(admin);
	return NULL;
}

void admin_client_close(struct admin_client *admin, int wait_s)
{
	if (!admin)
		return;
	client_destroy(admin->client, wait_s);
	memory_give(admin);
}

const struct rd_kafka_metadata *admin_client_look(struct admin_client *admin, struct look_limits *limits, struct error *error)
{
	return client_look(admin->client, NULL, admin->brokers, &admin->trouble, limits, error);
}
