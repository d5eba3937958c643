/* report_gain.c: Gains of a report, summed over time; see report.h. */
#include "experiments/analysis/report.h"

/* What is known at the end, after the last exposure and the last value. */
static struct pair_point gain_end(const struct joined *joined, const struct report_metric *metric, const struct pair_analysis *pair)
{
	int64_t last_ms = joined->last_ms;
	for (size_t i = 0; i < metric->value_count; i++)
		if (metric->values[i].time_ms > last_ms)
			last_ms = metric->values[i].time_ms;
	return (struct pair_point){
		.time_ms = last_ms, .epoch = UINT32_MAX, .estimate = pair->estimate, .interval = pair_interval(pair)};
}

/* Whether the pair's treatment gains by the value: of sums by a unit of the point's epoch, as the estimate is of it. */
static bool gain_counts(const struct joined *joined, const struct report_metric *metric, const struct pair_analysis *pair,
			const struct pair_point *point, const struct analysis_value *value)
{
	const struct analysis_unit *unit = &joined->units[value->unit];
	return unit->arm == pair->treatment &&
	       (metric->analysis.per_unit != PER_UNIT_SUM || (value->enters && unit->epoch == point->epoch));
}

/* Multiplies each point of the pair by the values of the treatment by then, and adds the end. */
static bool gain_sum(const struct joined *joined, const struct report_metric *metric, const struct pair_analysis *pair,
		     struct arena *arena, struct pair_gain *gain)
{
	struct pair_point *points = ARENA_ARRAY(arena, struct pair_point, pair->point_count + 1);
	uint64_t *counts = ARENA_ARRAY(arena, uint64_t, pair->point_count + 1), count = 0;
	const bool are_sums = metric->analysis.per_unit == PER_UNIT_SUM;
	size_t at = 0;
	for (size_t i = 0; points && counts && i <= pair->point_count; i++) {
		struct pair_point *point = &points[i];
		*point = i < pair->point_count ? pair->points[i] : gain_end(joined, metric, pair);
		if (are_sums && i > 0 && point->epoch != pair->points[i - 1].epoch)
			count = 0;
		for (; at < metric->value_count; at++) {
			const struct analysis_value *value = &metric->values[at];
			const struct analysis_unit *unit = &joined->units[value->unit];
			if (unit->epoch > point->epoch || (unit->epoch == point->epoch && value->time_ms > point->time_ms))
				break;
			count += gain_counts(joined, metric, pair, point, value);
		}
		if (are_sums && i == pair->point_count)
			count = pair->treatment_numbers.units;
		counts[i] = count;
		point->estimate *= (double)count;
		point->interval.low *= (double)count;
		point->interval.high *= (double)count;
	}
	*gain = (struct pair_gain){pair->point_count + 1, points, counts};
	return points && counts;
}

bool report_sum_gains(struct report *report, struct arena *arena)
{
	const struct joined *joined = report->joined;
	const struct report_metric *primary = report->metrics;
	if (report->metric_count == 0 || joined->adaptive || primary->analysis.rates)
		return true;
	report->gains = ARENA_ARRAY(arena, struct pair_gain, primary->analysis.pair_count + 1);
	bool good = report->gains != NULL;
	for (size_t i = 0; good && i < primary->analysis.pair_count; i++)
		if (primary->analysis.pairs[i].point_count > 0)
			good = gain_sum(joined, primary, &primary->analysis.pairs[i], arena, &report->gains[i]);
	return good;
}
