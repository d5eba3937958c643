/* report_segments.c: Segments of an experiment's report: its metrics among the units that have one value of a feature. */
#include <math.h>
#include <stdlib.h>

#include "base/number/number.h"
#include "base/suggest.h"
#include "experiments/analysis/report.h"
#include "message/rows.h"

#define VALUES_MOST 4096 /* that are told apart, to find the commonest */

struct segment_value {
	struct text value; /* empty: the feature is missing */
	uint64_t units;
	size_t segment; /* index in the report; of those with few units that of the rest */
};

struct segment_split {
	struct report *report;
	struct arena *arena;
	struct text feature;
	size_t count;
	struct segment_value *values;
	uint32_t *of_unit; /* index of the value; UINT32_MAX: it has no exposure that counts */
	uint32_t *clusters; /* numbers in a segment; UINT32_MAX: it has none of the cluster */
	bool found;	   /* an exposure has the feature */
};

/* ---- values ---- */

/* A number is its text. */
static struct text value_of(struct segment_split *split, const struct joined_exposure *exposure)
{
	for (size_t i = 0; i < exposure->text_count; i++)
		if (text_equal(exposure->texts[i].name, split->feature))
			return exposure->texts[i].value;
	for (size_t i = 0; i < exposure->feature_count; i++) {
		char digits[NUMBER_TEXT_MAX];
		if (!text_equal(exposure->features[i].name, split->feature))
			continue;
		const size_t length = number_write_double(digits, exposure->features[i].value);
		return text_copied(split->arena, (struct text){digits, length});
	}
	return (struct text){0};
}

/* Beyond VALUES_MOST the last one stands for all others. */
static size_t value_find(struct segment_split *split, struct text value)
{
	for (size_t i = 0; i < split->count; i++)
		if (text_equal(split->values[i].value, value))
			return i;
	if (split->count == VALUES_MOST)
		return split->count - 1;
	split->values[split->count] = (struct segment_value){.value = value};
	return split->count++;
}

/* The value that the unit had in its first epoch; UINT32_MAX: it has none. */
static uint32_t value_earlier(const struct segment_split *split, size_t unit)
{
	const uint32_t earlier = split->report->joined->earlier[unit];
	return earlier == UINT32_MAX ? UINT32_MAX : split->of_unit[earlier];
}

/* A unit has the value of its first exposure of all epochs, which was before any effect. */
static void units_split(struct segment_split *split)
{
	const struct joined *joined = split->report->joined;
	for (size_t i = 0; i < joined->unit_count; i++)
		split->of_unit[i] = UINT32_MAX;
	for (size_t i = 0; i < joined->exposure_count; i++) {
		const struct joined_exposure *exposure = &joined->exposures[i];
		if (exposure->joined_unit == UINT32_MAX || split->of_unit[exposure->joined_unit] != UINT32_MAX)
			continue;
		uint32_t index = value_earlier(split, exposure->joined_unit);
		if (index == UINT32_MAX)
			index = (uint32_t)value_find(split, value_of(split, exposure));
		split->found = split->found || split->values[index].value.length > 0;
		split->values[index].units++;
		split->of_unit[exposure->joined_unit] = index;
	}
}

static int values_compare(const void *left, const void *right)
{
	const struct segment_value *a = *(const struct segment_value *const *)left,
				   *b = *(const struct segment_value *const *)right;
	if (a->units != b->units)
		return a->units > b->units ? -1 : 1;
	return (a > b) - (a < b);
}

/* The commonest values are segments of their own; others are the last one together. */
static bool segments_choose(struct segment_split *split)
{
	struct report *report = split->report;
	struct segment_value **order = ARENA_ARRAY(split->arena, struct segment_value *, split->count + 1);
	report->segments = ARENA_ARRAY(split->arena, struct report_segment, REPORT_SEGMENTS_MAX + 1);
	if (!order || !report->segments)
		return false;
	for (size_t i = 0; i < split->count; i++)
		order[i] = &split->values[i];
	if (split->count > 0)
		qsort(order, split->count, sizeof *order, values_compare);
	for (size_t i = 0; i < split->count; i++) {
		const bool rest = i >= REPORT_SEGMENTS_MAX;
		struct report_segment *segment = &report->segments[rest ? REPORT_SEGMENTS_MAX : i];
		order[i]->segment = rest ? REPORT_SEGMENTS_MAX : i;
		if (!rest)
			segment->value = order[i]->value;
		segment->rest = rest;
		segment->units += order[i]->units;
		report->segment_count = order[i]->segment + 1;
	}
	return true;
}

/* ---- one segment ---- */

/* The number of a cluster among those of the segment. */
static uint32_t cluster_number(const struct segment_split *split, uint32_t cluster, struct analysis_input *input)
{
	if (split->report->joined->cluster_count == 0)
		return 0;
	if (split->clusters[cluster] == UINT32_MAX)
		split->clusters[cluster] = (uint32_t)input->cluster_count++;
	return split->clusters[cluster];
}

/* The units and values of the segment, numbered anew, and so are clusters. */
static bool segment_take(const struct segment_split *split, size_t segment, uint32_t *numbers, struct analysis_input *input)
{
	const struct joined *joined = split->report->joined;
	struct analysis_unit *units = ARENA_ARRAY(split->arena, struct analysis_unit, joined->unit_count + 1);
	if (!units)
		return false;
	input->unit_count = 0;
	for (size_t i = 0; i < joined->cluster_count; i++)
		split->clusters[i] = UINT32_MAX;
	for (size_t i = 0; i < joined->unit_count; i++) {
		const uint32_t value = split->of_unit[i];
		numbers[i] = UINT32_MAX;
		if (value == UINT32_MAX || split->values[value].segment != segment)
			continue;
		numbers[i] = (uint32_t)input->unit_count;
		units[input->unit_count] = joined->units[i];
		units[input->unit_count++].cluster = cluster_number(split, joined->units[i].cluster, input);
	}
	input->units = units;
	return true;
}

/* A cap is that of the whole metric: a value counts the same in both. */
static bool values_take(const struct segment_split *split, const struct report_metric *metric, const uint32_t *numbers,
			struct analysis_input *input)
{
	struct analysis_value *values = ARENA_ARRAY(split->arena, struct analysis_value, metric->value_count + 1);
	if (!values)
		return false;
	input->value_count = 0;
	for (size_t i = 0; i < metric->value_count; i++) {
		if (numbers[metric->values[i].unit] == UINT32_MAX)
			continue;
		struct analysis_value *taken = &values[input->value_count++];
		*taken = metric->values[i];
		taken->unit = numbers[metric->values[i].unit];
		taken->value = taken->enters ? 0 : cap_limits_apply(&metric->analysis.cap.limits, taken->value);
	}
	input->values = values;
	return true;
}

static bool segment_report(const struct segment_split *split, size_t index, uint32_t *numbers)
{
	struct report *report = split->report;
	const struct joined *joined = report->joined;
	struct report_segment *segment = &report->segments[index];
	struct analysis_input input = {.arms = joined->arms,
				       .control = report->control,
				       .epochs = joined->epoch_count,
				       .candidates = joined->adaptive ? joined->candidates : 0};
	segment->metrics = ARENA_ARRAY(split->arena, struct report_metric, report->metric_count + 1);
	if (!segment->metrics || !segment_take(split, index, numbers, &input))
		return false;
	if (joined->adaptive)
		segment->units = input.cluster_count;
	for (size_t i = 0; i < report->metric_count; i++) {
		struct report_metric *made = &segment->metrics[i];
		*made = report->metrics[i];
		const struct analysis_options options = {.role = made->role,
							 .alpha = report->segment_alpha,
							 .practical = made->practical,
							 .lower_is_better = made->lower_is_better,
							 .covariate = report->options->covariate != NULL,
							 .adaptive = joined->adaptive,
							 .per_unit = made->per_unit,
							 .stages = report->options->stages};
		if (!values_take(split, &report->metrics[i], numbers, &input) ||
		    !metric_analyse(&input, &options, split->arena, &made->analysis))
			return false;
	}
	return report_correct_others(segment->metrics, report->metric_count, report->segment_alpha, split->arena);
}

/* ---- all of them ---- */

static bool feature_refuse(const struct report *report, struct text feature, struct error *error)
{
	const struct joined *joined = report->joined;
	struct suggestion suggestion = suggest_begin(feature);
	for (size_t i = 0; i < joined->exposure_count; i++) {
		for (size_t j = 0; j < joined->exposures[i].text_count; j++)
			suggest_offer(&suggestion, joined->exposures[i].texts[j].name);
		for (size_t j = 0; j < joined->exposures[i].feature_count; j++)
			suggest_offer(&suggestion, joined->exposures[i].features[j].name);
	}
	const bool near = suggestion.nearest.length > 0;
	return error_set(error, ERROR_CONFIG, PLACE_NONE,
			 "no exposure of experiment `%s` has the feature `" TEXT_FORMAT "` in its context%s" TEXT_FORMAT "%s",
			 report->options->experiment, TEXT_ARGUMENTS(feature), near ? "; did you mean `" : "",
			 TEXT_ARGUMENTS(suggestion.nearest), near ? "`?" : "; name one of its `contextFeatures`");
}

bool report_covariate(const struct report *report, struct error *error)
{
	const struct joined *joined = report->joined;
	const struct text covariate = text_of(report->options->covariate);
	for (size_t i = 0; i < joined->exposure_count; i++)
		for (size_t j = 0; j < joined->exposures[i].feature_count; j++)
			if (text_equal(joined->exposures[i].features[j].name, covariate))
				return true;
	for (size_t i = 0; i < joined->exposure_count; i++)
		for (size_t j = 0; j < joined->exposures[i].text_count; j++)
			if (text_equal(joined->exposures[i].texts[j].name, covariate))
				return error_set(error, ERROR_CONFIG, PLACE_NONE,
						 "the covariate `%s` of experiment `%s` is a text; name a number",
						 report->options->covariate, report->options->experiment);
	return feature_refuse(report, covariate, error);
}

bool report_segment(struct report *report, struct arena *arena, struct error *error)
{
	const struct joined *joined = report->joined;
	struct segment_split split = {.report = report,
				      .arena = arena,
				      .feature = text_of(report->options->segment),
				      .values = ARENA_ARRAY(arena, struct segment_value, VALUES_MOST),
				      .of_unit = ARENA_ARRAY(arena, uint32_t, joined->unit_count + 1),
				      .clusters = ARENA_ARRAY(arena, uint32_t, joined->cluster_count + 1)};
	uint32_t *numbers = ARENA_ARRAY(arena, uint32_t, joined->unit_count + 1);
	if (!split.values || !split.of_unit || !split.clusters || !numbers)
		return error_memory(error, ERROR_SYSTEM, "analysing segments");
	units_split(&split);
	if (!split.found)
		return feature_refuse(report, split.feature, error);
	if (!segments_choose(&split))
		return error_memory(error, ERROR_SYSTEM, "analysing segments");
	report->segment_alpha = report->options->alpha / (double)report->segment_count;
	for (size_t i = 0; i < report->segment_count; i++)
		if (!segment_report(&split, i, numbers))
			return error_memory(error, ERROR_SYSTEM, "analysing segments");
	return true;
}
