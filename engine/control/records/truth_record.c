/* truth_record.c: see truth_record.h. */
#include "control/records/truth_record.h"

static struct record_list metrics_list(const struct truth_counts *counts, const char *const *metrics, size_t count,
				       struct arena *arena)
{
	struct metric_truth *items = ARENA_ARRAY(arena, struct metric_truth, count + 1);
	for (size_t i = 0; items && i < count; i++) {
		const struct metric_counts *metric = &counts->metrics[i];
		items[i] = (struct metric_truth){.name = text_of(metrics[i]),
						 .requests = metric->requests,
						 .units = (int64_t)metric->units.count,
						 .mean = metric->units.mean,
						 .squares = metric->units.squares,
						 .joined = metric->joined,
						 .late = metric->late,
						 .size = metric->units.beside_mean,
						 .size_squares = metric->units.beside_squares,
						 .products = metric->units.products,
						 .other_values = metric->other_values};
	}
	return (struct record_list){items ? count : 0, items};
}

struct metric_counts metric_counts_of(const struct metric_truth *metric)
{
	const struct arm_sums units = {.count = (uint64_t)metric->units,
				       .mean = metric->mean,
				       .squares = metric->squares,
				       .beside_mean = metric->size == 0 ? 1 : metric->size,
				       .beside_squares = metric->size_squares,
				       .products = metric->products};
	return (struct metric_counts){.requests = metric->requests,
				      .units = metric->units != 0 ? units : (struct arm_sums){0},
				      .joined = metric->joined,
				      .late = metric->late,
				      .other_values = metric->other_values};
}

struct variant_truth truth_record_of(const char *variant, const struct truth_counts *counts, const char *const *metrics,
				     size_t metric_count, struct arena *arena)
{
	assert(metric_count <= EXPERIMENT_METRICS_MAX);
	return (struct variant_truth){.name = text_of(variant),
				      .units = counts->units,
				      .sum = counts->sum,
				      .squares = counts->squares,
				      .requests = counts->requests,
				      .metrics = metrics_list(counts, metrics, metric_count, arena),
				      .joined = counts->joined,
				      .late = counts->late};
}
