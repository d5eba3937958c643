/* group.h: Check whether a Kafka group reads all topics of its newest member. Private to log.
 *
 * A member that comes back with an instance id gets the partitions that it had, whatever it reads now (KAFKA-12759).
 * So an engine that was restarted with one more pipeline would wait for that pipeline's records for ever, without an
 * error.
 *
 * A question has a thread, since librdkafka's call for it waits (log/group_members.h).
 */
#ifndef SLUICE_LOG_GROUP_H
#define SLUICE_LOG_GROUP_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

struct group_question;

/* Starts a question for a member that has just got its first partitions: which member reads which partitions. The
 * bell rings when the answer is there. The client, the group's name and the bell outlive the question. NULL: the
 * member has partitions of each topic, so there is no question, or memory or a thread is missing. */
struct group_question *group_ask(rd_kafka_t *client, const char *group, int bell);

/* False: there is no answer yet. True: there is one. It may show a topic that no member of the group reads. Then
 * this member leaves and joins again as a new member, so that all partitions are assigned again. `code`: the
 * result of that. If Kafka does not let it see the group, or does not know the request, nothing is done. Never
 * waits. */
bool group_hear(const struct group_question *question, rd_kafka_resp_err_t *code);

/* Leaves the group and joins it again as a new member, so that all partitions are assigned again. */
rd_kafka_resp_err_t group_join_again(rd_kafka_t *client);

/* Closes the question, answered or not. Waits for a call that is under way, GROUP_MEMBERS_WAIT_MS at most. NULL is
 * fine. */
void group_forget(struct group_question *question);

#endif
