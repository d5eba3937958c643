/* relay_queue.c: see relay_queue.h. */
#include "kafka/embedded/relay_queue.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"

void relay_queue_open(struct relay_queue *queue)
{
	*queue = (struct relay_queue){.last = &queue->first};
}

void relay_queue_close(struct relay_queue *queue)
{
	while (queue->first)
		relay_queue_drop(queue);
}

struct relay_pending *relay_queue_add(struct relay_queue *queue, const char *bytes, size_t length)
{
	struct relay_pending *pending = memory_take(1, sizeof *pending + length);
	if (!pending)
		return NULL;
	memcpy(pending->bytes, bytes, length);
	pending->length = length;
	queue->count++;
	queue->bytes += length;
	*queue->last = pending;
	queue->last = &pending->next;
	return pending;
}

void relay_queue_drop(struct relay_queue *queue)
{
	assert(queue->first && queue->count > 0);
	struct relay_pending *pending = queue->first;
	queue->first = pending->next;
	if (!queue->first)
		queue->last = &queue->first;
	queue->count--;
	queue->bytes -= pending->length;
	memory_give(pending);
}

bool relay_queue_is_full(const struct relay_queue *queue)
{
	return queue->count >= RELAY_PENDING_MAX || queue->bytes >= RELAY_PENDING_BYTES_MAX;
}
