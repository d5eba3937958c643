/* seldon_tftensor.c: see seldon_tftensor.h. */
#include "message/formats/seldon_tftensor.h"

#include "base/base64.h"
#include "message/json/json_repeats.h"
#include "message/formats/raw.h"
#include "message/json/tensor_json.h"

#define REFUSE(scan, ...) error_set_tensor((scan)->error, PLACE_NONE, "data.tftensor: " __VA_ARGS__)

#define DTYPES_STEP                                                                                                                \
	"send DT_FLOAT, DT_DOUBLE, DT_INT8 to DT_INT64, DT_UINT8 to DT_UINT64, DT_HALF, DT_BFLOAT16, DT_BOOL or DT_STRING"

static const struct dtype_row {
	const char *name;
	int64_t number;
	enum datatype datatype;
	const char *list, *listed; /* its values, as JSON and as protobuf name them */
} dtype_rows[] = {
	{"DT_FLOAT", 1, DATATYPE_FP32, "floatVal", "float_val"},
	{"DT_DOUBLE", 2, DATATYPE_FP64, "doubleVal", "double_val"},
	{"DT_INT32", 3, DATATYPE_INT32, "intVal", "int_val"},
	{"DT_UINT8", 4, DATATYPE_UINT8, "intVal", "int_val"},
	{"DT_INT16", 5, DATATYPE_INT16, "intVal", "int_val"},
	{"DT_INT8", 6, DATATYPE_INT8, "intVal", "int_val"},
	{"DT_STRING", 7, DATATYPE_BYTES, "stringVal", "string_val"},
	{"DT_INT64", 9, DATATYPE_INT64, "int64Val", "int64_val"},
	{"DT_BOOL", 10, DATATYPE_BOOL, "boolVal", "bool_val"},
	{"DT_BFLOAT16", 14, DATATYPE_BF16, "halfVal", "half_val"},
	{"DT_UINT16", 17, DATATYPE_UINT16, "intVal", "int_val"},
	{"DT_HALF", 19, DATATYPE_FP16, "halfVal", "half_val"},
	{"DT_UINT32", 22, DATATYPE_UINT32, "uint32Val", "uint32_val"},
	{"DT_UINT64", 23, DATATYPE_UINT64, "uint64Val", "uint64_val"},
};

static bool out_of_memory(const struct json_scan *scan)
{
	return error_memory(scan->error, ERROR_LIMIT, "reading a SeldonMessage");
}

/* The member of that name, or of the other one; bytes NULL: there is none. `object` was checked. */
static struct text member_of(const struct json_scan *scan, struct text object, const char *name, const char *other)
{
	struct json_scan inside = json_again(scan, object);
	struct text key, span = {0};
	if (json_peek(&inside) != JSON_OBJECT)
		return span;
	json_enter(&inside);
	while (json_key(&inside, &key)) {
		if (text_is(key, name) || text_is(key, other))
			(void)json_span(&inside, &span);
		else
			(void)json_skip(&inside);
	}
	return span;
}

/* A whole number, which may stand in quotes. */
static bool read_whole(struct json_scan *scan, int64_t *number)
{
	struct decimal decimal;
	struct text text;
	if (json_peek(scan) == JSON_NUMBER)
		return json_number(scan, &decimal) && decimal_to_int64(&decimal, number);
	if (json_peek(scan) != JSON_STRING || !json_text(scan, &text))
		return false;
	return number_read_int64(text, number);
}

static const struct dtype_row *read_dtype(const struct json_scan *scan, struct text span)
{
	struct json_scan inside = json_again(scan, span.bytes ? span : TEXT("0"));
	const bool is_text = json_peek(&inside) == JSON_STRING;
	struct text name = {0};
	int64_t number = 0;
	if (is_text ? json_text(&inside, &name) : read_whole(&inside, &number))
		for (size_t i = 0; i < sizeof dtype_rows / sizeof *dtype_rows; i++)
			if (is_text ? text_is(name, dtype_rows[i].name) : number == dtype_rows[i].number)
				return &dtype_rows[i];
	if (!span.bytes)
		(void)REFUSE(scan, "it has no dtype; " DTYPES_STEP);
	else
		(void)REFUSE(scan, "the dtype " TEXT_FORMAT " is not taken; " DTYPES_STEP, TEXT_ARGUMENTS(span));
	return NULL;
}

static bool read_shape(const struct json_scan *scan, struct text span, int64_t shape[TENSOR_RANK_MAX], size_t *rank)
{
	struct text list = span.bytes ? member_of(scan, span, "dim", "dim") : span;
	struct json_scan inside = json_again(scan, list.bytes ? list : TEXT("[]"));
	*rank = 0;
	if (json_peek(&inside) != JSON_ARRAY)
		return REFUSE(scan, "tensorShape is not {\"dim\": [{\"size\": 2}, …]}");
	json_enter(&inside);
	while (json_item(&inside)) {
		struct text item, size;
		if (!json_span(&inside, &item))
			return false;
		size = member_of(scan, item, "size", "size");
		struct json_scan number = json_again(scan, size.bytes ? size : TEXT("0"));
		if (*rank == TENSOR_RANK_MAX || item.bytes[0] != '{' || !read_whole(&number, &shape[*rank]) || shape[*rank] < 0)
			return REFUSE(scan, "tensorShape has a dimension that is no size, or more than %d of them",
				      TENSOR_RANK_MAX);
		++*rank;
	}
	return !inside.failed;
}

/* The list without the quotes around its items. */
static bool list_unquote(struct json_scan *list, struct text *plain)
{
	char *to = arena_take_raw(list->arena, (size_t)(list->end - list->at) + 1), *at = to;
	struct text item;
	if (!to)
		return out_of_memory(list);
	*at++ = '[';
	json_enter(list);
	while (json_item(list)) {
		if (!(json_peek(list) == JSON_STRING ? json_text(list, &item) : json_span(list, &item)))
			return false;
		if (at > to + 1)
			*at++ = ',';
		memcpy(at, item.bytes, item.length);
		at += item.length;
	}
	*at++ = ']';
	*plain = (struct text){to, (size_t)(at - to)};
	return !list->failed;
}

static bool texts_decode(const struct json_scan *scan, const struct tensor *tensor)
{
	struct text *texts = (struct text *)(uintptr_t)tensor->data;
	for (size_t i = 0; i < tensor->count; i++)
		if (!base64_read_into(scan->arena, texts[i], &texts[i]))
			return arena_failed(scan->arena) ? out_of_memory(scan) : REFUSE(scan, "an item of stringVal is not base64");
	return true;
}

/* halfVal has the bits of each value, as a whole number. */
static enum datatype listed_datatype(enum datatype datatype)
{
	return datatype == DATATYPE_FP16 || datatype == DATATYPE_BF16 ? DATATYPE_UINT16 : datatype;
}

static bool list_read(const struct json_scan *scan, const struct dtype_row *dtype, struct text span, struct tensor *tensor)
{
	struct json_scan list = json_again(scan, span.bytes ? span : TEXT("[]")), items;
	struct json_scan counted = list;
	const size_t count = json_look_ahead(&counted, JSON_ARRAY, &items), stride = datatype_stride(dtype->datatype);
	const int64_t length = (int64_t)count;
	struct text plain;
	void *elements;
	if (json_peek(&list) != JSON_ARRAY)
		return REFUSE(scan, "%s is not a list", dtype->list);
	if (count > tensor->count || (count == 0 && tensor->count > 0))
		return REFUSE(scan, "%s has %zu values, and tensorShape asks for %zu", dtype->list, count, tensor->count);
	struct tensor *listed =
		tensor_make(scan->arena, tensor->name, listed_datatype(dtype->datatype), &length, 1, &elements, scan->error);
	if (!listed)
		return false;
	if (dtype->datatype == DATATYPE_INT64 || dtype->datatype == DATATYPE_UINT64) {
		if (!list_unquote(&list, &plain))
			return false;
		list = json_again(scan, plain);
	}
	if (!tensor_json_read(&list, listed) || (dtype->datatype == DATATYPE_BYTES && !texts_decode(scan, listed)))
		return false;
	if (count == tensor->count) {
		tensor->data = listed->data;
		return true;
	}
	char *filled = arena_take(scan->arena, tensor->count, stride);
	if (!filled)
		return out_of_memory(scan);
	memcpy(filled, listed->data, count * stride);
	for (size_t i = count; i < tensor->count; i++)
		memcpy(filled + i * stride, filled + (count - 1) * stride, stride);
	tensor->data = filled;
	return true;
}

static bool content_read(const struct json_scan *scan, struct text span, struct tensor *tensor)
{
	struct json_scan inside = json_again(scan, span);
	struct text text, raw;
	if (tensor->datatype == DATATYPE_BYTES)
		return REFUSE(scan, "a DT_STRING has no tensorContent; send stringVal");
	if (json_peek(&inside) != JSON_STRING || !json_text(&inside, &text))
		return REFUSE(scan, "tensorContent is not a string of base64");
	if (!base64_read_into(scan->arena, text, &raw))
		return arena_failed(scan->arena) ? out_of_memory(scan) : REFUSE(scan, "tensorContent is not base64");
	return raw_read(tensor, raw, scan->arena, scan->error);
}

const struct tensor *seldon_tftensor_read(const struct json_scan *scan, struct text span)
{
	struct json_scan object = json_again(scan, span);
	int64_t shape[TENSOR_RANK_MAX];
	struct text twice;
	size_t rank, count;
	if (json_peek(&object) != JSON_OBJECT || json_keys_repeat(object, &twice)) {
		(void)REFUSE(scan, "it is not an object, or has a key twice; send dtype, tensorShape and values");
		return NULL;
	}
	const struct dtype_row *dtype = read_dtype(scan, member_of(scan, span, "dtype", "dtype"));
	if (!dtype || !read_shape(scan, member_of(scan, span, "tensorShape", "tensor_shape"), shape, &rank) ||
	    !shape_count(TEXT("data.tftensor"), shape, rank, &count, scan->error))
		return NULL;
	struct tensor *tensor = arena_take_raw(scan->arena, sizeof *tensor + rank * sizeof *shape);
	if (!tensor) {
		(void)out_of_memory(scan);
		return NULL;
	}
	memcpy(tensor + 1, shape, rank * sizeof *shape);
	*tensor = (struct tensor){.name = TEXT("data"),
				  .shape = (const int64_t *)(tensor + 1),
				  .data = tensor,
				  .count = count,
				  .datatype = dtype->datatype,
				  .rank = (uint32_t)rank};
	struct text content = member_of(scan, span, "tensorContent", "tensor_content");
	if (content.bytes)
		return content_read(scan, content, tensor) ? tensor : NULL;
	return list_read(scan, dtype, member_of(scan, span, dtype->list, dtype->listed), tensor) ? tensor : NULL;
}
