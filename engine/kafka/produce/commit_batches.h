/* commit_batches.h: Commit batches of at-least-once delivery: the offsets of a batch may be committed when all of its
 * records are acknowledged. There are two batches at a time: the open one, and perhaps one that has ended. The ended
 * one waits for its acknowledgements, then for its commit.
 *
 * Pure: at_least_once.c sends and commits on Kafka, the simulated Kafka on itself.
 */
#pragma once

#include "kafka/produce/output.h"

enum commit_batches_stage {
	COMMIT_BATCHES_FILLING,
	COMMIT_BATCHES_ACKNOWLEDGING,
	COMMIT_BATCHES_COMMITTING,
	COMMIT_BATCHES_COMMITTED
};

/* Starts as {0}. */
struct commit_batches {
	unsigned open;			 /* 0 or 1: the batch that is being filled; the other has ended */
	size_t waiting[2];		 /* records without an acknowledgement */
	enum commit_batches_stage stage; /* of the batch that has ended; FILLING: there is none */
	bool is_void;			 /* the ended batch is void: the group has assigned its partitions to others */
	struct positions
		positions; /* of the batch that has ended: first those to commit, then, up to `all`, those of OFFSET_NONE */
	size_t all, capacity;
};

void commit_batches_close(struct commit_batches *commits);

/* Counts a record that was produced. Returns the number of its batch, for its acknowledgement. */
static inline unsigned commit_batches_produced(struct commit_batches *commits)
{
	commits->waiting[commits->open]++;
	return commits->open;
}

static inline void commit_batches_acknowledged(struct commit_batches *commits, unsigned batch)
{
	commits->waiting[batch]--;
}

/* Notes that Kafka refused a record whose acknowledgement was counted. Its batch commits nothing. The open batch
 * continues, because the caller that ends it knows which record is missing. */
static inline void commit_batches_refused(struct commit_batches *commits, unsigned batch)
{
	if (batch != commits->open)
		commits->positions.count = 0;
}

static inline bool commit_batches_may_end(const struct commit_batches *commits)
{
	return commits->stage == COMMIT_BATCHES_FILLING;
}

/* Ends the open batch with these positions (copied), and opens the next one. */
bool commit_batches_end(struct commit_batches *commits, struct positions positions, struct error *error);

/* True once for each batch: `positions` are to be committed now. */
bool commit_batches_to_commit(struct commit_batches *commits, struct positions *positions);

/* Result of a commit. */
enum commit_batches_outcome {
	COMMIT_BATCHES_TAKEN,
	COMMIT_BATCHES_VOID,   /* the group has assigned these partitions to other members, which now answer their records; or the
				* login may not read a topic any more */
	COMMIT_BATCHES_FAILED, /* not committed this time: to be ended again */
};
void commit_batches_took(struct commit_batches *commits, enum commit_batches_outcome outcome);

/* Gives up the batches of a producer that is lost with its unacknowledged records. True: the ended batch is lost too,
 * both batches are empty, and `ended` has the ended batch's positions, those to commit first. False: no batch has
 * ended, or all records of the ended one are acknowledged, and it may still commit. */
bool commit_batches_give_up(struct commit_batches *commits, struct positions *ended);

/* True once for each batch: it is over. `committed` has what was committed, and nothing if the commit failed. With
 * `is_void` it has the positions of partitions that now belong to other members; nothing is known of those. */
bool commit_batches_over(struct commit_batches *commits, struct positions *committed, bool *is_void);
