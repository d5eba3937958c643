/* board_metrics.h: Metrics from the boards of an engine: verdicts and importance of features by steps that watch
 * (observe/verdict_board.h), and the policies of bandits in force (observe/policy_board.h). */
#pragma once

#include "observe/verdict_board.h"
#include "engine/run/engine.h"

#define IMPORTANCE_SERIES (IMPORTANCE_SHOWN + 1) /* of a step that keeps the importance of features, with `other` */

/* Writes those of the plan. Scratch memory is in the arena, whose failure means that some are missing. */
void board_metrics_write(const struct engine *engine, const struct plan *plan, struct arena *arena, struct exposition *exposition);

/* Steps of a graph that judge windows, and those that keep the importance of features. */
size_t graph_count_observers(const struct graph *graph);
size_t graph_count_weighers(const struct graph *graph);
