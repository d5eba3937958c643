/* observers.c: Ways of observers: how each gets what it watches, and what that costs. Part of plan_make(). */
#include "plan/compile.h"

/* Whether the watched inputs are the request alone, which the topic of requests has. */
static bool watches_request(const struct graph *graph, const struct join *inputs)
{
	return inputs->count == 1 && inputs->sources[0].step == STEP_NONE && external_points(graph) == 0;
}

/* The watched tensors among those that come to the step. */
static void tensors_watch(const struct step *observer, const struct tensor_types *inputs, struct arena *arena,
			  struct observer_plan *made)
{
	struct tensor_types watched = *inputs;
	bool known = true;
	watched.items = NULL;
	watched.count = 0;
	struct tensor_type *items = ARENA_ARRAY(arena, struct tensor_type, inputs->count + 1);
	for (size_t i = 0; items && i < inputs->count; i++) {
		const struct value_type *type = &inputs->items[i].type;
		const struct tensor tensor = {.name = inputs->items[i].name,
					      .datatype = type->datatype_known ? type->datatype : DATATYPE_FP64};
		if (step_reads(observer, &tensor))
			items[watched.count++] = inputs->items[i];
	}
	watched.items = items;
	made->bytes = (double)volume_record_bytes(&watched, &known);
	made->bytes_assumed = !known;
}

void plan_observers(struct compiler *compiler, struct pipeline_plan *plan)
{
	const struct graph *graph = plan->graph;
	struct observer_plan *observers = ARENA_ARRAY(compiler->arena, struct observer_plan, graph->count);
	plan->observers = observers;
	for (size_t i = 0; observers && i < graph->count; i++) {
		const struct step observer = step_seen(graph, i);
		if (!graph->steps[i].key || !step_is_observer(&observer))
			continue;
		struct observer_plan *made = &observers[plan->observer_count++];
		const size_t watched = graph->steps[i].inputs.sources[0].step;
		const size_t topic = plan->stages[plan->stage_of[i]].topic;
		*made = (struct observer_plan){
			.step = graph->steps[watched].name,
			.topic = topic == TOPIC_NONE ? NULL : plan->topics[topic].name,
			.share = observer.kind->monitors->observes(&observer),
			.slices = step_slices(&observer),
			.why = watches_request(graph, &graph->steps[watched].inputs)
				       ? "the topic of requests spreads them over its partitions, and one task must have all"
				       : "they are on no topic",
		};
		if (plan->types.steps)
			tensors_watch(&observer, &plan->types.steps[watched].inputs, compiler->arena, made);
		plan->volume.observed += made->share;
		plan->volume.observed_bytes += made->share * made->bytes;
	}
}
