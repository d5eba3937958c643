/* tensor_json.c: see tensor_json.h. */
#include "message/json/tensor_json.h"

#include <math.h>

#include "message/json/json_list.h"
#include "message/json/json_write.h"

/* --- reading ------------------------------------------------------------- */

struct tensor_json_reading {
	struct tensor *tensor;
	void *elements; /* the tensor's data, still to be written */
	size_t index;	/* of the next element */
};

#define EMPTY_LISTS_MAX ((size_t)1 << 20) /* without elements a shape may claim billions of lists */
#define QUOTED_MAX 40 /* bytes of a value that an error shows */

#define AND_WORDS ", and \"NaN\", \"Infinity\" and \"-Infinity\" as strings"

/* What a datatype takes, for errors. */
static const char *const taken[DATATYPE_COUNT] = {
	[DATATYPE_BOOL] = "true and false",
	[DATATYPE_UINT8] = "whole numbers from 0 to 255",
	[DATATYPE_UINT16] = "whole numbers from 0 to 65535",
	[DATATYPE_UINT32] = "whole numbers from 0 to 4294967295",
	[DATATYPE_UINT64] = "whole numbers from 0 to 18446744073709551615",
	[DATATYPE_INT8] = "whole numbers from -128 to 127",
	[DATATYPE_INT16] = "whole numbers from -32768 to 32767",
	[DATATYPE_INT32] = "whole numbers from -2147483648 to 2147483647",
	[DATATYPE_INT64] = "whole numbers from -9223372036854775808 to 9223372036854775807",
	[DATATYPE_FP16] = "numbers up to 65504 in size" AND_WORDS,
	[DATATYPE_FP32] = "numbers up to 3.4028235e38 in size" AND_WORDS,
	[DATATYPE_FP64] = "numbers up to 1.7976931348623157e308 in size" AND_WORDS,
	[DATATYPE_BYTES] = "strings",
	[DATATYPE_BF16] = "numbers up to 3.3895314e38 in size" AND_WORDS,
};

static bool tensor_json_refused(struct json_scan *scan, const struct tensor_json_reading *reading, struct text value)
{
	enum datatype datatype = reading->tensor->datatype;
	bool whole = value.length <= QUOTED_MAX;
	return error_set_tensor(scan->error, PLACE_NONE,
			 "tensor " TEXT_FORMAT ": element %zu of data is %.*s%s, at byte %zu; %s takes %s",
			 TEXT_ARGUMENTS(reading->tensor->name), reading->index, whole ? (int)value.length : QUOTED_MAX, value.bytes,
			 whole ? "" : "...", (size_t)(value.bytes - scan->begin), datatype_rows[datatype].name, taken[datatype]);
}

/* The value that stands next is of a type that this datatype does not take. */
static bool wrong_type(struct json_scan *scan, const struct tensor_json_reading *reading)
{
	struct text value;
	return json_span(scan, &value) && tensor_json_refused(scan, reading, value);
}

/* What stands for a float without being a decimal number. */
static bool read_special(struct json_scan *scan, const struct tensor_json_reading *reading, double *number)
{
	struct text word = {0};
	struct text value;
	enum json_type type = json_peek(scan);
	if (type == JSON_BARE)
		return json_bare(scan, number);
	*number = (double)NAN;
	if (type == JSON_NULL && scan->bare)
		return json_word(scan);
	if (type != JSON_STRING)
		return wrong_type(scan, reading);
	value.bytes = scan->at;
	if (!json_text(scan, &word))
		return false;
	if (json_number_named(word, number))
		return true;
	value.length = (size_t)(scan->at - value.bytes);
	return tensor_json_refused(scan, reading, value);
}

static bool read_float(struct tensor_json_reading *reading, struct json_scan *scan)
{
	enum datatype datatype = reading->tensor->datatype;
	struct decimal decimal;
	double number;
	if (json_peek(scan) != JSON_NUMBER) {
		if (!read_special(scan, reading, &number))
			return false;
		return tensor_store(reading->elements, datatype, reading->index, number);
	}
	if (!json_number(scan, &decimal))
		return false;
	bool infinite;
	if (datatype == DATATYPE_FP32) { /* rounded once, from the decimal */
		float narrow = decimal_to_float(&decimal);
		((float *)reading->elements)[reading->index] = narrow;
		infinite = isinf(narrow);
	} else {
		(void)tensor_store(reading->elements, datatype, reading->index, decimal_to_double(&decimal));
		infinite = isinf(tensor_number(reading->tensor, reading->index));
	}
	return !infinite || tensor_json_refused(scan, reading, decimal.source);
}

static inline void store_integer(const struct tensor_json_reading *reading, size_t size, uint64_t number)
{
	switch (size) {
	case 1:
		((uint8_t *)reading->elements)[reading->index] = (uint8_t)number;
		break;
	case 2:
		((uint16_t *)reading->elements)[reading->index] = (uint16_t)number;
		break;
	case 4:
		((uint32_t *)reading->elements)[reading->index] = (uint32_t)number;
		break;
	default:
		((uint64_t *)reading->elements)[reading->index] = number;
		break;
	}
}

static bool read_signed(struct tensor_json_reading *reading, struct json_scan *scan)
{
	struct decimal decimal;
	int64_t number;
	if (json_peek(scan) != JSON_NUMBER)
		return wrong_type(scan, reading);
	if (!json_number(scan, &decimal))
		return false;
	size_t size = datatype_rows[reading->tensor->datatype].size;
	int64_t most = INT64_MAX >> (64 - 8 * size);
	if (!decimal_to_int64(&decimal, &number) || number > most || number < -most - 1)
		return tensor_json_refused(scan, reading, decimal.source);
	store_integer(reading, size, (uint64_t)number);
	return true;
}

static bool read_unsigned(struct tensor_json_reading *reading, struct json_scan *scan)
{
	struct decimal decimal;
	uint64_t number;
	if (json_peek(scan) != JSON_NUMBER)
		return wrong_type(scan, reading);
	if (!json_number(scan, &decimal))
		return false;
	size_t size = datatype_rows[reading->tensor->datatype].size;
	if (!decimal_to_uint64(&decimal, &number) || number > UINT64_MAX >> (64 - 8 * size))
		return tensor_json_refused(scan, reading, decimal.source);
	store_integer(reading, size, number);
	return true;
}

static bool read_bool(struct tensor_json_reading *reading, struct json_scan *scan)
{
	enum json_type type = json_peek(scan);
	if (type != JSON_TRUE && type != JSON_FALSE)
		return wrong_type(scan, reading);
	((uint8_t *)reading->elements)[reading->index] = type == JSON_TRUE;
	return json_word(scan);
}

static bool read_bytes(struct tensor_json_reading *reading, struct json_scan *scan)
{
	if (json_peek(scan) != JSON_STRING)
		return wrong_type(scan, reading);
	return json_text(scan, &((struct text *)reading->elements)[reading->index]);
}

static bool too_many(struct json_scan *scan, const struct tensor *tensor)
{
	return error_set_tensor(scan->error, PLACE_NONE,
			 "tensor " TEXT_FORMAT ": data holds more than the %zu elements of its shape %s; make them agree",
			 TEXT_ARGUMENTS(tensor->name), tensor->count, tensor_type_text(scan->arena, tensor));
}

static bool too_few(struct json_scan *scan, const struct tensor *tensor, size_t count)
{
	return error_set_tensor(scan->error, PLACE_NONE,
			 "tensor " TEXT_FORMAT ": data holds %zu element%s, its shape %s needs %zu; make them agree",
			 TEXT_ARGUMENTS(tensor->name), count, count == 1 ? "" : "s", tensor_type_text(scan->arena, tensor),
			 tensor->count);
}

#define TEXT_AHEAD 20 /* bytes looked at for a short text: its quotes, a comma and a blank with it */

/* Texts as short and plain as most are, one behind the other: as many as `text` begins with. */
static size_t scan_texts(struct text text, struct text *next, size_t most, size_t *length)
{
	const char *at = text.bytes;
	const char *end = at + text.length;
	const char *behind = at;
	size_t count = 0;
	while (count < most && end - at >= TEXT_AHEAD) {
		size_t size = json_plain_of_16(at + 1);
		if (*at != '"' || size == 16 || at[size + 1] != '"')
			break;
		next[count++] = (struct text){at + 1, size};
		behind = at + size + 2;
		if (*behind != ',')
			break;
		at = behind + 1 + (behind[1] == ' ');
	}
	*length = (size_t)(behind - text.bytes);
	return count;
}

/* Numbers that are written plainly, one behind the other, as nearly all are: as many as `text` begins with. */
static size_t scan_plain(const struct tensor_json_reading *reading, struct text text, size_t most, size_t *length)
{
	const struct datatype_row *row = &datatype_rows[reading->tensor->datatype];
	char *next = (char *)reading->elements + reading->index * row->size;
	switch (row->class) {
	case CLASS_FLOAT:
		if (row->size == sizeof(float))
			return number_scan_floats(text, (float *)(void *)next, most, length);
		return row->size == sizeof(double) ? number_scan_doubles(text, (double *)(void *)next, most, length) : 0;
	case CLASS_SIGNED:
	case CLASS_UNSIGNED:
		return number_scan_integers(text, next, row->size, row->class == CLASS_UNSIGNED, most, length);
	case CLASS_BYTES:
		return scan_texts(text, (struct text *)reading->elements + reading->index, most, length);
	default:
		return 0;
	}
}

/* Where another value stands, its comma is left too. False: the first is another. */
static bool read_plain(struct tensor_json_reading *reading, struct json_scan *scan, size_t *more)
{
	size_t left = reading->tensor->count - reading->index;
	size_t most = *more < left ? *more + 1 : left;
	size_t length = 0;
	size_t count = scan_plain(reading, (struct text){scan->at, (size_t)(scan->end - scan->at)}, most, &length);
	scan->at += length;
	reading->index += count;
	*more = count > 0 ? count - 1 : 0;
	return count > 0;
}

static bool read_element(void *context, struct json_scan *scan, size_t *more)
{
	struct tensor_json_reading *reading = context;
	if (reading->index == reading->tensor->count)
		return json_peek(scan) != JSON_WRONG && too_many(scan, reading->tensor);
	if (read_plain(reading, scan, more))
		return true;
	bool done = false;
	switch (datatype_rows[reading->tensor->datatype].class) {
	case CLASS_FLOAT:
		done = read_float(reading, scan);
		break;
	case CLASS_SIGNED:
		done = read_signed(reading, scan);
		break;
	case CLASS_UNSIGNED:
		done = read_unsigned(reading, scan);
		break;
	case CLASS_BOOL:
		done = read_bool(reading, scan);
		break;
	case CLASS_BYTES:
		done = read_bytes(reading, scan);
		break;
	}
	reading->index++;
	return done;
}

/* A flat list of plain numbers, as most data are; where it is not one, the scan stays. */
static bool read_flat(struct json_scan *scan, const struct tensor_json_reading *reading)
{
	size_t length;
	const char *at = scan->at + 1; /* behind the bracket */
	size_t count = reading->tensor->count;
	struct text text = {at, (size_t)(scan->end - at)};
	size_t found = reading->tensor->datatype == DATATYPE_FP32 ? number_scan_floats(text, reading->elements, count, &length)
								  : scan_plain(reading, text, count, &length);
	if (count == 0 || found < count)
		return false;
	at += length;
	if (at == scan->end || *at != ']')
		return false;
	scan->at = at + 1;
	scan->fresh = false;
	return true;
}

/* Why a walk ended: an error that is set, or a ragged list. */
static bool walk_failed(struct json_scan *scan, const struct tensor *tensor, const struct json_list *list)
{
	if (!list->ragged)
		return false;
	return error_set_tensor(scan->error, PLACE_NONE,
			 "tensor " TEXT_FORMAT ": data is ragged at byte %zu; lists of one depth must have one length",
			 TEXT_ARGUMENTS(tensor->name), (size_t)(list->ragged - scan->begin));
}

/* Lists of lists, and elements that are not plain. */
static __attribute__((noinline)) bool read_nested(struct json_scan *scan, struct tensor_json_reading *reading)
{
	struct tensor *tensor = reading->tensor;
	struct json_list list;
	if (!json_list_walk(scan, &list, read_element, reading))
		return walk_failed(scan, tensor, &list);
	return list.count == tensor->count || too_few(scan, tensor, list.count);
}

static bool element_skip(void *context, struct json_scan *scan, size_t *more)
{
	(void)context;
	*more = 0;
	return json_skip(scan);
}

/* Refuses data that are shorter than the shape, which takes no memory: their elements are only counted. */
static __attribute__((cold, noinline)) bool short_data_refuse(struct json_scan *scan, const struct tensor *tensor)
{
	struct json_list list;
	if (!json_list_walk(scan, &list, element_skip, NULL))
		return walk_failed(scan, tensor, &list);
	return too_few(scan, tensor, list.count);
}

bool tensor_json_read(struct json_scan *scan, struct tensor *tensor)
{
	enum json_type type = json_peek(scan);
	if (type == JSON_WRONG)
		return false;
	if (type != JSON_ARRAY && tensor->rank > 0)
		return error_set(scan->error, ERROR_INPUT, PLACE_NONE,
				 "tensor " TEXT_FORMAT ": data is not a list; send its elements as a list",
				 TEXT_ARGUMENTS(tensor->name));
	/* An element and its comma are two bytes at least: so a shape alone takes no memory. */
	size_t most = ((size_t)(scan->end - scan->at) + 1) / 2;
	if (tensor->count > most)
		return short_data_refuse(scan, tensor);
	struct tensor_json_reading reading = {.tensor = tensor};
	reading.elements = arena_take_raw(scan->arena, tensor->count * datatype_stride(tensor->datatype));
	if (!reading.elements)
		return error_memory(scan->error, ERROR_LIMIT, "reading the data of a tensor");
	tensor->data = reading.elements;
	return (type == JSON_ARRAY && read_flat(scan, &reading)) || read_nested(scan, &reading);
}

/* --- writing ------------------------------------------------------------- */

static void write_bytes(struct buffer *out, struct text bytes, enum bytes_form form)
{
	bool plain = form == BYTES_AS_TEXT || (form == BYTES_AS_EITHER && text_is_utf8(bytes));
	if (plain) {
		json_write_string(out, bytes);
	} else if (form == BYTES_AS_BASE64) {
		json_write_base64(out, bytes);
	} else {
		buffer_string(out, "{\"b64\":");
		json_write_base64(out, bytes);
		buffer_byte(out, '}');
	}
}

/* In quotes when it is no number to JSON. */
static inline size_t put_double(char *to, double number)
{
	if (isfinite(number))
		return number_write_double(to, number);
	to[0] = '"';
	size_t length = number_write_double(to + 1, number);
	to[length + 1] = '"';
	return length + 2;
}

static inline size_t put_number(char *to, const struct tensor *tensor, size_t index)
{
	switch (tensor->datatype) {
	case DATATYPE_FP32:
		return number_write_floats(to, (const float *)tensor->data + index, 1) - 1; /* its comma */
	case DATATYPE_FP64:
	case DATATYPE_FP16:
	case DATATYPE_BF16:
		return put_double(to, tensor_number(tensor, index));
	case DATATYPE_INT64:
		return number_write_int64(to, ((const int64_t *)tensor->data)[index]);
	case DATATYPE_UINT64:
		return number_write_uint64(to, ((const uint64_t *)tensor->data)[index]);
	default: /* the other integers are exact as doubles */
		return number_write_int64(to, (int64_t)tensor_number(tensor, index));
	}
}

void tensor_json_write_element(struct buffer *out, const struct tensor *tensor, size_t index, enum bytes_form form)
{
	char *room;
	switch (tensor->datatype) {
	case DATATYPE_BOOL:
		json_write_bool(out, ((const uint8_t *)tensor->data)[index] != 0);
		break;
	case DATATYPE_BYTES:
		write_bytes(out, ((const struct text *)tensor->data)[index], form);
		break;
	default:
		room = buffer_room(out, NUMBER_LIST_TEXT_MAX);
		if (room)
			buffer_grown(out, put_number(room, tensor, index));
		break;
	}
}

#define NUMBERS_AT_ONCE 32 /* few enough that their room meets a buffer's ceiling hardly before they do */

/* Numbers are the hot path: room is asked for many of them at once, and for the brackets with them. */
static void write_numbers(struct buffer *out, const struct tensor *tensor)
{
	size_t i = 0;
	do {
		size_t stop = tensor->count - i < NUMBERS_AT_ONCE ? tensor->count : i + NUMBERS_AT_ONCE;
		char *room = buffer_room(out, (stop - i) * NUMBER_LIST_TEXT_MAX + 2);
		if (!room)
			return;
		char *at = room;
		if (i == 0)
			*at++ = '[';
		if (tensor->datatype == DATATYPE_FP32) {
			at += number_write_floats(at, (const float *)tensor->data + i, stop - i);
			i = stop;
		}
		for (; i < stop; i++) {
			at += put_number(at, tensor, i);
			*at++ = ',';
		}
		if (stop == tensor->count) {
			at -= stop > 0;
			*at++ = ']';
		}
		buffer_grown(out, (size_t)(at - room));
	} while (i < tensor->count);
}

static void write_texts(struct buffer *out, const struct tensor *tensor)
{
	const struct text *texts = tensor->data;
	json_write_string_after(out, TEXT("["), texts[0]);
	for (size_t i = 1; i < tensor->count; i++)
		json_write_string_after(out, TEXT(","), texts[i]);
	buffer_byte(out, ']');
}

void tensor_json_write_flat(struct buffer *out, const struct tensor *tensor, enum bytes_form form)
{
	if (tensor->datatype != DATATYPE_BYTES && tensor->datatype != DATATYPE_BOOL) {
		write_numbers(out, tensor);
		return;
	}
	if (tensor->datatype == DATATYPE_BYTES && form == BYTES_AS_TEXT && tensor->count > 0) {
		write_texts(out, tensor);
		return;
	}
	buffer_byte(out, '[');
	for (size_t i = 0; i < tensor->count; i++) {
		if (i > 0)
			buffer_byte(out, ',');
		tensor_json_write_element(out, tensor, i, form);
	}
	buffer_byte(out, ']');
}

/* The lists of one depth and all inside, from element `*index` on. */
static void write_level(struct buffer *out, const struct tensor *tensor, size_t level, size_t *index, enum bytes_form form)
{
	if (level >= tensor->rank) {
		tensor_json_write_element(out, tensor, (*index)++, form);
		return;
	}
	buffer_byte(out, '[');
	for (int64_t i = 0; i < tensor->shape[level]; i++) {
		if (i > 0)
			buffer_byte(out, ',');
		write_level(out, tensor, level + 1, index, form);
	}
	buffer_byte(out, ']');
}

/* The empty lists that a tensor without elements consists of; at most EMPTY_LISTS_MAX + 1. */
static size_t empty_lists(const struct tensor *tensor)
{
	size_t lists = 1;
	for (size_t i = 0; i < tensor->rank && tensor->shape[i] > 0; i++) {
		if ((size_t)tensor->shape[i] > EMPTY_LISTS_MAX / lists)
			return EMPTY_LISTS_MAX + 1;
		lists *= (size_t)tensor->shape[i];
	}
	return lists;
}

void tensor_json_write_nested(struct buffer *out, const struct tensor *tensor, enum bytes_form form)
{
	size_t index = 0;
	if (tensor->count == 0 && empty_lists(tensor) > EMPTY_LISTS_MAX)
		buffer_string(out, "[]");
	else
		write_level(out, tensor, 0, &index, form);
}

void tensor_json_write_row(struct buffer *out, const struct tensor *tensor, size_t row, enum bytes_form form)
{
	size_t index = row * (tensor->count / (size_t)tensor->shape[0]);
	write_level(out, tensor, 1, &index, form);
}

char *tensor_json_put_shape(char *to, const struct tensor *tensor)
{
	*to++ = '[';
	for (size_t i = 0; i < tensor->rank; i++) {
		if (i > 0)
			*to++ = ',';
		uint64_t dimension = (uint64_t)tensor->shape[i];
		if (dimension < 10)
			*to++ = (char)('0' + dimension);
		else
			to += number_write_int64(to, tensor->shape[i]);
	}
	*to++ = ']';
	return to;
}

void tensor_json_write_shape(struct buffer *out, const struct tensor *tensor)
{
	char *room = buffer_room(out, tensor_json_shape_room(tensor));
	if (room)
		buffer_grown(out, (size_t)(tensor_json_put_shape(room, tensor) - room));
}

bool tensor_is_text(const struct tensor *tensor)
{
	if (tensor->datatype != DATATYPE_BYTES)
		return true;
	const struct text *elements = tensor->data;
	for (size_t i = 0; i < tensor->count; i++)
		if (!text_is_utf8(elements[i]))
			return false;
	return true;
}
