/* implicit.c: Implicit one-step pipeline of a Model, for calls to the Model by its own name; see graph.h. */
#include "plan/build.h"

/* The request goes in, the step's outputs are the answer. */
static bool connect(struct graph *graph, struct arena *arena)
{
	struct source *sources = ARENA_ARRAY(arena, struct source, 2);
	size_t *order = ARENA_ARRAY(arena, size_t, 1);
	struct name_index *names = ARENA_NEW(arena, struct name_index);
	struct name_entry *entry = ARENA_NEW(arena, struct name_entry);
	if (arena_failed(arena))
		return false;
	struct text name = text_of(graph->name);
	struct place place = graph->resource->name.place;
	sources[0] = (struct source){.step = STEP_NONE, .reference = name, .place = place};
	sources[1] = (struct source){.point = SOURCE_STEP_OUTPUTS, .reference = name, .place = place};
	*entry = (struct name_entry){name, 0};
	*names = (struct name_index){1, entry};
	graph->names = names;
	graph->order = order;
	graph->steps[0].inputs = (struct join){.window_ms = JOIN_WINDOW_MS_DEFAULT, .count = 1, .sources = &sources[0]};
	graph->output = (struct join){.window_ms = JOIN_WINDOW_MS_DEFAULT, .count = 1, .sources = &sources[1]};
	graph->has_output = true;
	return true;
}

struct graph *graph_of_model(const struct resource *model, const struct spec *spec, const struct step_kind *const *kinds,
			     struct arena *arena)
{
	const struct step_kind *kind = step_kind_find(kinds, STEP_KIND_DEFAULT);
	struct graph *graph = ARENA_NEW(arena, struct graph);
	struct pipeline_spec *pipeline = ARENA_NEW(arena, struct pipeline_spec);
	struct step_spec *step = ARENA_NEW(arena, struct step_spec);
	struct graph_step *made = ARENA_NEW(arena, struct graph_step);
	void *options = kind && kind->options_size ? ARENA_ARRAY(arena, unsigned char, kind->options_size) : NULL;
	if (arena_failed(arena) || !kind || !model->name.text)
		return NULL;
	*step = (struct step_spec){
		.here = model->place, .name = model->name, .kind = kind, .options = options, .lineage = LINEAGE_OF_PIPELINE};
	pipeline->steps = (struct item_list){1, step};
	pipeline->output.here = model->place;
	pipeline->output.errors = true;
	*made = (struct graph_step){
		.spec = step,
		.name = model->name.text,
		.answers = true,
		.timeout_ms = runtime_timeout_ms(spec),
	};
	*graph = (struct graph){
		.name = model->name.text,
		.resource = model,
		.spec = pipeline,
		.count = 1,
		.steps = made,
		.max_visits = 1,
	};
	if (!connect(graph, arena))
		return NULL;
	graph_find_experiments(graph, spec, arena);
	return arena_failed(arena) ? NULL : graph;
}
