/* expression_index.c: see expression_index.h. */
#include "compiler/expression/expression_index.h"

#include "base/suggest.h"
#include "message/columns.h"

bool value_axis(struct evaluation *evaluation, const struct value *value, int64_t along, uint32_t *axis)
{
	int64_t rank = value->rank;
	if (rank == 0)
		return evaluation_fail_of_tensor(evaluation, "%s has no axes; leave out `along %lld`",
						 value_text(evaluation, value), (long long)along);
	if (along < -rank || along >= rank)
		return evaluation_fail_of_tensor(evaluation, "%s has no axis %lld; its axes are 0 to %lld, or -1 for the last",
						 value_text(evaluation, value), (long long)along, (long long)rank - 1);
	*axis = (uint32_t)(along < 0 ? along + rank : along);
	return true;
}

/* The elements start, start+1, ... of one axis; an axis of `drops` leaves the shape. */
struct axis_choice {
	int64_t start;
	int64_t count;
	bool drops;
};

/* A value of those elements; a view where they stand together. */
static bool value_pick(struct evaluation *evaluation, const struct value *base, const struct axis_choice *axes,
		       struct value *result)
{
	int64_t shape[TENSOR_RANK_MAX];
	uint32_t rank = 0;
	size_t steps[TENSOR_RANK_MAX], step = 1, offset = 0, count = 1;
	uint32_t inner = base->rank; /* the first axis of those that are taken whole to the end */
	for (uint32_t axis = base->rank; axis-- > 0;) {
		steps[axis] = step;
		offset += (size_t)axes[axis].start * step;
		step *= (size_t)base->shape[axis];
		count *= (size_t)axes[axis].count;
		if (inner == axis + 1 && axes[axis].count == base->shape[axis])
			inner = axis;
	}
	for (uint32_t axis = 0; axis < base->rank; axis++)
		if (!axes[axis].drops)
			shape[rank++] = axes[axis].count;
	size_t stride = datatype_stride((enum datatype)base->storage);
	const unsigned char *in = (const unsigned char *)base->data + (count ? offset * stride : 0);
	bool together = true; /* one axis may be cut, those outside it must be single */
	for (uint32_t axis = 0; axis + 1 < inner; axis++)
		together = together && axes[axis].count == 1;
	int64_t *kept = arena_take_raw(evaluation->arena, (rank + 1) * sizeof *kept);
	unsigned char *out = together || !count ? NULL : arena_take_raw(evaluation->arena, count * stride);
	if (arena_failed(evaluation->arena))
		return evaluation_full(evaluation);
	memcpy(kept, shape, rank * sizeof *kept);
	int64_t position[TENSOR_RANK_MAX] = {0};
	for (size_t i = 0, from = 0; out && i < count; i++) {
		memcpy(out + i * stride, in + from * stride, stride);
		for (uint32_t axis = base->rank; axis-- > 0;) {
			from += steps[axis];
			if (++position[axis] < axes[axis].count)
				break;
			from -= steps[axis] * (size_t)axes[axis].count;
			position[axis] = 0;
		}
	}
	*result = (struct value){.data = out ? out : in,
				 .shape = kept,
				 .count = count,
				 .rank = rank,
				 .storage = base->storage,
				 .width = base->width};
	return true;
}

bool column_number(struct parameters parameters, struct text name, struct arena *arena, int64_t *column, const char **why)
{
	struct columns columns;
	struct text item;
	*why = "this tensor names no columns; write its number, as in x[:, 0]";
	if (!columns_begin(&columns, parameters, arena))
		return false;
	struct suggestion suggestion = suggest_begin(name);
	for (*column = 0; columns_next(&columns, &item); ++*column) {
		if (text_equal(item, name))
			return true;
		suggest_offer(&suggestion, item);
	}
	if (suggestion.nearest.bytes)
		*why = arena_print(arena, "there is no column \"" TEXT_FORMAT "\"; write \"" TEXT_FORMAT "\"", TEXT_ARGUMENTS(name),
				   TEXT_ARGUMENTS(suggestion.nearest));
	else
		*why = arena_print(arena, "there is no column \"" TEXT_FORMAT "\"; the columns are " TEXT_FORMAT,
				   TEXT_ARGUMENTS(name), TEXT_ARGUMENTS(columns.written));
	return false;
}

static bool column_of(struct evaluation *evaluation, const struct value *base, struct text name, int64_t *column)
{
	const struct parameters parameters = base->tensor ? base->tensor->parameters : (struct parameters){0};
	const char *why;
	if (column_number(parameters, name, evaluation->arena, column, &why))
		return true;
	return why ? evaluation_fail(evaluation, "%s", why) : evaluation_full(evaluation);
}

/* A position from the front, or from the end when below zero; a border may stand
 * behind the last. */
static bool position_of(struct evaluation *evaluation, const struct value *base, uint32_t axis, const struct value *index,
			bool is_border, int64_t *position)
{
	int64_t size = base->shape[axis];
	if (!value_one_integer(evaluation, index, "an index", position))
		return false;
	int64_t from_front = *position < 0 ? *position + size : *position;
	if (from_front < 0 || from_front >= size + is_border)
		return evaluation_fail_of_tensor(evaluation, "index %lld is outside %s; axis %u has %lld elements, counted from 0",
						 (long long)*position, value_text(evaluation, base), axis, (long long)size);
	*position = from_front;
	return true;
}

static bool choose_slice(struct evaluation *evaluation, const struct expression_node *slice, const struct value *base,
			 uint32_t axis, const struct value *borders, struct axis_choice *choice)
{
	int64_t from = 0, to = base->shape[axis];
	if (slice->items[0] && !position_of(evaluation, base, axis, &borders[0], true, &from))
		return false;
	if (slice->items[1] && !position_of(evaluation, base, axis, &borders[1], true, &to))
		return false;
	*choice = (struct axis_choice){.start = from, .count = to > from ? to - from : 0};
	return true;
}

static bool choose_one(struct evaluation *evaluation, const struct value *base, uint32_t axis, const struct value *index,
		       struct axis_choice *choice)
{
	int64_t position;
	if (!position_of(evaluation, base, axis, index, false, &position))
		return false;
	*choice = (struct axis_choice){.start = position, .count = 1, .drops = true};
	return true;
}

/* x[0, 3], a number for each axis: most indices are. False when it is another one, or is
 * outside. */
static bool pick_element(const struct expression_node *node, const struct value *base, const struct value *indices,
			 struct value *result)
{
	static const int64_t no_shape[1];
	size_t offset = 0;
	if (node->count - 1 != base->rank)
		return false;
	for (uint32_t axis = 0; axis < base->rank; axis++) {
		const struct value *index = &indices[axis];
		if (node->items[axis + 1]->kind == NODE_SLICE || index->storage != DATATYPE_INT64 || index->count != 1)
			return false;
		int64_t size = base->shape[axis], position = *(const int64_t *)index->data;
		position += position < 0 ? size : 0;
		if (position < 0 || position >= size)
			return false;
		offset = offset * (size_t)size + (size_t)position;
	}
	*result = (struct value){.data = (const unsigned char *)base->data + offset * datatype_stride((enum datatype)base->storage),
				 .shape = no_shape,
				 .count = 1,
				 .storage = base->storage,
				 .width = base->width};
	return true;
}

bool value_index(struct evaluation *evaluation, const struct expression_node *node, const struct value *base,
		 const struct value *indices, struct value *result)
{
	struct axis_choice axes[TENSOR_RANK_MAX];
	if (pick_element(node, base, indices, result))
		return true;
	if (node->count - 1 > base->rank)
		return evaluation_fail_of_tensor(evaluation, "%s has %u dimensions, and here are %u indices; leave some out",
						 value_text(evaluation, base), base->rank, node->count - 1);
	for (uint32_t axis = 0; axis < base->rank; axis++)
		axes[axis] = (struct axis_choice){.count = base->shape[axis]};
	for (uint32_t i = 1; i < node->count; i++) {
		const struct expression_node *item = node->items[i];
		if (item->kind == NODE_SLICE) {
			if (!choose_slice(evaluation, item, base, i - 1, indices, &axes[i - 1]))
				return false;
			indices += 2;
		} else if (indices->storage == DATATYPE_BYTES && indices->count == 1) {
			/* A column stands on the last axis, whatever is written before it. */
			uint32_t axis = node->count == 2 ? base->rank - 1 : i - 1;
			int64_t column = 0;
			if (axis != base->rank - 1)
				return evaluation_fail(evaluation,
						       "columns stand on the last axis; write x[0, \"name\"] or x[\"name\"]");
			if (!column_of(evaluation, base, *value_texts(indices), &column))
				return false;
			if (column >= base->shape[axis])
				return evaluation_fail_of_tensor(evaluation, "the column's number %lld is outside %s",
								 (long long)column, value_text(evaluation, base));
			axes[axis] = (struct axis_choice){.start = column, .count = 1, .drops = true};
			indices++;
		} else {
			if (!choose_one(evaluation, base, i - 1, indices, &axes[i - 1]))
				return false;
			indices++;
		}
	}
	return value_pick(evaluation, base, axes, result);
}
