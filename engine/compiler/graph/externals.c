/* externals.c: Inputs from other pipelines: input.externalInputs, input.externalTriggers, and the tensorMap of the
 * input. Part of graph_build(). */
#include "compiler/graph/build.h"

#include "base/suggest.h"
#include "compiler/yaml/fault_codes.h"

#define NONE ((size_t)-1)

static enum source_point point_of(const struct reference *reference)
{
	if (reference->point != POINT_INPUTS)
		return SOURCE_STEP_OUTPUTS; /* a pipeline's name alone is its outputs */
	return reference->step.length ? SOURCE_STEP_INPUTS : SOURCE_REQUEST;
}

/* Where the other pipeline is among the files, its step must be there too. */
static bool step_exists(struct graph_build *build, const char *pipeline, const char *step, const struct name *written)
{
	const struct resource *other = spec_find(build->spec, RESOURCE_PIPELINE, pipeline);
	if (!other || !step)
		return true;
	const struct pipeline_spec *spec = other->spec;
	const struct step_spec *steps = spec->steps.items;
	struct suggestion suggestion = suggest_begin(text_of(step));
	for (size_t i = 0; i < spec->steps.count; i++) {
		struct text name = text_of_name(&steps[i].name);
		if (text_is(name, step))
			return true;
		if (build->suggestions_left)
			suggest_offer(&suggestion, name);
	}
	if (build->suggestions_left)
		build->suggestions_left--;
	const char *suggest = NULL;
	if (suggestion.nearest.bytes)
		suggest = arena_copy(build->arena, suggestion.nearest.bytes, suggestion.nearest.length);
	fault_add(build->faults, CODE_UNKNOWN_REFERENCE, written->place, suggest,
		  "the input names `%s`, and pipeline `%s` has no step `%s`", written->text, pipeline, step);
	return false;
}

static bool external_read(struct graph_build *build, const struct name *written, struct external *external)
{
	struct reference reference;
	const char *why, *suggest;
	struct text text = text_of_name(written);
	if (text.length == 0) {
		fault_add(build->faults, CODE_EMPTY_REFERENCE, written->place, NULL,
			  "the input of pipeline `" TEXT_FORMAT "` has an empty reference", TEXT_ARGUMENTS(build->pipeline));
		return false;
	}
	if (!reference_read_external(text, &reference, build->arena, &why, &suggest)) {
		fault_add(build->faults, CODE_BAD_REFERENCE, written->place, suggest, "the input names `%s`, which %s",
			  written->text, why ? why : "is no reference");
		return false;
	}
	external->pipeline = arena_copy(build->arena, reference.owner.bytes, reference.owner.length);
	if (reference.step.length)
		external->step = arena_copy(build->arena, reference.step.bytes, reference.step.length);
	external->point = point_of(&reference);
	external->tensor = reference.tensor;
	external->place = written->place;
	return external->pipeline != NULL && (external->step || !reference.step.length);
}

static bool external_resolve(struct graph_build *build, const struct name *written, struct external *external)
{
	if (!external_read(build, written, external))
		return false;
	if (text_is(build->pipeline, external->pipeline)) {
		fault_add(build->faults, CODE_SELF_REFERENCE, written->place, NULL,
			  "pipeline `%s` reads itself as an external input: a cycle; inside it, steps name each other in their "
			  "inputs",
			  external->pipeline);
		return false;
	}
	return step_exists(build, external->pipeline, external->step, written);
}

bool external_same_topic(const struct external *a, const struct external *b)
{
	return a->point == b->point && strcmp(a->pipeline, b->pipeline) == 0 && strings_equal(a->step, b->step);
}

size_t external_points(const struct graph *graph)
{
	size_t points = 0, inputs = graph->inputs.count;
	for (size_t i = 0; i < inputs + graph->triggers.count; i++) {
		const struct external *one = i < inputs ? &graph->inputs.items[i] : &graph->triggers.items[i - inputs];
		bool known = false;
		for (size_t j = 0; j < i && !known; j++)
			known = external_same_topic(one, j < inputs ? &graph->inputs.items[j] : &graph->triggers.items[j - inputs]);
		points += !known;
	}
	return points;
}

static struct external *read_list(struct graph_build *build, const struct name_list *list, struct externals *externals)
{
	size_t room = list->count < REFERENCES_MAX ? list->count : REFERENCES_MAX;
	struct external *items = room ? ARENA_ARRAY(build->arena, struct external, room) : NULL;
	if (!items)
		return NULL;
	if (list->count > room)
		fault_add(build->faults, CODE_MANY_REFERENCES, list->items[room].place, NULL,
			  "the input names more than %d sources", REFERENCES_MAX);
	for (size_t i = 0; i < room; i++) {
		struct external *external = &items[externals->count];
		*external = (struct external){0};
		if (external_resolve(build, &list->items[i], external))
			externals->count++;
	}
	externals->items = items;
	return items;
}

/* The external that a key of the tensorMap renames; NONE after a fault. */
static size_t mapped_external(struct graph_build *build, const struct tensor_mapping *mapping, const struct externals *inputs,
			      struct external *key)
{
	if (!external_read(build, &mapping->from, key))
		return NONE;
	for (size_t i = 0; i < inputs->count; i++)
		if (external_same_topic(&inputs->items[i], key) &&
		    (inputs->items[i].tensor.length == 0 || text_equal(inputs->items[i].tensor, key->tensor)))
			return i;
	fault_add(build->faults, CODE_IDLE_MAPPING, mapping->from.place, NULL,
		  "the tensorMap of the input has the key `%s`, which is not one of its externalInputs", mapping->from.text);
	return NONE;
}

static void rename_externals(struct graph_build *build, const struct item_list *map, struct external *items)
{
	struct externals *inputs = &build->graph->inputs;
	const struct tensor_mapping *mappings = map->items;
	if (map->count == 0)
		return;
	size_t *of = ARENA_ARRAY(build->arena, size_t, map->count);
	struct external *keys = ARENA_ARRAY(build->arena, struct external, map->count);
	if (arena_failed(build->arena))
		return;
	for (size_t i = 0; i < map->count; i++) {
		of[i] = mapped_external(build, &mappings[i], inputs, &keys[i]);
		if (of[i] != NONE && (!mappings[i].to.text || keys[i].tensor.length == 0)) {
			fault_add(build->faults, mappings[i].to.text ? CODE_BAD_REFERENCE : CODE_BAD_SWITCH, mappings[i].from.place,
				  NULL, "the tensorMap of the input has the key `%s`, which %s", mappings[i].from.text,
				  mappings[i].to.text ? "names no tensor" : "has a list, and only a step can choose among models");
			of[i] = NONE;
		}
		if (of[i] != NONE)
			items[of[i]].rename_count++;
	}
	for (size_t i = 0; i < inputs->count; i++) {
		size_t count = items[i].rename_count, filled = 0;
		struct tensor_rename *renames = count ? ARENA_ARRAY(build->arena, struct tensor_rename, count) : NULL;
		for (size_t j = 0; renames && j < map->count; j++)
			if (of[j] == i)
				renames[filled++] = (struct tensor_rename){keys[j].tensor, text_of(mappings[j].to.text)};
		items[i].renames = renames;
	}
}

void build_externals(struct graph_build *build)
{
	const struct pipeline_input *spec = &build->graph->spec->input;
	struct graph *graph = build->graph;
	if (spec->here.line == 0)
		return;
	int64_t window_ms = spec->join_window_ms > 0 ? spec->join_window_ms : JOIN_WINDOW_MS_DEFAULT;
	graph->inputs.type = (enum join_type)spec->join_type;
	graph->triggers.type = (enum join_type)spec->triggers_join_type;
	graph->inputs.window_ms = graph->triggers.window_ms = window_ms;
	struct external *items = read_list(build, &spec->external_inputs, &graph->inputs);
	read_list(build, &spec->external_triggers, &graph->triggers);
	rename_externals(build, &spec->tensor_map, items);
}
