/* request_producer.h: Producer of a gateway's requests: it waits for nothing, and tells what became of each by its number.
 *
 * A record that Kafka does not acknowledge within the configuration's time is refused, so each is told once. Of one thread;
 * its bell is rung when request_producer_tell() has something to tell.
 */
#ifndef SLUICE_LOG_REQUEST_PRODUCER_H
#define SLUICE_LOG_REQUEST_PRODUCER_H

#include "log/record.h"

struct request_producer;

struct request_report {
	uint64_t number;
	const char *refused; /* NULL: Kafka has it */
	int32_t partition;
	int64_t offset;
};

struct request_producer_config {
	const char *brokers;
	int64_t timeout_ms;   /* of each record */
	size_t message_bytes; /* of the largest record, with key and headers */
	size_t queue_bytes;   /* of what waits for Kafka */
	struct properties properties;
	int bell;
	void (*told)(void *context, const struct request_report *report);
	void *context;
};

/* Everything in the configuration is borrowed as long as the producer lives. CONFIG: a setting is wrong. */
struct request_producer *request_producer_open(const struct request_producer_config *config, struct error *error);
void request_producer_close(struct request_producer *producer); /* what is under way is given up, untold; NULL is fine */

/* The topics that records name by number from now on: those before, and new ones behind. The names are borrowed. */
bool request_producer_topics(struct request_producer *producer, const char *const *names, size_t count, struct error *error);

/* Copies the record. `number` is above 0. */
enum produce_verdict request_producer_send(struct request_producer *producer, const struct outgoing *record, uint64_t number,
					   struct error *error);

/* Enters `told` for each record whose end is known. */
void request_producer_tell(struct request_producer *producer);

#endif
