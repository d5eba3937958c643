/* join_windows.h: Windows and names of the join of a pipeline's exposures (experiments/outcomes/exposure_join.h), by its plan: a
 * window for each experiment that learns or is judged, and one for the answers themselves, where a metric of feedback is declared.
 * Pure. Private to engine/learn.
 */
#pragma once

#include "compiler/plan/plan.h"
#include "experiments/outcomes/exposure_join.h"

#define METRIC_WINDOW_MS (INT64_C(24) * 3600 * 1000) /* in which feedback counts in the metrics of an answer */

struct join_windows {
	size_t count, name_count;
	struct join_window items[JOIN_WINDOWS_MAX];
	struct text names[JOIN_NAMES_MAX];
	int64_t longest_ms;
	bool of_experiments; /* exposures are records of their topic */
	bool of_answers;     /* each answer is an exposure */
};

/* Borrows from the plan. CONFIG: the pipeline has more experiments, or more names of values, than a join. */
bool join_windows_make(const struct pipeline_plan *pipeline, struct join_windows *windows, struct error *error);
