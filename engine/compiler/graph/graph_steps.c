/* graph_steps.c: Steps of a graph: found by name, suggested by name, and as their kinds get them; see graph.h. */
#include "base/suggest.h"
#include "compiler/graph/build.h"

const char *build_suggest(struct graph_build *build, struct text word)
{
	if (build->suggestions_left == 0)
		return NULL;
	build->suggestions_left--;
	struct suggestion suggestion = suggest_begin(word);
	for (size_t i = 0; i < build->graph->count; i++)
		suggest_offer(&suggestion, text_of(build->graph->steps[i].name));
	suggest_offer(&suggestion, build->pipeline);
	for (size_t i = 0; i < build->declared.count; i++)
		suggest_offer(&suggestion, build->declared.items[i].name);
	if (!suggestion.nearest.bytes)
		return NULL;
	return arena_copy(build->arena, suggestion.nearest.bytes, suggestion.nearest.length);
}

size_t graph_find(const struct graph *graph, const char *step)
{
	return names_find(graph->names, text_of(step));
}

struct step step_seen(const struct graph *graph, size_t step)
{
	const struct graph_step *seen = &graph->steps[step];
	return (struct step){
		.kind = seen->spec->kind,
		.name = seen->name,
		.pipeline = graph->name,
		.options = seen->spec->options,
		.place = seen->spec->here,
		.explained = seen->explained,
	};
}
