/* relay.h: Relay in front of the embedded broker (embedded_broker.h), for Kafka clients that librdkafka's mock cannot serve by
 * itself, such as Java's. It also gives the broker a port that can be chosen.
 *
 * Each connection of a client has one to the mock. Requests pass unchanged, except those of relay_protocol.h, which
 * are answered or changed here. Answers leave in the order of their requests. Listens on the loopback only. Belongs
 * to its loop's thread.
 */
#pragma once

#include "kafka/embedded/embedded_broker.h"
#include "net/loop.h"

#define RELAY_FRAME_MAX ((size_t)104857600) /* of one request or answer: the default limit of Kafka's brokers */
#define RELAY_LINKS_MAX 1024		     /* connections of clients; further ones are closed */

struct relay;

/* Listens at `port`; 0: any free one. CONFIG: the port is in use. Borrows the cluster. */
struct relay *relay_open(struct loop *loop, struct embedded_broker *cluster, int port, struct error *error);
void relay_close(struct relay *relay); /* before the cluster is; NULL is fine */

const char *relay_brokers(const struct relay *relay); /* host:port; lives as long as it does */
