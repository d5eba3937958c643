/* answer_queue.h: Answer queue: answers of a worker, as bytes, on their way to the thread that joins them with feedback.
 *
 * One thread adds, another takes, without a lock. All memory is there from the beginning. Where there is no space the answer is
 * left out, and counted: the worker never waits.
 */
#ifndef SLUICE_OBSERVE_ANSWER_QUEUE_H
#define SLUICE_OBSERVE_ANSWER_QUEUE_H

#include "base/arena.h"
#include "base/text.h"

#define ANSWER_QUEUE_BYTES ((size_t)256 << 10) /* 800 answers of 300 bytes; it is emptied every 50 ms */

struct answer_queue;

/* NULL: memory ran out. It lives in the arena. */
struct answer_queue *answer_queue_open(struct arena *arena);

/* Of the worker. */
void answer_queue_add(struct answer_queue *queue, struct text answer);
void answer_queue_miss(struct answer_queue *queue); /* an answer that could not be written as bytes */

/* Of the other thread: the oldest answer, in the buffer, which is cleared before. False: there is none. */
bool answer_queue_take(struct answer_queue *queue, struct buffer *answer);

/* Of the other thread: how many were left out since it asked last. */
uint64_t answer_queue_missed(struct answer_queue *queue);

#endif
