/* rejoin_check.h: Check whether a Kafka group reads all topics of its newest member. Private to log.
 *
 * A member that comes back with an instance id gets the partitions that it had, whatever it reads now (KAFKA-12759).
 * So an engine that was restarted with one more pipeline would wait for that pipeline's records for ever, without an
 * error.
 *
 * A check has a thread, since librdkafka's call for it waits (kafka/consume/group_members.h).
 */
#ifndef SLUICE_KAFKA_CONSUME_REJOIN_CHECK_H
#define SLUICE_KAFKA_CONSUME_REJOIN_CHECK_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

struct rejoin_check;

/* Starts a check for a member that has just got its first partitions: which member reads which partitions. The
 * bell rings when the answer is there. The client, the group's name and the bell outlive the check. NULL: the
 * member has partitions of each topic, so there is nothing to check, or memory or a thread is missing. */
struct rejoin_check *rejoin_check_begin(rd_kafka_t *client, const char *group, int bell);

/* True: it has ended. If no member of the group reads one of the topics, this member leaves and joins again as a
 * new member, so that all partitions are assigned again. `code`: the result of that. If Kafka does not let it see the group, or
 * does not know the request, nothing is done. Never waits. */
bool rejoin_check_ended(const struct rejoin_check *check, rd_kafka_resp_err_t *code);

/* Leaves the group and joins it again as a new member, so that all partitions are assigned again. A client with a fatal error, as
 * one that Kafka has fenced, does nothing: its error says what follows, and another one may take its place, with its topics. */
rd_kafka_resp_err_t group_rejoin(rd_kafka_t *client);

/* Closes the check, ended or not. Waits for a call that is under way, GROUP_MEMBERS_WAIT_MS at most. NULL is
 * fine. */
void rejoin_check_close(struct rejoin_check *check);

#endif
