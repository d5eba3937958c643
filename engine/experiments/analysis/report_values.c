/* report_values.c: Values by which a report analyses a metric; see report.h. */
#include <math.h>

#include "experiments/analysis/report.h"

#define NORMAL_UNITS 355 /* times the squared skewness (Kohavi and others, Seven rules of thumb for web site experimenters, 2014) */

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

static bool numbers_are_large(const struct arm_numbers *numbers)
{
	return !(fabs(numbers->mean) <= COMPARED_MOST && numbers->sd <= COMPARED_MOST);
}

static bool numbers_are_small(const struct arm_numbers *numbers)
{
	const double most = fmax(fabs(numbers->mean), numbers->sd);
	return most > 0 && most < COMPARED_LEAST;
}

const char *report_obstacle(const struct report_metric *metric, const struct pair_analysis *pair)
{
	const struct arm_numbers *mine = &pair->treatment_numbers, *other = &pair->control_numbers;
	if (metric->excess > 0 && (mine->units == 0 || other->units == 0))
		return "its values are too large, and left out";
	if (mine->units < BURN_IN_UNITS || other->units < BURN_IN_UNITS)
		return NULL;
	if (numbers_are_large(mine) || numbers_are_large(other))
		return "its values are too large for a variance, above 1e140: send them in a larger unit";
	if (numbers_are_small(mine) || numbers_are_small(other))
		return "its values are too small for a variance, below 1e-100: send them in a smaller unit";
	return mine->sd == 0 && other->sd == 0 ? "each variant has one value only, which does not vary" : NULL;
}

static double pair_least_units(const struct pair_analysis *pair)
{
	return (double)(pair->control_numbers.units < pair->treatment_numbers.units ? pair->control_numbers.units
										     : pair->treatment_numbers.units);
}

double report_units_skewed(const struct pair_analysis *pair)
{
	const double needed = ceil(NORMAL_UNITS * pair->skewness * pair->skewness);
	return pair->state != PAIR_EARLY && needed > pair_least_units(pair) ? needed : 0;
}

bool report_cap_beside(struct metric_analysis *analysis, const struct analysis_input *input, struct analysis_options options,
		       struct arena *arena)
{
	struct metric_analysis capped;
	bool skewed = false;
	for (size_t i = 0; i < analysis->pair_count; i++)
		skewed = skewed || report_units_skewed(&analysis->pairs[i]) > 0;
	if (!skewed || options.cap > 0)
		return true;
	options.cap = REPORT_CAP;
	if (!metric_analyse(input, &options, arena, &capped))
		return false;
	for (size_t i = 0; value_cap_applied(&capped.cap) && i < analysis->pair_count; i++) {
		const struct pair_analysis *pair = &capped.pairs[i];
		if (report_units_skewed(&analysis->pairs[i]) > 0 && isfinite(pair->estimate))
			analysis->pairs[i].capped = (struct capped_figure){REPORT_CAP, pair->estimate, pair->sequence.p,
									   pair->sequence.interval, capped.cap.limits};
	}
	return true;
}

const char *report_skewness(const struct pair_analysis *pair, struct arena *arena)
{
	const double needed = report_units_skewed(pair);
	if (needed == 0)
		return NULL;
	return arena_print(arena,
			   "the smaller variant has %.0f units; with a skewness of %.3g a mean is about normal from %.0f units on; "
			   "the interval assumes that values vary in it as in both variants together, and that larger ones than "
			   "those so far come to both alike",
			   pair_least_units(pair), pair->skewness, needed);
}

const char *report_capped(const struct pair_analysis *pair, struct arena *arena)
{
	const struct capped_figure *capped = &pair->capped;
	if (!(capped->cap > 0))
		return NULL;
	return arena_print(arena,
			   "%+.4g (%+.4g to %+.4g), p %.3g, with values capped between %.5g and %.5g; `cap: %g` decides by it",
			   capped->estimate, capped->interval.low, capped->interval.high, capped->p, capped->limits.low,
			   capped->limits.high, capped->cap);
}

size_t report_returns(const struct joined *joined)
{
	size_t returns = 0;
	for (size_t i = 0; i < joined->unit_count; i++)
		returns += joined->earlier[i] != UINT32_MAX;
	return joined->adaptive ? 0 : returns;
}
