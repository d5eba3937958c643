/* met_experiments.c: Experiments that a message of a pipeline can meet: those of its graph, and those of the pipelines that it
 * calls, however deep. A called pipeline runs in the worker of its caller, so exposures, feedback and policies are the caller's.
 */
#include "plan/build.h"

struct meeting {
	struct arena *arena;
	struct graph *const *graphs;
	struct name_index names; /* of the graphs */
	size_t *seen_for;	 /* of each graph: 1 + the last one that was found to call it */
	size_t *reached;	 /* graphs that messages of one enter, itself first */
	size_t reached_count;
};

static bool meeting_open(struct meeting *meeting, size_t count)
{
	meeting->names.items = ARENA_ARRAY(meeting->arena, struct name_entry, count + 1);
	meeting->seen_for = ARENA_ARRAY(meeting->arena, size_t, count + 1);
	meeting->reached = ARENA_ARRAY(meeting->arena, size_t, count + 1);
	if (!meeting->names.items || !meeting->seen_for || !meeting->reached)
		return false;
	for (size_t i = 0; i < count; i++)
		meeting->names.items[meeting->names.count++] = (struct name_entry){text_of(meeting->graphs[i]->name), i};
	names_sort(&meeting->names);
	return true;
}

static void graph_reach(struct meeting *meeting, size_t index, size_t first)
{
	if (index == NAME_NONE || meeting->seen_for[index] == first + 1)
		return;
	meeting->seen_for[index] = first + 1;
	meeting->reached[meeting->reached_count++] = index;
}

static void called_reach(struct meeting *meeting, const struct graph *graph, size_t first)
{
	enum call_target target;
	const char *name;
	for (size_t i = 0; i < graph->count; i++)
		for (size_t nth = 0; graph->steps[i].spec->options && graph_calls(graph, i, nth, &target, &name); nth++)
			if (target == CALL_PIPELINE)
				graph_reach(meeting, names_find(&meeting->names, text_of(name)), first);
}

/* Pipelines may have forms of one experiment that differ in where its exposures are. One that writes them to a topic counts. */
static void experiment_meet(const struct graph_experiment **met, size_t *count, const struct graph_experiment *experiment)
{
	size_t i = 0;
	while (i < *count && strcmp(met[i]->name, experiment->name) != 0)
		i++;
	if (i == *count)
		met[(*count)++] = experiment;
	else if (!met[i]->exposes && experiment->exposes)
		met[i] = experiment;
}

static bool graph_link(struct meeting *meeting, size_t index)
{
	struct graph *graph = meeting->graphs[index];
	size_t room = 0, count = 0;
	meeting->reached_count = 0;
	graph_reach(meeting, index, index);
	for (size_t i = 0; i < meeting->reached_count; i++) {
		const struct graph *reached = meeting->graphs[meeting->reached[i]];
		room += reached->experiment_count;
		called_reach(meeting, reached, index);
	}
	if (room == graph->experiment_count)
		return true;
	const struct graph_experiment **met = ARENA_ARRAY(meeting->arena, const struct graph_experiment *, room);
	for (size_t i = 0; met && i < meeting->reached_count; i++) {
		const struct graph *reached = meeting->graphs[meeting->reached[i]];
		for (size_t j = 0; j < reached->experiment_count; j++)
			experiment_meet(met, &count, reached->experiments[j]);
	}
	graph->met = met;
	graph->met_count = count;
	return met;
}

bool graphs_link(struct graph *const *graphs, size_t count, struct arena *arena)
{
	struct meeting meeting = {.arena = arena, .graphs = graphs};
	bool good = meeting_open(&meeting, count);
	for (size_t i = 0; good && i < count; i++)
		good = graph_link(&meeting, i);
	return good;
}

bool linked_graphs_build(struct linked_graphs *linked, const struct spec *spec, struct arena *arena)
{
	linked->count = 0;
	linked->items = ARENA_ARRAY(arena, struct graph *, spec->count + 1);
	for (size_t i = 0; linked->items && i < spec->count; i++) {
		const struct resource *resource = spec->resources[i];
		struct graph *graph = resource->kind->type == RESOURCE_PIPELINE && resource->name.text
					      ? graph_build(resource, spec, arena, spec->faults)
					      : NULL;
		if (graph)
			linked->items[linked->count++] = graph;
	}
	return linked->items && graphs_link(linked->items, linked->count, arena) && !arena_failed(arena);
}

const struct graph_experiment *graph_meets(const struct graph *graph, const char *experiment)
{
	for (size_t i = 0; i < graph->met_count; i++)
		if (strcmp(graph->met[i]->name, experiment) == 0)
			return graph->met[i];
	return NULL;
}
