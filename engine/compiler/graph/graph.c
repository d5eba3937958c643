/* graph.c: Construction of a graph from a resource; see graph.h. Its phases are in join.c, externals.c, mapping.c,
 * step_order.c, reach.c, experiments.c and assignment_tables.c. */
#include "compiler/graph/build.h"

#include "base/number/duration.h"
#include "message/records/assigned.h"
#include "compiler/graph/built_in.h"
#include "compiler/graph/step_options.h"
#include "compiler/resources/annotations.h"

/* ---- names ---- */

/* A step without a readable name has no entry: nothing can mean it. */
static bool index_steps(struct graph_build *build)
{
	struct graph *graph = build->graph;
	struct name_index *names = ARENA_NEW(build->arena, struct name_index);
	struct name_entry *items = ARENA_ARRAY(build->arena, struct name_entry, graph->count);
	if (!names || !items)
		return false;
	names->items = items;
	for (size_t i = 0; i < graph->count; i++) {
		struct text name = text_of_name(&build->steps[i].name);
		if (name.length)
			items[names->count++] = (struct name_entry){name, i};
	}
	names_sort(names);
	graph->names = names;
	return true;
}

static bool index_tensors(struct graph_build *build)
{
	size_t total = 0;
	for (size_t i = 0; i < build->graph->count; i++)
		total += build->steps[i].outputs.count;
	build->names_tensors = total > 0;
	if (total == 0)
		return true;
	build->declared.items = ARENA_ARRAY(build->arena, struct name_entry, total);
	if (!build->declared.items)
		return false;
	for (size_t i = 0; i < build->graph->count; i++)
		for (size_t j = 0; j < build->steps[i].outputs.count; j++) {
			struct text name = text_of_name(&build->steps[i].outputs.items[j]);
			if (name.length)
				build->declared.items[build->declared.count++] = (struct name_entry){name, i};
		}
	names_sort(&build->declared);
	return true;
}

/* ---- time ---- */

static int64_t ms_of(int64_t duration_ns)
{
	return duration_ns / NS_PER_MS + (duration_ns % NS_PER_MS != 0);
}

/* The default timeout of the Runtime resource in the files; 0: none. */
static int64_t runtime_timeout_ms(const struct spec *spec)
{
	const struct resource *runtime = spec_first(spec, RESOURCE_RUNTIME);
	return runtime && runtime->spec ? ms_of(((const struct runtime_spec *)runtime->spec)->timeout_ns) : 0;
}

static int64_t pipeline_timeout_ms(const struct graph_build *build)
{
	int64_t timeout_ms = annotations_timeout_ms(build->graph->resource);
	if (timeout_ms)
		return timeout_ms;
	if (build->graph->spec->timeout_ns)
		return ms_of(build->graph->spec->timeout_ns);
	return runtime_timeout_ms(build->spec);
}

/* ---- the whole ---- */

static const struct step_kind *observer_of(const struct step_spec *spec)
{
	const struct step self = {.kind = spec->kind, .options = spec->options};
	return spec->name.text ? step_facts(&self).observer : NULL;
}

/* The observer of a step: it reads that step's inputs, and its records have one key. False: memory ran out. */
static bool observer_make(const struct step_spec *watching, struct arena *arena, struct step_spec *made, struct graph_step *step)
{
	struct name *inputs = ARENA_NEW(arena, struct name);
	const char *key = arena_print(arena, "\"%s\"", watching->name.text);
	struct error error = {0};
	*made = (struct step_spec){
		.here = watching->here,
		.name = {arena_print(arena, "%s" OBSERVER_SUFFIX, watching->name.text), watching->name.place},
		.inputs = {1, inputs},
		.lineage = LINEAGE_NONE,
		.kind = observer_of(watching),
		.options = watching->options,
		.options_here = watching->options_here,
	};
	if (!inputs || !key || !made->name.text)
		return false;
	*inputs = (struct name){arena_print(arena, "%s.inputs", watching->name.text), watching->name.place};
	step->key = expression_compile(arena, text_of(key), watching->name.place, USE_MESSAGE, &error);
	return inputs->text && step->key;
}

/* The steps of the file, and then the observers of those that have one. */
static const struct step_spec *steps_list(const struct pipeline_spec *spec, const struct built_in_search *search,
					  struct graph *graph)
{
	const struct step_spec *written = spec->steps.items;
	const size_t most = 2 * spec->steps.count;
	struct step_spec *all = ARENA_ARRAY(search->arena, struct step_spec, most);
	graph->steps = ARENA_ARRAY(search->arena, struct graph_step, most);
	if (!all || !graph->steps)
		return NULL;
	memcpy(all, written, spec->steps.count * sizeof *all);
	graph->count = spec->steps.count;
	for (size_t i = 0; i < spec->steps.count; i++) {
		if (built_in_replace(search, &all[i]))
			graph->steps[i].written = &written[i];
		if (!observer_of(&all[i]))
			continue;
		if (!observer_make(&all[i], search->arena, &all[graph->count], &graph->steps[graph->count]))
			return NULL;
		graph->count++;
	}
	return all;
}

struct alert_sources graph_figures(const struct graph *graph)
{
	struct alert_sources sources = {.declares = metrics_declare, .metrics = &graph->spec->metrics};
	for (size_t i = 0; i < graph->count; i++)
		sources.figures |= alert_figures_of(graph->steps[i].spec->kind);
	return sources;
}

static struct graph *graph_open(const struct resource *resource, const struct built_in_search *search)
{
	const struct pipeline_spec *spec = resource->spec;
	struct graph *graph = ARENA_NEW(search->arena, struct graph);
	const struct step_spec *specs = graph ? steps_list(spec, search, graph) : NULL;
	if (!specs)
		return NULL;
	graph->name = resource->name.text ? resource->name.text : "";
	graph->resource = resource;
	graph->spec = spec;
	graph->max_visits = spec->max_step_revisits + 1;
	for (size_t i = 0; i < graph->count; i++) {
		graph->steps[i].spec = &specs[i];
		graph->steps[i].name = specs[i].name.text ? specs[i].name.text : "";
	}
	return graph;
}

struct graph *graph_build(const struct resource *pipeline, const struct spec *spec, struct arena *arena, struct faults *faults)
{
	return graph_build_served(pipeline, spec, NULL, arena, faults);
}

struct graph *graph_build_served(const struct resource *pipeline, const struct spec *spec, const struct name_list *servers,
				 struct arena *arena, struct faults *faults)
{
	const struct pipeline_spec *own = pipeline->spec;
	if (!own || own->steps.count == 0)
		return NULL;
	struct graph_build build = {
		.arena = arena,
		.faults = faults,
		.spec = spec,
		.pipeline = text_of_name(&pipeline->name),
		.suggestions_left = SUGGESTIONS_MAX,
	};
	const struct built_in_search search = {spec, servers, arena, faults};
	build.graph = graph_open(pipeline, &search);
	build.steps = build.graph ? build.graph->steps->spec : NULL;
	if (!build.graph || !index_steps(&build) || !index_tensors(&build))
		return NULL;
	int64_t timeout_ms = pipeline_timeout_ms(&build);
	for (size_t i = 0; i < build.graph->count && !arena_failed(arena); i++) {
		build.graph->steps[i].timeout_ms = build.steps[i].timeout_ns ? ms_of(build.steps[i].timeout_ns) : timeout_ms;
		build.graph->steps[i].kept_ms = ms_of(step_cache_ns(&build.steps[i]));
		build_step_joins(&build, i);
	}
	if (arena_failed(arena))
		return NULL;
	build_output(&build);
	build_externals(&build);
	build_mapping(&build);
	build_order(&build);
	build_reach(&build);
	build_callees(&build);
	build_shares(&build);
	build_experiments(&build);
	build_alert_triggers(&build);
	graph_mark_offspring(build.graph, arena, faults);
	return arena_failed(arena) ? NULL : build.graph;
}

bool graph_step_weighs(const struct graph *graph, size_t step)
{
	const struct step seen = step_seen(graph, step);
	return seen.explained && seen.kind && step_is_stateful(&seen);
}

const char *graph_variant(const struct graph *graph, const struct message *message)
{
	const struct assigned *assigned = message->assigned;
	for (size_t i = 0; assigned && i < graph->experiment_count; i++) {
		const struct graph_experiment *experiment = graph->experiments[i];
		if (!text_is(assigned->experiment, experiment->name))
			continue;
		if (assigned->reason == ASSIGNED_FALLBACK && experiment->fallback < experiment->count)
			return experiment->shares[experiment->fallback].name;
		for (size_t j = 0; j < experiment->count; j++)
			if (text_is(assigned->variant, experiment->shares[j].name))
				return experiment->shares[j].name;
	}
	return NULL;
}
