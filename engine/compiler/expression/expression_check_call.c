/* expression_check_call.c: Types and shapes of the results of functions and indices. */
#include "compiler/expression/expression_check.h"
#include "compiler/expression/expression_index.h"

static enum datatype_class runtime_class(enum value_class class)
{
	switch (class) {
	case VALUE_BOOL:
		return CLASS_BOOL;
	case VALUE_FLOAT:
		return CLASS_FLOAT;
	case VALUE_TEXT:
		return CLASS_BYTES;
	default:
		return CLASS_SIGNED;
	}
}

static bool infer_axis(struct expression_inference *inference, const struct expression_node *node, const struct value_type *type,
		       int64_t along, uint32_t *axis)
{
	int64_t rank = type->rank;
	if (rank == 0)
		return inference_refuse(inference, node, "%s has no axes; leave out `along %lld`", inference_words(inference, type),
					(long long)along);
	if (along < -rank || along >= rank)
		return inference_refuse(inference, node, "%s has no axis %lld; its axes are 0 to %lld, or -1 for the last",
					inference_words(inference, type), (long long)along, (long long)rank - 1);
	*axis = (uint32_t)(along < 0 ? along + rank : along);
	return true;
}

static bool infer_reduced(struct expression_inference *inference, const struct expression_node *node,
			  const struct inferred *argument, struct value_type *result)
{
	if (!node->has_along) {
		result->shape_known = true;
		result->rank = 0;
		return true;
	}
	result->shape_known = argument->type.shape_known;
	if (!result->shape_known)
		return true;
	uint32_t axis = 0;
	if (!infer_axis(inference, node, &argument->type, node->along, &axis))
		return false;
	result->rank = 0;
	for (uint32_t i = 0; i < argument->type.rank; i++)
		if (i != axis)
			result->shape[result->rank++] = argument->type.shape[i];
	return true;
}

/* Of how many elements it is; false: that is not known. */
static bool is_counted(const struct value_type *type, size_t *count)
{
	*count = 1;
	for (uint32_t i = 0; type->shape_known && i < type->rank; i++)
		if (type->shape[i] < 0 || __builtin_mul_overflow(*count, (size_t)type->shape[i], count))
			return false;
	return type->shape_known;
}

static bool infer_wanted(struct expression_inference *inference, const struct expression_node *node, const struct value_type *given,
			 struct value_type *result)
{
	const struct value *wanted = &node->items[1]->literal;
	size_t count, product;
	result->shape_known = node->items[1]->kind == NODE_LITERAL && wanted->storage == DATATYPE_INT64 && wanted->rank <= 1 &&
			      wanted->count <= TENSOR_RANK_MAX;
	if (!result->shape_known)
		return true;
	const int64_t *sizes = wanted->data;
	bool counted = is_counted(given, &count);
	result->rank = (uint32_t)wanted->count;
	if (!shape_wanted(sizes, wanted->count, counted ? count : 0, result->shape, &product))
		return inference_refuse(inference, node, WANTED_ODD);
	if (counted && product != count)
		return inference_refuse(inference, node, WANTED_ANOTHER, inference_words(inference, given), count, product);
	for (size_t i = 0; i < wanted->count && !counted; i++)
		result->shape[i] = sizes[i];
	return true;
}

static bool infer_call_shape(struct expression_inference *inference, const struct expression_node *node,
			     const struct inferred *arguments, struct inferred *result)
{
	switch (node->function->rules->shape) {
	case SHAPE_JOINT:
		return inference_join_all(inference, node, arguments, node->count, result);
	case SHAPE_REDUCED:
		return infer_reduced(inference, node, &arguments[0], &result->type);
	case SHAPE_SCALAR:
		inferred_set_scalar(result);
		return true;
	case SHAPE_SAME:
		result->type.shape_known = arguments[0].type.shape_known;
		result->type.rank = arguments[0].type.rank;
		memcpy(result->type.shape, arguments[0].type.shape, sizeof result->type.shape);
		return true;
	case SHAPE_VECTOR:
		result->type.shape_known = true;
		result->type.rank = 1;
		result->type.shape[0] = -1;
		return true;
	case SHAPE_WANTED:
		return infer_wanted(inference, node, &arguments[0].type, &result->type);
	case SHAPE_FREE:
		result->type.shape_known = false;
		return true;
	}
	return true;
}

static bool check_arguments(struct expression_inference *inference, const struct expression_node *node,
			    const struct inferred *arguments)
{
	const char *letter = node->function->rules->takes;
	for (uint32_t i = 0; i < node->count; i++) {
		enum value_class class = arguments[i].type.class;
		if (class != VALUE_UNKNOWN && !letter_takes(*letter, runtime_class(class)))
			return inference_refuse(inference, node->items[i], "%s() takes %s, and this is %s; it is written %s%s",
						node->function->name, letter_words(*letter),
						inference_words(inference, &arguments[i].type), node->function->form,
						strcmp(node->function->name, "len") == 0 ? ", and size(x) for a tensor" : "");
		letter += letter[1] != '\0';
	}
	return true;
}

/* The type of where() when branches first to last are there. */
static bool infer_branches(struct expression_inference *inference, const struct expression_node *node,
			   const struct inferred *arguments, uint32_t first, uint32_t last, struct inferred *result)
{
	struct inferred branches[2] = {arguments[first], arguments[last]};
	branches[0].width |= arguments[0].width;
	branches[0].width_known = branches[0].width_known && arguments[0].width_known;
	inferred_set_class(result, class_given('n', branches, 2), branches, 2);
	struct inferred with_condition = {0};
	return inference_join(inference, node, &branches[0], &branches[1], &with_condition.type) &&
	       inference_join(inference, node, &arguments[0], &with_condition, &result->type);
}

/* where(): its branches decide, and must be of one kind. A condition that is single
 * may leave one of them out, so only what both agree in is certain. */
static bool infer_where(struct expression_inference *inference, const struct expression_node *node,
			const struct inferred *arguments, struct inferred *result)
{
	enum value_class then = arguments[1].type.class, otherwise = arguments[2].type.class;
	if (!classes_alike(then, otherwise))
		return inference_refuse(inference, node, "where() chooses between two values of one kind, and these are %s and %s",
					inference_words(inference, &arguments[1].type),
					inference_words(inference, &arguments[2].type));
	if (!infer_branches(inference, node, arguments, 1, 2, result))
		return false;
	if (!may_be_single(&arguments[0].type))
		return true;
	for (uint32_t branch = 1; branch <= 2; branch++) {
		struct inferred alone = {0};
		if (!infer_branches(inference, node, arguments, branch, branch, &alone))
			return false;
		keep_alike(&result->type, &alone.type);
		if (alone.type.class != result->type.class)
			result->type.class = VALUE_UNKNOWN;
		result->type.datatype_known =
			result->type.datatype_known && alone.type.datatype_known && alone.type.datatype == result->type.datatype;
		result->width_known = result->width_known && alone.width == result->width;
	}
	return true;
}

bool inference_call(struct expression_inference *inference, const struct expression_node *node, const struct inferred *arguments,
		    struct inferred *result)
{
	const struct function_rules *rules = node->function->rules;
	if (!check_arguments(inference, node, arguments))
		return false;
	if (node->trailing)
		return inference_trailing(inference, node, arguments, result);
	if (strcmp(node->function->name, "where") == 0)
		return infer_where(inference, node, arguments, result);
	inferred_set_class(result, class_given(rules->gives, arguments, node->count), arguments,
			   rules->gives == '=' ? 1 : node->count);
	if (rules->gives == 'i')
		inferred_set_datatype(result, DATATYPE_INT64);
	if (rules->gives == 'u')
		inferred_set_datatype(result, DATATYPE_UINT64);
	if (rules->gives == 'c') {
		result->type.class = class_of_datatype(node->datatype);
		inferred_set_datatype(result, node->datatype);
		result->width = width_of(node->datatype);
		result->width_known = true;
	}
	return infer_call_shape(inference, node, arguments, result);
}

/* ---- indices ---- */

static bool is_whole_literal(const struct expression_node *node, int64_t *number)
{
	bool whole = node && node->kind == NODE_LITERAL && node->literal.storage == DATATYPE_INT64 && node->literal.count == 1;
	if (whole)
		*number = *(const int64_t *)node->literal.data;
	return whole;
}

static bool check_position(struct expression_inference *inference, const struct expression_node *item,
			   const struct value_type *base, uint32_t axis, bool is_border)
{
	int64_t position, size = base->shape[axis];
	if (size < 0 || !is_whole_literal(item, &position))
		return true;
	if ((position < 0 ? position + size : position) >= 0 && position < size + is_border)
		return true;
	return inference_refuse(inference, item, "index %lld is outside %s; axis %u has %lld elements, counted from 0",
				(long long)position, inference_words(inference, base), axis, (long long)size);
}

static bool infer_dimension(struct expression_inference *inference, const struct expression_node *item,
			    const struct value_type *base, uint32_t axis, struct value_type *result)
{
	if (item->kind == NODE_SLICE) {
		int64_t from, to;
		for (int side = 0; side < 2; side++)
			if (item->items[side] && !check_position(inference, item->items[side], base, axis, true))
				return false;
		from = 0;
		to = base->shape[axis];
		bool known = to >= 0 && (!item->items[0] || is_whole_literal(item->items[0], &from)) &&
			     (!item->items[1] || is_whole_literal(item->items[1], &to));
		from = from < 0 ? from + base->shape[axis] : from;
		to = known && to < 0 ? to + base->shape[axis] : to;
		result->shape[result->rank++] = known ? (to > from ? to - from : 0) : -1;
		return true;
	}
	return check_position(inference, item, base, axis, false);
}

/* Columns by name, where it is known how those of the tensor are called. */
static bool check_columns(struct expression_inference *inference, const struct expression_node *node, const struct value_type *base)
{
	const struct parameters *parameters = node->items[0]->kind == NODE_NAME ? base->parameters : NULL;
	for (uint32_t i = 1; parameters && i < node->count; i++) {
		const struct expression_node *item = node->items[i];
		int64_t column;
		const char *why;
		if (item->kind != NODE_LITERAL || item->class != VALUE_TEXT || item->literal.count != 1)
			continue;
		if (!column_number(*parameters, *value_texts(&item->literal), inference->arena, &column, &why))
			return why ? inference_refuse(inference, item, "%s", why)
				   : error_memory(inference->error, ERROR_SYSTEM, "checking an expression");
	}
	return true;
}

bool inference_index(struct expression_inference *inference, const struct expression_node *node, const struct inferred *indexed,
		     struct inferred *result)
{
	const struct value_type *base = &indexed->type;
	if (!check_columns(inference, node, base))
		return false;
	inferred_set_class(result, base->class, indexed, 1);
	result->type.shape_known = base->shape_known;
	if (!base->shape_known)
		return true;
	if (node->count - 1 > base->rank)
		return inference_refuse(inference, node, "%s has %u dimensions, and here are %u indices; leave some out",
					inference_words(inference, base), base->rank, node->count - 1);
	result->type.rank = 0;
	const struct expression_node *only = node->items[1];
	bool column = node->count == 2 && only->kind == NODE_LITERAL && only->class == VALUE_TEXT;
	bool unsure = node->count == 2 && only->kind != NODE_LITERAL && only->kind != NODE_SLICE;
	for (uint32_t axis = 0; axis < base->rank; axis++) {
		bool is_indexed = column ? axis == base->rank - 1 : axis + 1 < node->count;
		if (!is_indexed)
			result->type.shape[result->type.rank++] = base->shape[axis];
		else if (!infer_dimension(inference, column ? only : node->items[axis + 1], base, axis, &result->type))
			return false;
	}
	/* A computed index may turn out to be a column's name. */
	result->type.shape_known = !unsure || base->rank == 1;
	return true;
}
