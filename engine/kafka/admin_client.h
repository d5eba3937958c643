/* admin_client.h: Admin client: client for requests about the topics and groups of a cluster. Private to kafka.
 *
 * Belongs to one thread at a time.
 */
#pragma once

#include "kafka/client.h"

enum admin_log {
	ADMIN_LOGS,	/* librdkafka's lines are logged */
	ADMIN_IS_QUIET, /* other clients log the same trouble, or the command does */
};

struct admin_client {
	rd_kafka_t *client;
	const char *brokers;
	struct error trouble; /* as client_note_trouble() writes it */
	uintptr_t tries;      /* to write topics, so far */
	bool is_open;	      /* the last one has no answer */
	rd_kafka_resp_err_t code;
};

/* Borrows `brokers` as long as it lives. NULL: CONFIG or SYSTEM. */
struct admin_client *admin_client_open(const char *brokers, struct properties properties, enum admin_log log, struct error *error);

/* Waits at most so long, as client_destroy() does. NULL is fine. */
void admin_client_close(struct admin_client *admin, int wait_s);

#define ADMIN_CLOSE_WAIT_S 1 /* far longer than it takes, but where librdkafka 2.0 cannot close a client at all */

/* Kafka's metadata of all topics: client_look() by this client. */
const struct rd_kafka_metadata *admin_client_look(struct admin_client *admin, struct look_limits *limits, struct error *error);

/* Tries to write a topic with a number of acknowledgements that no broker accepts (acks=2). Returns the code with which Kafka, or
 * librdkafka, refuses that. Waits at most so long for each of two answers, or until `stopping`. */
rd_kafka_resp_err_t admin_client_try_write(struct admin_client *admin, const char *topic, int timeout_ms,
					   const atomic_bool *stopping);
