/* revoked_progress.h: how far partitions were answered before the group took them away. Private to
 * worker.
 *
 * While a broker is away for longer than the session, the group drops its members, and
 * gives them their partitions again when it is back, from what was committed before. What
 * was answered meanwhile, and acknowledged by Kafka, nobody could commit. So a worker
 * remembers it, and passes over those records when they come again: they are not answered
 * twice, and the commit catches up.
 *
 * At least once only: exactly once, what was not committed was not answered. And only where
 * nothing is remembered by steps: what another member makes of the same records meanwhile
 * may have replaced what this one wrote of them.
 */
#ifndef SLUICE_WORKER_REVOKED_PROGRESS_H
#define SLUICE_WORKER_REVOKED_PROGRESS_H

#include "worker/lanes.h"

/* Of one partition that was taken away. */
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

/* These are about to be taken away; all that has left them is acknowledged. Without memory
 * for it nothing is noted, and more is answered twice. */
void revoked_progress_note(struct revoked_list *list, const struct lanes *lanes, struct positions taken);

/* These were just given: what was noted of them is told to their lanes, and forgotten. */
void revoked_progress_tell(struct revoked_list *list, const struct lanes *lanes, struct positions given);

/* Whether a record that comes was answered before; then it counts as one that has left. */
bool revoked_progress_pass(struct lane *lane, int64_t offset);

static inline bool lane_was_answered(struct lane *lane, int64_t offset)
{
	return lane->answered.end != OFFSET_NONE && revoked_progress_pass(lane, offset);
}

#endif
