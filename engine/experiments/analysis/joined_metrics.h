/* joined_metrics.h: Metrics of a join of exposures and feedback (experiments/analysis/unit_join.h), each with its values in a list
 * that doubles. Private to unit_join.c and unit_join_feedback.c. */
#pragma once

#include "experiments/analysis/unit_join_parts.h"

/* The metric of that name, which is borrowed, or a new one. NULL: it is not kept, and there are JOIN_METRICS_MAX others. */
struct joined_metric *joined_metric_find(struct unit_join *join, struct text name);

/* False: the arena is full. */
bool joined_metric_add(struct joined_metric *metric, const struct analysis_value *value, struct arena *arena);

/* Adds the latencies that the joined exposures have as the metric JOIN_LATENCY, unless feedback has one of that name. */
bool joined_measure(struct unit_join *join, struct error *error);

/* Copies of the features of an exposure. NULL: the arena is full. */
const struct exposure_feature *joined_features(const struct exposure *exposure, struct arena *arena);
const struct exposure_text *joined_texts(const struct exposure *exposure, struct arena *arena);
