/* loads.h: which offsets may be committed at least once: those of a load whose records
 * are all acknowledged. Two loads exist at a time: the open one, and perhaps one that
 * has ended and waits for its acknowledgements, then for its commit.
 *
 * Pure: shipments.c sends and commits on Kafka, the twin on itself.
 */
#ifndef SLUICE_LOG_LOADS_H
#define SLUICE_LOG_LOADS_H

#include "log/output.h"

enum loads_stage { LOADS_FILLING, LOADS_ACKNOWLEDGING, LOADS_COMMITTING, LOADS_COMMITTED };

/* Starts as {0}. */
struct loads {
	unsigned open;		    /* 0 or 1: which of the two is filled; the other has ended */
	size_t waiting[2];	    /* records without an acknowledgement */
	enum loads_stage stage;	    /* of the one that has ended; FILLING: there is none */
	bool is_void;		    /* so is what it was to commit */
	struct positions positions; /* of the one that has ended: those to commit; behind them, up to `all`, those of OFFSET_NONE */
	size_t all, capacity;
};

void loads_close(struct loads *loads);

/* A record went out: the number is for its acknowledgement. */
static inline unsigned loads_produced(struct loads *loads)
{
	loads->waiting[loads->open]++;
	return loads->open;
}

static inline void loads_acknowledged(struct loads *loads, unsigned load)
{
	loads->waiting[load]--;
}

/* It had its acknowledgement, and is not there: its load commits nothing. The open one may
 * go on, for whoever ends it knows what is missing. */
static inline void loads_refused(struct loads *loads, unsigned load)
{
	if (load != loads->open)
		loads->positions.count = 0;
}

static inline bool loads_may_end(const struct loads *loads)
{
	return loads->stage == LOADS_FILLING;
}

/* The open load ends with these positions (copied), and the next is open. */
bool loads_end(struct loads *loads, struct positions positions, struct error *error);

/* True once for each load: these are to be committed now. */
bool loads_to_commit(struct loads *loads, struct positions *positions);

/* What came of it. */
enum loads_outcome {
	LOADS_TAKEN,
	LOADS_VOID,   /* the group has given these partitions to others: what they answer is theirs */
	LOADS_FAILED, /* not this time: to be ended again */
};
void loads_took(struct loads *loads, enum loads_outcome outcome);

/* The producer is gone, with what it had not heard of. True: so is the load that has ended,
 * and both are empty; these are the positions that it was ended with, those to commit first.
 * False: none has ended, or all of its records are acknowledged, and it may still commit. */
bool loads_give_up(struct loads *loads, struct positions *ended);

/* True once for each load: it is over, and these were committed; none when it failed, or the
 * group has given these to others, and nothing is known of them (`is_void`). */
bool loads_over(struct loads *loads, struct positions *committed, bool *is_void);

#endif
