/* joined_metrics.c: see joined_metrics.h. */
#include "experiments/analysis/joined_metrics.h"

#include "message/rows.h"

#define ROOM_AT_FIRST 1024

static bool metric_is_kept(const struct unit_join *join, struct text name)
{
	for (size_t i = 0; i < join->kept_count; i++)
		if (text_equal(join->kept[i], name))
			return true;
	return false;
}

struct joined_metric *joined_metric_find(struct unit_join *join, struct text name)
{
	struct joined *joined = join->joined;
	for (size_t i = 0; i < joined->metric_count; i++)
		if (text_equal(joined->metrics[i].name, name))
			return &joined->metrics[i];
	const bool kept = metric_is_kept(join, name);
	if (!kept && join->others == JOIN_METRICS_MAX)
		return NULL;
	join->others += !kept;
	joined->metrics[joined->metric_count].name = name;
	return &joined->metrics[joined->metric_count++];
}

bool joined_metric_add(struct joined_metric *metric, const struct analysis_value *value, struct arena *arena)
{
	struct analysis_value *values =
		arena_grow(arena, metric->values, metric->count, &metric->room, ROOM_AT_FIRST, sizeof *values);
	if (!values)
		return false;
	metric->values = values;
	values[metric->count++] = *value;
	return true;
}

bool joined_measure(struct unit_join *join, struct error *error)
{
	struct joined *joined = join->joined;
	struct joined_metric *metric = NULL;
	for (size_t i = 0; i < joined->metric_count; i++)
		if (text_is(joined->metrics[i].name, JOIN_LATENCY))
			return true;
	for (size_t i = 0; i < joined->exposure_count; i++) {
		const struct joined_exposure *exposure = &joined->exposures[i];
		const struct analysis_value value = {.time_ms = exposure->time_ms,
						     .unit = exposure->joined_unit,
						     .value = exposure->latency_ms,
						     .probability = exposure->probability,
						     .exposure = (uint32_t)i};
		if (exposure->joined_unit == UINT32_MAX || !isfinite(exposure->latency_ms))
			continue;
		if (!metric)
			metric = joined_metric_find(join, TEXT(JOIN_LATENCY));
		assert(metric); /* it is kept */
		metric->measured = true;
		if (!joined_metric_add(metric, &value, join->arena))
			return error_memory(error, ERROR_SYSTEM, "joining exposures and feedback");
	}
	return true;
}

const struct exposure_feature *joined_features(const struct exposure *exposure, struct arena *arena)
{
	struct exposure_feature *made = ARENA_ARRAY(arena, struct exposure_feature, exposure->feature_count + 1);
	for (size_t i = 0; made && i < exposure->feature_count; i++)
		made[i] = (struct exposure_feature){text_copied(arena, exposure->features[i].name), exposure->features[i].value};
	return made;
}

const struct exposure_text *joined_texts(const struct exposure *exposure, struct arena *arena)
{
	struct exposure_text *made = ARENA_ARRAY(arena, struct exposure_text, exposure->text_count + 1);
	for (size_t i = 0; made && i < exposure->text_count; i++)
		made[i] = (struct exposure_text){text_copied(arena, exposure->texts[i].name),
						 text_copied(arena, exposure->texts[i].value)};
	return made;
}
