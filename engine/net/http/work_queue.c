/* work_queue.c: see work_queue.h. */
#include "net/http/work_queue.h"

#include <assert.h>

#define FAR_MS INT64_MAX

static void work_queue_wake(struct work_queue *queue)
{
	loop_timer_set(queue->loop, &queue->timer, loop_now_ms(queue->loop), &(struct error){0}); /* a move needs no memory */
}

/* What is begun before the next turn finds what this one has left. */
static void work_queue_on_turn(void *context)
{
	struct work_queue *queue = context;
	loop_timer_set(queue->loop, &queue->timer, FAR_MS, &(struct error){0}); /* in the slot that it has just left */
	queue->left_bytes = WORK_TURN_BYTES;
	while (queue->waiting.first && queue->left_bytes > 0) {
		struct queued_work *work = LIST_OWNER(queue->waiting.first, struct queued_work, node);
		list_remove(&work->node);
		if (work->go(work, &queue->left_bytes))
			continue;
		if (queue->in_turns)
			list_add(&queue->waiting, &work->node);
		else
			list_add_first(&queue->waiting, &work->node);
	}
	if (queue->left_bytes < WORK_TURN_BYTES)
		work_queue_wake(queue);
}

bool work_queue_open(struct work_queue *queue, struct loop *loop, bool in_turns, struct error *error)
{
	*queue = (struct work_queue){.loop = loop, .in_turns = in_turns, .left_bytes = WORK_TURN_BYTES};
	queue->timer = (struct loop_timer){.due = work_queue_on_turn, .context = queue};
	return loop_timer_set(loop, &queue->timer, FAR_MS, error);
}

void work_queue_close(struct work_queue *queue)
{
	assert(!queue->waiting.first);
	if (queue->loop)
		loop_timer_stop(queue->loop, &queue->timer);
}

bool work_queue_has(const struct work_queue *queue, size_t bytes)
{
	return !queue->waiting.first && bytes <= queue->left_bytes;
}

bool work_queue_begin(struct work_queue *queue, struct queued_work *work)
{
	const bool waits = queue->waiting.first || queue->left_bytes == 0;
	assert(work->go && !work->node.list);
	if (!waits && queue->left_bytes == WORK_TURN_BYTES)
		work_queue_wake(queue);
	if (!waits && work->go(work, &queue->left_bytes))
		return true;
	list_add(&queue->waiting, &work->node);
	return false;
}
