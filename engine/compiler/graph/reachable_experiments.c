/* reachable_experiments.c: Experiments that a message of a pipeline can reach: those of its graph, and those of the pipelines that
 * it calls, however deep. A called pipeline runs in the worker of its caller, so exposures, feedback and policies are the caller's.
 */
#include "compiler/graph/build.h"

struct reachable_search {
	struct arena *arena;
	struct graph *const *graphs;
	struct name_index names; /* of the graphs */
	size_t *seen_for;	 /* of each graph: 1 + the last one that was found to call it */
	size_t *reached;	 /* graphs that messages of one enter, itself first */
	size_t reached_count;
};

static bool search_open(struct reachable_search *search, size_t count)
{
	search->names.items = ARENA_ARRAY(search->arena, struct name_entry, count + 1);
	search->seen_for = ARENA_ARRAY(search->arena, size_t, count + 1);
	search->reached = ARENA_ARRAY(search->arena, size_t, count + 1);
	if (!search->names.items || !search->seen_for || !search->reached)
		return false;
	for (size_t i = 0; i < count; i++)
		search->names.items[search->names.count++] = (struct name_entry){text_of(search->graphs[i]->name), i};
	names_sort(&search->names);
	return true;
}

static void graph_reach(struct reachable_search *search, size_t index, size_t first)
{
	if (index == NAME_NONE || search->seen_for[index] == first + 1)
		return;
	search->seen_for[index] = first + 1;
	search->reached[search->reached_count++] = index;
}

static void called_reach(struct reachable_search *search, const struct graph *graph, size_t first)
{
	enum call_target target;
	const char *name;
	for (size_t i = 0; i < graph->count; i++)
		for (size_t nth = 0; graph->steps[i].spec->options && graph_calls(graph, i, nth, &target, &name); nth++)
			if (target == CALL_PIPELINE)
				graph_reach(search, names_find(&search->names, text_of(name)), first);
}

/* Pipelines may have forms of one experiment that differ in where its exposures are. One that writes them to a topic counts. */
static void reachable_add(const struct graph_experiment **reachable, size_t *count, const struct graph_experiment *experiment)
{
	size_t i = 0;
	while (i < *count && strcmp(reachable[i]->name, experiment->name) != 0)
		i++;
	if (i == *count)
		reachable[(*count)++] = experiment;
	else if (!reachable[i]->exposes && experiment->exposes)
		reachable[i] = experiment;
}

static bool graph_link(struct reachable_search *search, size_t index)
{
	struct graph *graph = search->graphs[index];
	size_t room = 0, count = 0;
	search->reached_count = 0;
	graph_reach(search, index, index);
	for (size_t i = 0; i < search->reached_count; i++) {
		const struct graph *reached = search->graphs[search->reached[i]];
		room += reached->experiment_count;
		called_reach(search, reached, index);
	}
	if (room == graph->experiment_count)
		return true;
	const struct graph_experiment **reachable = ARENA_ARRAY(search->arena, const struct graph_experiment *, room);
	for (size_t i = 0; reachable && i < search->reached_count; i++) {
		const struct graph *reached = search->graphs[search->reached[i]];
		for (size_t j = 0; j < reached->experiment_count; j++)
			reachable_add(reachable, &count, reached->experiments[j]);
	}
	graph->reachable = reachable;
	graph->reachable_count = count;
	return reachable;
}

bool graphs_link(struct graph *const *graphs, size_t count, struct arena *arena)
{
	struct reachable_search search = {.arena = arena, .graphs = graphs};
	bool good = search_open(&search, count);
	for (size_t i = 0; good && i < count; i++)
		good = graph_link(&search, i);
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

const struct graph_experiment *graph_reachable_experiment(const struct graph *graph, const char *experiment)
{
	for (size_t i = 0; i < graph->reachable_count; i++)
		if (strcmp(graph->reachable[i]->name, experiment) == 0)
			return graph->reachable[i];
	return NULL;
}
