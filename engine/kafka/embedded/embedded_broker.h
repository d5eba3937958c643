/* embedded_broker.h: Embedded Kafka broker: librdkafka's mock cluster in this process. It speaks Kafka's own protocol on a port
 * of the loopback, so that any client can use it.
 *
 * Limits: it keeps records only in memory, the newest 5 MB or so of each partition. It accepts transactions, but they
 * have no effect. A group takes three seconds to form, so consumers should have their partitions assigned by name.
 * Clients of other libraries connect through the relay (relay.h). For `sluice dev`.
 *
 * Any thread may call.
 */
#pragma once

#include "kafka/record.h"

struct embedded_broker;

struct embedded_broker *embedded_broker_open(struct error *error); /* NULL: SYSTEM */

/* To be called after its clients are closed. NULL is fine. */
void embedded_broker_close(struct embedded_broker *cluster);

const char *embedded_broker_brokers(const struct embedded_broker *cluster); /* host:port; lives as long as it does */

/* Creates a topic. A topic that exists is fine, whatever its settings. */
bool embedded_broker_topic(struct embedded_broker *cluster, const char *name, int partitions, struct error *error);

/* Creates a topic for a client. Returns one of Kafka's error codes; 0: it is created. */
int16_t embedded_broker_make(struct embedded_broker *cluster, const char *name, int partitions);

/* Settings with which its clients do not wait for events that never come. */
extern const struct properties embedded_consumer_settings;
extern const struct properties embedded_producer_settings;
