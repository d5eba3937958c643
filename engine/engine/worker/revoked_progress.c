/* revoked_progress.c: see revoked_progress.h. */
#include "engine/worker/revoked_progress.h"

#include <assert.h>

#include "base/memory.h"

void revoked_progress_close(struct revoked_list *list)
{
	memory_give(list->items);
	*list = (struct revoked_list){0};
}

static struct revoked_progress *answered_of(const struct revoked_list *list, const struct position *position)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].topic == position->topic && list->items[i].partition == position->partition)
			return &list->items[i];
	return NULL;
}

static struct revoked_progress *answered_add(struct revoked_list *list)
{
	struct revoked_progress *items = memory_resize(list->items, list->count + 1, sizeof *items);
	if (!items)
		return NULL;
	list->items = items;
	return &items[list->count++];
}

/* The progress to pass on: that which the queue got when it was assigned, until it has progress of its own. */
static struct stretch stretch_of(const struct partition_queue *queue)
{
	if (queue->answered.end != OFFSET_NONE)
		return queue->answered;
	bool any = queue->began != OFFSET_NONE && queue->committed != OFFSET_NONE && !queue->partition_state;
	return any ? (struct stretch){queue->began, queue->committed} : (struct stretch){OFFSET_NONE, OFFSET_NONE};
}

void revoked_progress_note(struct revoked_list *list, const struct partition_queues *queues, struct positions taken)
{
	for (size_t i = 0; i < taken.count; i++) {
		const struct position *position = &taken.items[i];
		const struct partition_queue *queue = partition_queues_find(queues, position->topic, position->partition);
		struct stretch stretch = queue ? stretch_of(queue) : (struct stretch){OFFSET_NONE, OFFSET_NONE};
		if (stretch.end == OFFSET_NONE)
			continue;
		struct revoked_progress *answered = answered_of(list, position);
		if (!answered && !(answered = answered_add(list)))
			return;
		*answered = (struct revoked_progress){position->topic, position->partition, stretch};
	}
}

void revoked_progress_tell(struct revoked_list *list, const struct partition_queues *queues, struct positions given)
{
	for (size_t i = 0; i < given.count; i++) {
		struct revoked_progress *answered = answered_of(list, &given.items[i]);
		struct partition_queue *queue = partition_queues_find(queues, given.items[i].topic, given.items[i].partition);
		if (!answered || !queue)
			continue;
		if (!queue->partition_state)
			queue->answered = answered->stretch;
		*answered = list->items[--list->count];
	}
}

/* Whether the record at that offset is within the revoked progress. A topic that was created again meanwhile has the
 * same offsets, from 0 on, where a group without a commit begins. So a record at offset 0, or before the known ones,
 * is of another topic. */
bool revoked_progress_pass(struct partition_queue *queue, int64_t offset)
{
	const struct stretch *answered = &queue->answered;
	if (offset == 0 || offset < answered->begin || offset >= answered->end) {
		queue->answered.end = OFFSET_NONE;
		return false;
	}
	assert(partition_queue_is_empty(queue)); /* nothing enters before the stretch has passed */
	if (queue->began == OFFSET_NONE)
		queue->began = offset;
	queue->entered = queue->reached = offset + 1;
	return true;
}
