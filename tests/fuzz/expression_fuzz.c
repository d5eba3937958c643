/* expression_fuzz.c: any text as an expression. What compiles is evaluated over one
 * message, twice, to the same bytes; and what the check says of its type, with all
 * tensors known, is true of the value.
 *
 * seeds: tests/data/expressions/example*.txt
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "compiler/expression/expression.h"

#define LASTING_BYTES ((size_t)16 << 20)
#define ARENA_BYTES ((size_t)1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NAMED(text) .name = {text, sizeof text - 1}
#define SHAPE(...)                                                                                                                 \
	.shape = (const int64_t[])                                                                                                 \
	{                                                                                                                          \
		__VA_ARGS__                                                                                                        \
	}

static const struct parameter columns = {NAMED("columns"), .type = PARAMETER_TEXT, .value.text = {"a,b,c", 5}};
static const struct tensor tensors[] = {
	{NAMED("x"), SHAPE(1, 3), .rank = 2, .data = (const float[]){1, -2.5f, 4}, .count = 3, .datatype = DATATYPE_FP32,
	 .parameters = {1, &columns}},
	{NAMED("m"), SHAPE(2, 3), .rank = 2, .data = (const double[]){1, 2, 3, NAN, 5, INFINITY}, .count = 6,
	 .datatype = DATATYPE_FP64},
	{NAMED("d"), SHAPE(0), .rank = 0, .data = (const double[]){0.1}, .count = 1, .datatype = DATATYPE_FP64},
	{NAMED("i"), SHAPE(3), .rank = 1, .data = (const int32_t[]){-7, 0, 7}, .count = 3, .datatype = DATATYPE_INT32},
	{NAMED("j"), SHAPE(1), .rank = 1, .data = (const int64_t[]){INT64_MIN}, .count = 1, .datatype = DATATYPE_INT64},
	{NAMED("u"), SHAPE(2), .rank = 1, .data = (const uint64_t[]){5, UINT64_MAX}, .count = 2, .datatype = DATATYPE_UINT64},
	{NAMED("s"), SHAPE(2), .rank = 1, .data = (const struct text[]){{"buy", 3}, {"\xFF\0", 2}}, .count = 2,
	 .datatype = DATATYPE_BYTES},
	{NAMED("b"), SHAPE(3), .rank = 1, .data = (const uint8_t[]){1, 0, 1}, .count = 3, .datatype = DATATYPE_BOOL},
	{NAMED("h"), SHAPE(2), .rank = 1, .data = (const uint16_t[]){0x3800, 0x7C00}, .count = 2, .datatype = DATATYPE_FP16},
	{NAMED("e"), SHAPE(0, 3), .rank = 2, .data = (const float[]){0}, .count = 0, .datatype = DATATYPE_FP32},
	{NAMED("c"), SHAPE(2), .rank = 1, .data = (const int8_t[]){-128, 127}, .count = 2, .datatype = DATATYPE_INT8},
};

#define TENSORS (sizeof tensors / sizeof *tensors)

static const struct tensor *items[TENSORS];
static struct arena *lasting;
static struct arena *first_arena;
static struct arena *second_arena;

static bool type_of(void *context, const struct expression_name *name, struct value_type *type, const char **suggest)
{
	(void)context;
	(void)suggest;
	const struct tensor *tensor = tensors_find((struct tensors){TENSORS, items}, name->name);
	if (name->owner.length)
		return true;
	if (!tensor)
		return false;
	type->datatype_known = true;
	type->datatype = tensor->datatype;
	type->shape_known = true;
	type->rank = tensor->rank;
	for (uint32_t axis = 0; axis < tensor->rank; axis++)
		type->shape[axis] = tensor->shape[axis];
	return true;
}

static bool same_bytes(const struct tensor *a, const struct tensor *b)
{
	if (a->datatype != b->datatype || a->rank != b->rank || a->count != b->count)
		return false;
	if (a->rank && memcmp(a->shape, b->shape, a->rank * sizeof *a->shape) != 0)
		return false;
	if (a->datatype != DATATYPE_BYTES)
		return memcmp(a->data, b->data, tensor_size_bytes(a)) == 0;
	for (size_t i = 0; i < a->count; i++)
		if (!text_equal(((const struct text *)a->data)[i], ((const struct text *)b->data)[i]))
			return false;
	return true;
}

static bool fits_type(const struct tensor *value, const struct value_type *type)
{
	if (type->datatype_known && type->datatype != value->datatype)
		return false;
	if (!type->shape_known)
		return true;
	if (type->rank != value->rank)
		return false;
	for (uint32_t axis = 0; axis < value->rank; axis++)
		if (type->shape[axis] >= 0 && type->shape[axis] != value->shape[axis])
			return false;
	return true;
}

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

static void evaluate(const struct expression *expression)
{
	const struct message message = {.id = TEXT("r-1"),
					.key = TEXT("K1"),
					.time_ms = INT64_C(1709214330250),
					.headers = {1, &(const struct header){{"x-user", 6}, {"ann", 3}}},
					.payload = {.tensors = {TENSORS, items}}};
	const struct scope scope = {.message = &message, .payload = &message.payload, .pipeline = "p", .step = "s"};
	const struct expression_types types = {NULL, type_of};
	struct error error = {0}, again = {0}, unsound = {0};
	struct value_type type;
	bool holds;
	const struct tensor *value = expression_evaluate(expression, &scope, first_arena, &error);
	const struct tensor *same = expression_evaluate(expression, &scope, second_arena, &again);
	must((value != NULL) == (same != NULL) && error.kind == again.kind, "two evaluations end alike");
	must(value ? error.kind == ERROR_NONE : error.kind == ERROR_INPUT || error.kind == ERROR_LIMIT,
	     "a failure is INPUT or LIMIT");
	must(!value || same_bytes(value, same), "two evaluations give the same bytes");
	if (value && expression_check(expression, &types, lasting, &type, &unsound))
		must(fits_type(value, &type), "the check's type is the value's");
	error.kind = ERROR_NONE;
	(void)expression_judge(expression, &scope, second_arena, &holds, &error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!lasting) {
		lasting = arena_open(LASTING_BYTES);
		first_arena = arena_open(ARENA_BYTES);
		second_arena = arena_open(ARENA_BYTES);
		for (size_t i = 0; i < TENSORS; i++)
			items[i] = &tensors[i];
	}
	const unsigned uses[] = {USE_MESSAGE, USE_MESSAGE | USE_TRAILING, USE_MESSAGE | USE_WINDOW, USE_OPERATION | USE_FEEDBACK};
	struct error error = {0};
	unsigned use = uses[size ? data[0] & 3 : 0];
	arena_reset(lasting);
	arena_reset(first_arena);
	arena_reset(second_arena);
	const struct expression *expression =
		expression_compile(lasting, (struct text){size ? (const char *)data + 1 : "", size ? size - 1 : 0},
				   (struct place){"f", 1, 1}, use, &error);
	must(expression ? error.kind == ERROR_NONE : error.kind == ERROR_CONFIG || error.kind == ERROR_SYSTEM,
	     "a refusal is CONFIG");
	must(expression || error.place.column >= 1, "a refusal has a place");
	if (expression)
		evaluate(expression);
	return 0;
}
