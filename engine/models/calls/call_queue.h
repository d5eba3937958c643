/* call_queue.h: Call queue of one model: its calls by state. Private to serving.
 *
 * Each call is in one of the lists, is a member of a call batch (call_batch.h), or is free. A free one keeps
 * its batch call and the transport's data for the next call.
 */
#pragma once

#include "models/calls/queued_call.h"

struct call_queue {
	struct dispatch *dispatch; /* the owner of the calls */
	struct queued_calls line, paused, sent, over;
	struct queued_call *free;
	bool moved; /* the queue may proceed in the next turn */
};

/* `discard` releases the transport's data of a queued call. No call may be in flight any more. */
void call_queue_close(struct call_queue *call_queue, void (*discard)(void *context, struct queued_call *queued_call),
		      void *context);

/* A queued call for a new call; NULL: memory. */
struct queued_call *call_queue_take(struct call_queue *call_queue);

/* Releases a queued call that is in no list. Its call, if it has one, must not be in flight. */
void call_queue_give(struct call_queue *call_queue, struct queued_call *queued_call);

/* Puts a queued call that is in no list into one: queued, `first` or last; paused; finished. */
void call_queue_wait(struct call_queue *call_queue, struct queued_call *queued_call, bool first);
void call_queue_pause(struct call_queue *call_queue, struct queued_call *queued_call, int64_t until_us);
void call_queue_end(struct call_queue *call_queue, struct queued_call *queued_call);
