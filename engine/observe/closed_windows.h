/* closed_windows.h: Windows of one step `drift` that have closed since they were last looked at, in their order. Pure, but for
 * its memory.
 *
 * While messages come fast, many windows close between two looks, and each may be the only one with drift. At most
 * CLOSED_WINDOWS_MAX are kept apart. A further one is folded into the last one of its segment, by the worse of each figure: so a
 * condition on one figure that it meets towards the worse is still met. A segment has a place of its own for its first window, so
 * no more than CLOSED_WINDOWS_MAX + DRIFT_SEGMENTS_MAX are kept, some 1.2 MiB.
 */
#ifndef SLUICE_OBSERVE_CLOSED_WINDOWS_H
#define SLUICE_OBSERVE_CLOSED_WINDOWS_H

#include "observe/last_verdict.h"

#define CLOSED_WINDOWS_MAX 1000

struct closed_window {
	struct text segment; /* owned; "": of a step without `groupBy` */
	struct last_verdict own;
	struct last_verdict all; /* of all segments together, when it closed */
};

struct closed_windows { /* starts as `{0}` */
	struct closed_window *items;
	size_t count, room;
};

/* Without memory, the window is folded as if there were too many. If its segment has none yet, it is left out. */
void closed_windows_add(struct closed_windows *windows, struct text segment, const struct last_verdict *own,
			const struct last_verdict *all);
void closed_windows_clear(struct closed_windows *windows); /* keeps its room */
void closed_windows_close(struct closed_windows *windows);

#endif
