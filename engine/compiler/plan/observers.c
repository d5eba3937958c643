/* observers.c: Ways of observers: how each gets what it watches, and what that costs. Part of plan_make(). */
#include "message/records/slice.h"
#include "compiler/plan/compile.h"

/* Whether the watched inputs are the request alone, which the topic of requests has. */
static bool watches_request(const struct graph *graph, const struct join *inputs)
{
	return inputs->count == 1 && inputs->sources[0].step == STEP_NONE && external_points(graph) == 0;
}

/* Types of the tensors that observers read, each once. */
struct watched_types {
	struct tensor_types types;
	struct tensor_type *items;
};

static bool types_have(const struct tensor_types *types, struct text name)
{
	for (size_t i = 0; i < types->count; i++)
		if (text_equal(types->items[i].name, name))
			return true;
	return false;
}

static const struct tensor_types *watched_inputs(const struct pipeline_plan *plan, size_t observer)
{
	return &plan->types.steps[graph_step_watched(plan->graph, observer)].inputs;
}

static void watched_open(struct watched_types *watched, size_t most, struct arena *arena)
{
	watched->items = ARENA_ARRAY(arena, struct tensor_type, most + 1);
	watched->types = (struct tensor_types){.complete = true, .items = watched->items};
}

/* Adds those that come to the observer. */
static void watched_add(struct watched_types *watched, const struct pipeline_plan *plan, size_t index)
{
	const struct step observer = step_seen(plan->graph, index);
	const struct tensor_types *inputs = watched_inputs(plan, index);
	watched->types.complete &= inputs->complete;
	for (size_t i = 0; watched->items && i < inputs->count; i++) {
		const struct value_type *type = &inputs->items[i].type;
		const struct tensor tensor = {.name = inputs->items[i].name,
					      .datatype = type->datatype_known ? type->datatype : DATATYPE_FP64};
		if (observer.kind->observes->reads(&observer, &tensor) && !types_have(&watched->types, tensor.name))
			watched->items[watched->types.count++] = inputs->items[i];
	}
}

static void observer_measure(struct compiler *compiler, const struct pipeline_plan *plan, size_t index, struct observer_plan *made)
{
	struct watched_types watched;
	bool known = true;
	watched_open(&watched, watched_inputs(plan, index)->count, compiler->arena);
	watched_add(&watched, plan, index);
	made->bytes = (double)volume_record_bytes(&watched.types, &known);
	made->bytes_assumed = !known;
}

static bool is_watched_by(const struct graph *graph, size_t index)
{
	const struct step step = step_seen(graph, index);
	return graph->steps[index].key && step_is_observer(&step);
}

static void sharers_list(struct compiler *compiler, const struct pipeline_plan *plan, size_t index, struct observer_plan *made)
{
	const struct graph *graph = plan->graph;
	made->shared_with = ARENA_ARRAY(compiler->arena, const char *, SLICE_OBSERVERS_MAX);
	for (size_t i = 0; made->shared_with && i < graph->count; i++)
		if (i != index && plan->stage_of[i] == plan->stage_of[index] && is_watched_by(graph, i))
			made->shared_with[made->shared_count++] = graph->steps[graph_step_watched(graph, i)].name;
}

/* Adds the records to the observers of a stage: a message in the share of any of them is one. */
static void records_measure(struct compiler *compiler, struct pipeline_plan *plan, const struct stage *stage)
{
	struct watched_types watched;
	double share = 0;
	bool known = true;
	size_t most = 0;
	for (size_t i = 0; plan->types.steps && i < stage->count; i++)
		most += watched_inputs(plan, stage->steps[i])->count;
	watched_open(&watched, most, compiler->arena);
	for (size_t i = 0; i < stage->count; i++) {
		const struct step observer = step_seen(plan->graph, stage->steps[i]);
		const double own = step_facts(&observer).share;
		share += own - share * own; /* they are drawn independently */
		if (plan->types.steps)
			watched_add(&watched, plan, stage->steps[i]);
	}
	plan->volume.observed += share;
	if (plan->types.steps)
		plan->volume.observed_bytes += share * (double)volume_record_bytes(&watched.types, &known);
}

void plan_observers(struct compiler *compiler, struct pipeline_plan *plan)
{
	const struct graph *graph = plan->graph;
	struct observer_plan *observers = ARENA_ARRAY(compiler->arena, struct observer_plan, graph->count);
	plan->observers = observers;
	for (size_t i = 0; observers && i < graph->count; i++) {
		const struct step observer = step_seen(graph, i);
		if (!is_watched_by(graph, i))
			continue;
		struct observer_plan *made = &observers[plan->observer_count++];
		const struct step_facts facts = step_facts(&observer);
		const size_t watched = graph_step_watched(graph, i);
		const size_t topic = plan->stages[plan->stage_of[i]].topic;
		*made = (struct observer_plan){
			.step = graph->steps[watched].name,
			.topic = topic == TOPIC_NONE ? NULL : plan->topics[topic].name,
			.share = facts.share,
			.slices = facts.slices,
			.why = watches_request(graph, &graph->steps[watched].inputs)
				       ? "the topic of requests spreads them over its partitions, and one task must have all"
				       : "they are on no topic",
		};
		sharers_list(compiler, plan, i, made);
		if (plan->types.steps)
			observer_measure(compiler, plan, i, made);
	}
	for (size_t i = 0; i < plan->stage_count; i++)
		if (plan_stage_observes(plan, i))
			records_measure(compiler, plan, &plan->stages[i]);
}
