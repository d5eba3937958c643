/* truth_record.h: Truths of a variant in the form of records: of the tally of an engine, and of the state of a rollout. Pure. */
#pragma once

#include "control/records/records.h"
#include "experiments/rollouts/truth_tally.h"

/* The list of metrics, of which `counts` has as many, is in the arena; a failed arena: memory ran out. Names are borrowed. */
struct variant_truth truth_record_of(const char *variant, const struct truth_counts *counts, const char *const *metrics,
				     size_t metric_count, struct arena *arena);

/* The counts that a record of a metric has. */
struct metric_counts metric_counts_of(const struct metric_truth *metric);
