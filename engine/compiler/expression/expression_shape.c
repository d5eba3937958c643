/* expression_shape.c: Functions on the shape and the order of elements. */
#include <math.h>

#include "compiler/expression/expression_index.h"
#include "compiler/expression/expression_lanes.h"

bool run_shape(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	const int64_t rank = call->arguments->rank;
	int64_t *out = value_make(evaluation, result, DATATYPE_INT64, &rank, 1);
	if (out)
		memcpy(out, call->arguments->shape, call->arguments->rank * sizeof *out);
	return out;
}

bool run_size(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	int64_t *out = value_make(evaluation, result, DATATYPE_INT64, NULL, 0);
	if (out)
		*out = (int64_t)call->arguments->count;
	return out;
}

/* The same elements under another shape. */
static bool view_as(struct evaluation *evaluation, const struct value *value, const int64_t *shape, uint32_t rank,
		    struct value *result)
{
	int64_t *kept = arena_take_raw(evaluation->arena, rank * sizeof *kept);
	if (!kept)
		return evaluation_full(evaluation);
	memcpy(kept, shape, rank * sizeof *kept);
	*result = *value;
	result->shape = kept;
	result->rank = rank;
	result->tensor = NULL;
	return true;
}

bool shape_wanted(const int64_t *sizes, size_t rank, size_t count, int64_t *shape, size_t *product)
{
	size_t open = rank;
	*product = 1;
	for (size_t i = 0; i < rank; i++) {
		shape[i] = sizes[i];
		if (sizes[i] == -1 && open == rank)
			open = i;
		else if (sizes[i] < 0 || __builtin_mul_overflow(*product, (size_t)sizes[i], product))
			return false;
	}
	if (open < rank) {
		shape[open] = *product ? (int64_t)(count / *product) : 0;
		*product *= (size_t)shape[open];
	}
	return true;
}

bool run_reshape(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	const struct value *wanted = &call->arguments[1];
	if (wanted->rank > 1 || wanted->count > TENSOR_RANK_MAX)
		return evaluation_fail(evaluation, "reshape() takes a list of at most %d dimensions; write reshape(x, [1, 3])",
				       TENSOR_RANK_MAX);
	const int64_t *sizes = value_signed(evaluation, wanted);
	if (!sizes)
		return false;
	int64_t shape[TENSOR_RANK_MAX];
	size_t product;
	if (!shape_wanted(sizes, wanted->count, call->arguments->count, shape, &product))
		return evaluation_fail(evaluation, WANTED_ODD);
	if (product != call->arguments->count)
		return evaluation_fail_of_tensor(evaluation, WANTED_ANOTHER, value_text(evaluation, call->arguments),
						 call->arguments->count, product);
	return view_as(evaluation, call->arguments, shape, (uint32_t)wanted->count, result);
}

bool run_flatten(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	int64_t all = (int64_t)call->arguments->count;
	return view_as(evaluation, call->arguments, &all, 1, result);
}

/* ---- several to one ---- */

/* The datatype in which all of them can stand together. */
static bool common_storage(struct evaluation *evaluation, const struct value *values, size_t count, enum datatype *storage)
{
	bool is_float = false, is_unsigned = true, any_unsigned = false;
	for (size_t i = 0; i < count; i++) {
		bool both_numbers = value_is_number(&values[i]) && value_is_number(&values[0]);
		if (!both_numbers && values[i].storage != values[0].storage)
			return evaluation_fail_of_tensor(evaluation, "only values of one kind go together, and these are %s and %s",
							 value_text(evaluation, &values[0]), value_text(evaluation, &values[i]));
		is_float = is_float || value_is_float(&values[i]);
		any_unsigned = any_unsigned || value_class_of(&values[i]) == CLASS_UNSIGNED;
		is_unsigned = is_unsigned && (value_class_of(&values[i]) == CLASS_UNSIGNED || values[i].fits_any);
	}
	*storage = !value_is_number(&values[0])	 ? (enum datatype)values[0].storage
		   : is_float			 ? DATATYPE_FP64
		   : is_unsigned && any_unsigned ? DATATYPE_UINT64
						 : DATATYPE_INT64;
	return true;
}

static const void *elements_as(struct evaluation *evaluation, const struct value *value, enum datatype storage)
{
	if (storage == DATATYPE_FP64)
		return value_doubles(evaluation, value);
	if (!value_is_number(value))
		return value->data;
	const int64_t *items = value_signed(evaluation, value);
	for (size_t i = 0; items && storage == DATATYPE_INT64 && value->storage == DATATYPE_UINT64 && i < value->count; i++) {
		if (items[i] < 0)
			return error_null(evaluation_fail(evaluation,
							  "signed and unsigned integers together, and one does not fit INT64; "
							  "write cast(x, FP64)"));
	}
	return items;
}

/* Joins values that agree in all dimensions but `axis`. */
static bool join_along(struct evaluation *evaluation, const struct value *values, size_t count, uint32_t axis, struct value *result)
{
	enum datatype storage;
	if (!common_storage(evaluation, values, count, &storage))
		return false;
	int64_t shape[TENSOR_RANK_MAX];
	memcpy(shape, values[0].shape, values[0].rank * sizeof *shape);
	shape[axis] = 0;
	for (size_t i = 0; i < count; i++) {
		bool fits = values[i].rank == values[0].rank;
		for (uint32_t other = 0; fits && other < values[0].rank; other++)
			fits = other == axis || values[i].shape[other] == shape[other];
		if (!fits)
			return evaluation_fail_of_tensor(
				evaluation, "%s and %s do not fit along axis %u; all other dimensions must be equal",
				value_text(evaluation, &values[0]), value_text(evaluation, &values[i]), axis);
		shape[axis] += values[i].shape[axis];
	}
	unsigned char *out = value_make(evaluation, result, storage, shape, values[0].rank);
	if (!out)
		return false;
	size_t outer = 1, inner = datatype_stride(storage);
	for (uint32_t i = 0; i < axis; i++)
		outer *= (size_t)shape[i];
	for (uint32_t i = axis + 1; i < values[0].rank; i++)
		inner *= (size_t)shape[i];
	size_t row = inner * (size_t)shape[axis], at = 0;
	for (size_t i = 0; i < count; i++) {
		const unsigned char *in = elements_as(evaluation, &values[i], storage);
		if (!in)
			return false;
		size_t part = inner * (size_t)values[i].shape[axis];
		for (size_t block = 0; part > 0 && block < outer; block++)
			memcpy(out + block * row + at, in + block * part, part);
		at += part;
	}
	return true;
}

/* Single elements are joined as vectors of one. */
bool run_concat(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	static const int64_t one = 1;
	struct value *values = arena_take_raw(evaluation->arena, call->count * sizeof *values);
	if (!values)
		return evaluation_full(evaluation);
	for (size_t i = 0; i < call->count; i++) {
		values[i] = call->arguments[i];
		if (values[i].rank == 0) {
			values[i].shape = &one;
			values[i].rank = 1;
		}
	}
	uint32_t axis;
	return value_axis(evaluation, values, call->node->has_along ? call->node->along : 0, &axis) &&
	       join_along(evaluation, values, call->count, axis, result);
}

bool run_stack(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	struct value *values = arena_take_raw(evaluation->arena, call->count * sizeof *values);
	const struct value **all = arena_take_raw(evaluation->arena, call->count * sizeof *all);
	struct joint_shape joint;
	if (!values || !all)
		return evaluation_full(evaluation);
	for (size_t i = 0; i < call->count; i++)
		all[i] = &call->arguments[i];
	if (!shapes_join(evaluation, all, call->count, &joint))
		return false;
	if (joint.rank == TENSOR_RANK_MAX)
		return evaluation_fail_of_tensor(evaluation, "stack() makes one dimension more, and a tensor has at most %d",
						 TENSOR_RANK_MAX);
	int64_t rank = (int64_t)joint.rank + 1;
	int64_t along = call->node->has_along ? call->node->along : 0;
	if (along < -rank || along >= rank)
		return evaluation_fail_of_tensor(evaluation,
						 "stack() makes %lld dimensions; write along 0 to %lld, or -1 for the last",
						 (long long)rank, (long long)rank - 1);
	uint32_t axis = (uint32_t)(along < 0 ? along + rank : along);
	int64_t shape[TENSOR_RANK_MAX];
	for (uint32_t i = 0; i < (uint32_t)rank; i++)
		shape[i] = i == axis ? 1 : joint.shape[i < axis ? i : i - 1];
	for (size_t i = 0; i < call->count; i++) {
		struct value spread = call->arguments[i];
		if (!value_spread(evaluation, &spread, &joint) || !view_as(evaluation, &spread, shape, (uint32_t)rank, &values[i]))
			return false;
	}
	return join_along(evaluation, values, call->count, axis, result);
}

/* To go through, where each element of the result is made of one: none, where they are empty, however many there are. */
static size_t lanes_to_walk(const struct expression_lanes *lanes)
{
	return lanes->length ? lanes->count : 0;
}

/* ---- order ---- */

bool run_sort(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	enum datatype storage;
	struct expression_lanes lanes;
	if (!common_storage(evaluation, call->arguments, 1, &storage) ||
	    !lanes_along(evaluation, call->node, call->arguments, &lanes))
		return false;
	size_t size = datatype_stride(storage);
	const unsigned char *in = elements_as(evaluation, call->arguments, storage);
	unsigned char *out = value_make_like(evaluation, result, storage, call->arguments);
	unsigned char *room = arena_take_raw(evaluation->arena, lanes.length * size);
	if (!in || !out || !room)
		return evaluation_full(evaluation);
	items_order *order = storage == DATATYPE_FP64	  ? order_doubles
			     : storage == DATATYPE_INT64  ? order_signed
			     : storage == DATATYPE_UINT64 ? order_unsigned
			     : storage == DATATYPE_BOOL	  ? order_bools
							  : order_texts;
	for (size_t lane = 0; lane < lanes_to_walk(&lanes); lane++) {
		for (size_t i = 0; i < lanes.length; i++)
			memcpy(room + i * size, in + lane_at(&lanes, lane, i) * size, size);
		sort_items(room, lanes.length, size, order);
		for (size_t i = 0; i < lanes.length; i++)
			memcpy(out + lane_at(&lanes, lane, i) * size, room + i * size, size);
	}
	return true;
}

bool run_reverse(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	struct expression_lanes lanes;
	if (!lanes_along(evaluation, call->node, call->arguments, &lanes))
		return false;
	enum datatype storage = (enum datatype)call->arguments->storage;
	size_t size = datatype_stride(storage);
	const unsigned char *in = call->arguments->data;
	unsigned char *out = value_make_like(evaluation, result, storage, call->arguments);
	for (size_t lane = 0; out && lane < lanes_to_walk(&lanes); lane++)
		for (size_t i = 0; i < lanes.length; i++)
			memcpy(out + lane_at(&lanes, lane, i) * size, in + lane_at(&lanes, lane, lanes.length - 1 - i) * size,
			       size);
	return out;
}

/* Shifted by the greatest, so that exp() stays finite. */
static void softmax_lane(const struct expression_lanes *lanes, size_t lane, const double *in, double *out)
{
	double greatest = -INFINITY, sum = 0;
	for (size_t i = 0; i < lanes->length; i++) {
		double item = in[lane_at(lanes, lane, i)];
		greatest = isnan(item) || item > greatest ? item : greatest;
	}
	for (size_t i = 0; i < lanes->length; i++) {
		size_t at = lane_at(lanes, lane, i);
		out[at] = exp(in[at] - greatest);
		sum += out[at];
	}
	for (size_t i = 0; i < lanes->length; i++)
		out[lane_at(lanes, lane, i)] /= sum;
}

bool run_softmax(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	struct expression_lanes lanes;
	if (!lanes_along(evaluation, call->node, call->arguments, &lanes))
		return false;
	const double *in = value_doubles(evaluation, call->arguments);
	double *out = value_make_like(evaluation, result, DATATYPE_FP64, call->arguments);
	for (size_t lane = 0; in && out && lane < lanes_to_walk(&lanes); lane++)
		softmax_lane(&lanes, lane, in, out);
	return in && out;
}

/* What is not nan, one behind the other. */
bool run_valid(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	if (!value_is_float(call->arguments))
		return run_flatten(evaluation, call, result);
	int64_t kept = 0;
	const double *in = value_doubles(evaluation, call->arguments);
	for (size_t i = 0; in && i < call->arguments->count; i++)
		kept += !isnan(in[i]);
	double *out = in ? value_make(evaluation, result, DATATYPE_FP64, &kept, 1) : NULL;
	for (size_t i = 0, at = 0; out && i < call->arguments->count; i++)
		if (!isnan(in[i]))
			out[at++] = in[i];
	return out;
}
