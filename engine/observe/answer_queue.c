/* answer_queue.c: see answer_queue.h. A ring of bytes: the length of each answer, and the answer. */
#include "observe/answer_queue.h"

#include <stdatomic.h>

struct answer_queue {
	atomic_size_t added, taken; /* bytes since the beginning: the places are these modulo ANSWER_QUEUE_BYTES */
	_Atomic uint64_t missed;
	uint64_t missed_seen;
	unsigned char *bytes;
};

struct answer_queue *answer_queue_open(struct arena *arena)
{
	struct answer_queue *queue = ARENA_NEW(arena, struct answer_queue);
	unsigned char *bytes = ARENA_ARRAY(arena, unsigned char, ANSWER_QUEUE_BYTES);
	if (!queue || !bytes)
		return NULL;
	queue->bytes = bytes;
	return queue;
}

static size_t ring_put(struct answer_queue *queue, size_t at, const void *bytes, size_t length)
{
	const size_t place = at % ANSWER_QUEUE_BYTES, room = ANSWER_QUEUE_BYTES - place;
	const size_t first = length < room ? length : room;
	memcpy(queue->bytes + place, bytes, first);
	memcpy(queue->bytes, (const unsigned char *)bytes + first, length - first);
	return at + length;
}

static size_t ring_get(const struct answer_queue *queue, size_t at, void *bytes, size_t length)
{
	const size_t place = at % ANSWER_QUEUE_BYTES, room = ANSWER_QUEUE_BYTES - place;
	const size_t first = length < room ? length : room;
	memcpy(bytes, queue->bytes + place, first);
	memcpy((unsigned char *)bytes + first, queue->bytes, length - first);
	return at + length;
}

void answer_queue_miss(struct answer_queue *queue)
{
	atomic_fetch_add_explicit(&queue->missed, 1, memory_order_relaxed);
}

void answer_queue_add(struct answer_queue *queue, struct text answer)
{
	size_t added = atomic_load_explicit(&queue->added, memory_order_relaxed);
	const size_t taken = atomic_load_explicit(&queue->taken, memory_order_acquire);
	if (answer.length == 0 || answer.length + sizeof answer.length > ANSWER_QUEUE_BYTES - (added - taken)) {
		answer_queue_miss(queue);
		return;
	}
	added = ring_put(queue, added, &answer.length, sizeof answer.length);
	added = ring_put(queue, added, answer.bytes, answer.length);
	atomic_store_explicit(&queue->added, added, memory_order_release);
}

bool answer_queue_take(struct answer_queue *queue, struct buffer *answer)
{
	size_t taken = atomic_load_explicit(&queue->taken, memory_order_relaxed), length;
	if (taken == atomic_load_explicit(&queue->added, memory_order_acquire))
		return false;
	buffer_clear(answer);
	taken = ring_get(queue, taken, &length, sizeof length);
	char *to = buffer_room(answer, length);
	if (to) {
		ring_get(queue, taken, to, length);
		buffer_grown(answer, length);
	}
	atomic_store_explicit(&queue->taken, taken + length, memory_order_release);
	return true;
}

uint64_t answer_queue_missed(struct answer_queue *queue)
{
	const uint64_t missed = atomic_load_explicit(&queue->missed, memory_order_relaxed), fresh = missed - queue->missed_seen;
	queue->missed_seen = missed;
	return fresh;
}
