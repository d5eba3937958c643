/* window.h: how long a call waits for others that it could be merged with.
 *
 * Not at all when nothing is under way: then there is no load that merging would help.
 * Under load the window grows as long as others are left behind in the line, up to what the
 * user allows, and shrinks to nothing again when calls leave alone.
 *
 * Pure: the clock is handed in.
 */
#ifndef SLUICE_SERVING_WINDOW_H
#define SLUICE_SERVING_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WINDOW_START_US 250

struct window {
	int64_t most_us;
	int64_t us; /* at present */
};

/* When a merged call that began to gather at `since_us` leaves at the latest; with
 * nothing else under way at once. */
int64_t window_due_us(const struct window *window, int64_t since_us, size_t under_way);

/* One left, made of so many calls; `backlog`: others wait on. */
void window_left(struct window *window, size_t calls, bool backlog);

#endif
