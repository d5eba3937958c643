/* report_values.c: Values by which a report analyses a metric; see report.h. */
#include <math.h>

#include "experiments/report.h"

/* Units that an exposure has brought, whose window has passed. */
static bool *units_due(const struct joined *joined, struct arena *arena)
{
	bool *due = ARENA_ARRAY(arena, bool, joined->unit_count + 1);
	for (size_t i = 0; due && i < joined->exposure_count; i++)
		if (joined->exposures[i].joined_unit != UINT32_MAX)
			due[joined->exposures[i].joined_unit] = true;
	return due;
}

/* By epoch, and within it by time, as units began in that order. NULL: the arena is full. */
static struct analysis_value *units_enter(const struct joined *joined, struct arena *arena, size_t *count)
{
	struct analysis_value *entries = ARENA_ARRAY(arena, struct analysis_value, joined->unit_count + 1);
	size_t *places = ARENA_ARRAY(arena, size_t, joined->epoch_count + 2);
	const bool *due = units_due(joined, arena);
	if (!entries || !places || !due)
		return NULL;
	for (size_t i = 0; i < joined->unit_count; i++)
		places[joined->units[i].epoch + 1] += due[i];
	for (size_t epoch = 1; epoch <= joined->epoch_count; epoch++)
		places[epoch] += places[epoch - 1];
	for (uint32_t i = 0; i < joined->unit_count; i++)
		if (due[i])
			entries[places[joined->units[i].epoch]++] = (struct analysis_value){
				.time_ms = joined->begins_ms[i], .unit = i, .exposure = UINT32_MAX, .enters = true};
	*count = joined->epoch_count > 0 ? places[joined->epoch_count - 1] : 0;
	return entries;
}

static bool value_is_before(const struct joined *joined, const struct analysis_value *one, const struct analysis_value *other)
{
	const uint32_t epoch = joined->units[one->unit].epoch, other_epoch = joined->units[other->unit].epoch;
	return epoch != other_epoch ? epoch < other_epoch : one->time_ms < other->time_ms;
}

bool report_values(const struct joined *joined, const struct joined_metric *metric, struct arena *arena, struct report_metric *made)
{
	made->values = metric->values;
	made->value_count = metric->count;
	if (made->per_unit != PER_UNIT_SUM || joined->adaptive)
		return true;
	size_t entered = 0, value = 0, entry = 0;
	const struct analysis_value *entries = units_enter(joined, arena, &entered);
	struct analysis_value *merged = ARENA_ARRAY(arena, struct analysis_value, metric->count + joined->unit_count + 1);
	if (!entries || !merged)
		return false;
	made->value_count = metric->count + entered;
	for (size_t i = 0; i < made->value_count; i++)
		if (entry == entered || (value < metric->count && value_is_before(joined, &metric->values[value], &entries[entry])))
			merged[i] = metric->values[value++];
		else
			merged[i] = entries[entry++];
	made->values = merged;
	return true;
}

const char *report_per_unit(const struct report_metric *metric)
{
	static const char *const words[] = {[PER_UNIT_SUM] = "a unit counts as the sum of its values, 0 without one",
					    [PER_UNIT_RATIO] = "the sum of all values by their number"};
	if (metric->per_unit != metric->analysis.per_unit)
		return "each request counts by itself, as a policy chose for it";
	return words[metric->per_unit];
}

const char *report_split_obstacle(const struct joined *joined)
{
	return joined->adaptive	  ? "a policy chose; a unit counts once for each of its versions"
	       : joined->arms < 2 ? "there is one variant"
				  : "exposures have no probabilities";
}

const char *report_look(const struct report_metric *metric)
{
	return metric->analysis.per_unit == PER_UNIT_SUM ? "last look" : "every look";
}

bool report_has_sums(const struct report *report)
{
	for (size_t i = 0; i < report->metric_count; i++)
		if (report->metrics[i].analysis.per_unit == PER_UNIT_SUM)
			return true;
	return false;
}

const char *report_cap(const struct report_metric *metric, struct arena *arena)
{
	const struct value_cap *cap = &metric->analysis.cap;
	const struct cap_limits *limits = &cap->limits;
	const bool has_common = !isnan(limits->common);
	if (!cap->asked)
		return NULL;
	if (!value_cap_applied(cap))
		return arena_print(arena, "not capped: of the first %llu values %zu are not %g, and %d such values are needed",
				   (unsigned long long)cap->burn_in, limits->others, limits->common, CAP_OTHERS_LEAST);
	const char *which = has_common ? arena_print(arena, " that are not %g", limits->common) : "";
	return arena_print(arena, "capped between %.5g and %.5g, quantiles of %llu values of the burn-in%s: %llu values",
			   limits->low, limits->high, (unsigned long long)(has_common ? limits->others : cap->burn_in),
			   which ? which : "", (unsigned long long)cap->capped);
}

size_t report_returns(const struct joined *joined)
{
	size_t returns = 0;
	for (size_t i = 0; i < joined->unit_count; i++)
		returns += joined->earlier[i] != UINT32_MAX;
	return joined->adaptive ? 0 : returns;
}
