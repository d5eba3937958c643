/* expression_reduce.c: Reductions: one element from many, over all or along one axis. Sums are compensated;
 * deviations are computed in two passes around a compensated mean. */
#include <math.h>

#include "base/number/wide_integer.h"
#include "methods/numeric/quantile.h"
#include "compiler/expression/expression_kernels.h"
#include "compiler/expression/expression_lanes.h"
#include "compiler/expression/expression_operators.h"

/* ---- reductions of doubles; see the rows in expression_functions.c ---- */

double reduce_mean(const double *items, size_t count)
{
	return count ? sum_doubles(items, count) / (double)count : NAN;
}

/* The squares around the mean; what rounding left of the sum around it is taken
 * off again. Squares that are too large for a double are infinite. */
static double squares_around_mean(const double *items, size_t count)
{
	double rest;
	double squares = sum_squares(items, count, reduce_mean(items, count), &rest);
	return isfinite(squares) ? squares - rest * rest / (double)count : squares;
}

double reduce_pvar(const double *items, size_t count)
{
	return count ? squares_around_mean(items, count) / (double)count : NAN;
}

double reduce_var(const double *items, size_t count)
{
	return count > 1 ? squares_around_mean(items, count) / (double)(count - 1) : NAN;
}

double reduce_pstd(const double *items, size_t count)
{
	return sqrt(reduce_pvar(items, count));
}

double reduce_std(const double *items, size_t count)
{
	return sqrt(reduce_var(items, count));
}

double reduce_norm(const double *items, size_t count)
{
	double rest;
	return sqrt(sum_squares(items, count, 0, &rest));
}

/* ---- running them ---- */

static bool reduce_lanes(struct evaluation *evaluation, const struct expression_node *node, const struct value *value,
			 struct value *result)
{
	double (*reduce)(const double *, size_t) = node->function->rules->reduce;
	struct expression_lanes lanes;
	if (!lanes_of(evaluation, node, value, &lanes))
		return false;
	const double *in = value_doubles(evaluation, value);
	double *out = value_make(evaluation, result, DATATYPE_FP64, lanes.shape, lanes.rank);
	double *room = lanes.inner == 1 ? NULL : arena_take_raw(evaluation->arena, lanes.length * sizeof *room);
	if (!in || !out || (lanes.inner != 1 && !room))
		return evaluation_full(evaluation);
	for (size_t lane = 0; lane < lanes.count; lane++)
		out[lane] = reduce(lane_gather(&lanes, in, lane, room), lanes.length);
	return true;
}

/* The sum or mean of all of an FP32 tensor needs no doubles in memory. */
static bool reduce_floats(struct evaluation *evaluation, const struct value *value, bool mean, struct value *result)
{
	double sum = sum_floats(value->data, value->count);
	double *out = value_make_single(evaluation, result, DATATYPE_FP64);
	if (out)
		*out = mean ? sum / (double)value->count : sum;
	return out;
}

bool run_reduce(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	double (*reduce)(const double *, size_t) = call->node->function->rules->reduce;
	bool plain = call->arguments->storage == DATATYPE_FP32 && !call->node->has_along && call->arguments->count > 0;
	if (plain && (reduce == reduce_mean || reduce == sum_doubles))
		return reduce_floats(evaluation, call->arguments, reduce == reduce_mean, result);
	return reduce_lanes(evaluation, call->node, call->arguments, result);
}

static bool sum_integers(struct evaluation *evaluation, const struct expression_node *node, const struct value *value,
			 struct value *result)
{
	struct expression_lanes lanes;
	if (!lanes_of(evaluation, node, value, &lanes))
		return false;
	bool is_unsigned = value_class_of(value) == CLASS_UNSIGNED;
	const int64_t *in = value_signed(evaluation, value);
	int64_t *out = value_make(evaluation, result, is_unsigned ? DATATYPE_UINT64 : DATATYPE_INT64, lanes.shape, lanes.rank);
	if (!in || !out)
		return false;
	for (size_t lane = 0; lane < lanes.count; lane++) {
		wide_integer sum = 0;
		for (size_t i = 0; i < lanes.length; i++) {
			int64_t item = in[lane_at(&lanes, lane, i)];
			sum += value->storage == DATATYPE_UINT64 ? (wide_integer)(uint64_t)item : (wide_integer)item;
		}
		if (is_unsigned ? sum > (wide_integer)UINT64_MAX : sum > INT64_MAX || sum < INT64_MIN)
			return evaluation_fail(evaluation, "the sum of these integers does not fit %s; write sum(cast(x, FP64))",
					       is_unsigned ? "UINT64" : "INT64");
		out[lane] = (int64_t)sum;
	}
	return true;
}

static bool count_truths(struct evaluation *evaluation, const struct value *value, struct value *result)
{
	int64_t *out = value_make_single(evaluation, result, DATATYPE_INT64);
	if (out)
		*out = (int64_t)truths_count(value->data, value->count);
	return out;
}

bool run_sum(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	if (call->arguments->storage == DATATYPE_BOOL && !call->node->has_along)
		return count_truths(evaluation, call->arguments, result);
	return value_is_float(call->arguments) ? run_reduce(evaluation, call, result)
					 : sum_integers(evaluation, call->node, call->arguments, result);
}

/* ---- the least and the greatest ---- */

/* Where the extreme of `length` items stands, one `step` behind the other: the first of
 * equals, or the first nan. */
#define EXTREME(name, type, is_nan)                                                                                                \
	static size_t name(const type *items, size_t length, size_t step, bool greatest)                                           \
	{                                                                                                                          \
		size_t position = 0;                                                                                               \
		type best = *items;                                                                                                \
		for (size_t i = 0; i < length; i++) {                                                                              \
			type item = items[i * step];                                                                               \
			if (is_nan(item))                                                                                          \
				return i;                                                                                          \
			if (greatest ? item > best : item < best) {                                                                \
				best = item;                                                                                       \
				position = i;                                                                                      \
			}                                                                                                          \
		}                                                                                                                  \
		return position;                                                                                                   \
	}

#define NEVER_NAN(item) false

EXTREME(extreme_double, double, isnan)
EXTREME(extreme_signed, int64_t, NEVER_NAN)
EXTREME(extreme_unsigned, uint64_t, NEVER_NAN)

static bool run_extremes(struct evaluation *evaluation, const struct expression_node *node, const struct value *value,
			 bool positions, struct value *result)
{
	bool greatest = node->function->rules->greatest;
	struct expression_lanes lanes;
	if (!lanes_of(evaluation, node, value, &lanes))
		return false;
	if (lanes.length == 0 && lanes.count > 0)
		return evaluation_fail_of_tensor(evaluation, "%s() of no elements; write where(size(x) > 0, %s(x), 0)",
						 node->function->name, node->function->name);
	bool is_float = value_is_float(value), is_unsigned = value_class_of(value) == CLASS_UNSIGNED;
	const double *numbers = is_float ? value_doubles(evaluation, value) : NULL;
	const int64_t *integers = is_float ? NULL : value_signed(evaluation, value);
	enum datatype storage = positions     ? DATATYPE_INT64
				: is_float    ? DATATYPE_FP64
				: is_unsigned ? DATATYPE_UINT64
					      : DATATYPE_INT64;
	uint64_t *out = value_make(evaluation, result, storage, lanes.shape, lanes.rank);
	if (!out || (!numbers && !integers))
		return false;
	for (size_t lane = 0; lane < lanes.count; lane++) {
		size_t at = lane_at(&lanes, lane, 0), step = lanes.inner;
		size_t position = numbers ? extreme_double(numbers + at, lanes.length, step, greatest)
				  : is_unsigned
					  ? extreme_unsigned((const uint64_t *)integers + at, lanes.length, step, greatest)
					  : extreme_signed(integers + at, lanes.length, step, greatest);
		at += position * step;
		if (positions)
			out[lane] = position;
		else
			memcpy(&out[lane], numbers ? (const void *)&numbers[at] : (const void *)&integers[at], sizeof *out);
	}
	return true;
}

bool run_extreme(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	return run_extremes(evaluation, call->node, call->arguments, false, result);
}

bool run_arg_extreme(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	return run_extremes(evaluation, call->node, call->arguments, true, result);
}

/* ---- quantiles ---- */

static bool quantiles(struct evaluation *evaluation, const struct expression_node *node, const struct value *value, double share,
		      struct value *result)
{
	struct expression_lanes lanes;
	if (!lanes_of(evaluation, node, value, &lanes))
		return false;
	const double *in = value_doubles(evaluation, value);
	double *out = value_make(evaluation, result, DATATYPE_FP64, lanes.shape, lanes.rank);
	double *room = arena_take_raw(evaluation->arena, lanes.length * sizeof *room);
	if (!in || !out || !room)
		return evaluation_full(evaluation);
	for (size_t lane = 0; lane < lanes.count; lane++) {
		size_t steps = 0;
		bool spreads = false;
		for (size_t i = 0; i < lanes.length; i++) {
			room[i] = in[lane_at(&lanes, lane, i)];
			spreads = spreads || isnan(room[i]);
		}
		out[lane] = spreads ? NAN : quantile_selected(room, lanes.length, share, &steps);
		if (!evaluation_works(evaluation, steps))
			return false;
	}
	return true;
}

bool run_quantile(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	double share = 0.5;
	if (call->count == 2) {
		if (call->arguments[1].count != 1)
			return evaluation_fail_of_tensor(evaluation,
							 "quantile() takes one share, and these are %s; write quantile(x, 0.9)",
							 value_text(evaluation, &call->arguments[1]));
		const double *given = value_doubles(evaluation, &call->arguments[1]);
		if (!given)
			return false;
		share = *given;
	}
	if (!(share >= 0.0 && share <= 1.0))
		return evaluation_fail(evaluation, "quantile() takes a share from 0 to 1, and this is %g; write 0.9 or 90%%",
				       share);
	return quantiles(evaluation, call->node, call->arguments, share, result);
}

/* ---- truths, counts, products ---- */

static size_t lane_truths(const struct expression_lanes *lanes, const uint8_t *in, size_t lane)
{
	if (lanes->inner == 1)
		return truths_count(in + lane * lanes->length, lanes->length);
	size_t count = 0;
	for (size_t i = 0; i < lanes->length; i++)
		count += in[lane_at(lanes, lane, i)] != 0;
	return count;
}

static bool reduce_truths(struct evaluation *evaluation, const struct expression_node *node, const struct value *value,
			  bool wants_all, struct value *result)
{
	struct expression_lanes lanes;
	if (!lanes_of(evaluation, node, value, &lanes))
		return false;
	const uint8_t *in = value_truths(evaluation, value);
	uint8_t *out = value_make(evaluation, result, DATATYPE_BOOL, lanes.shape, lanes.rank);
	if (!in || !out)
		return false;
	for (size_t lane = 0; lane < lanes.count; lane++) {
		size_t count = lane_truths(&lanes, in, lane);
		out[lane] = wants_all ? count == lanes.length : count > 0;
	}
	return true;
}

bool run_any(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	return reduce_truths(evaluation, call->node, call->arguments, false, result);
}

bool run_all(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	return reduce_truths(evaluation, call->node, call->arguments, true, result);
}

bool run_count(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	if (call->arguments->storage == DATATYPE_BOOL)
		return run_sum(evaluation, call, result);
	struct expression_lanes lanes;
	if (!lanes_of(evaluation, call->node, call->arguments, &lanes))
		return false;
	int64_t *out = value_make(evaluation, result, DATATYPE_INT64, lanes.shape, lanes.rank);
	for (size_t lane = 0; out && lane < lanes.count; lane++)
		out[lane] = (int64_t)lanes.length;
	return out;
}

/* The sum of the products along the last axis. */
bool run_dot(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	if (call->arguments[0].rank == 0 || call->arguments[1].rank == 0)
		return evaluation_fail_of_tensor(evaluation, "dot() takes two vectors, and these are %s and %s; write a * b",
						 value_text(evaluation, &call->arguments[0]),
						 value_text(evaluation, &call->arguments[1]));
	struct value products;
	if (!operate_arithmetic(evaluation, OPERATOR_MULTIPLY, &call->arguments[0], &call->arguments[1], false, &products))
		return false;
	struct expression_node last = *call->node;
	if (!last.has_along) {
		last.has_along = true;
		last.along = -1;
	}
	return value_is_float(&products) ? reduce_lanes(evaluation, &last, &products, result)
					 : sum_integers(evaluation, &last, &products, result);
}
