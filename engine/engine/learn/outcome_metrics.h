/* outcome_metrics.h: Metrics of truth and reward of a pipeline: their values by feedback, and their series in /metrics.
 *
 * A value and its labels are evaluated once, when feedback is joined to its answer, and written with the outcome. The reader of
 * outcomes counts what is committed: so each is counted by one engine, and what a leader had not counted when it was killed is
 * counted by the next. Metrics of experiments, from which bandits and rollouts learn, are the same values: the mean of several
 * elements.
 *
 * Private to engine/learn. */
#pragma once

#include "engine/learn/join_windows.h"
#include "engine/learn/outcome_readers.h"
#include "engine/setup/group_setup.h"

#define OUTCOME_SAMPLES_MAX 1000 /* elements of a value that are counted: further ones count as missing */

/* Series of the metrics of feedback that an engine counts. The engine's thread adds to them, and others read. Starts as {0}. */
struct metric_series {
	_Atomic(struct metric_series_entry *) first;
};

/* Adds those of a plan whose pipelines the groups serve. Everything is in `lasting`, which lives as long as they are read. False:
 * SYSTEM. */
bool metric_series_take(struct metric_series *series, const struct plan *plan, const struct group *groups, struct arena *lasting,
			struct error *error);

/* Computes the metrics of an exposure by its feedback, as exposure_join.h asks for, and the samples of an answer. */
size_t outcome_metrics_compute(const struct pipeline_plan *pipeline, const struct join_windows *windows, size_t window,
			       const struct feedback *feedback, struct outcome *outcome, struct text kept, uint32_t had,
			       struct outcome_metric *metrics, size_t room, struct arena *arena);

/* `reader` is set, and stays where it is until it is closed. SYSTEM; nothing is to be closed then. */
bool outcome_metrics_open(const struct readers_context *context, struct outcome_reader *reader, struct error *error);
