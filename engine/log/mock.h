/* mock.h: a broker inside this process: librdkafka's mock cluster, which speaks Kafka's own
 * protocol on a port of the loopback, so that any client can use it.
 *
 * It keeps records in memory alone, of each partition the newest 5 MB or so; it takes
 * transactions and means nothing by them; a group takes three seconds to come together, so
 * consumers had better be given their partitions. Clients of other libraries come by the relay
 * (relay.h). For `sluice dev`.
 *
 * Any thread may call.
 */
#ifndef SLUICE_LOG_MOCK_H
#define SLUICE_LOG_MOCK_H

#include "log/record.h"

struct mock_cluster;

struct mock_cluster *mock_cluster_open(struct error *error); /* NULL: SYSTEM */

/* When its clients are closed. NULL is fine. */
void mock_cluster_close(struct mock_cluster *cluster);

const char *mock_cluster_brokers(const struct mock_cluster *cluster); /* host:port; lives as long as it does */

/* One that is there already is fine, whatever it has. */
bool mock_cluster_topic(struct mock_cluster *cluster, const char *name, int partitions, struct error *error);

/* One that a client asks for; gives one of Kafka's error codes, 0: it is made. */
int16_t mock_cluster_make(struct mock_cluster *cluster, const char *name, int partitions);

/* With which its clients do not wait for what will not come. */
extern const struct properties mock_consumer_settings;
extern const struct properties mock_producer_settings;

#endif
