/* snapshot_progress.h: Snapshot in progress: a worker writes one at a time, block by block, and keeps it when all that it holds is
 * committed. Private to the worker.
 *
 *   begun       the archive is asked for the head
 *   blocks      blocks are written, each when the archive is ready for it
 *   last block  the last one is on its way
 *   written     it waits for a commit that proves that the partition was this worker's all the time
 *   kept        the archive replaces the snapshot before
 */
#pragma once

#include "kafka/state/archive.h"

struct snapshot_progress {
	const struct store *store; /* borrowed; NULL: no snapshot is in progress */
	uint64_t ticket;	   /* of the archive */
	struct snapshot_writer writer;
	struct buffer block;
	enum snapshot_stage { SNAPSHOT_BEGUN, SNAPSHOT_BLOCKS, SNAPSHOT_LAST_BLOCK, SNAPSHOT_WRITTEN, SNAPSHOT_KEPT } stage;
	uint64_t written_with; /* end whose offsets commit all that it contains; the group must accept them */
};

void snapshot_progress_open(struct snapshot_progress *progress);
void snapshot_progress_close(struct snapshot_progress *progress); /* after it was given up */

/* Gives up the snapshot, if there is one. */
void snapshot_progress_give_up(struct snapshot_progress *progress, struct archive *archive);

/* Begins a snapshot of the store, behind which the changelog is read from that offset. None may be in progress. SYSTEM. */
bool snapshot_progress_begin(struct snapshot_progress *progress, struct archive *archive, uint64_t ticket,
			     const struct store *store, const struct archive_place *place, int64_t offset, struct error *error);

/* The archive is ready (ARCHIVE_READY): writes the next block. `ends`: ends of the output begun so far. SYSTEM. */
bool snapshot_progress_go_on(struct snapshot_progress *progress, struct archive *archive, const struct archive_place *place,
			     const struct snapshot_head *head, uint64_t ends, struct error *error);

/* Whether it is written, and the group has accepted the offsets of that end. */
static inline bool snapshot_progress_is_committed(const struct snapshot_progress *progress, uint64_t owned)
{
	return progress->store && progress->stage == SNAPSHOT_WRITTEN && owned >= progress->written_with;
}

/* Keeps it, when it is committed. SYSTEM. */
bool snapshot_progress_keep(struct snapshot_progress *progress, struct archive *archive, const struct archive_place *place,
			    struct error *error);

/* The archive has kept it, or lost it (ARCHIVE_KEPT, ARCHIVE_LOST). */
static inline void snapshot_progress_end(struct snapshot_progress *progress)
{
	progress->store = NULL;
}
