/* joined_metrics.c: see joined_metrics.h. */
#include "experiments/joined_metrics.h"

#define ROOM_AT_FIRST 1024

struct joined_metric *joined_metric_find(struct joined *joined, struct text name, const char *experiment, struct error *error)
{
	for (size_t i = 0; i < joined->metric_count; i++)
		if (text_equal(joined->metrics[i].name, name))
			return &joined->metrics[i];
	if (joined->metric_count == JOIN_METRICS_MAX) {
		error_set(error, ERROR_LIMIT, PLACE_NONE, "feedback of experiment `%s` has more than %d metrics", experiment,
			  JOIN_METRICS_MAX);
		return NULL;
	}
	joined->metrics[joined->metric_count].name = name;
	return &joined->metrics[joined->metric_count++];
}

bool joined_metric_add(struct joined_metric *metric, const struct analysis_value *value, struct arena *arena)
{
	if (metric->count == metric->room) {
		const size_t room = metric->room ? 2 * metric->room : ROOM_AT_FIRST;
		struct analysis_value *values = ARENA_ARRAY(arena, struct analysis_value, room);
		if (!values)
			return false;
		if (metric->count > 0)
			memcpy(values, metric->values, metric->count * sizeof *values);
		metric->values = values;
		metric->room = room;
	}
	metric->values[metric->count++] = *value;
	return true;
}
