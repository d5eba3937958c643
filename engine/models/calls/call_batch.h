/* call_batch.h: Call batch: calls of one model that are sent together, how long they wait for each other, and
 * what each member gets of the reply. Private to serving.
 *
 * A call batch is a queued call made of its members' calls. The members are in no list while it is
 * sent. After a failure that one member may have caused, each member is sent alone.
 *
 * Pure: the clock is an argument.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "models/calls/call_queue.h"
#include "models/calls/caller.h"

/* Batching window of one model: how long a call waits for others to be merged with.
 *
 * If no call is in flight, a call does not wait: without load merging would not help. Under load the window
 * grows as long as calls are left in the queue, up to the user's limit. It shrinks to zero when calls are sent
 * alone.
 *
 * Pure: the clock is an argument.
 */
struct call_batch_window {
	int64_t most_us;
	int64_t us; /* the present window */
};

/* Latest time at which a batch that began at `since_us` is sent; at once if no other call is in flight. */
int64_t call_batch_window_due_us(const struct call_batch_window *window, int64_t since_us, size_t under_way);

/* A batch of `calls` calls was sent. `backlog`: other calls still wait. */
void call_batch_window_left(struct call_batch_window *window, size_t calls, bool backlog);

/* Batching of one model's calls. Both pointers are borrowed. */
struct call_batching {
	struct call_queue *call_queue;
	const struct model_batching *batching;
	struct call_batch_window window;
	bool whole;	 /* a reply did not have the rows of its call: calls are not merged any more */
	uint64_t merged; /* calls that were sent as part of a batch */
};

/* Rows of a batch, and of a call that could be merged; 0: the call is always sent by itself. */
size_t call_batching_rows(const struct call_batching *call_batching, const struct queued_call *queued_call);

/* Most rows in one batch; 1: calls are not merged. */
size_t call_batching_rows_most(const struct call_batching *call_batching);

/* Time until which the first queued call waits for others; 0: it does not wait. The queue must not be empty. */
int64_t call_batching_due_us(const struct call_batching *call_batching, int64_t now_us);

/* Takes the first call out of the queue, which is not empty: alone, or as a batch with others that fit. */
struct queued_call *call_batching_take(struct call_batching *call_batching);

/* Dissolves a batch that is not sent. Its members go to the front of the queue, each to be sent alone. */
void call_batch_unload(struct call_queue *call_queue, struct queued_call *call_batch);

/* Dissolves a batch that is recalled from its server. Its members may be merged once more. */
void call_batch_recalled(struct call_queue *call_queue, struct queued_call *call_batch);

/* The call of a member is forgotten. True: no member of its batch is waited for any more. */
bool call_batch_forgets(struct queued_call *member);

/* Outcome of a batch, which is split among its members. */
struct batch_outcome {
	struct call_queue *call_queue;
	struct queued_call *call_batch, *next;
	const struct payload *reply; /* of all members; NULL: the batch failed, for all */
	size_t row;		     /* first row of the next member in the reply */
	struct attempt attempt;	     /* outcome of the member's call */
	struct error fault;
};

/* Begins the split. False: the reply cannot be split, and each member is sent alone. What the attempt points to
 * is borrowed until the last member has its part. */
bool batch_outcome_split(struct batch_outcome *outcome, struct call_batching *call_batching, struct queued_call *call_batch,
		   const struct attempt *attempt);

/* The next member that is still waited for, with `attempt` as its own outcome. NULL: there are no more, and the
 * batch is released. */
struct queued_call *batch_outcome_next(struct batch_outcome *outcome);
