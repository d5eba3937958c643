/* group.h: whether a Kafka group reads all that its newest member came for. Private to log.
 *
 * A member with an instance's name that comes back is given the partitions it had, whatever
 * it reads now (KAFKA-12759). So an engine that was started again with one more pipeline
 * would wait for its records for ever, and say nothing.
 */
#ifndef SLUICE_LOG_GROUP_H
#define SLUICE_LOG_GROUP_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

/* For a member that was just given its first partitions: asks who has what. The answer comes to this
 * queue, for client_queue_forget(), and rings the bell. NULL: it was given some of each topic, so there is nothing to ask. */
rd_kafka_queue_t *group_ask(rd_kafka_t *client, const char *group, int bell);

/* False: no answer has come yet. True: it has, and where it says that a topic is given to nobody in the
 * group, the member leaves, and joins again as somebody new, for whom all is dealt out anew. `code`: how
 * that went. Where Kafka does not let it see the group, nothing is done. Never waits. */
bool group_hear(rd_kafka_t *client, const char *group, rd_kafka_queue_t *answers, rd_kafka_resp_err_t *code);

#endif
