/* loads.h: Commit batches ("loads") of at-least-once delivery: the offsets of a load may be committed when all of its
 * records are acknowledged. There are two loads at a time: the open one, and perhaps one that has ended. The ended
 * one waits for its acknowledgements, then for its commit.
 *
 * Pure: shipments.c sends and commits on Kafka, the simulated Kafka on itself.
 */
#ifndef SLUICE_LOG_LOADS_H
#define SLUICE_LOG_LOADS_H

#include "log/output.h"

enum loads_stage { LOADS_FILLING, LOADS_ACKNOWLEDGING, LOADS_COMMITTING, LOADS_COMMITTED };

/* Starts as {0}. */
struct loads {
	unsigned open;		    /* 0 or 1: the load that is being filled; the other has ended */
	size_t waiting[2];	    /* records without an acknowledgement */
	enum loads_stage stage;	    /* of the load that has ended; FILLING: there is none */
	bool is_void;		    /* the ended load is void: the group has assigned its partitions to others */
	struct positions positions; /* of the load that has ended: first those to commit, then, up to `all`, those of OFFSET_NONE */
	size_t all, capacity;
};

void loads_close(struct loads *loads);

/* Counts a record that was produced. Returns the number of its load, for its acknowledgement. */
static inline unsigned loads_produced(struct loads *loads)
{
	loads->waiting[loads->open]++;
	return loads->open;
}

static inline void loads_acknowledged(struct loads *loads, unsigned load)
{
	loads->waiting[load]--;
}

/* Notes that Kafka refused a record whose acknowledgement was counted. Its load commits nothing. The open load
 * continues, because the caller that ends it knows which record is missing. */
static inline void loads_refused(struct loads *loads, unsigned load)
{
	if (load != loads->open)
		loads->positions.count = 0;
}

static inline bool loads_may_end(const struct loads *loads)
{
	return loads->stage == LOADS_FILLING;
}

/* Ends the open load with these positions (copied), and opens the next one. */
bool loads_end(struct loads *loads, struct positions positions, struct error *error);

/* True once for each load: `positions` are to be committed now. */
bool loads_to_commit(struct loads *loads, struct positions *positions);

/* Result of a commit. */
enum loads_outcome {
	LOADS_TAKEN,
	LOADS_VOID,   /* the group has assigned these partitions to other members, which now answer their records */
	LOADS_FAILED, /* not committed this time: to be ended again */
};
void loads_took(struct loads *loads, enum loads_outcome outcome);

/* Gives up the loads of a producer that is lost with its unacknowledged records. True: the ended load is lost too,
 * both loads are empty, and `ended` has the ended load's positions, those to commit first. False: no load has
 * ended, or all records of the ended one are acknowledged, and it may still commit. */
bool loads_give_up(struct loads *loads, struct positions *ended);

/* True once for each load: it is over. `committed` has what was committed, and nothing if the commit failed. With
 * `is_void` it has the positions of partitions that now belong to other members; nothing is known of those. */
bool loads_over(struct loads *loads, struct positions *committed, bool *is_void);

#endif
