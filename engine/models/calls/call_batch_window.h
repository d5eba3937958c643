/* call_batch_window.h: Batching window of one model: how long a call waits for others to be merged with.
 *
 * If no call is in flight, a call does not wait: without load merging would not help. Under load the window
 * grows as long as calls are left in the queue, up to the user's limit. It shrinks to zero when calls are sent
 * alone.
 *
 * Pure: the clock is an argument.
 */
#ifndef SLUICE_MODELS_CALLS_CALL_BATCH_WINDOW_H
#define SLUICE_MODELS_CALLS_CALL_BATCH_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CALL_BATCH_WINDOW_START_US 250

struct call_batch_window {
	int64_t most_us;
	int64_t us; /* the present window */
};

/* Latest time at which a batch that began at `since_us` is sent; at once if no other call is in flight. */
int64_t call_batch_window_due_us(const struct call_batch_window *window, int64_t since_us, size_t under_way);

/* A batch of `calls` calls was sent. `backlog`: other calls still wait. */
void call_batch_window_left(struct call_batch_window *window, size_t calls, bool backlog);

#endif
