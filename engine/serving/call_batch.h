/* call_batch.h: Call batch: calls of one model that are sent together, how long they wait for each other, and what
 * each member gets of the reply. Private to serving.
 *
 * A call batch is a queued call made of its members' calls (merge.h). The members are in no list while it is sent.
 * A failure that one member may have caused makes each member go alone.
 *
 * Pure: the clock is an argument.
 */
#ifndef SLUICE_SERVING_CALL_BATCH_H
#define SLUICE_SERVING_CALL_BATCH_H

#include "serving/call_queue.h"
#include "serving/caller.h"
#include "serving/window.h"

/* How the calls of a model are merged. Both pointers are borrowed. */
struct call_batching {
	struct call_queue *call_queue;
	const struct model_batching *batching;
	struct window window;
	bool whole;	 /* a reply had not the rows of its call: nothing is merged any more */
	uint64_t merged; /* calls that went as part of another */
};

/* So many rows go together at most; 1: nothing is merged. */
size_t call_batching_rows_most(const struct call_batching *call_batching);

/* Until when the first in line waits for others; 0: it does not. There is a first. */
int64_t call_batching_due_us(const struct call_batching *call_batching, int64_t now_us);

/* The first out of the line: by itself, or a batch of it and those that go along. */
struct queued_call *call_batching_take(struct call_batching *call_batching);

/* A batch that is not sent is taken apart: its members go alone, before all in line. */
void call_batch_unload(struct call_queue *call_queue, struct queued_call *call_batch);

/* So is one that is taken from its server, but its members may go together once more. */
void call_batch_recalled(struct call_queue *call_queue, struct queued_call *call_batch);

/* The call of a member is forgotten. True: nobody waits for its batch any more. */
bool call_batch_forgets(struct queued_call *member);

/* What came of a batch, for its members. */
struct outcome {
	struct call_queue *call_queue;
	struct queued_call *call_batch, *next;
	const struct payload *reply; /* of all; NULL: it failed, for all */
	size_t row;		     /* of the reply, where the next member's begin */
	struct attempt attempt;	     /* what came of the member's call */
	struct error fault;
};

/* False: it cannot be told apart, and each goes alone. What the attempt points to is borrowed
 * until the last member has its part. */
bool outcome_split(struct outcome *outcome, struct call_batching *call_batching, struct queued_call *call_batch,
		   const struct attempt *attempt);

/* The next member that is waited for, with `attempt` as its own; NULL: that was the last, and
 * the batch is given back. */
struct queued_call *outcome_next(struct outcome *outcome);

#endif
