/* closed_windows.h: Windows of one step `drift` that have closed since they were last looked at, in their order. Pure, but for
 * its memory.
 *
 * While messages come fast, many windows close between two looks, and each may be the only one with drift. At most
 * CLOSED_WINDOWS_MAX are kept apart. A further one is folded into the last one of its segment, by the worse of each figure: so a
 * condition on one figure that it meets towards the worse is still met. A segment has a place of its own for its first window, so
 * no more than CLOSED_WINDOWS_MAX + DRIFT_SEGMENTS_MAX are kept, some 1.2 MiB.
 */
#pragma once

#include "message/records/drift_score.h"

/* Verdict on a window of a step `drift`, with the figures of that window. */

/* The score and the verdict are of the last window that was judged, all else of the last that was closed. NaN: not known. */
struct last_verdict {
	enum drift_verdict verdict; /* DRIFT_LEARNING: no window has been judged */
	double score;
	double quality_alarm;				   /* 1: a value is out of the bounds of quality */
	double missing_share, outside_share, unseen_share; /* of the values, the largest of the features */
	double accuracy, precision, recall;		   /* that are estimated */
	double accuracy_low, accuracy_high;
	double messages_per_minute; /* what came later is behind all else, since drift_window_state.h stores the struct */
	double newest_age_ms;
	double auc, error; /* that are estimated */
	double mistyped_share; /* as the other shares */
	struct drift_cause cause; /* of the score; drift_window_state.h stores it behind all else */
};

/* Of which nothing else is known; and nothing at all. */
struct last_verdict verdict_of(enum drift_verdict verdict, double score);
struct last_verdict verdict_unknown(void);

/* The worse of two for each number: the larger score, shares, age and error, the smaller other estimates and messages a minute.
 * The cause is that of the larger score. */
void verdict_fold(struct last_verdict *into, const struct last_verdict *more);

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
