/* group_client.h: Group client: client that asks for the committed offsets of a group, which it never joins, and for the ends of
 * partitions. Private to kafka. To be closed by client_destroy().
 */
#pragma once

#include "kafka/client.h"

/* For a client of committed records librdkafka returns the last stable offset as the end of a partition, and waits for offsets in
 * transactions that are open. One of all records sees the end as it is, and offsets as they were before those transactions. */
enum group_client_reads { READS_COMMITTED, READS_ALL };

/* `is_quiet`: librdkafka's lines are not logged. NULL: CONFIG or SYSTEM. */
rd_kafka_t *group_client_open(const char *brokers, struct properties properties, const char *group, enum group_client_reads reads,
			      bool is_quiet, struct error *error);
