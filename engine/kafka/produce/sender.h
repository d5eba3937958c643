/* sender.h: Producer for commands: sends numbered records, each of which Kafka acknowledges or refuses with a reason.
 *
 * Belongs to one thread; its calls wait for Kafka. A record that Kafka does not acknowledge within the configured
 * time is refused, so every wait ends.
 */
#pragma once

#include "kafka/record.h"

struct sender;

struct sender_config {
	const char *brokers;
	const char *topic;
	const char *what; /* what a record is, for errors: "request"; NULL: "record" */
	int64_t timeout_ms; /* of each record */
	struct properties properties;
	/* Called for each record that Kafka refuses, with the number of its sender_send(). The reason is valid until the
	 * next call of the sender. */
	void (*refused)(void *context, uint64_t number, const char *reason);
	/* Called instead of `refused` for a record that Kafka would refuse each time, because it is too large or invalid. NULL:
	 * `refused` is called. */
	void (*rejected)(void *context, uint64_t number, const char *reason);
	void *context;
};

/* Everything in the configuration is borrowed as long as the sender lives. */
struct sender *sender_open(const struct sender_config *config, struct error *error);
void sender_close(struct sender *sender); /* NULL is fine; unacknowledged records are dropped */

/* Sends a record; waits while the queue is full. The record's topic number is ignored, since there is one topic.
 * False: the record can never be produced (LIMIT: the error has its size and the limit), or no record can (SYSTEM). */
bool sender_send(struct sender *sender, const struct outgoing *record, uint64_t number, struct error *error);

/* Waits at most `wait_ms` for acknowledgements. True: all records sent are acknowledged or refused. */
bool sender_settled(struct sender *sender, int wait_ms);

uint64_t sender_acknowledged(const struct sender *sender);
