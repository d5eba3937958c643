/* work_queue.h: Queue of work on bytes that a loop does in portions, so that it serves others between them.
 *
 * A turn of the loop has WORK_TURN_BYTES for all of it. Work that ends within what is left of them is done at once. What does not
 * waits: it takes turns with the others that wait, or they are done in order.
 *
 * A part of its owner's struct; belongs to its loop's thread.
 */
#ifndef SLUICE_NET_HTTP_WORK_QUEUE_H
#define SLUICE_NET_HTTP_WORK_QUEUE_H

#include "base/list.h"
#include "net/loop.h"

#define WORK_TURN_BYTES ((size_t)32 << 10) /* zlib compresses them in about 4 million instructions */

struct queued_work;

/* Works on about `*bytes` bytes at most, and subtracts those that it worked on. True: it has ended, and may have been freed. */
typedef bool work_go(struct queued_work *work, size_t *bytes);

/* A part of its owner's struct, which sets `go`. */
struct queued_work {
	work_go *go;
	struct list_node node; /* in the list of those that wait */
};

struct work_queue {
	struct loop *loop;
	bool in_turns;	   /* those that wait take turns; else the first is done before the next one begins */
	size_t left_bytes; /* of this turn */
	struct list waiting;
	struct loop_timer timer;
};

bool work_queue_open(struct work_queue *queue, struct loop *loop, bool in_turns, struct error *error); /* false: no memory */
void work_queue_close(struct work_queue *queue); /* nothing waits; fine when it was never open */

/* Begins work. True: it has ended already. Else `go` will be called from the loop. */
bool work_queue_begin(struct work_queue *queue, struct queued_work *work);

/* Whether work on so many bytes would end at once. */
bool work_queue_has(const struct work_queue *queue, size_t bytes);

static inline void queued_work_stop(struct queued_work *work) /* fine when it does not wait */
{
	list_remove(&work->node);
}

#endif
