/* mapping.c: Mapping of records from input.tensors, input.key and input.time. Part of graph_build(). */
#include "compiler/graph/build.h"
#include "compiler/yaml/fault_codes.h"

/* The text of a plain value; bytes NULL where there is none. */
static bool plain_value(struct graph_build *build, const struct node *node, const char *field, struct text *value)
{
	*value = (struct text){0};
	if (!node || node->type == NODE_NULL)
		return true;
	if (node->type == NODE_SCALAR) {
		*value = node->scalar;
		return true;
	}
	fault_add(build->faults, CODE_WRONG_TYPE, node->place, NULL,
		  "`%s` is not a plain value; write one number, text or flag, which replaces each missing element", field);
	return false;
}

/* One of `path` and `paths`: the spec has seen to that, and said so where it is not. */
static bool paths_of(struct graph_build *build, const struct input_tensor *from, struct mapped_tensor *to)
{
	to->columns = from->paths.count > 0;
	to->path_count = to->columns ? from->paths.count : from->path != NULL;
	struct text *paths = ARENA_ARRAY(build->arena, struct text, to->path_count);
	for (size_t i = 0; paths && i < to->path_count; i++)
		paths[i] = to->columns ? text_of_name(&from->paths.items[i]) : text_of(from->path);
	to->paths = paths;
	return paths && to->path_count > 0 && !(from->path && to->columns);
}

static bool shape_of(struct graph_build *build, const struct input_tensor *from, struct mapped_tensor *to)
{
	to->has_shape = from->shape.items != NULL;
	to->rank = from->shape.count;
	int64_t *shape = ARENA_ARRAY(build->arena, int64_t, to->rank);
	for (size_t i = 0; shape && i < to->rank; i++)
		shape[i] = (int64_t)from->shape.items[i];
	to->shape = shape;
	return shape != NULL;
}

static bool tensor_of(struct graph_build *build, const struct input_tensor *from, struct mapped_tensor *to)
{
	*to = (struct mapped_tensor){.name = text_of_name(&from->name), .place = from->name.place};
	to->has_datatype = from->datatype && datatype_find(text_of(from->datatype), &to->datatype);
	bool pad = plain_value(build, from->fill, "pad", &to->pad);
	bool fallback = plain_value(build, from->fallback, "default", &to->fallback);
	return pad && fallback && to->name.length > 0 && paths_of(build, from, to) && shape_of(build, from, to);
}

void build_mapping(struct graph_build *build)
{
	const struct pipeline_input *input = &build->graph->spec->input;
	const struct input_tensor *items = input->tensors.items;
	struct mapped_tensor *tensors = ARENA_ARRAY(build->arena, struct mapped_tensor, input->tensors.count);
	if (!tensors || input->tensors.count == 0)
		return;
	bool good = true;
	for (size_t i = 0; i < input->tensors.count; i++)
		good = tensor_of(build, &items[i], &tensors[i]) && good;
	if (!good)
		return;
	const struct mapped_input mapped = {
		.count = input->tensors.count,
		.tensors = tensors,
		.key = input->key ? text_of(input->key) : (struct text){0},
		.time = input->time.field ? text_of(input->time.field) : (struct text){0},
		.time_unit = (enum time_unit)input->time.unit,
		.place = input->here,
	};
	struct error error = {0};
	build->graph->mapping = mapping_compile(build->arena, &mapped, &error);
	if (error.kind == ERROR_CONFIG)
		fault_add(build->faults, CODE_BAD_MAPPING, error.place.line ? error.place : input->here, NULL, "%s", error.text);
}
