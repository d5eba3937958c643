/* aggregate_parts.c: see aggregate_parts.h. */
#include "steps/windows/aggregate_parts.h"

#include "message/provenance.h"

struct aggregate_parts {
	struct arena *arena;
	const struct payload *split; /* what the parts were made of */
	size_t count;
	const struct payload **items;
	struct text *ids;
};

static bool parts_list(struct aggregate_parts *parts, const struct visit *visit)
{
	struct text id;
	const struct payload *payload;
	while (visit_part(visit, parts->count, &id, &payload))
		parts->count++;
	parts->items = arena_take_raw(parts->arena, parts->count * sizeof *parts->items);
	parts->ids = arena_take_raw(parts->arena, parts->count * sizeof *parts->ids);
	for (size_t i = 0; parts->items && parts->ids && i < parts->count; i++)
		(void)visit_part(visit, i, &parts->ids[i], &parts->items[i]);
	return !arena_failed(parts->arena);
}

static bool same_shape(const struct tensor *a, const struct tensor *b, uint32_t from)
{
	return a->datatype == b->datatype && a->rank == b->rank &&
	       (a->rank <= from || memcmp(a->shape + from, b->shape + from, (a->rank - from) * sizeof *a->shape) == 0);
}

/* A step that passes a tensor on, or renames it, shares its elements. */
static bool is_shared(const struct tensor *a, const struct tensor *b)
{
	return a == b || (a->data == b->data && a->count > 0 && same_shape(a, b, 0));
}

static bool went_along(const struct aggregate_parts *parts, const struct tensor *first)
{
	for (size_t i = 0; i < parts->split->tensors.count; i++)
		if (is_shared(first, parts->split->tensors.items[i]))
			return true;
	for (size_t i = 1; i < parts->count; i++) {
		const struct tensor *other = tensors_find(parts->items[i]->tensors, first->name);
		if (!other || !is_shared(first, other))
			return false;
	}
	return parts->count > 1;
}

static int64_t rows_of(const struct tensor *tensor)
{
	return tensor->rank > 0 ? tensor->shape[0] : 1;
}

/* How many rows the tensors of that name have together. */
static bool rows_count(const struct aggregate_parts *parts, const struct tensor *first, int64_t *rows, struct error *error)
{
	*rows = 0;
	for (size_t i = 0; i < parts->count; i++) {
		const struct tensor *tensor = tensors_find(parts->items[i]->tensors, first->name);
		if (!tensor && reply_lacks(parts->items[i], first->name, PLACE_NONE, "`parts`", error))
			return false;
		if (!tensor || parts->items[i]->tensors.count != parts->items[0]->tensors.count)
			return error_set(error, ERROR_INPUT, PLACE_NONE,
					 "parts `" TEXT_FORMAT "` and `" TEXT_FORMAT
					 "` do not have the same tensors, so they cannot be combined; let the steps between "
					 "give the same tensors for each part",
					 TEXT_ARGUMENTS(parts->ids[0]), TEXT_ARGUMENTS(parts->ids[i]));
		if (!same_shape(first, tensor, 1))
			return error_set_tensor(error, PLACE_NONE,
						"tensor `" TEXT_FORMAT "` is %s of part `" TEXT_FORMAT
						"` and %s of part `" TEXT_FORMAT "`, and only the first dimension may differ",
						TEXT_ARGUMENTS(first->name), tensor_type_text(parts->arena, first),
						TEXT_ARGUMENTS(parts->ids[0]), tensor_type_text(parts->arena, tensor),
						TEXT_ARGUMENTS(parts->ids[i]));
		*rows += rows_of(tensor);
	}
	return true;
}

static const struct tensor *tensor_whole(const struct aggregate_parts *parts, const struct tensor *first, struct error *error)
{
	int64_t shape[TENSOR_RANK_MAX], rows;
	void *elements;
	if (!rows_count(parts, first, &rows, error))
		return NULL;
	memcpy(shape, first->shape, first->rank * sizeof *shape);
	shape[0] = rows;
	struct tensor *whole =
		tensor_make(parts->arena, first->name, first->datatype, shape, first->rank > 0 ? first->rank : 1, &elements, error);
	if (!whole)
		return NULL;
	unsigned char *to = elements;
	for (size_t i = 0; i < parts->count; i++) {
		const struct tensor *part = tensors_find(parts->items[i]->tensors, first->name);
		memcpy(to, part->data, tensor_size_bytes(part));
		to += tensor_size_bytes(part);
	}
	whole->parameters = first->parameters;
	return whole;
}

static bool aggregate_parts_join(const struct aggregate_parts *parts, struct payload *whole, struct error *error)
{
	const struct payload *first = parts->items[0];
	struct tensors_builder tensors;
	tensors_begin(&tensors, parts->arena, first->tensors.count);
	for (size_t i = 0; i < first->tensors.count; i++) {
		const struct tensor *tensor = first->tensors.items[i];
		if (!went_along(parts, tensor))
			tensor = tensor_whole(parts, tensor, error);
		if (!tensor)
			return false;
		tensors_add(&tensors, tensor);
	}
	*whole = (struct payload){.tensors = tensors_end(&tensors), .marks = first->marks, .parameters = first->parameters};
	return true;
}

enum step_verdict parts_run(struct step *step, struct visit *visit, struct error *error)
{
	(void)step;
	struct aggregate_parts parts = {.arena = visit_arena(visit), .split = visit_input(visit)};
	struct payload *whole = ARENA_NEW(parts.arena, struct payload);
	if (!whole || !parts_list(&parts, visit)) {
		error_memory(error, ERROR_LIMIT, "putting parts together");
		return STEP_FAIL;
	}
	if (parts.count == 0)
		*whole = *parts.split;
	else if (!aggregate_parts_join(&parts, whole, error))
		return STEP_FAIL;
	visit_emit(visit, whole);
	return STEP_DONE;
}

bool parts_infer(const struct tensor_types *in, struct arena *arena, struct tensor_types *out, struct error *error)
{
	struct tensor_type *items = ARENA_ARRAY(arena, struct tensor_type, in->count);
	if (!items)
		return error_memory(error, ERROR_SYSTEM, "inferring types");
	for (size_t i = 0; i < in->count; i++) {
		items[i] = in->items[i];
		items[i].type.shape_known = false; /* it may have gone along whole */
	}
	*out = (struct tensor_types){.complete = in->complete, .count = in->count, .items = items};
	return true;
}
