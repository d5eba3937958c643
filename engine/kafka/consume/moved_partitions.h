/* moved_partitions.h: Question which partitions of an assignment were moved to another consumer group, by the marks of their
 * commits (kafka/consume/commit_mark.h). Private to the consumer.
 *
 * An engine can be frozen, or cut off from Kafka, while the others change the group of a pipeline. When it comes back, Kafka
 * gives it partitions by the former group before it knows of the change. It would answer their requests again.
 *
 * A question has a thread, since librdkafka's call for committed offsets waits. It reads stable offsets: a mark that a
 * transaction is about to commit is waited for. That there is no answer for 30 s is logged. While partitions are marked, the thread
 * asks again every MOVED_PARTITIONS_LOOK_MS, as the pipeline may be moved back.
 */
#ifndef SLUICE_KAFKA_CONSUME_MOVED_PARTITIONS_H
#define SLUICE_KAFKA_CONSUME_MOVED_PARTITIONS_H

#include <librdkafka/rdkafka.h>
#include <stdbool.h>

#define MOVED_PARTITIONS_LOOK_MS 5000
#define MOVED_PARTITIONS_WAIT_MS 2000 /* of one call: the longest time for which the question's end waits */

struct moved_question;

/* Starts the question; takes the list. The bell rings when there is an answer, and when a mark was removed later. The
 * client, the group's name and the bell outlive the question. NULL: memory or a thread is missing. */
struct moved_question *moved_ask(rd_kafka_t *client, const char *group, rd_kafka_topic_partition_list_t *list, int bell);

/* Whether there is an answer. Never waits. If Kafka refuses to say what was committed, no partition counts as moved: the
 * client meets the same refusal when it begins to read. */
bool moved_is_answered(const struct moved_question *question);

/* After the answer: whether that partition is marked. Marked partitions are logged, in one line, when the answer comes. */
bool moved_has(const struct moved_question *question, const char *topic, int32_t partition);

/* Whether a partition was marked by the answer, and is not any longer. */
bool moved_is_over(const struct moved_question *question);

/* Ends the question, answered or not. Waits for a call that is under way. NULL is fine. */
void moved_forget(struct moved_question *question);

#endif
