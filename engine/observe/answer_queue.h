/* answer_queue.h: Answer queue: answers of a worker, as bytes, on their way to the thread that joins them with feedback.
 *
 * One thread adds, another takes, without a lock. Bytes are in chunks: one from the beginning, and in a burst as many more as the
 * answer space has, which all queues of an engine share. Where that has no more the answer is left out, and counted: the worker
 * never waits.
 */
#ifndef SLUICE_OBSERVE_ANSWER_QUEUE_H
#define SLUICE_OBSERVE_ANSWER_QUEUE_H

#include <stdatomic.h>

#include "base/arena.h"
#include "base/text.h"

#define ANSWER_CHUNK_BYTES ((size_t)256 << 10) /* 800 answers of 300 bytes */
#define ANSWER_SPACE_BYTES ((size_t)64 << 20)  /* 200,000 of them: some seconds in which the thread waits for Kafka */

/* Bytes of the chunks that the queues of an engine have beyond their first. */
struct answer_space {
	atomic_size_t taken;
	size_t most;
};

struct answer_queue;

/* NULL: memory ran out. It lives in the arena, and borrows the space. */
struct answer_queue *answer_queue_open(struct arena *arena, struct answer_space *space);

/* Frees all chunks but the first; neither thread uses it any more. NULL is fine. */
void answer_queue_close(struct answer_queue *queue);

/* Of the worker. */
void answer_queue_add(struct answer_queue *queue, struct text answer);
void answer_queue_miss(struct answer_queue *queue); /* an answer that could not be written as bytes */

/* Of the other thread: the oldest answer, in the buffer, which is cleared before. False: there is none. */
bool answer_queue_take(struct answer_queue *queue, struct buffer *answer);

/* Of the other thread: how many could not be written as bytes, or had no space, since it asked last. */
uint64_t answer_queue_missed(struct answer_queue *queue);
uint64_t answer_queue_lost(struct answer_queue *queue);

#endif
