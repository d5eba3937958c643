/* settlement.h: how a transaction is settled: which call comes next on its producer, and
 * what the outcome of a call means. This is the exactly-once of sluice: begin - produce -
 * offsets - commit, and when anything in between is in doubt (transaction.h says why), a
 * new producer under the same id and the offsets that the group has.
 *
 * Pure: the committer's thread makes the calls on Kafka, the twin makes them on itself.
 */
#ifndef SLUICE_LOG_SETTLEMENT_H
#define SLUICE_LOG_SETTLEMENT_H

#include "log/output.h"

enum settlement_call {
	SETTLEMENT_OVER,	   /* none: `news` says how it went */
	SETTLEMENT_OPEN,	   /* another producer under the id, instead of any there is, ready for transactions */
	SETTLEMENT_BEGIN,
	SETTLEMENT_SEND_OFFSETS,   /* those of the positions that have one */
	SETTLEMENT_COMMIT,
	SETTLEMENT_READ_COMMITTED, /* the group's offsets, into the positions */
	SETTLEMENT_PAUSE,	   /* a moment, before something is tried again */
};

enum settlement_outcome {
	SETTLEMENT_DONE,
	SETTLEMENT_FAILED,
	SETTLEMENT_HOPELESS, /* and always will: no producer can be had, or the worker ends */
};

#define SETTLEMENT_PAUSE_MS 100 /* while Kafka is away */

struct settlement {
	enum settlement_call call; /* to be made now */
	enum transaction_news news;
	struct positions positions; /* as given to the end; a reset writes the offsets into them */
	unsigned closed;	    /* connections that closed during the transaction that was given up */
	/* Private: */
	bool ending;
	bool doubted;
	unsigned closed_at_begin;
	enum settlement_call paused;
};

/* The first producer of a worker. */
void settlement_start(struct settlement *settlement);

/* The end of the open transaction. `closed`, here and below: how many connections of its
 * producers have closed so far. */
void settlement_end(struct settlement *settlement, struct positions positions, unsigned closed);

/* What came of the call. */
void settlement_took(struct settlement *settlement, enum settlement_outcome outcome, unsigned closed);

#endif
