/* external_input.c: see external_input.h. */
#include "flow/external_input.h"

#include "flow/tensor_selection.h"

static size_t point_of(struct external_input *external_input, const struct external *external, struct arena *arena)
{
	for (size_t i = 0; i < external_input->point_count; i++) {
		const struct external_input_point *point = &external_input->points[i];
		if (point->point == external->point && strcmp(point->pipeline, external->pipeline) == 0 &&
		    strings_equal(point->step, external->step))
			return i;
	}
	const char *side = external->point == SOURCE_STEP_OUTPUTS ? "outputs" : "inputs";
	external_input->points[external_input->point_count] = (struct external_input_point){
		.pipeline = external->pipeline,
		.step = external->step,
		.point = external->point,
		.name = external->step ? arena_print(arena, "%s.step.%s.%s", external->pipeline, external->step, side)
				       : arena_print(arena, "%s.%s", external->pipeline, side),
	};
	return external_input->point_count++;
}

static void external_input_add(struct external_input *external_input, const struct externals *externals, struct arena *arena)
{
	for (size_t i = 0; i < externals->count; i++) {
		const struct external *external = &externals->items[i];
		external_input->sources[external_input->count++] = (struct source){
			.point = external->point,
			.step = point_of(external_input, external, arena),
			.tensor = external->tensor,
			.rename_count = external->rename_count,
			.renames = external->renames,
			.place = external->place,
		};
	}
}

const struct external_input *external_input_make(const struct graph *graph, struct arena *arena)
{
	size_t count = graph->inputs.count + graph->triggers.count;
	if (count == 0)
		return NULL;
	struct external_input *external_input = ARENA_NEW(arena, struct external_input);
	struct external_input_point *points = ARENA_ARRAY(arena, struct external_input_point, count);
	struct source *sources = ARENA_ARRAY(arena, struct source, count);
	size_t *leader = ARENA_ARRAY(arena, size_t, count);
	if (!external_input || !points || !sources || !leader)
		return NULL;
	*external_input = (struct external_input){.points = points, .sources = sources, .leader = leader, .pipeline = graph->name};
	external_input_add(external_input, &graph->inputs, arena);
	external_input_add(external_input, &graph->triggers, arena);
	sources_lead(sources, graph->inputs.count, leader);
	external_input->place = sources[0].place;
	external_input->rule = (struct join_rule){
		.inputs = {graph->inputs.type, graph->inputs.count},
		.triggers = {graph->triggers.type, graph->triggers.count},
		.window_ms = graph->inputs.window_ms,
		.parties = external_input->point_count,
	};
	return arena_failed(arena) ? NULL : external_input;
}

bool external_input_tell(const struct external_input *external_input, size_t point, const struct payload *payload,
			 unsigned char *states)
{
	bool any = false;
	for (size_t i = 0; i < external_input->count; i++) {
		const struct source *source = &external_input->sources[i];
		states[i] = source->step != point			       ? SOURCE_UNKNOWN
			    : payload && source_finds(source->tensor, payload) ? SOURCE_CAME
									       : SOURCE_DEAD;
		any |= states[i] != SOURCE_UNKNOWN;
	}
	return any;
}

const struct payload *external_input_join(const struct external_input *external_input, const struct payload *const *came,
					  struct arena *arena)
{
	return sources_join(arena, external_input->sources, external_input->leader, external_input->rule.inputs.count, came);
}

void external_input_late(const struct external_input *external_input, struct error *error)
{
	error_set(error, ERROR_LIMIT, external_input->place,
		  "the join window of %lld ms of the external inputs of `%s` had passed when the last of them came; "
		  "raise joinWindowMs of the input, or join with `outer` or `any`",
		  (long long)external_input->rule.window_ms, external_input->pipeline);
}
