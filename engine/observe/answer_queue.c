/* answer_queue.c: see answer_queue.h. A list of chunks, each with the length of each answer, and the answer. The worker writes to
 * the last one; the other thread reads the first, and gives it back when a next one is there. */
#include "observe/answer_queue.h"

#include "base/memory.h"

struct answer_chunk {
	struct answer_chunk *_Atomic next; /* set once no more is written to it */
	atomic_size_t written;		   /* bytes */
	size_t read;
	unsigned char bytes[];
};

#define CHUNK_ROOM (ANSWER_CHUNK_BYTES - sizeof(struct answer_chunk))

struct answer_queue {
	struct answer_space *space;
	struct answer_chunk *own;	    /* of the arena */
	struct answer_chunk *last;	    /* of the worker */
	struct answer_chunk *first;	    /* of the other thread */
	struct answer_chunk *_Atomic spare; /* one that was read, and may be written again */
	_Atomic uint64_t missed, lost;
	uint64_t missed_seen, lost_seen;
};

struct answer_queue *answer_queue_open(struct arena *arena, struct answer_space *space)
{
	struct answer_queue *queue = ARENA_NEW(arena, struct answer_queue);
	struct answer_chunk *chunk = arena_take(arena, 1, ANSWER_CHUNK_BYTES);
	if (!queue || !chunk)
		return NULL;
	queue->space = space;
	queue->own = queue->first = queue->last = chunk;
	return queue;
}

/* ---- chunks ---- */

static struct answer_chunk *chunk_take(struct answer_queue *queue)
{
	struct answer_chunk *chunk = atomic_exchange_explicit(&queue->spare, NULL, memory_order_acquire);
	if (!chunk) {
		const size_t taken = atomic_fetch_add_explicit(&queue->space->taken, ANSWER_CHUNK_BYTES, memory_order_relaxed);
		if (taken + ANSWER_CHUNK_BYTES <= queue->space->most)
			chunk = memory_take_raw(ANSWER_CHUNK_BYTES);
		if (!chunk) {
			atomic_fetch_sub_explicit(&queue->space->taken, ANSWER_CHUNK_BYTES, memory_order_relaxed);
			return NULL;
		}
	}
	atomic_init(&chunk->next, NULL);
	atomic_init(&chunk->written, 0);
	chunk->read = 0;
	return chunk;
}

static void chunk_free(struct answer_queue *queue, struct answer_chunk *chunk)
{
	if (!chunk || chunk == queue->own)
		return;
	memory_give(chunk);
	atomic_fetch_sub_explicit(&queue->space->taken, ANSWER_CHUNK_BYTES, memory_order_relaxed);
}

/* The queue's own chunk comes first where there are two: its memory is there anyway. */
static void chunk_give(struct answer_queue *queue, struct answer_chunk *chunk)
{
	struct answer_chunk *other = atomic_exchange_explicit(&queue->spare, chunk, memory_order_acq_rel);
	if (other == queue->own)
		other = atomic_exchange_explicit(&queue->spare, other, memory_order_acq_rel);
	chunk_free(queue, other);
}

void answer_queue_close(struct answer_queue *queue)
{
	if (!queue)
		return;
	chunk_free(queue, atomic_load(&queue->spare));
	for (struct answer_chunk *chunk = queue->first, *next; chunk; chunk = next) {
		next = atomic_load(&chunk->next);
		chunk_free(queue, chunk);
	}
	queue->first = queue->last = NULL;
	atomic_store(&queue->spare, NULL);
}

/* ---- the worker ---- */

void answer_queue_miss(struct answer_queue *queue)
{
	atomic_fetch_add_explicit(&queue->missed, 1, memory_order_relaxed);
}

void answer_queue_add(struct answer_queue *queue, struct text answer)
{
	struct answer_chunk *chunk = queue->last;
	const size_t written = atomic_load_explicit(&chunk->written, memory_order_relaxed);
	const size_t length = sizeof answer.length + answer.length;
	if (answer.length == 0 || length > CHUNK_ROOM) {
		answer_queue_miss(queue);
		return;
	}
	size_t at = written;
	if (length > CHUNK_ROOM - written) {
		chunk = chunk_take(queue);
		at = 0;
	}
	if (!chunk) {
		atomic_fetch_add_explicit(&queue->lost, 1, memory_order_relaxed);
		return;
	}
	memcpy(chunk->bytes + at, &answer.length, sizeof answer.length);
	memcpy(chunk->bytes + at + sizeof answer.length, answer.bytes, answer.length);
	atomic_store_explicit(&chunk->written, at + length, memory_order_release);
	if (chunk != queue->last)
		atomic_store_explicit(&queue->last->next, chunk, memory_order_release);
	queue->last = chunk;
}

/* ---- the other thread ---- */

/* The chunk that has the oldest answer. NULL: there is none. */
static struct answer_chunk *chunk_to_read(struct answer_queue *queue)
{
	for (;;) {
		struct answer_chunk *chunk = queue->first;
		struct answer_chunk *next = atomic_load_explicit(&chunk->next, memory_order_acquire); /* before what is written */
		if (chunk->read < atomic_load_explicit(&chunk->written, memory_order_acquire))
			return chunk;
		if (!next)
			return NULL;
		queue->first = next;
		chunk_give(queue, chunk);
	}
}

bool answer_queue_take(struct answer_queue *queue, struct buffer *answer)
{
	struct answer_chunk *chunk = chunk_to_read(queue);
	size_t length;
	if (!chunk)
		return false;
	buffer_clear(answer);
	memcpy(&length, chunk->bytes + chunk->read, sizeof length);
	char *to = buffer_room(answer, length);
	if (to) {
		memcpy(to, chunk->bytes + chunk->read + sizeof length, length);
		buffer_grown(answer, length);
	}
	chunk->read += sizeof length + length;
	return true;
}

static uint64_t count_fresh(_Atomic uint64_t *count, uint64_t *seen)
{
	const uint64_t now = atomic_load_explicit(count, memory_order_relaxed), fresh = now - *seen;
	*seen = now;
	return fresh;
}

uint64_t answer_queue_missed(struct answer_queue *queue)
{
	return count_fresh(&queue->missed, &queue->missed_seen);
}

uint64_t answer_queue_lost(struct answer_queue *queue)
{
	return count_fresh(&queue->lost, &queue->lost_seen);
}
