/* write_probe.h: Probe of a login's right to write topics, which writes nothing. Private to log.
 *
 * Kafka has no request that only asks for a right. So the probe sends a record with a number of acknowledgements that no broker
 * accepts (acks=2). Kafka checks the right first: it refuses the record for want of it, or else for that number. A broker that
 * ignores the number would keep a record without key and value.
 *
 * Belongs to one thread at a time. It has a client while there are questions, and asks only where a right was missing.
 */
#ifndef SLUICE_KAFKA_TOPICS_WRITE_PROBE_H
#define SLUICE_KAFKA_TOPICS_WRITE_PROBE_H

#include "kafka/client.h"
#include "kafka/produce/output.h"

enum write_right {
	WRITE_RIGHT_UNKNOWN, /* Kafka has not answered, or with another error */
	WRITE_RIGHT_MISSING,
	WRITE_RIGHT_GIVEN,
};

struct write_question {
	uint32_t topic; /* its number */
	rd_kafka_topic_t *handle;
	bool is_open;		/* no answer has come */
	enum write_right right; /* the last answer */
};

struct write_probe { /* starts as {0} */
	rd_kafka_t *client;
	rd_kafka_queue_t *reports;
	size_t count, capacity;
	struct write_question *questions;
};

/* Asks Kafka about the topic, unless it is asked already. Does not wait. False: CONFIG or SYSTEM. */
bool write_probe_ask(struct write_probe *probe, const struct transaction_config *config, uint32_t topic, const char *name,
		     struct error *error);

/* Waits at most so long until the client knows the topics that are asked about, by one request for all. Else it takes a second. */
void write_probe_look(struct write_probe *probe, int wait_ms);

/* Reads answers; waits at most so long for the first. */
void write_probe_read(struct write_probe *probe, int wait_ms);

/* The answer to the last question about the topic. */
enum write_right write_probe_answer(const struct write_probe *probe, uint32_t topic);

/* Whether a question has no answer yet. */
bool write_probe_waits(const struct write_probe *probe);

/* Whether the last question about the topic of a producer's handle was answered by yes; then it is forgotten, and the producer
 * knows the topic again. Else Kafka is asked again. To be called until then, now and then. */
bool write_probe_allows(struct write_probe *probe, const struct transaction_config *config, rd_kafka_t *producer,
			rd_kafka_topic_t *handle, uint32_t topic);

/* Forgets all questions, and closes the client. */
void write_probe_close(struct write_probe *probe);

#endif
