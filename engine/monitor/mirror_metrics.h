/* mirror_metrics.h: Counts of an engine's comparisons of mirrors with the answers, for metrics and for alerts. */
#pragma once

#include "observe/exposition.h"
#include "engine/run/engine.h"

/* Writes those of each step whose experiment has a mirror. Scratch memory is in the arena, whose failure means that some are
 * missing. */
void mirror_metrics_write(const struct engine *engine, const struct plan *plan, struct arena *arena, struct exposition *exposition);

/* Their sum for a pipeline, over its steps and the workers. */
struct mirror_counts mirror_counts_now(const struct engine *engine, const char *pipeline);

/* Steps of a graph whose experiment has a mirror. */
size_t graph_count_mirrors(const struct graph *graph);
