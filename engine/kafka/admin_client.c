/* admin_client.c: see admin_client.h. */
#include "kafka/admin_client.h"

#include <assert.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/memory.h"

#define POLL_MS 50

static void on_error(rd_kafka_t *client, int code, const char *words, void *context)
{
	struct admin_client *admin = context;
	(void)client;
	client_note_trouble(code, words, &admin->trouble);
}

/* A report that is late is of a former try. */
static void on_report(rd_kafka_t *client, const rd_kafka_message_t *report, void *context)
{
	struct admin_client *admin = context;
	(void)client;
	if ((uintptr_t)report->_private != admin->tries)
		return;
	admin->code = report->err;
	admin->is_open = false;
}

static rd_kafka_t *client_set_up(struct admin_client *admin, struct properties properties, enum admin_log log, struct error *error)
{
	const struct property own[] = {
		{"bootstrap.servers", admin->brokers},
		{"allow.auto.create.topics", "false"},
		{"linger.ms", "0"},
		{"log_level", log == ADMIN_IS_QUIET ? "0" : NULL},
	};
	char words[LIBRARY_TEXT_MAX];
	rd_kafka_conf_t *configuration =
		client_configuration((struct properties){sizeof own / sizeof *own, own}, properties, error);
	if (!configuration)
		return NULL;
	rd_kafka_conf_set_opaque(configuration, admin);
	rd_kafka_conf_set_error_cb(configuration, on_error);
	rd_kafka_conf_set_dr_msg_cb(configuration, on_report);
	(void)rd_kafka_conf_set(configuration, "enable.idempotence", "false", words, sizeof words); /* it would set acks */
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

static rd_kafka_topic_t *handle_open(const struct admin_client *admin, const char *topic, int timeout_ms)
{
	char words[LIBRARY_TEXT_MAX], timeout[24];
	rd_kafka_topic_conf_t *configuration = rd_kafka_topic_conf_new();
	(void)snprintf(timeout, sizeof timeout, "%d", timeout_ms);
	(void)rd_kafka_topic_conf_set(configuration, "acks", "2", words, sizeof words);
	(void)rd_kafka_topic_conf_set(configuration, "message.timeout.ms", timeout, words, sizeof words);
	return rd_kafka_topic_new(admin->client, topic, configuration);
}

/* The request for metadata makes the topic known. Without it librdkafka would ask by itself, a second later. */
rd_kafka_resp_err_t admin_client_try_write(struct admin_client *admin, const char *topic, int timeout_ms,
					   const atomic_bool *stopping)
{
	const struct rd_kafka_metadata *metadata;
	rd_kafka_topic_t *handle = handle_open(admin, topic, timeout_ms);
	if (!handle)
		return rd_kafka_last_error();
	if (rd_kafka_metadata(admin->client, 0, handle, &metadata, timeout_ms) == RD_KAFKA_RESP_ERR_NO_ERROR)
		rd_kafka_metadata_destroy(metadata);
	const int64_t until_ms = clock_ms() + timeout_ms;
	admin->tries++;
	admin->code = RD_KAFKA_RESP_ERR__TIMED_OUT;
	admin->is_open = rd_kafka_produce(handle, 0, RD_KAFKA_MSG_F_COPY, NULL, 0, NULL, 0, (void *)admin->tries) == 0;
	if (!admin->is_open) /* librdkafka knows the answer, by the topic's metadata */
		admin->code = rd_kafka_last_error();
	while (admin->is_open && clock_ms() < until_ms && !atomic_load(stopping))
		(void)rd_kafka_poll(admin->client, POLL_MS);
	rd_kafka_topic_destroy(handle);
	return admin->code;
}
