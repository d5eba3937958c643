/* heap_trim.h: Return of the heap's free memory to the system, some time after a flood of requests.
 *
 * Bodies and fetch buffers of megabytes are taken and freed often, so the heap keeps them (base/memory.h); a process that was
 * flooded would keep up to its budget of bodies for ever. So what is free is given back after HEAP_TRIM_FIRST_MS. What the process
 * takes again by the next look is needed: pages that are taken anew cost the kernel's time, and the trim holds the heap's locks for
 * some milliseconds. Then, as after a trim that gives back little, the time doubles, up to HEAP_TRIM_MOST_MS.
 *
 * Belongs to its loop's thread.
 */
#pragma once

#include "net/loop.h"

#define HEAP_TRIM_FIRST_MS ((int64_t)30000)
#define HEAP_TRIM_MOST_MS ((int64_t)600000)
#define HEAP_TRIM_BYTES (64 << 20) /* it is little that is less */

struct heap_trim {
	struct loop *loop; /* NULL: not started */
	struct loop_timer timer;
	int64_t wait_ms;
	double kept_bytes; /* resident after the last trim that gave back more than little; 0: none did, or they were taken again */
};

/* Looks after each wait, until it is stopped. */
bool heap_trim_start(struct heap_trim *trim, struct loop *loop, struct error *error);
void heap_trim_stop(struct heap_trim *trim); /* fine when it was not started */

/* One look: gives back what is free, and chooses the next wait. */
void heap_trim_look(struct heap_trim *trim);
