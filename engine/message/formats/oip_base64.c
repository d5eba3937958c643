/* oip_base64.c: see oip_base64.h. */
#include "message/formats/oip_base64.h"

#include "base/base64.h"
#include "message/json/tensor_json.h"

#define CONTENT_TYPE TEXT("content_type")

static bool is_marked(const struct tensor *tensor)
{
	if (tensor->datatype != DATATYPE_BYTES || tensor->parameters.count == 0)
		return false;
	const struct parameter *type = parameters_find(tensor->parameters, CONTENT_TYPE);
	return type && type->type == PARAMETER_TEXT && text_is(type->value.text, "base64");
}

static bool out_of_memory(struct error *error)
{
	return error_memory(error, ERROR_LIMIT, "decoding base64");
}

/* All but `content_type`. False: the arena is full. */
static bool parameters_unmark(struct parameters *parameters, struct arena *arena)
{
	struct parameter *items = arena_take_raw(arena, parameters->count * sizeof *items);
	size_t count = 0;
	if (!items)
		return false;
	for (size_t i = 0; i < parameters->count; i++)
		if (!text_equal(parameters->items[i].name, CONTENT_TYPE))
			items[count++] = parameters->items[i];
	*parameters = (struct parameters){count, items};
	return true;
}

/* Sets `decoded`; NULL: an element is not base64. False: the arena is full. */
static bool tensor_decode(const struct tensor *tensor, struct arena *arena, struct tensor **decoded)
{
	const struct text *from = tensor->data;
	struct tensor *made = ARENA_NEW(arena, struct tensor);
	struct text *to = arena_take(arena, tensor->count, sizeof *to);
	*decoded = NULL;
	if (!made || !to)
		return false;
	for (size_t i = 0; i < tensor->count; i++)
		if (!base64_read_into(arena, from[i], &to[i]))
			return !arena_failed(arena);
	*made = *tensor;
	made->data = to;
	*decoded = made;
	return parameters_unmark(&made->parameters, arena);
}

/* The list may be changed from here on: `items` is NULL until a tensor is replaced. False: the arena is full. */
static bool tensor_replace(struct tensors *tensors, const struct tensor ***items, size_t nth, const struct tensor *tensor,
			   struct arena *arena)
{
	if (!*items) {
		*items = arena_take_raw(arena, tensors->count * sizeof **items);
		if (!*items)
			return false;
		memcpy(*items, tensors->items, tensors->count * sizeof **items);
		tensors->items = *items;
	}
	(*items)[nth] = tensor;
	return true;
}

bool oip_base64_decode_inputs(struct payload *inputs, struct arena *arena, struct error *error)
{
	const struct tensor **items = NULL;
	for (size_t i = 0; i < inputs->tensors.count; i++) {
		struct tensor *decoded;
		if (!is_marked(inputs->tensors.items[i]))
			continue;
		if (!tensor_decode(inputs->tensors.items[i], arena, &decoded))
			return out_of_memory(error);
		if (decoded && !tensor_is_text(decoded) && !tensor_replace(&inputs->tensors, &items, i, decoded, arena))
			return out_of_memory(error);
	}
	return true;
}

/* How the BYTES of a call left. */
struct call_bytes {
	bool is_known;
	bool any_encoded; /* by the engine */
	bool any_marked;  /* by the caller */
};

/* Bytes that are not UTF-8 are encoded even if they are marked. */
static bool is_passed_on(const struct tensor *tensor)
{
	return is_marked(tensor) && tensor_is_text(tensor);
}

static struct call_bytes call_bytes_of(const struct payload *request)
{
	struct call_bytes bytes = {.is_known = true};
	for (size_t i = 0; i < request->tensors.count; i++) {
		bytes.any_encoded = bytes.any_encoded || !tensor_is_text(request->tensors.items[i]);
		bytes.any_marked = bytes.any_marked || is_passed_on(request->tensors.items[i]);
	}
	return bytes;
}

static bool output_passes(const struct call_bytes *bytes, const struct payload *request, const struct tensor *output)
{
	if (!bytes->any_marked || !bytes->any_encoded)
		return bytes->any_marked;
	const struct tensor *input = tensors_find(request->tensors, output->name);
	return input && is_passed_on(input);
}

bool oip_base64_decode_outputs(const struct payload *request, struct payload *outputs, struct arena *arena, struct error *error)
{
	const struct tensor **items = NULL;
	struct call_bytes bytes = {0};
	for (size_t i = 0; i < outputs->tensors.count; i++) {
		const struct tensor *output = outputs->tensors.items[i];
		struct tensor *decoded;
		if (!is_marked(output))
			continue;
		if (!bytes.is_known)
			bytes = call_bytes_of(request);
		if (output_passes(&bytes, request, output))
			continue;
		if (!tensor_decode(output, arena, &decoded))
			return out_of_memory(error);
		if (!decoded)
			return error_set(error, ERROR_REMOTE, PLACE_NONE,
					 "the output " TEXT_FORMAT
					 " has the content_type base64, but is not base64; the model must "
					 "encode it, or leave out the content_type",
					 TEXT_ARGUMENTS(output->name));
		if ((bytes.any_encoded || !tensor_is_text(decoded)) &&
		    !tensor_replace(&outputs->tensors, &items, i, decoded, arena))
			return out_of_memory(error);
	}
	return true;
}
