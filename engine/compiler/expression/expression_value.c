/* expression_value.c: Values, their conversions and their shapes; see expression_value.h. */
#include "compiler/expression/expression_value.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "message/provenance.h"
#include "compiler/expression/expression_run.h"

/* Sets the error at the current instruction. False: a failure is expected, and gets no text. */
static bool expression_value_explain(struct evaluation *evaluation, const char *format, va_list arguments)
{
	char words[ERROR_TEXT_MAX];
	if (evaluation->quiet)
		return false;
	vsnprintf(words, sizeof words, format, arguments);
	error_set(evaluation->error, ERROR_INPUT, expression_place_at(evaluation->expression, evaluation->instruction->node->at),
		  "%s", words);
	return true;
}

bool evaluation_fail(struct evaluation *evaluation, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	(void)expression_value_explain(evaluation, format, arguments);
	va_end(arguments);
	return false;
}

bool evaluation_fail_of_tensor(struct evaluation *evaluation, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	if (expression_value_explain(evaluation, format, arguments))
		evaluation->error->of_tensor = true;
	va_end(arguments);
	return false;
}

bool evaluation_fail_of_class(struct evaluation *evaluation, const struct expression_node *culprit, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	const bool explained = expression_value_explain(evaluation, format, arguments);
	va_end(arguments);
	if (!explained)
		return false;
	evaluation->error->of_tensor = true;
	return reply_blamed(evaluation->error,
			    expression_model(evaluation->expression, culprit ? culprit : evaluation->instruction->node,
					     evaluation->scope));
}

bool evaluation_fail_of_name(struct evaluation *evaluation, const char *format, ...)
{
	va_list arguments;
	evaluation->missing = true;
	va_start(arguments, format);
	if (!evaluation->missing_expected)
		(void)expression_value_explain(evaluation, format, arguments);
	va_end(arguments);
	return false;
}

bool evaluation_full(struct evaluation *evaluation)
{
	return error_memory(evaluation->error, ERROR_LIMIT, "evaluating an expression");
}

bool evaluation_spent(struct evaluation *evaluation)
{
	evaluation->work = EVALUATION_WORK_MAX + 1;
	return error_set(evaluation->error, ERROR_LIMIT,
			 expression_place_at(evaluation->expression, evaluation->instruction->node->at),
			 "this expression needs more than the %llu units of work that one evaluation may use (one for an element "
			 "or a byte of a text, each time it is processed); send less at once, or simplify the expression",
			 (unsigned long long)EVALUATION_WORK_MAX);
}

const char *value_text(struct evaluation *evaluation, const struct value *value)
{
	struct tensor shown = {.shape = value->shape, .datatype = (enum datatype)value->storage, .rank = value->rank};
	return tensor_type_text(evaluation->arena, &shown);
}

/* ---- conversions ---- */

#define CONVERT(type, expression)                                                                                                  \
	do {                                                                                                                       \
		const type *items = value->data;                                                                                   \
		for (size_t i = 0; i < value->count; i++)                                                                          \
			out[i] = (expression);                                                                                     \
	} while (0)

/* The cases of a switch that both kinds of numbers have: what fits either exactly. */
#define CONVERT_NARROW														   \
	case DATATYPE_INT32:													   \
		CONVERT(int32_t, items[i]);											   \
		break;														   \
	case DATATYPE_UINT32:													   \
		CONVERT(uint32_t, items[i]);											   \
		break;														   \
	case DATATYPE_INT16:													   \
		CONVERT(int16_t, items[i]);											   \
		break;														   \
	case DATATYPE_UINT16:													   \
		CONVERT(uint16_t, items[i]);											   \
		break;														   \
	case DATATYPE_INT8:													   \
		CONVERT(int8_t, items[i]);											   \
		break;														   \
	case DATATYPE_UINT8:													   \
		CONVERT(uint8_t, items[i]);											   \
		break;														   \
	case DATATYPE_BOOL:													   \
		CONVERT(uint8_t, items[i] != 0);										   \
		break;

const double *value_doubles(struct evaluation *evaluation, const struct value *value)
{
	if (value->storage == DATATYPE_FP64)
		return value->data;
	double *out = arena_take_raw(evaluation->arena, value->count * sizeof *out);
	if (!out)
		return error_null(evaluation_full(evaluation));
	switch ((enum datatype)value->storage) {
	case DATATYPE_FP32:
		floats_widen(out, value->data, value->count);
		break;
	case DATATYPE_FP16:
		CONVERT(uint16_t, (double)half_to_float(items[i]));
		break;
	case DATATYPE_BF16:
		CONVERT(uint16_t, (double)bfloat_to_float(items[i]));
		break;
	case DATATYPE_INT64:
		CONVERT(int64_t, (double)items[i]);
		break;
	case DATATYPE_UINT64:
		CONVERT(uint64_t, (double)items[i]);
		break;
	CONVERT_NARROW
	case DATATYPE_FP64:
	case DATATYPE_BYTES:
	case DATATYPE_COUNT:
		break;
	}
	return out;
}

/* Widening keeps every value; UINT64 is passed on as the same 64 bits. */
const int64_t *value_signed(struct evaluation *evaluation, const struct value *value)
{
	if (value->storage == DATATYPE_INT64 || value->storage == DATATYPE_UINT64)
		return value->data;
	int64_t *out = arena_take_raw(evaluation->arena, value->count * sizeof *out);
	if (!out)
		return error_null(evaluation_full(evaluation));
	switch ((enum datatype)value->storage) {
	CONVERT_NARROW
	default:
		break;
	}
	return out;
}

const uint8_t *value_truths(struct evaluation *evaluation, const struct value *value)
{
	if (value->storage == DATATYPE_BOOL)
		return value->data;
	if (value->storage == DATATYPE_BYTES)
		return error_null(evaluation_fail_of_class(evaluation, NULL,
							   "a text is neither true nor false; compare it, as in x == \"yes\""));
	uint8_t *out = arena_take_raw(evaluation->arena, value->count);
	if (!out)
		return error_null(evaluation_full(evaluation));
	if (value_is_float(value)) {
		const double *numbers = value_doubles(evaluation, value);
		for (size_t i = 0; numbers && i < value->count; i++)
			out[i] = numbers[i] != 0.0 && !isnan(numbers[i]);
		return numbers ? out : NULL;
	}
	const int64_t *numbers = value_signed(evaluation, value);
	for (size_t i = 0; numbers && i < value->count; i++)
		out[i] = numbers[i] != 0;
	return numbers ? out : NULL;
}

/* ---- making ---- */

/* The product of a shape; false and an error if it has too many elements. The error is not zeroed, which would cost more than the
 * product. */
static bool count_of_shape(struct evaluation *evaluation, const int64_t *shape, uint32_t rank, size_t *count)
{
	struct error refused;
	refused.kind = ERROR_NONE;
	return shape_count(TEXT("of the result"), shape, rank, count, &refused) || evaluation_fail(evaluation, "%s", refused.text);
}

void *value_make(struct evaluation *evaluation, struct value *result, enum datatype storage, const int64_t *shape, uint32_t rank)
{
	size_t count;
	if (rank == 0)
		return value_make_single(evaluation, result, storage);
	if (!count_of_shape(evaluation, shape, rank, &count))
		return NULL;
	int64_t *kept = arena_take_raw(evaluation->arena, (rank + 1) * sizeof *kept);
	evaluation->work += count;
	void *elements = arena_take_raw(evaluation->arena, count * datatype_stride(storage));
	if (!kept || !elements)
		return error_null(evaluation_full(evaluation));
	for (uint32_t i = 0; i < rank; i++)
		kept[i] = shape[i];
	*result = (struct value){.data = elements, .shape = kept, .count = count, .rank = rank, .storage = (uint8_t)storage};
	return elements;
}

/* ---- shapes ---- */

static bool shapes_equal(const int64_t *a, uint32_t a_rank, const int64_t *b, uint32_t b_rank)
{
	if (a_rank != b_rank)
		return false;
	for (uint32_t i = 0; i < a_rank; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

static bool join_two(struct joint_shape *joint, const struct value *value)
{
	uint32_t rank = joint->rank > value->rank ? joint->rank : value->rank;
	int64_t shape[TENSOR_RANK_MAX];
	for (uint32_t i = 1; i <= rank; i++) {
		int64_t a = i <= joint->rank ? joint->shape[joint->rank - i] : 1;
		int64_t b = i <= value->rank ? value->shape[value->rank - i] : 1;
		if (a != b && a != 1 && b != 1)
			return false;
		shape[rank - i] = a == 1 ? b : a;
	}
	/* cppcheck-suppress uninitvar; of rank 0 nothing is copied */
	memcpy(joint->room, shape, rank * sizeof *shape);
	joint->shape = joint->room;
	joint->rank = rank;
	return true;
}

bool shapes_join(struct evaluation *evaluation, const struct value *const *values, size_t count, struct joint_shape *joint)
{
	joint->shape = values[0]->shape;
	joint->rank = values[0]->rank;
	joint->count = values[0]->count;
	for (size_t i = 1; i < count; i++) {
		const struct value *value = values[i];
		if (value->count == 1 && value->rank <= joint->rank)
			continue;
		if (joint->count == 1 && joint->rank <= value->rank) {
			joint->shape = value->shape;
			joint->rank = value->rank;
			joint->count = value->count;
			continue;
		}
		if (shapes_equal(joint->shape, joint->rank, value->shape, value->rank))
			continue;
		struct value before = {.shape = joint->shape, .rank = joint->rank, .storage = values[0]->storage};
		if (!join_two(joint, value))
			return evaluation_fail_of_tensor(evaluation,
							 "the shapes of %s and %s do not fit; each dimension must be equal or 1",
							 value_text(evaluation, &before), value_text(evaluation, value));
		if (!count_of_shape(evaluation, joint->shape, joint->rank, &joint->count))
			return false;
	}
	return true;
}

/* By how many elements of `value` each dimension of the joint shape advances; 0 in a dimension of size 1, which repeats. */
static void spread_offsets(const struct value *value, const struct joint_shape *joint, size_t *steps)
{
	size_t step = 1;
	for (uint32_t i = 1; i <= joint->rank; i++) {
		bool has = i <= value->rank;
		int64_t size = has ? value->shape[value->rank - i] : 1;
		steps[joint->rank - i] = size == 1 ? 0 : step;
		step *= (size_t)size;
	}
}

bool value_spread(struct evaluation *evaluation, struct value *value, const struct joint_shape *joint)
{
	if (shapes_equal(value->shape, value->rank, joint->shape, joint->rank))
		return true;
	size_t stride = datatype_stride((enum datatype)value->storage);
	struct value spread;
	unsigned char *out = value_make(evaluation, &spread, (enum datatype)value->storage, joint->shape, joint->rank);
	if (!out)
		return false;
	size_t steps[TENSOR_RANK_MAX] = {0};
	int64_t position[TENSOR_RANK_MAX] = {0};
	spread_offsets(value, joint, steps);
	const unsigned char *in = value->data;
	size_t offset = 0;
	for (size_t i = 0; i < joint->count; i++) {
		memcpy(out + i * stride, in + offset * stride, stride);
		for (uint32_t axis = joint->rank; axis-- > 0;) {
			offset += steps[axis];
			if (++position[axis] < joint->shape[axis])
				break;
			offset -= steps[axis] * (size_t)joint->shape[axis];
			position[axis] = 0;
		}
	}
	spread.width = value->width;
	spread.fits_any = value->fits_any;
	*value = spread;
	return true;
}

/* ---- single elements ---- */

bool value_one_integer(struct evaluation *evaluation, const struct value *value, const char *what, int64_t *number)
{
	if (!value_is_integer(value) || value->count != 1)
		return evaluation_fail_of_tensor(evaluation,
						 "%s takes one integer, and this is %s; write cast(x, INT64), or pick one element",
						 what, value_text(evaluation, value));
	const int64_t *integer = value_signed(evaluation, value);
	if (!integer)
		return false;
	if (value->storage == DATATYPE_UINT64 && *integer < 0)
		return evaluation_fail(evaluation, "%s takes an integer of at most 9223372036854775807", what);
	*number = *integer;
	return true;
}

bool value_holds(struct evaluation *evaluation, const struct value *value, bool *holds)
{
	if (value->count != 1)
		return evaluation_fail_of_tensor(
			evaluation, "a condition has one element, and this is %s; write any(...) or all(...) around it",
			value_text(evaluation, value));
	const uint8_t *truth = value_truths(evaluation, value);
	if (truth)
		*holds = *truth != 0;
	return truth;
}

struct value_type type_of_datatype(enum datatype datatype)
{
	static const enum value_class classes[] = {
		[CLASS_BOOL] = VALUE_BOOL,   [CLASS_UNSIGNED] = VALUE_INTEGER, [CLASS_SIGNED] = VALUE_INTEGER,
		[CLASS_FLOAT] = VALUE_FLOAT, [CLASS_BYTES] = VALUE_TEXT,
	};
	return (struct value_type){.class = classes[datatype_rows[datatype].class], .datatype_known = true, .datatype = datatype};
}
