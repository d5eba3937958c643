/* sender.h: producing from a command: records with numbers, each acknowledged by Kafka
 * or refused with a reason.
 *
 * For commands, of one thread: these calls wait for Kafka. A record that Kafka does not
 * acknowledge within the configuration's time is refused, so no wait is without an end.
 */
#ifndef SLUICE_LOG_SENDER_H
#define SLUICE_LOG_SENDER_H

#include "log/record.h"

struct sender;

struct sender_config {
	const char *brokers;
	const char *topic;
	int64_t timeout_ms; /* of each record */
	struct properties properties;
	/* Told of each record that Kafka refuses, by the number it was sent with. */
	void (*refused)(void *context, uint64_t number, const char *reason);
	void *context;
};

/* Everything in the configuration is borrowed as long as the sender lives. */
struct sender *sender_open(const struct sender_config *config, struct error *error);
void sender_close(struct sender *sender); /* NULL is fine; what is not acknowledged is given up */

/* Waits for room. The outgoing record's topic does not count: there is one. False: the
 * record can never be produced (LIMIT), or nothing can (SYSTEM). */
bool sender_send(struct sender *sender, const struct outgoing *record, uint64_t number, struct error *error);

/* Waits up to that long for acknowledgements; whether all that was sent has one, or is refused. */
bool sender_settled(struct sender *sender, int wait_ms);

uint64_t sender_acknowledged(const struct sender *sender);

#endif
