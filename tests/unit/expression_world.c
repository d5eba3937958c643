/* expression_world.c: see expression_world.h. */
#include "tests/unit/expression_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/number/number.h"
#include "base/suggest.h"

#define WORLD_BYTES ((size_t)8 << 20)

static const struct tensor tensor_x = {.name = {"x", 1},
				       .shape = (const int64_t[]){1, 3},
				       .data = (const float[]){1, 2, 4},
				       .count = 3,
				       .datatype = DATATYPE_FP32,
				       .rank = 2,
				       .parameters = {1, &(const struct parameter){.name = {"columns", 7},
										   .type = PARAMETER_TEXT,
										   .value.text = {"open,high,volume", 16}}}};

/* As Seldon's protocol names columns; the last name needs an escape. */
static const struct tensor tensor_named = {
	.name = {"named", 5},
	.shape = (const int64_t[]){2, 3},
	.data = (const double[]){1, 2, 3, 4, 5, 6},
	.count = 6,
	.datatype = DATATYPE_FP64,
	.rank = 2,
	.parameters = {1, &(const struct parameter){.name = {"names", 5},
						    .type = PARAMETER_TEXT,
						    .value.text = {"[\"open\", \"a,b\", \"sa\\u0079\"]", 27}}}};

static const struct tensor tensor_made = {
	.name = {"made", 4}, .shape = (const int64_t[]){0}, .data = (const int64_t[]){42}, .count = 1, .datatype = DATATYPE_INT64};
static const struct tensor tensor_x2 = {.name = {"x2", 2},
					.shape = (const int64_t[]){1, 3},
					.data = (const float[]){2, 4, 8},
					.count = 3,
					.datatype = DATATYPE_FP32,
					.rank = 2};
static const struct tensor tensor_m = {.name = {"m", 1},
				       .shape = (const int64_t[]){2, 3},
				       .data = (const double[]){1, 2, 3, 4, 5, 6},
				       .count = 6,
				       .datatype = DATATYPE_FP64,
				       .rank = 2};
static const struct tensor tensor_d = {
	.name = {"d", 1}, .shape = (const int64_t[]){0}, .data = (const double[]){0.1}, .count = 1, .datatype = DATATYPE_FP64};
static const struct tensor tensor_n = {.name = {"n", 1},
				       .shape = (const int64_t[]){4},
				       .data = (const double[]){3, __builtin_nan(""), 1, 2},
				       .count = 4,
				       .datatype = DATATYPE_FP64,
				       .rank = 1};
static const struct tensor tensor_i = {.name = {"i", 1},
				       .shape = (const int64_t[]){3},
				       .data = (const int32_t[]){-7, 0, 7},
				       .count = 3,
				       .datatype = DATATYPE_INT32,
				       .rank = 1};
static const struct tensor tensor_u = {.name = {"u", 1},
				       .shape = (const int64_t[]){2},
				       .data = (const uint64_t[]){5, UINT64_MAX},
				       .count = 2,
				       .datatype = DATATYPE_UINT64,
				       .rank = 1};
static const struct tensor tensor_big = {.name = {"big", 3},
					 .shape = (const int64_t[]){1},
					 .data = (const int64_t[]){INT64_MAX},
					 .count = 1,
					 .datatype = DATATYPE_INT64,
					 .rank = 1};
static const struct tensor tensor_s = {.name = {"s", 1},
				       .shape = (const int64_t[]){2},
				       .data = (const struct text[]){{"buy", 3}, {"sell", 4}},
				       .count = 2,
				       .datatype = DATATYPE_BYTES,
				       .rank = 1};
static const struct tensor tensor_b = {.name = {"b", 1},
				       .shape = (const int64_t[]){3},
				       .data = (const uint8_t[]){1, 0, 1},
				       .count = 3,
				       .datatype = DATATYPE_BOOL,
				       .rank = 1};
static const struct tensor tensor_h = {.name = {"h", 1},
				       .shape = (const int64_t[]){2},
				       .data = (const uint16_t[]){0x3800, 0x3E00},
				       .count = 2,
				       .datatype = DATATYPE_FP16,
				       .rank = 1};
static const struct tensor tensor_e = {.name = {"e", 1},
				       .shape = (const int64_t[]){0},
				       .data = (const float[]){0},
				       .count = 0,
				       .datatype = DATATYPE_FP32,
				       .rank = 1};
static const struct tensor tensor_market = {.name = {"market-data", 11},
					    .shape = (const int64_t[]){1},
					    .data = (const float[]){7},
					    .count = 1,
					    .datatype = DATATYPE_FP32,
					    .rank = 1};
static const struct tensor tensor_drift = {.name = {"drift_score", 11},
					   .shape = (const int64_t[]){0},
					   .data = (const double[]){0.25},
					   .count = 1,
					   .datatype = DATATYPE_FP64};
static const struct tensor tensor_y = {.name = {"y", 1},
				       .shape = (const int64_t[]){1},
				       .data = (const float[]){9},
				       .count = 1,
				       .datatype = DATATYPE_FP32,
				       .rank = 1};

static const struct tensor *const world_made[] = {&tensor_made, &tensor_x2};
static const struct tensor *const world_marks[] = {&tensor_drift};
static const struct tensor *const world_tensors[] = {
	&tensor_x,   &tensor_named, &tensor_m, &tensor_d, &tensor_n, &tensor_i,	&tensor_u,
	&tensor_big, &tensor_s,     &tensor_b, &tensor_h, &tensor_e, &tensor_market,
};

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static bool step_tensor(const void *context, struct text step, struct text tensor, const struct tensor **found)
{
	(void)context;
	if (!text_is(step, "first"))
		return false;
	*found = text_is(tensor, "y") ? &tensor_y : NULL;
	return true;
}

void world_open(struct world *world)
{
	static const struct header headers[] = {{{"X-User", 6}, {"ann", 3}}};
	static const struct parameter parameters[] = {
		{.name = {"level", 5}, .type = PARAMETER_INTEGER, .value.integer = 3},
		{.name = {"who", 3}, .type = PARAMETER_TEXT, .value.text = {"bob", 3}},
		{.name = {"share", 5}, .type = PARAMETER_NUMBER, .value.number = 0.5},
		{.name = {"on", 2}, .type = PARAMETER_FLAG, .value.flag = true},
	};
	*world = (struct world){.arena = arena_open(WORLD_BYTES)};
	world->message = (struct message){.arena = world->arena,
					  .id = TEXT("r-1"),
					  .key = TEXT("K1"),
					  .time_ms = INT64_C(1709214330250),
					  .headers = {1, headers}};
	world->message.payload = (struct payload){.tensors = {COUNT_OF(world_tensors), world_tensors},
						  .marks = {COUNT_OF(world_marks), world_marks},
						  .parameters = {COUNT_OF(parameters), parameters}};
	world->made = (struct tensors){COUNT_OF(world_made), world_made};
	world->scope = (struct scope){.message = &world->message,
				      .made = &world->made,
				      .payload = &world->message.payload,
				      .step_tensor = step_tensor,
				      .pipeline = "trading",
				      .step = "clean"};
}

void world_close(struct world *world)
{
	arena_close(world->arena);
}

/* ---- showing ---- */

static void show_element(struct buffer *out, const struct tensor *tensor, size_t index)
{
	char digits[NUMBER_TEXT_MAX];
	enum datatype_class class = datatype_rows[tensor->datatype].class;
	if (tensor->datatype == DATATYPE_BYTES)
		buffer_print(out, " \"" TEXT_FORMAT "\"", TEXT_ARGUMENTS(((const struct text *)tensor->data)[index]));
	else if (tensor->datatype == DATATYPE_BOOL)
		buffer_string(out, ((const uint8_t *)tensor->data)[index] ? " true" : " false");
	else if (tensor->datatype == DATATYPE_INT64)
		buffer_print(out, " %lld", (long long)((const int64_t *)tensor->data)[index]);
	else if (tensor->datatype == DATATYPE_UINT64)
		buffer_print(out, " %llu", (unsigned long long)((const uint64_t *)tensor->data)[index]);
	else if (class == CLASS_FLOAT && tensor->datatype == DATATYPE_FP64)
		buffer_print(out, " %.*s", (int)number_write_double(digits, tensor_number(tensor, index)), digits);
	else if (class == CLASS_FLOAT)
		buffer_print(out, " %.*s", (int)number_write_float(digits, (float)tensor_number(tensor, index)), digits);
	else
		buffer_print(out, " %.0f", tensor_number(tensor, index));
}

const char *world_show(struct world *world, const struct tensor *tensor)
{
	struct buffer out;
	buffer_open(&out, (size_t)1 << 20);
	buffer_string(&out, tensor_type_text(world->arena, tensor));
	for (size_t i = 0; i < tensor->count; i++)
		show_element(&out, tensor, i);
	const char *shown = arena_copy(world->arena, out.bytes, out.length);
	buffer_close(&out);
	return shown;
}

static const char *show_error(struct world *world, const struct error *error)
{
	return arena_print(world->arena, "%s %u:%u %s", error_kind_name(error->kind), error->place.line, error->place.column,
			   error->text);
}

static const struct expression *compile(struct world *world, const char *source, unsigned uses, struct error *error)
{
	return expression_compile(world->arena, text_of(source), (struct place){"p.yaml", 1, 1}, uses, error);
}

const char *world_evaluate(struct world *world, const char *source)
{
	struct error error = {0};
	const struct expression *expression = compile(world, source, USE_MESSAGE, &error);
	const struct tensor *value = expression ? expression_evaluate(expression, &world->scope, world->arena, &error) : NULL;
	return value ? world_show(world, value) : show_error(world, &error);
}

const char *world_judge(struct world *world, const char *source)
{
	struct error error = {0};
	bool holds;
	const struct expression *expression = compile(world, source, USE_MESSAGE, &error);
	if (!expression || !expression_judge(expression, &world->scope, world->arena, &holds, &error))
		return show_error(world, &error);
	return holds ? "true" : "false";
}

const char *world_compile(struct world *world, const char *source, unsigned uses)
{
	struct error error = {0};
	return compile(world, source, uses, &error) ? "" : show_error(world, &error);
}

static bool type_of(void *context, const struct expression_name *name, struct value_type *type, const char **suggest)
{
	struct world *world = context;
	struct suggestion suggestion = suggest_begin(name->name);
	const struct tensors lists[] = {world->made, world->message.payload.tensors, world->message.payload.marks};
	if (name->owner.length)
		return text_is(name->owner, "params") || text_is(name->owner, "request");
	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		const struct tensor *tensor = tensors_find(lists[i], name->name);
		if (tensor) {
			type->datatype_known = true;
			type->datatype = tensor->datatype;
			type->shape_known = true;
			type->rank = tensor->rank;
			for (uint32_t axis = 0; axis < tensor->rank; axis++)
				type->shape[axis] = tensor->shape[axis];
			return true;
		}
		for (size_t j = 0; j < lists[i].count; j++)
			suggest_offer(&suggestion, lists[i].items[j]->name);
	}
	*suggest = suggestion.nearest.bytes;
	return false;
}

const char *world_check(struct world *world, const char *source)
{
	static const char *const classes[] = {"unknown", "bool", "integer", "float", "text", "duration", "time"};
	struct error error = {0};
	const struct expression *expression = compile(world, source, USE_MESSAGE, &error);
	struct value_type type;
	const struct expression_types types = {world, type_of};
	if (!expression || !expression_check(expression, &types, world->arena, &type, &error))
		return show_error(world, &error);
	const char *shown = type.datatype_known ? datatype_rows[type.datatype].name : classes[type.class];
	if (!type.shape_known)
		return arena_print(world->arena, "%s ?", shown);
	for (uint32_t i = 0; i < type.rank; i++)
		shown = type.shape[i] < 0 ? arena_print(world->arena, "%s%s?", shown, i ? "," : "[")
					  : arena_print(world->arena, "%s%s%lld", shown, i ? "," : "[", (long long)type.shape[i]);
	return arena_print(world->arena, "%s%s", shown, type.rank ? "]" : "[]");
}

void world_hold(const char *(*ask)(struct world *world, const char *source), const struct world_row *rows, size_t count)
{
	size_t failed = 0;
	for (size_t i = 0; i < count; i++) {
		struct world world;
		world_open(&world);
		const char *value = ask(&world, rows[i].source);
		if (strcmp(value, rows[i].value) != 0) {
			print_error("%s\n  wanted %s\n  got    %s\n", rows[i].source, rows[i].value, value);
			failed++;
		}
		world_close(&world);
	}
	assert_int_equal(failed, 0);
}
