/* read_probe.h: Probe of a login's right to read topics that Kafka shows, and whose records it refused. Private to log.
 *
 * A consumer learns only by a record that it may read a topic again, and an idle topic has none. So the probe reads the topic from
 * its end, by a client that reports that end: Kafka answers it only to those who may read.
 *
 * Belongs to one thread. It has a client while a topic is probed.
 */
#ifndef SLUICE_KAFKA_TOPICS_READ_PROBE_H
#define SLUICE_KAFKA_TOPICS_READ_PROBE_H

#include "kafka/client.h"

struct read_probe { /* starts as {0} */
	rd_kafka_t *client;
	rd_kafka_queue_t *queue;
	size_t count, capacity;
	rd_kafka_topic_t **topics;
};

/* Probes the topic from now on, if it is not probed yet. Does not wait. False: CONFIG or SYSTEM. */
bool read_probe_begin(struct read_probe *probe, const char *brokers, struct properties properties, const char *topic,
		      struct error *error);

/* The name of a probed topic that may be read, which is not probed any more; it lives until the next call. NULL: there is none yet.
 * Does not wait. */
const char *read_probe_next(struct read_probe *probe, char *name, size_t size);

void read_probe_close(struct read_probe *probe);

#endif
