/* assignment_check.h: Check of a new assignment of a consumer: which of its partitions were moved to another consumer group, and
 * whether the group reads all topics of the consumer. Private to the consumer.
 *
 * An engine can be frozen, or cut off from Kafka, while the others change the group of a pipeline. When it comes back, Kafka
 * gives it partitions by the former group before it knows of the change. It would answer their requests again. The commits of
 * such partitions have marks (kafka/consume/commit_mark.h).
 *
 * A member that comes back with an instance id gets the partitions that it had, whatever it reads now (KAFKA-12759). So an engine
 * that was restarted with one more pipeline would wait for that pipeline's records for ever, without an error.
 *
 * A check has a thread, since librdkafka's calls for both wait. It reads stable offsets: a mark that a transaction is about to
 * commit is waited for. That there is no answer for 30 s is logged. While partitions are marked, the thread asks again every
 * ASSIGNMENT_CHECK_LOOK_MS, as the pipeline may be moved back.
 */
#pragma once

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#define ASSIGNMENT_CHECK_LOOK_MS 5000
#define ASSIGNMENT_CHECK_WAIT_MS 2000 /* of one call: the longest time for which the end of a check waits */

struct assignment_check;

/* Starts the check; takes the list of partitions. `with_topics`: these are the first partitions of the client, so that the topics
 * are checked too. The bell rings with each answer. The client, the group's name and the bell outlive the check. NULL: memory or a
 * thread is missing. */
struct assignment_check *assignment_check_begin(rd_kafka_t *client, const char *group, rd_kafka_topic_partition_list_t *list,
						bool with_topics, int bell);

/* Whether it is known which partitions were moved. Never waits. If Kafka refuses to say what was committed, no partition counts as
 * moved: the client meets the same refusal when it begins to read. */
bool assignment_check_knows_moves(const struct assignment_check *check);

/* Then: whether that partition was moved. Such partitions are logged, in one line, when the answer comes. */
bool assignment_check_is_moved(const struct assignment_check *check, const char *topic, int32_t partition);

/* Whether a topic has no reader in the group, or a partition that was moved is moved back. Then the member joins again
 * (group_rejoin()). */
bool assignment_check_fails(const struct assignment_check *check);

/* Whether the topics were checked. If Kafka does not let the member see the group, or does not know the request, no topic counts as
 * one without a reader. */
bool assignment_check_knows_topics(const struct assignment_check *check);

/* Ends the check, whatever is known. Waits for a call that is under way. NULL is fine. */
void assignment_check_end(struct assignment_check *check);

/* Leaves the group and joins it again as a new member, so that all partitions are assigned again. A client with a fatal error, as
 * one that Kafka has fenced, does nothing: its error says what follows, and another one may take its place, with its topics. */
rd_kafka_resp_err_t group_rejoin(rd_kafka_t *client);
