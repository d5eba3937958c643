/* call_queue.c: see call_queue.h. */
#include "models/calls/call_queue.h"

#include "base/memory.h"

struct queued_call *call_queue_take(struct call_queue *call_queue)
{
	struct queued_call *queued_call = call_queue->free;
	if (queued_call)
		call_queue->free = queued_call->next;
	else if (!(queued_call = memory_take(1, sizeof *queued_call)))
		return NULL;
	*queued_call = (struct queued_call){
		.dispatch = call_queue->dispatch, .sending = queued_call->sending, .batch_call = queued_call->batch_call};
	return queued_call;
}

void call_queue_give(struct call_queue *call_queue, struct queued_call *queued_call)
{
	assert(!queued_call->previous && !queued_call->next);
	if (queued_call->attempts.call)
		queued_call->attempts.call->under_way = NULL;
	queued_call->state = QUEUED_CALL_FREE;
	queued_call->attempts.call = NULL;
	queued_call->next = call_queue->free;
	call_queue->free = queued_call;
}

void call_queue_wait(struct call_queue *call_queue, struct queued_call *queued_call, bool first)
{
	assert(queued_call->attempts.call);
	queued_call->state = QUEUED_CALL_WAITS;
	queued_call->attempts.call->where = CALL_IN_LINE;
	queued_call->probe = false;
	first = first && !queued_call_perturbs(queued_call);
	(first ? queued_calls_add_first : queued_calls_add_in_turn)(&call_queue->line, queued_call);
	call_queue->moved = true;
}

void call_queue_pause(struct call_queue *call_queue, struct queued_call *queued_call, int64_t until_us)
{
	assert(queued_call->attempts.call);
	queued_call->state = QUEUED_CALL_PAUSED;
	queued_call->attempts.call->where = CALL_PAUSED;
	queued_call->at_us = until_us;
	queued_calls_add_by_time(&call_queue->paused, queued_call);
}

void call_queue_end(struct call_queue *call_queue, struct queued_call *queued_call)
{
	assert(queued_call->state != QUEUED_CALL_OVER);
	queued_call->state = QUEUED_CALL_OVER;
	queued_calls_add(&call_queue->over, queued_call);
}

struct call_queue_closing {
	void (*discard)(void *context, struct queued_call *queued_call);
	void *context;
};

static void queued_call_close(const struct call_queue_closing *closing, struct queued_call *queued_call)
{
	closing->discard(closing->context, queued_call);
	if (queued_call->batch_call)
		arena_close(queued_call->batch_call->arena);
	memory_give(queued_call->batch_call);
	memory_give(queued_call);
}

static void members_close(const struct call_queue_closing *closing, const struct queued_call *call_batch)
{
	for (struct queued_call *member = call_batch->members, *next; member; member = next) {
		next = member->next_member;
		queued_call_close(closing, member);
	}
}

static void queued_calls_close(const struct call_queue_closing *closing, struct queued_call *first)
{
	for (struct queued_call *queued_call = first, *next; queued_call; queued_call = next) {
		next = queued_call->next;
		queued_call_close(closing, queued_call);
	}
}

void call_queue_close(struct call_queue *call_queue, void (*discard)(void *context, struct queued_call *queued_call), void *context)
{
	assert(discard);
	const struct call_queue_closing closing = {discard, context};
	for (const struct queued_call *queued_call = call_queue->sent.first; queued_call; queued_call = queued_call->next)
		members_close(&closing, queued_call);
	queued_calls_close(&closing, call_queue->line.first);
	queued_calls_close(&closing, call_queue->paused.first);
	queued_calls_close(&closing, call_queue->sent.first);
	queued_calls_close(&closing, call_queue->over.first);
	queued_calls_close(&closing, call_queue->free);
}
