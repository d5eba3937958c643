/* revoked_progress.h: Progress of revoked partitions: offsets that were answered but could not be committed. Private
 * to worker.
 *
 * A broker that is unreachable for longer than the session timeout makes the group drop its members. When it is back,
 * the group assigns the partitions again from the last commit. The worker remembers the records that it had answered,
 * with Kafka's acknowledgement, and skips them when they come again. So no request is answered twice, and the commit
 * catches up.
 *
 * At least once only: exactly once answers nothing before the commit. And only for stages without state: another
 * member may have overwritten that state when it processed the same records.
 */
#pragma once

#include "engine/worker/partition_queues.h"

/* Answered offsets of one revoked partition. */
struct revoked_progress {
	uint32_t topic;
	int32_t partition;
	struct stretch stretch;
};

/* Starts as {0}. */
struct revoked_list {
	size_t count;
	struct revoked_progress *items;
};

void revoked_progress_close(struct revoked_list *list);

/* Notes the answered offsets of partitions that are about to be revoked; Kafka has acknowledged all that left them.
 * Without memory nothing is noted, and more requests are answered twice. */
void revoked_progress_note(struct revoked_list *list, const struct partition_queues *queues, struct positions taken);

/* Passes the noted offsets of newly assigned partitions to their queues, and forgets them. */
void revoked_progress_tell(struct revoked_list *list, const struct partition_queues *queues, struct positions given);

/* Whether a record was answered before. If so, the queue counts it as one that has left. */
bool revoked_progress_pass(struct partition_queue *queue, int64_t offset);

static inline bool partition_queue_was_answered(struct partition_queue *queue, int64_t offset)
{
	return queue->answered.end != OFFSET_NONE && revoked_progress_pass(queue, offset);
}
