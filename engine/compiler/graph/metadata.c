/* metadata.c: Parser of the models' metadata of `sluice plan --models FILE`; see signature.h. */
#include "compiler/graph/signature.h"

#include <jansson.h>

#include "message/json/json_place.h"
#include "compiler/graph/model_name.h"

#define FORM "{\"MODEL\": {\"inputs\": [{\"name\": \"x\", \"datatype\": \"FP32\", \"shape\": [-1, 4]}], \"outputs\": [...]}}"

struct metadata_reader {
	struct arena *arena;
	struct text json;
	const char *file;
	const char *model;
	struct error *error;
};

static bool metadata_refuse(const struct metadata_reader *reader, const char *what)
{
	struct place place = json_place(reader->json, reader->file, reader->model, reader->arena);
	return error_set(reader->error, ERROR_CONFIG, place, "model `%s` %s; the form is " FORM, reader->model, what);
}

static bool read_shape(const struct metadata_reader *reader, const json_t *shape, struct value_type *type)
{
	if (!shape)
		return true;
	if (!json_is_array(shape) || json_array_size(shape) > TENSOR_RANK_MAX)
		return metadata_refuse(reader, "has a shape that is not a list of up to 16 numbers");
	type->shape_known = true;
	type->rank = (uint32_t)json_array_size(shape);
	for (uint32_t i = 0; i < type->rank; i++) {
		const json_t *dimension = json_array_get(shape, i);
		if (!json_is_integer(dimension) || json_integer_value(dimension) < -1)
			return metadata_refuse(reader, "has a dimension that is not a whole number of at least -1");
		type->shape[i] = json_integer_value(dimension);
	}
	return true;
}

static bool read_tensor(const struct metadata_reader *reader, const json_t *json, struct tensor_type *tensor)
{
	const char *name = json_string_value(json_object_get(json, "name"));
	const char *datatype = json_string_value(json_object_get(json, "datatype"));
	enum datatype found;
	if (!name || !datatype)
		return metadata_refuse(reader, "has a tensor without a name and a datatype");
	if (!datatype_find(text_of(datatype), &found))
		return metadata_refuse(reader, "has a datatype that the protocol does not have");
	const char *kept = arena_copy(reader->arena, name, strlen(name));
	tensor->name = text_of(kept);
	tensor->type = type_of_datatype(found);
	return read_shape(reader, json_object_get(json, "shape"), &tensor->type);
}

static bool read_tensors(const struct metadata_reader *reader, const json_t *list, struct tensor_types *types)
{
	if (!list)
		return true;
	if (!json_is_array(list))
		return metadata_refuse(reader, "has inputs or outputs that are not a list");
	struct tensor_type *items = ARENA_ARRAY(reader->arena, struct tensor_type, json_array_size(list) + 1);
	if (!items)
		return error_memory(reader->error, ERROR_SYSTEM, "reading the metadata of models");
	for (size_t i = 0; i < json_array_size(list); i++)
		if (!read_tensor(reader, json_array_get(list, i), &items[i]))
			return false;
	*types = (struct tensor_types){.complete = true, .count = json_array_size(list), .items = items};
	return true;
}

static bool read_models(struct metadata_reader *reader, const json_t *root, struct models_metadata *metadata)
{
	const char *name;
	json_t *json;
	size_t count = 0;
	struct model_signature *items = ARENA_ARRAY(reader->arena, struct model_signature, json_object_size(root) + 1);
	if (!items)
		return error_memory(reader->error, ERROR_SYSTEM, "reading the metadata of models");
	json_object_foreach((json_t *)root, name, json)
	{
		reader->model = name;
		if (!json_is_object(json))
			return metadata_refuse(reader, "is no object");
		const char *kept = arena_copy(reader->arena, name, strlen(name));
		struct model_signature *signature = &items[count++];
		signature->name = text_of(kept);
		if (!read_tensors(reader, json_object_get(json, "inputs"), &signature->inputs) ||
		    !read_tensors(reader, json_object_get(json, "outputs"), &signature->outputs))
			return false;
	}
	*metadata = (struct models_metadata){.count = count, .items = items};
	return true;
}

bool metadata_read(struct arena *arena, const char *file, struct text json, struct models_metadata *metadata, struct error *error)
{
	struct metadata_reader reader = {.arena = arena, .json = json, .file = file, .error = error};
	json_error_t fault;
	*metadata = (struct models_metadata){0};
	json_t *root = json_loadb(json.bytes, json.length, JSON_REJECT_DUPLICATES, &fault);
	if (!root)
		return error_set(error, ERROR_CONFIG, (struct place){file, (uint32_t)fault.line, (uint32_t)fault.column},
				 "this is not JSON: %s; the form is " FORM, fault.text);
	bool good = json_is_object(root) ? read_models(&reader, root, metadata)
					 : error_set(error, ERROR_CONFIG, (struct place){file, 1, 1},
						     "the metadata of models is an object; the form is " FORM);
	json_decref(root);
	if (good && arena_failed(arena))
		return error_memory(error, ERROR_SYSTEM, "reading the metadata of models");
	return good;
}

const struct model_signature *metadata_find(const struct models_metadata *metadata, const char *model)
{
	const struct model_signature *best = NULL;
	size_t fit = 0;
	for (size_t i = 0; metadata && i < metadata->count; i++) {
		const size_t its = model_name_fit(metadata->items[i].name, model);
		if (its > fit && (!metadata->has_whole_names || its == MODEL_NAME_WHOLE)) {
			fit = its;
			best = &metadata->items[i];
		}
	}
	return best;
}
