/* entrance.c: see entrance.h. */
#include "flow/entrance.h"

#include "flow/select.h"

static size_t point_of(struct entrance *entrance, const struct external *external, struct arena *arena)
{
	for (size_t i = 0; i < entrance->point_count; i++) {
		const struct entrance_point *point = &entrance->points[i];
		if (point->point == external->point && strcmp(point->pipeline, external->pipeline) == 0 &&
		    strings_equal(point->step, external->step))
			return i;
	}
	const char *side = external->point == SOURCE_STEP_OUTPUTS ? "outputs" : "inputs";
	entrance->points[entrance->point_count] = (struct entrance_point){
		.pipeline = external->pipeline,
		.step = external->step,
		.point = external->point,
		.name = external->step ? arena_print(arena, "%s.step.%s.%s", external->pipeline, external->step, side)
				       : arena_print(arena, "%s.%s", external->pipeline, side),
	};
	return entrance->point_count++;
}

static void add(struct entrance *entrance, const struct externals *externals, struct arena *arena)
{
	for (size_t i = 0; i < externals->count; i++) {
		const struct external *external = &externals->items[i];
		entrance->sources[entrance->count++] = (struct source){
			.point = external->point,
			.step = point_of(entrance, external, arena),
			.tensor = external->tensor,
			.rename_count = external->rename_count,
			.renames = external->renames,
			.place = external->place,
		};
	}
}

const struct entrance *entrance_make(const struct graph *graph, struct arena *arena)
{
	size_t count = graph->inputs.count + graph->triggers.count;
	if (count == 0)
		return NULL;
	struct entrance *entrance = ARENA_NEW(arena, struct entrance);
	struct entrance_point *points = ARENA_ARRAY(arena, struct entrance_point, count);
	struct source *sources = ARENA_ARRAY(arena, struct source, count);
	size_t *leader = ARENA_ARRAY(arena, size_t, count);
	if (!entrance || !points || !sources || !leader)
		return NULL;
	*entrance = (struct entrance){.points = points, .sources = sources, .leader = leader, .pipeline = graph->name};
	add(entrance, &graph->inputs, arena);
	add(entrance, &graph->triggers, arena);
	sources_lead(sources, graph->inputs.count, leader);
	entrance->place = sources[0].place;
	entrance->rule = (struct join_rule){
		.inputs = {graph->inputs.type, graph->inputs.count},
		.triggers = {graph->triggers.type, graph->triggers.count},
		.window_ms = graph->inputs.window_ms,
		.parties = entrance->point_count,
	};
	return arena_failed(arena) ? NULL : entrance;
}

bool entrance_tell(const struct entrance *entrance, size_t point, const struct payload *payload, unsigned char *told)
{
	bool any = false;
	for (size_t i = 0; i < entrance->count; i++) {
		const struct source *source = &entrance->sources[i];
		told[i] = source->step != point				     ? TOLD_NOTHING
			  : payload && source_finds(source->tensor, payload) ? TOLD_CAME
									     : TOLD_DEAD;
		any |= told[i] != TOLD_NOTHING;
	}
	return any;
}

const struct payload *entrance_join(const struct entrance *entrance, const struct payload *const *came, struct arena *arena)
{
	return sources_join(arena, entrance->sources, entrance->leader, entrance->rule.inputs.count, came);
}

void entrance_late(const struct entrance *entrance, struct error *error)
{
	error_set(error, ERROR_LIMIT, entrance->place,
		  "the join window of %lld ms of the external inputs of `%s` had passed when the last of them came; "
		  "raise joinWindowMs of the input, or join with `outer` or `any`",
		  (long long)entrance->rule.window_ms, entrance->pipeline);
}
