/* drift_figures.h: Figures of drift of a pipeline, for its alerts: those of each window that has closed since the last turn of the
 * board (observe/verdict_board.h), and those that are known now. Pure.
 *
 * The figures of several steps `drift` are the worst of them. With those of a window come the present ones of the other steps.
 * Belongs to the thread that turns the board.
 */
#pragma once

#include "base/arena.h"
#include "observe/alert_value.h"
#include "observe/verdict_board.h"
#include "compiler/graph/graph.h"

struct drift_figures {
	struct verdict_board *board;
	const struct graph *graph;
	const struct alert_spec *segments_of; /* its `groupBy`: figures of each segment; NULL: of all together */
	const struct alert_values *others;    /* figures that are not of drift */
	struct arena *arena;		      /* reset at each call */
	void *context;
	/* `group`: the segment, or "". `is_present`: these are not of a window, but known now. */
	void (*take)(void *context, struct text group, const struct alert_values *values, bool is_present);
};

/* Calls with the figures of each window, in the order in which those of a step have closed, and then with those known now: once, or
 * for each segment. */
void drift_figures_each(const struct drift_figures *figures);
