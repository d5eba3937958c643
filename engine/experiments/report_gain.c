/* report_gain.c: Gains of a report, summed over time; see report.h. */
#include "experiments/report.h"

static const struct joined_metric *gain_values(const struct joined *joined, struct text name)
{
	size_t i = 0;
	while (i + 1 < joined->metric_count && !text_equal(joined->metrics[i].name, name))
		i++;
	return &joined->metrics[i];
}

/* What is known at the end, after the last exposure and the last value. */
static struct pair_point gain_end(const struct joined *joined, const struct joined_metric *values,
				  const struct pair_analysis *pair)
{
	int64_t last_ms = joined->last_ms;
	for (size_t i = 0; i < values->count; i++)
		if (values->values[i].time_ms > last_ms)
			last_ms = values->values[i].time_ms;
	return (struct pair_point){
		.time_ms = last_ms, .epoch = UINT32_MAX, .estimate = pair->estimate, .interval = pair_interval(pair)};
}

/* Multiplies each point of the pair by the values of the treatment by then, and adds the end. */
static bool gain_sum(const struct joined *joined, const struct joined_metric *values, const struct pair_analysis *pair,
		     struct arena *arena, struct pair_gain *gain)
{
	struct pair_point *points = ARENA_ARRAY(arena, struct pair_point, pair->point_count + 1);
	uint64_t *counts = ARENA_ARRAY(arena, uint64_t, pair->point_count + 1), count = 0;
	size_t at = 0;
	for (size_t i = 0; points && counts && i <= pair->point_count; i++) {
		struct pair_point *point = &points[i];
		*point = i < pair->point_count ? pair->points[i] : gain_end(joined, values, pair);
		for (; at < values->count; at++) {
			const struct analysis_value *value = &values->values[at];
			const struct analysis_unit *unit = &joined->units[value->unit];
			if (unit->epoch > point->epoch || (unit->epoch == point->epoch && value->time_ms > point->time_ms))
				break;
			count += unit->arm == pair->treatment;
		}
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
	const struct joined_metric *values = gain_values(joined, primary->name);
	report->gains = ARENA_ARRAY(arena, struct pair_gain, primary->analysis.pair_count + 1);
	bool good = report->gains != NULL;
	for (size_t i = 0; good && i < primary->analysis.pair_count; i++)
		if (primary->analysis.pairs[i].point_count > 0)
			good = gain_sum(joined, values, &primary->analysis.pairs[i], arena, &report->gains[i]);
	return good;
}
