/* group.h: Question whether a Kafka group reads all that its newest member came for. Private to log.
 *
 * A member with an instance's name that comes back is given the partitions it had, whatever
 * it reads now (KAFKA-12759). So an engine that was started again with one more pipeline
 * would wait for its records for ever, and say nothing.
 *
 * A question has a thread, since librdkafka's call for it waits (log/group_members.h).
 */
#ifndef SLUICE_LOG_GROUP_H
#define SLUICE_LOG_GROUP_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

struct group_question;

/* For a member that was just given its first partitions: asks who has what; the bell is rung when that is known. The client, the
 * group's name and the bell outlive the question. NULL: it was given some of each topic, so there is nothing to ask, or there is
 * no memory or thread for it. */
struct group_question *group_ask(rd_kafka_t *client, const char *group, int bell);

/* False: no answer has come yet. True: it has, and where it says that a topic is given to nobody in the
 * group, the member leaves, and joins again as somebody new, for whom all is dealt out anew. `code`: how
 * that went. Where Kafka does not let it see the group, or does not know the question, nothing is done. Never waits. */
bool group_hear(const struct group_question *question, rd_kafka_resp_err_t *code);

/* Gives it up, answered or not: waits for a call that is under way, GROUP_MEMBERS_WAIT_MS at most. NULL is fine. */
void group_forget(struct group_question *question);

#endif
