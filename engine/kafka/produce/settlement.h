/* settlement.h: Settlement of a transaction: which call comes next on its producer, and what the result of a call
 * means.
 *
 * This is the exactly-once delivery of sluice: begin, produce, send offsets, commit. If any step is in doubt
 * (transaction.h has the reasons), a new producer is opened under the same id, and the group's committed offsets are
 * read.
 *
 * Pure: the committer's thread makes the calls on Kafka, the simulated Kafka makes them on itself.
 */
#pragma once

#include "kafka/produce/output.h"

enum settlement_call {
	SETTLEMENT_OVER,	   /* no call: `news` has the result */
	SETTLEMENT_OPEN,	   /* open another producer under the id in place of any former one, and initialize it */
	SETTLEMENT_BEGIN,
	SETTLEMENT_SEND_OFFSETS,   /* of the positions that have an offset */
	SETTLEMENT_COMMIT,
	SETTLEMENT_READ_COMMITTED, /* read the group's offsets into the positions */
	SETTLEMENT_PAUSE,	   /* wait a moment before a retry */
};

enum settlement_outcome {
	SETTLEMENT_DONE,
	SETTLEMENT_FAILED,
	SETTLEMENT_REFUSED,  /* it failed because a part of the transaction is missing, so its commit was not asked for */
	SETTLEMENT_HOPELESS, /* it failed, and so would any retry: no producer can be opened, or the worker ends */
};

#define SETTLEMENT_PAUSE_MS 100 /* while Kafka is unreachable */

struct settlement {
	enum settlement_call call; /* the next call to make */
	enum transaction_news news;
	struct positions positions; /* as given to the end; a reset writes the offsets into them */
	unsigned closed;	    /* connections that closed during the transaction that was aborted */
	bool maybe_committed;	    /* of a reset: the commit was asked for, and its result is in doubt */
	/* Private: */
	bool ending;
	bool doubted;
	unsigned closed_at_begin;
	enum settlement_call paused;
};

/* Starts the settlement of a worker's first producer. */
void settlement_start(struct settlement *settlement);

/* Ends the open transaction, so the call must be SETTLEMENT_OVER. `closed`, here and below: number of connections of its producers
 * that have closed so far. */
void settlement_end(struct settlement *settlement, struct positions positions, unsigned closed);

/* Takes the result of the call, and sets the next one. */
void settlement_took(struct settlement *settlement, enum settlement_outcome outcome, unsigned closed);

/* What the group has committed of a partition. */
struct committed_offset {
	int64_t offset; /* OFFSET_NONE: nothing */
	bool is_denied; /* its topic may not be seen by the login any more, so the group does not say */
};

/* Sets the positions of a reset to what the group has committed of each, or to OFFSET_UNKNOWN where it is denied, and still what
 * the worker knows. Where the commit is in doubt, the others tell it, since a transaction commits all of its offsets or none.
 * False: no other tells it; the positions are as before, and the group is to be asked again. */
bool settlement_resolve(struct settlement *settlement, const struct committed_offset *committed);
