/* expression_operators.c: Arithmetic on values: floats through the kernels, integers exactly, texts concatenated.
 * Comparisons and logic are in expression_compare.c. */
#include "compiler/expression/expression_operators.h"

#include <math.h>

#include "base/number/wide_integer.h"

bool operands_refuse(struct evaluation *evaluation, enum operator_kind operation, const char *takes, const struct value *left,
		     const struct value *right)
{
	if (evaluation->quiet)
		return false;
	const struct expression_node *node = evaluation->instruction->node, *culprit = node;
	if (node->count == 2 && node->items) {
		bool is_right = node->items[0]->kind == NODE_LITERAL ||
				(value_is_number(left) && node->items[1]->kind != NODE_LITERAL);
		culprit = node->items[is_right];
	}
	bool has_bool = left->storage == DATATYPE_BOOL || right->storage == DATATYPE_BOOL;
	return evaluation_fail_of_class(
		evaluation, culprit, "`%s` takes %s, and these are %s and %s; write %s", operator_texts[operation], takes,
		value_text(evaluation, left), value_text(evaluation, right),
		has_bool ? "where(c, 1, 0) to count with a bool" : "text(x) or number(x) to turn one into the other");
}

bool operands_spread(struct evaluation *evaluation, struct value *left, struct value *right)
{
	struct joint_shape joint;
	const struct value *both[] = {left, right};
	return shapes_join(evaluation, both, 2, &joint) && value_spread(evaluation, left, &joint) &&
	       value_spread(evaluation, right, &joint);
}

/* ---- floats ---- */

static __attribute__((noinline)) double value_single(const struct value *value)
{
	const struct tensor whole = {.data = value->data, .count = 1, .datatype = (enum datatype)value->storage};
	return tensor_number(&whole, 0);
}

/* Where an operand's elements are; a single one is brought to `single`. */
static inline const void *operand_of(struct evaluation *evaluation, const struct value *value, bool is_single, double *single,
				     enum operand_kind *kind)
{
	if (is_single) {
		*kind = OPERAND_DOUBLE;
		if (value->storage == DATATYPE_FP64)
			return value->data;
		*single = value_single(value);
		return single;
	}
	*kind = value->storage == DATATYPE_FP32 ? OPERAND_FLOATS : OPERAND_DOUBLES;
	return value->storage == DATATYPE_FP32 ? value->data : value_doubles(evaluation, value);
}

static bool same_shape(const struct value *left, const struct value *right)
{
	return left->rank == right->rank &&
	       (left->shape == right->shape || memcmp(left->shape, right->shape, left->rank * sizeof *left->shape) == 0);
}

static __attribute__((noinline)) bool run_spread(struct evaluation *evaluation, kernel *const table[OPERAND_KINDS][OPERAND_KINDS],
						 enum datatype storage, const struct value *left, const struct value *right,
						 struct value *result)
{
	struct value spread_left = *left, spread_right = *right;
	return operands_spread(evaluation, &spread_left, &spread_right) &&
	       operands_run(evaluation, table, storage, &spread_left, &spread_right, result);
}

bool operands_run(struct evaluation *evaluation, kernel *const table[OPERAND_KINDS][OPERAND_KINDS], enum datatype storage,
		  const struct value *left, const struct value *right, struct value *result)
{
	bool single_right = right->count == 1 && right->rank <= left->rank;
	bool single_left = !single_right && left->count == 1 && left->rank <= right->rank;
	if (__builtin_expect(!single_right && !single_left && !same_shape(left, right), 0))
		return run_spread(evaluation, table, storage, left, right, result);
	double singles[2];
	enum operand_kind left_kind, right_kind;
	const void *left_items = operand_of(evaluation, left, single_left, &singles[0], &left_kind);
	const void *right_items = operand_of(evaluation, right, single_right, &singles[1], &right_kind);
	uint8_t width = left->width | right->width;
	const struct value *like = single_left ? right : left;
	void *out = value_make_like(evaluation, result, storage, like);
	if (!left_items || !right_items || !out)
		return false;
	result->width = width;
	table[left_kind][right_kind](out, left_items, right_items, result->count);
	return true;
}

static bool power_floats(struct evaluation *evaluation, const struct value *left, const struct value *right, struct value *result)
{
	struct value base = *left, exponent = *right;
	if (!operands_spread(evaluation, &base, &exponent))
		return false;
	const double *bases = value_doubles(evaluation, &base);
	const double *exponents = value_doubles(evaluation, &exponent);
	double *out = value_make_like(evaluation, result, DATATYPE_FP64, &base);
	if (!bases || !exponents || !out)
		return false;
	result->width = base.width | exponent.width;
	for (size_t i = 0; i < base.count; i++)
		out[i] = pow(bases[i], exponents[i]);
	return true;
}

/* ---- integers ---- */

bool operands_unsigned(const struct value *left, const struct value *right)
{
	bool left_unsigned = value_class_of(left) == CLASS_UNSIGNED, right_unsigned = value_class_of(right) == CLASS_UNSIGNED;
	return (left_unsigned && right_unsigned) || (left_unsigned && right->fits_any) || (left->fits_any && right_unsigned);
}

static wide_integer wide_at(const struct value *value, const int64_t *items, size_t index)
{
	return value->storage == DATATYPE_UINT64 ? (wide_integer)(uint64_t)items[index] : (wide_integer)items[index];
}

static bool expression_operators_fits(wide_integer number, bool is_unsigned)
{
	return is_unsigned ? number >= 0 && number <= (wide_integer)UINT64_MAX : number >= INT64_MIN && number <= INT64_MAX;
}

/* By squaring; false when it leaves 128 bits, from where nothing comes back: only
 * 0, 1 and -1 do not grow. */
static bool power_integer(wide_integer base, wide_integer exponent, wide_integer *power)
{
	wide_integer result = 1;
	while (exponent > 0) {
		if (exponent & 1) {
			if (__builtin_mul_overflow(result, base, &result))
				return false;
		}
		exponent >>= 1;
		if (exponent > 0) {
			if (__builtin_mul_overflow(base, base, &base))
				return false;
		}
	}
	*power = result;
	return true;
}

static bool refuse_overflow(struct evaluation *evaluation, enum operator_kind operation, bool is_unsigned)
{
	return evaluation_fail(evaluation, "`%s` of these integers does not fit %s; write cast(x, FP64) to compute in floats",
			       operator_texts[operation], is_unsigned ? "UINT64" : "INT64");
}

static bool one_integer_result(enum operator_kind operation, wide_integer left, wide_integer right, wide_integer *out)
{
	switch (operation) {
	case OPERATOR_ADD:
		*out = left + right;
		return true;
	case OPERATOR_SUBTRACT:
		*out = left - right;
		return true;
	case OPERATOR_MULTIPLY:
		return !__builtin_mul_overflow(left, right, out);
	default:
		return power_integer(left, right, out);
	}
}

static bool arithmetic_integers(struct evaluation *evaluation, enum operator_kind operation, const struct value *left,
				const struct value *right, struct value *result)
{
	struct value a = *left, b = *right;
	bool is_unsigned = operands_unsigned(left, right);
	if (!operands_spread(evaluation, &a, &b))
		return false;
	const int64_t *lefts = value_signed(evaluation, &a), *rights = value_signed(evaluation, &b);
	int64_t *out = value_make_like(evaluation, result, is_unsigned ? DATATYPE_UINT64 : DATATYPE_INT64, &a);
	if (!lefts || !rights || !out)
		return false;
	result->width = a.width | b.width;
	for (size_t i = 0; i < a.count; i++) {
		wide_integer number;
		wide_integer a_item = wide_at(&a, lefts, i), b_item = wide_at(&b, rights, i);
		if (operation == OPERATOR_POWER && b_item < 0)
			return evaluation_fail(evaluation, "an integer to a power below zero is no integer; write 2.0 ^ -1");
		if (!one_integer_result(operation, a_item, b_item, &number) || !expression_operators_fits(number, is_unsigned))
			return refuse_overflow(evaluation, operation, is_unsigned);
		out[i] = (int64_t)number;
	}
	return true;
}

/* Rounds down, as Python does; -7 by 2 is -4 and leaves 1. */
static bool floored_integers(struct evaluation *evaluation, bool quotient, const struct value *left, const struct value *right,
			     struct value *result)
{
	bool is_unsigned = operands_unsigned(left, right);
	const int64_t *lefts = value_signed(evaluation, left), *rights = value_signed(evaluation, right);
	int64_t *out = value_make_like(evaluation, result, is_unsigned ? DATATYPE_UINT64 : DATATYPE_INT64, left);
	if (!lefts || !rights || !out)
		return false;
	result->width = left->width | right->width;
	for (size_t i = 0; i < left->count; i++) {
		wide_integer a = wide_at(left, lefts, i), b = wide_at(right, rights, i);
		if (b == 0)
			return evaluation_fail(evaluation, "%s by 0; write where(b != 0, %s(a, b), 0)", quotient ? "div" : "mod",
					       quotient ? "div" : "mod");
		wide_integer floor = a / b, rest = a % b;
		if (rest != 0 && (rest < 0) != (b < 0)) {
			floor -= 1;
			rest += b;
		}
		if (!expression_operators_fits(quotient ? floor : rest, is_unsigned))
			return evaluation_fail(evaluation, "%s of these integers does not fit %s; write cast(x, FP64)",
					       quotient ? "div" : "mod", is_unsigned ? "UINT64" : "INT64");
		out[i] = (int64_t)(quotient ? floor : rest);
	}
	return true;
}

/* The remainder is exact; the quotient follows from it, so that the two agree. A quotient of 0 has the sign of the exact
 * one, as in Python. */
static bool floored_floats(struct evaluation *evaluation, bool quotient, const struct value *left, const struct value *right,
			   struct value *result)
{
	const double *lefts = value_doubles(evaluation, left), *rights = value_doubles(evaluation, right);
	double *out = value_make_like(evaluation, result, DATATYPE_FP64, left);
	if (!lefts || !rights || !out)
		return false;
	result->width = left->width | right->width;
	for (size_t i = 0; i < left->count; i++) {
		double a = lefts[i], b = rights[i];
		if (b == 0.0)
			return evaluation_fail(evaluation, "%s by 0; write where(b != 0, %s(a, b), 0)", quotient ? "div" : "mod",
					       quotient ? "div" : "mod");
		double rest = fmod(a, b);
		double floor = (a - rest) / b;
		if (rest != 0.0 && (rest < 0.0) != (b < 0.0)) {
			rest += b;
			floor -= 1.0;
		}
		if (quotient)
			out[i] = floor == 0.0 ? copysign(0.0, a / b) : nearbyint(floor);
		else
			out[i] = rest == 0.0 ? copysign(0.0, b) : rest;
	}
	return true;
}

bool operate_floored(struct evaluation *evaluation, bool quotient, const struct value *left, const struct value *right,
		     struct value *result)
{
	struct value a = *left, b = *right;
	if (!operands_spread(evaluation, &a, &b))
		return false;
	return value_is_float(&a) || value_is_float(&b) ? floored_floats(evaluation, quotient, &a, &b, result)
							: floored_integers(evaluation, quotient, &a, &b, result);
}

/* ---- texts ---- */

static bool join_texts(struct evaluation *evaluation, const struct value *left, const struct value *right, struct value *result)
{
	struct value a = *left, b = *right;
	if (!operands_spread(evaluation, &a, &b))
		return false;
	const struct text *lefts = value_texts(&a), *rights = value_texts(&b);
	struct text *out = value_make_like(evaluation, result, DATATYPE_BYTES, &a);
	for (size_t i = 0; out && i < a.count; i++) {
		size_t length = lefts[i].length + rights[i].length;
		char *bytes = arena_take_raw(evaluation->arena, length);
		if (!bytes)
			return evaluation_full(evaluation);
		if (lefts[i].length)
			memcpy(bytes, lefts[i].bytes, lefts[i].length);
		if (rights[i].length)
			memcpy(bytes + lefts[i].length, rights[i].bytes, rights[i].length);
		out[i] = (struct text){bytes, length};
	}
	return out;
}

/* ---- the operators ---- */

bool operate_arithmetic(struct evaluation *evaluation, enum operator_kind operation, const struct value *left,
			const struct value *right, bool last, struct value *result)
{
	bool floats = value_is_float(left) ? value_is_number(right) : value_is_float(right) && value_is_number(left);
	if (__builtin_expect(floats && operation != OPERATOR_POWER, 1)) {
		bool narrow = last && (left->width | right->width) == WIDTH_NARROW;
		return operands_run(evaluation, (narrow ? arithmetic_floats : arithmetic_doubles)[operation - OPERATOR_ADD],
				    narrow ? DATATYPE_FP32 : DATATYPE_FP64, left, right, result);
	}
	if (value_is_number(left) && value_is_number(right)) {
		if (operation == OPERATOR_DIVIDE)
			return operands_run(evaluation, arithmetic_doubles[ARITHMETIC_DIVIDE], DATATYPE_FP64, left, right, result);
		if (value_is_float(left) || value_is_float(right))
			return power_floats(evaluation, left, right, result);
		return arithmetic_integers(evaluation, operation, left, right, result);
	}
	bool texts = left->storage == DATATYPE_BYTES && right->storage == DATATYPE_BYTES;
	if (operation == OPERATOR_ADD && texts)
		return join_texts(evaluation, left, right, result);
	return operands_refuse(evaluation, operation, operation == OPERATOR_ADD ? "two numbers or two texts" : "two numbers", left,
			       right);
}

bool operate_negate(struct evaluation *evaluation, const struct value *operand, struct value *result)
{
	struct value in = *operand;
	if (value_is_float(&in)) {
		const double *numbers = value_doubles(evaluation, &in);
		double *out = value_make_like(evaluation, result, DATATYPE_FP64, &in);
		for (size_t i = 0; numbers && out && i < in.count; i++)
			out[i] = -numbers[i];
		result->width = in.width;
		return numbers && out;
	}
	if (!value_is_integer(&in))
		return evaluation_fail_of_class(
			evaluation, NULL, "`-` takes a number, and this is %s; write number(x) for a text with a number in it",
			value_text(evaluation, &in));
	const int64_t *numbers = value_signed(evaluation, &in);
	int64_t *out = value_make_like(evaluation, result, DATATYPE_INT64, &in);
	for (size_t i = 0; numbers && out && i < in.count; i++) {
		wide_integer number = -wide_at(&in, numbers, i);
		if (!expression_operators_fits(number, false))
			return refuse_overflow(evaluation, OPERATOR_NEGATE, false);
		out[i] = (int64_t)number;
	}
	result->width = in.width;
	return numbers && out;
}
