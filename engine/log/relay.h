/* relay.h: Relay in front of the embedded broker (mock.h), which makes it usable by Kafka clients that
 * librdkafka's mock cannot serve by itself, Java's for one, and puts it at a port that can be chosen.
 *
 * Each connection of a client has one to the mock. Requests go on as they come but for those of
 * relay_protocol.h, which are answered or changed here; answers leave in the order of their requests.
 * Listens on the loopback alone. Belongs to the thread of its loop.
 */
#ifndef SLUICE_LOG_RELAY_H
#define SLUICE_LOG_RELAY_H

#include "log/mock.h"
#include "net/loop.h"

#define RELAY_FRAME_MAX ((size_t)104857600) /* of one request or answer: what Kafka's brokers take by default */
#define RELAY_LINKS_MAX 1024		     /* connections of clients; further ones are closed */

struct relay;

/* Listens at `port`; 0: at one that is free. CONFIG: it is taken. Borrows the cluster. */
struct relay *relay_open(struct loop *loop, struct mock_cluster *cluster, int port, struct error *error);
void relay_close(struct relay *relay); /* before the cluster is; NULL is fine */

const char *relay_brokers(const struct relay *relay); /* host:port; lives as long as it does */

#endif
