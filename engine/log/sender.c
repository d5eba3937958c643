/* sender.c: see sender.h. */
#include "log/sender.h"

#include <stdio.h>

#include "base/memory.h"
#include "log/client.h"

#define FULL_WAIT_MS 100

struct sender {
	const struct sender_config *config;
	rd_kafka_t *producer;
	rd_kafka_topic_t *topic;
	uint64_t waiting; /* sent, and not heard of */
	uint64_t acknowledged;
};

static void on_report(rd_kafka_t *producer, const rd_kafka_message_t *message, void *context)
{
	struct sender *sender = context;
	(void)producer;
	sender->waiting--;
	if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
		sender->acknowledged++;
	else if (sender->config->refused)
		sender->config->refused(sender->config->context, (uint64_t)(uintptr_t)message->_private,
					rd_kafka_err2str(message->err));
}

/* What befalls a client befalls its records, whose reports say it. */
static void on_error(rd_kafka_t *client, int code, const char *reason, void *context)
{
	(void)client, (void)code, (void)reason, (void)context;
}

static bool sender_set_up(struct sender *sender, struct error *error)
{
	char timeout[32];
	snprintf(timeout, sizeof timeout, "%lld", (long long)sender->config->timeout_ms);
	const struct property own[] = {
		{"bootstrap.servers", sender->config->brokers},
		{"enable.idempotence", "true"},
		{"message.timeout.ms", timeout},
		{"linger.ms", "5"},
		{"partitioner", "murmur2_random"},
		{"log_level", "0"}, /* the reports say what there is to say */
	};
	rd_kafka_conf_t *configuration =
		client_configuration((struct properties){sizeof own / sizeof own[0], own}, sender->config->properties, error);
	if (!configuration)
		return false;
	rd_kafka_conf_set_opaque(configuration, sender);
	rd_kafka_conf_set_dr_msg_cb(configuration, on_report);
	rd_kafka_conf_set_error_cb(configuration, on_error);
	sender->producer = client_open(RD_KAFKA_PRODUCER, configuration, error);
	if (!sender->producer)
		return false;
	sender->topic = rd_kafka_topic_new(sender->producer, sender->config->topic, NULL);
	return sender->topic || error_set(error, ERROR_SYSTEM, PLACE_NONE, "cannot produce to %s: %s", sender->config->topic,
					  rd_kafka_err2str(rd_kafka_last_error()));
}

struct sender *sender_open(const struct sender_config *config, struct error *error)
{
	struct sender *sender = memory_take(1, sizeof *sender);
	if (!sender) {
		error_memory(error, ERROR_SYSTEM, "opening a producer");
		return NULL;
	}
	sender->config = config;
	if (sender_set_up(sender, error))
		return sender;
	sender_close(sender);
	return NULL;
}

void sender_close(struct sender *sender)
{
	if (!sender)
		return;
	if (sender->topic)
		rd_kafka_topic_destroy(sender->topic);
	if (sender->producer)
		rd_kafka_destroy(sender->producer);
	memory_give(sender);
}

bool sender_send(struct sender *sender, const struct outgoing *record, uint64_t number, struct error *error)
{
	for (;;) {
		switch (client_produce(sender->producer, sender->topic, record, (void *)(uintptr_t)number, error)) {
		case PRODUCED:
			sender->waiting++;
			(void)rd_kafka_poll(sender->producer, 0);
			return true;
		case PRODUCE_FULL:
			(void)rd_kafka_poll(sender->producer, FULL_WAIT_MS); /* a record leaves by its timeout at the latest */
			break;
		default:
			return false;
		}
	}
}

bool sender_settled(struct sender *sender, int wait_ms)
{
	if (sender->waiting > 0)
		(void)rd_kafka_poll(sender->producer, wait_ms);
	return sender->waiting == 0;
}

uint64_t sender_acknowledged(const struct sender *sender)
{
	return sender->acknowledged;
}
