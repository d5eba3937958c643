/* model_pipeline.c: see model_pipeline.h. */
#include "compiler/resources/model_pipeline.h"

#include <stdlib.h>

#include "compiler/yaml/node_make.h"

/* ---- the document ---- */

static const struct node *metadata_made(const struct resource *resource, const char *name, struct arena *arena)
{
	struct growing metadata = map_begin(arena, resource->place, 3);
	map_put(&metadata, "name", node_scalar(arena, resource->name.place, name, true));
	map_put(&metadata, "namespace", node_scalar(arena, resource->place, resource->namespace, true));
	map_put(&metadata, "annotations", node_get(node_get(resource->node, "metadata"), "annotations"));
	return metadata.node;
}

/* A pipeline of that name with one step, `word` or (a step must not have the name of its pipeline) `other`, whose kind has
 * the resource's name as its option `name`. */
static const struct node *pipeline_made(const struct resource *resource, const char *pipeline, const char *word, const char *other,
					struct arena *arena)
{
	struct place place = resource->place;
	const struct node *name =
		node_scalar(arena, resource->name.place, strcmp(pipeline, word) == 0 ? other : word, true);
	struct growing root = map_begin(arena, place, 4), spec = map_begin(arena, place, 2);
	struct growing steps = list_begin(arena, place, 1), step = map_begin(arena, place, 2), call = map_begin(arena, place, 1);
	struct growing output = map_begin(arena, place, 1), answers = list_begin(arena, place, 1);
	map_put(&root, "apiVersion", node_scalar(arena, place, PIPELINE_VERSION, true));
	map_put(&root, "kind", node_scalar(arena, place, "Pipeline", true));
	map_put(&root, "metadata", metadata_made(resource, pipeline, arena));
	map_put(&root, "spec", spec.node);
	map_put(&spec, "steps", steps.node);
	list_put(&steps, step.node);
	map_put(&step, "name", name);
	map_put(&step, word, call.node);
	map_put(&call, "name", node_scalar(arena, resource->name.place, resource->name.text, true));
	map_put(&spec, "output", output.node);
	map_put(&output, "steps", answers.node);
	list_put(&answers, name);
	return arena_failed(arena) ? NULL : root.node;
}

const struct node *model_pipeline(const struct resource *model, const char *name, struct arena *arena)
{
	return pipeline_made(model, name, "model", "call", arena);
}

const struct node *experiment_pipeline(const struct resource *experiment, struct arena *arena)
{
	struct share shares[ASSIGNMENT_WAYS_MAX];
	if (experiment_shares(experiment->spec, shares) == 0)
		return NULL;
	return pipeline_made(experiment, experiment->name.text, "experiment", "split", arena);
}

/* ---- Models that get a pipeline ---- */

struct model_mark {
	struct text name;
	size_t place; /* index in the spec */
	bool named, is_default;
};

struct model_marks {
	size_t count;
	struct model_mark *items; /* by name */
};

static int marks_compare(const void *left, const void *right)
{
	const struct model_mark *a = left, *b = right;
	return strcmp(a->name.bytes, b->name.bytes);
}

static int place_compare(const void *left, const void *right)
{
	const struct model_mark *a = left, *b = right;
	return a->place < b->place ? -1 : a->place > b->place;
}

/* The first Model of that name: those of several namespaces may have one. NULL: there is none. */
static struct model_mark *marks_find(const struct model_marks *marks, const struct model_mark *wanted)
{
	struct model_mark *mark = bsearch(wanted, marks->items, marks->count, sizeof *marks->items, marks_compare);
	while (mark && mark > marks->items && marks_compare(mark - 1, wanted) == 0)
		mark--;
	return mark;
}

/* The next one of the same name. */
static struct model_mark *marks_next(const struct model_marks *marks, struct model_mark *mark)
{
	return mark + 1 < marks->items + marks->count && marks_compare(mark, mark + 1) == 0 ? mark + 1 : NULL;
}

static void scalar_mark(const struct model_marks *marks, const struct node *node)
{
	const struct model_mark wanted = {.name = node->scalar};
	struct model_mark *mark = node->scalar.length > 0 ? marks_find(marks, &wanted) : NULL;
	for (; mark; mark = marks_next(marks, mark))
		mark->named = true;
}

/* Marks the Models that a document names. A name may be in many fields, of many kinds of steps. A field that has it
 * by chance costs the Model its pipeline, and has no other effect. */
static void names_mark(const struct model_marks *marks, const struct node *node)
{
	if (!node)
		return;
	if (node->type == NODE_SCALAR)
		scalar_mark(marks, node);
	for (size_t i = 0; node->type == NODE_LIST && i < node->count; i++)
		names_mark(marks, node->items[i]);
	for (size_t i = 0; node->type == NODE_MAP && i < node->count; i++) {
		names_mark(marks, node->entries[i].key);
		names_mark(marks, node->entries[i].value);
	}
}

/* An Experiment of the default's name has the pipeline of that name itself. */
static void default_mark(const struct model_marks *marks, const struct spec *spec, const struct resource *resource)
{
	const struct experiment_spec *experiment = resource->spec;
	if (!experiment || !experiment->default_name.text || experiment->resource_type != EXPERIMENT_MODEL ||
	    !resource->name.text || strcmp(experiment->default_name.text, resource->name.text) == 0)
		return;
	const struct model_mark wanted = {.name = text_of(experiment->default_name.text)};
	for (struct model_mark *mark = marks_find(marks, &wanted); mark; mark = marks_next(marks, mark))
		mark->is_default |= strings_equal(spec->resources[mark->place]->namespace, resource->namespace);
}

static bool is_standalone(const struct resource *model)
{
	const struct model_spec *spec = model->spec;
	return spec && spec->standalone;
}

const struct resource **models_alone(const struct spec *spec, size_t *count)
{
	struct model_marks marks = {.items = ARENA_ARRAY(spec->arena, struct model_mark, spec->count + 1)};
	const struct resource **models = ARENA_ARRAY(spec->arena, const struct resource *, spec->count + 1);
	*count = 0;
	if (!marks.items || !models)
		return NULL;
	for (size_t i = 0; i < spec->count; i++)
		if (spec->resources[i]->kind->type == RESOURCE_MODEL && spec->resources[i]->name.text &&
		    !spec->resources[i]->version_of) /* which an experiment names */
			marks.items[marks.count++] =
				(struct model_mark){.name = text_of(spec->resources[i]->name.text), .place = i};
	qsort(marks.items, marks.count, sizeof *marks.items, marks_compare);
	for (size_t i = 0; i < spec->count; i++) {
		enum resource_type type = spec->resources[i]->kind->type;
		if (type == RESOURCE_PIPELINE || type == RESOURCE_DEPLOYMENT)
			names_mark(&marks, spec->resources[i]->node);
		else if (type == RESOURCE_EXPERIMENT) {
			names_mark(&marks, node_get(node_get(spec->resources[i]->node, "metadata"), "name"));
			default_mark(&marks, spec, spec->resources[i]);
		}
	}
	qsort(marks.items, marks.count, sizeof *marks.items, place_compare);
	for (size_t i = 0; i < marks.count; i++)
		if (!marks.items[i].named || marks.items[i].is_default || is_standalone(spec->resources[marks.items[i].place]))
			models[(*count)++] = spec->resources[marks.items[i].place];
	return models;
}
