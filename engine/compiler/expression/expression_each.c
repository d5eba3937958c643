/* expression_each.c: Functions that work element by element. */
#include <math.h>

#include "compiler/expression/expression_operators.h"

bool run_each_float(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	double (*each)(double) = call->node->function->rules->each;
	const double *in = value_doubles(evaluation, call->arguments);
	double *out = value_make_like(evaluation, result, DATATYPE_FP64, call->arguments);
	for (size_t i = 0; in && out && i < call->arguments->count; i++)
		out[i] = each(in[i]);
	return in && out;
}

/* An integer is whole already. */
bool run_rounded(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	if (value_is_float(call->arguments))
		return run_each_float(evaluation, call, result);
	*result = *call->arguments;
	result->tensor = NULL;
	result->keeps_datatype = false;
	return true;
}

static bool below_zero(const struct value *value, int64_t item)
{
	return value->storage != DATATYPE_UINT64 && item < 0;
}

bool run_abs(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	if (value_is_float(call->arguments))
		return run_each_float(evaluation, call, result);
	bool is_unsigned = value_class_of(call->arguments) == CLASS_UNSIGNED;
	const int64_t *in = value_signed(evaluation, call->arguments);
	int64_t *out = value_make_like(evaluation, result, is_unsigned ? DATATYPE_UINT64 : DATATYPE_INT64, call->arguments);
	for (size_t i = 0; in && out && i < call->arguments->count; i++) {
		if (!is_unsigned && in[i] == INT64_MIN)
			return evaluation_fail(evaluation, "abs(-9223372036854775808) does not fit INT64; write cast(x, FP64)");
		out[i] = below_zero(call->arguments, in[i]) ? -in[i] : in[i];
	}
	return in && out;
}

bool run_sign(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	if (value_is_float(call->arguments))
		return run_each_float(evaluation, call, result);
	const int64_t *in = value_signed(evaluation, call->arguments);
	int64_t *out = value_make_like(evaluation, result, DATATYPE_INT64, call->arguments);
	for (size_t i = 0; in && out && i < call->arguments->count; i++)
		out[i] = below_zero(call->arguments, in[i]) ? -1 : in[i] != 0;
	return in && out;
}

/* ---- the lesser and the greater ---- */

static bool lesser(struct evaluation *evaluation, bool greater, const struct value *left, const struct value *right,
		   struct value *result)
{
	if (value_is_float(left) || value_is_float(right))
		return operands_run(evaluation, arithmetic_doubles[greater ? ARITHMETIC_GREATEST : ARITHMETIC_LEAST], DATATYPE_FP64,
				    left, right, result);
	struct value takes_left;
	return operate_comparison(evaluation, greater ? OPERATOR_GREATER_EQUAL : OPERATOR_LESS_EQUAL, left, right, &takes_left) &&
	       operate_where(evaluation, &takes_left, left, right, result);
}

static bool run_lesser(struct evaluation *evaluation, bool greater, const struct value *arguments, size_t count,
		       struct value *result)
{
	struct value best = arguments[0];
	for (size_t i = 1; i < count; i++) {
		struct value next;
		if (!lesser(evaluation, greater, &best, &arguments[i], &next))
			return false;
		best = next;
	}
	*result = best;
	return true;
}

bool run_least(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	return run_lesser(evaluation, false, call->arguments, call->count, result);
}

bool run_greatest(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	return run_lesser(evaluation, true, call->arguments, call->count, result);
}

bool run_clip(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	struct value raised;
	return lesser(evaluation, true, &call->arguments[0], &call->arguments[1], &raised) &&
	       lesser(evaluation, false, &raised, &call->arguments[2], result);
}

bool run_relu(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	static const int64_t zero, no_shape[1];
	const struct value floor = {.data = &zero, .shape = no_shape, .count = 1, .storage = DATATYPE_INT64, .fits_any = true};
	return lesser(evaluation, true, call->arguments, &floor, result);
}

/* ---- what a float is ---- */

bool run_isnan(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	if (value_is_float(call->arguments)) /* nan alone is not equal to itself */
		return operands_run(evaluation, order_truths[ORDER_NOT_EQUAL], DATATYPE_BOOL, call->arguments, call->arguments,
				    result);
	uint8_t *out = value_make_like(evaluation, result, DATATYPE_BOOL, call->arguments);
	if (out)
		memset(out, false, call->arguments->count);
	return out;
}

bool run_isfinite(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	const double *in = value_is_float(call->arguments) ? value_doubles(evaluation, call->arguments) : NULL;
	uint8_t *out = value_make_like(evaluation, result, DATATYPE_BOOL, call->arguments);
	if (!out || (value_is_float(call->arguments) && !in))
		return false;
	memset(out, true, call->arguments->count);
	for (size_t i = 0; in && i < call->arguments->count; i++)
		out[i] = isfinite(in[i]) != 0;
	return true;
}

bool run_div(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	return operate_floored(evaluation, true, &call->arguments[0], &call->arguments[1], result);
}

bool run_mod(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	return operate_floored(evaluation, false, &call->arguments[0], &call->arguments[1], result);
}

/* ---- cast ---- */

static bool refuse_cast(struct evaluation *evaluation, enum datatype datatype, size_t index)
{
	return evaluation_fail(evaluation, "element %zu does not fit %s; clip(x, lo, hi) it first, or cast to a wider datatype",
			       index, datatype_rows[datatype].name);
}

/* What an integer datatype holds, from -2^(bits-1) or 0. */
static bool integer_fits(int64_t item, bool is_unsigned_64, const struct datatype_row *row)
{
	if (row->size == sizeof item)
		return (row->class == CLASS_UNSIGNED) == is_unsigned_64 || item >= 0;
	if (is_unsigned_64 && item < 0)
		return false;
	int64_t beyond = (int64_t)1 << (row->size * 8 - (row->class == CLASS_SIGNED));
	return item < beyond && item >= (row->class == CLASS_SIGNED ? -beyond : 0);
}

static void store_integer(void *out, size_t size, size_t index, int64_t item)
{
	switch (size) {
	case 1:
		((int8_t *)out)[index] = (int8_t)item;
		break;
	case 2:
		((int16_t *)out)[index] = (int16_t)item;
		break;
	case 4:
		((int32_t *)out)[index] = (int32_t)item;
		break;
	default:
		((int64_t *)out)[index] = item;
		break;
	}
}

/* Integers and bools keep every bit; through a double they would not. */
static bool cast_integers(struct evaluation *evaluation, enum datatype datatype, const struct value *value, void *out)
{
	const struct datatype_row *row = &datatype_rows[datatype];
	const int64_t *in = value_signed(evaluation, value);
	for (size_t i = 0; in && i < value->count; i++) {
		if (!integer_fits(in[i], value->storage == DATATYPE_UINT64, row))
			return refuse_cast(evaluation, datatype, i);
		store_integer(out, row->size, i, in[i]);
	}
	return in;
}

static bool cast_floats(struct evaluation *evaluation, enum datatype datatype, const struct value *value, void *out)
{
	const double *in = value_doubles(evaluation, value);
	if (!in)
		return false;
	for (size_t i = 0; i < value->count; i++)
		if (!tensor_store(out, datatype, i, in[i]))
			return refuse_cast(evaluation, datatype, i);
	const struct tensor cast = {.data = out, .count = value->count, .datatype = datatype};
	for (size_t i = 0; i < value->count && datatype_rows[datatype].class == CLASS_FLOAT; i++)
		if (isfinite(in[i]) && !isfinite(tensor_number(&cast, i)))
			return refuse_cast(evaluation, datatype, i);
	return true;
}

bool run_cast(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	enum datatype datatype = call->node->datatype;
	void *out = value_make_like(evaluation, result, datatype, call->arguments);
	if (!out)
		return false;
	bool to_integer = datatype_rows[datatype].class == CLASS_SIGNED || datatype_rows[datatype].class == CLASS_UNSIGNED;
	bool cast;
	if (datatype == DATATYPE_BOOL) {
		const uint8_t *truths = value_truths(evaluation, call->arguments);
		if (truths)
			memcpy(out, truths, call->arguments->count);
		cast = truths;
	} else if (to_integer && !value_is_float(call->arguments)) {
		cast = cast_integers(evaluation, datatype, call->arguments, out);
	} else {
		cast = cast_floats(evaluation, datatype, call->arguments, out);
	}
	result->width = width_of(datatype);
	result->keeps_datatype = true;
	return cast;
}
