/* group_offsets.h: Committed offsets of a group, asked by a client that need not belong to it. Private to group_lag. */
#ifndef SLUICE_LOG_GROUP_OFFSETS_H
#define SLUICE_LOG_GROUP_OFFSETS_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

/* Sets the offset of each partition of the list, RD_KAFKA_OFFSET_INVALID where the group has committed none, and its error. Offsets
 * in a transaction that is open are not committed. `client` has a `group.id`, whichever it is. False: Kafka does not answer within
 * the time, or the group's coordinator is not known yet. */
bool group_offsets_read(rd_kafka_t *client, const char *group, rd_kafka_topic_partition_list_t *list, int timeout_ms);

#endif
