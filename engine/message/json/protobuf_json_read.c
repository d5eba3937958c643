/* protobuf_json_read.c: From JSON to protobuf; see protobuf_json.h. */
#include <math.h>

#include "base/base64.h"
#include "message/json/json_scan.h"
#include "message/json/json_write.h"
#include "message/json/protobuf_json.h"
#include "message/formats/protobuf_wire.h"

enum { VALUE_NULL = 1, VALUE_NUMBER, VALUE_TEXT, VALUE_FLAG, VALUE_STRUCT, VALUE_LIST };
enum { ENTRY_KEY = 1, ENTRY_VALUE };

#define VALUES 1 /* field of a ListValue, and of a Struct */

struct protobuf_json_reading {
	struct json_scan scan;
	struct buffer *out;
};

static bool value_from_json(struct protobuf_json_reading *reading);
static bool message_from_json(struct protobuf_json_reading *reading, const struct protobuf_json_field *fields);

/* ---- fields ---- */

static void varint_append(struct buffer *out, uint64_t value)
{
	char *room = buffer_room(out, protobuf_varint_size(value));
	if (room)
		buffer_grown(out, (size_t)(protobuf_put_varint(room, value) - room));
}

static void tag_append(struct buffer *out, uint32_t number, enum protobuf_wire wire)
{
	varint_append(out, number << 3 | wire);
}

/* What is nested begins with its length, which is known at its end. */
static size_t nested_begin(struct buffer *out, uint32_t number)
{
	tag_append(out, number, WIRE_BYTES);
	return out->length;
}

static void nested_end(struct buffer *out, size_t begin)
{
	if (buffer_failed(out))
		return;
	const size_t length = out->length - begin, size = protobuf_varint_size(length);
	if (!buffer_room(out, size))
		return;
	memmove(out->bytes + begin + size, out->bytes + begin, length);
	(void)protobuf_put_varint(out->bytes + begin, length);
	buffer_grown(out, size);
}

static void text_append(struct buffer *out, uint32_t number, struct text text)
{
	tag_append(out, number, WIRE_BYTES);
	varint_append(out, text.length);
	buffer_text(out, text);
}

/* ---- values ---- */

static bool reading_refuse(struct protobuf_json_reading *reading, const char *name)
{
	if (reading->scan.failed)
		return false;
	return error_set(reading->scan.error, ERROR_INPUT, PLACE_NONE, "%s: `%s` has not the type of its field in protobuf",
			 reading->scan.what, name);
}

static bool number_take(struct protobuf_json_reading *reading, double *number)
{
	struct json_scan *scan = &reading->scan;
	struct decimal decimal;
	struct text text;
	if (json_peek(scan) == JSON_NUMBER) {
		if (!json_number(scan, &decimal))
			return false;
		*number = decimal_to_double(&decimal);
		return true;
	}
	if (json_peek(scan) != JSON_STRING || !json_text(scan, &text))
		return false;
	*number = text_is(text, "NaN") ? NAN : text_is(text, "Infinity") ? INFINITY : -INFINITY;
	return isnan(*number) || *number > 0 || text_is(text, "-Infinity");
}

static bool bytes_from_json(struct protobuf_json_reading *reading, uint32_t number)
{
	struct text text, bytes;
	if (json_peek(&reading->scan) != JSON_STRING || !json_text(&reading->scan, &text))
		return false;
	if (!base64_read_into(reading->scan.arena, text, &bytes))
		return false;
	text_append(reading->out, number, bytes);
	return true;
}

static bool number_from_json(struct protobuf_json_reading *reading, const struct protobuf_json_field *field);

static bool enum_from_json(struct protobuf_json_reading *reading, const struct protobuf_json_field *field)
{
	static const struct protobuf_json_field unnamed = {.name = "number", .type = PROTOBUF_JSON_INT32};
	struct text word;
	if (json_peek(&reading->scan) == JSON_NUMBER) /* of a later version, which has a word for it */
		return number_from_json(reading, &unnamed);
	if (json_peek(&reading->scan) != JSON_STRING || !json_text(&reading->scan, &word))
		return false;
	for (size_t i = 0; field->words[i]; i++)
		if (text_is(word, field->words[i])) {
			varint_append(reading->out, i);
			return true;
		}
	return false;
}

/* Whole numbers of any width, which may be in quotes. */
static bool whole_from_json(struct protobuf_json_reading *reading, const struct protobuf_json_field *field)
{
	struct json_scan *scan = &reading->scan;
	const bool is_signed = field->type == PROTOBUF_JSON_INT32 || field->type == PROTOBUF_JSON_INT64;
	struct decimal decimal;
	struct text text;
	int64_t whole = 0;
	uint64_t natural = 0;
	bool good;
	if (json_peek(scan) == JSON_NUMBER)
		good = json_number(scan, &decimal) &&
		       (is_signed ? decimal_to_int64(&decimal, &whole) : decimal_to_uint64(&decimal, &natural));
	else
		good = json_peek(scan) == JSON_STRING && json_text(scan, &text) &&
		       (is_signed ? number_read_int64(text, &whole) : number_read_uint64(text, &natural));
	if (!good || (field->type == PROTOBUF_JSON_INT32 && whole != (int32_t)whole) ||
	    (field->type == PROTOBUF_JSON_UINT32 && natural > UINT32_MAX))
		return false;
	varint_append(reading->out, is_signed ? (uint64_t)whole : natural);
	return true;
}

static bool flag_from_json(struct protobuf_json_reading *reading)
{
	const enum json_type type = json_peek(&reading->scan);
	varint_append(reading->out, type == JSON_TRUE);
	return (type == JSON_TRUE || type == JSON_FALSE) && json_word(&reading->scan);
}

/* A number without its tag. */
static bool number_from_json(struct protobuf_json_reading *reading, const struct protobuf_json_field *field)
{
	double number;
	if (field->type == PROTOBUF_JSON_ENUM)
		return enum_from_json(reading, field);
	if (field->type == PROTOBUF_JSON_BOOL)
		return flag_from_json(reading);
	if (field->type != PROTOBUF_JSON_DOUBLE && field->type != PROTOBUF_JSON_FLOAT)
		return whole_from_json(reading, field);
	if (!number_take(reading, &number))
		return false;
	const float narrow = (float)number;
	if (field->type == PROTOBUF_JSON_DOUBLE)
		buffer_append(reading->out, &number, sizeof number);
	else
		buffer_append(reading->out, &narrow, sizeof narrow);
	return true;
}

static bool list_from_json(struct protobuf_json_reading *reading)
{
	struct json_scan *scan = &reading->scan;
	if (json_peek(scan) != JSON_ARRAY || !json_enter(scan))
		return false;
	while (json_item(scan)) {
		const size_t begin = nested_begin(reading->out, VALUES);
		if (!value_from_json(reading))
			return false;
		nested_end(reading->out, begin);
	}
	return !scan->failed;
}

static bool is_number(const struct protobuf_json_field *field)
{
	return field->type >= PROTOBUF_JSON_BOOL && field->type <= PROTOBUF_JSON_ENUM;
}

static bool single_from_json(struct protobuf_json_reading *reading, const struct protobuf_json_field *field, uint32_t number)
{
	struct text text;
	if (is_number(field)) {
		tag_append(reading->out, number,
			   field->type == PROTOBUF_JSON_DOUBLE	? WIRE_FIXED64
			   : field->type == PROTOBUF_JSON_FLOAT ? WIRE_FIXED32
								: WIRE_VARINT);
		return number_from_json(reading, field);
	}
	if (field->type == PROTOBUF_JSON_BYTES)
		return bytes_from_json(reading, number);
	if (field->type == PROTOBUF_JSON_TEXT) {
		if (json_peek(&reading->scan) != JSON_STRING || !json_text(&reading->scan, &text))
			return false;
		text_append(reading->out, number, text);
		return true;
	}
	const size_t begin = nested_begin(reading->out, number);
	const bool good = field->type == PROTOBUF_JSON_MESSAGE ? message_from_json(reading, field->inside)
			  : field->type == PROTOBUF_JSON_VALUE ? value_from_json(reading)
							       : list_from_json(reading);
	nested_end(reading->out, begin);
	return good;
}

static bool many_from_json(struct protobuf_json_reading *reading, const struct protobuf_json_field *field)
{
	struct json_scan *scan = &reading->scan;
	bool good = true;
	if (json_peek(scan) != JSON_ARRAY || !json_enter(scan))
		return false;
	const size_t begin = is_number(field) ? nested_begin(reading->out, field->number) : 0;
	while (good && json_item(scan))
		good = is_number(field) ? number_from_json(reading, field) : single_from_json(reading, field, field->number);
	if (is_number(field))
		nested_end(reading->out, begin);
	return good && !scan->failed;
}

static bool map_from_json(struct protobuf_json_reading *reading, const struct protobuf_json_field *field)
{
	struct json_scan *scan = &reading->scan;
	struct text key;
	bool good = true;
	if (json_peek(scan) != JSON_OBJECT || !json_enter(scan))
		return false;
	while (good && json_key(scan, &key)) {
		const size_t begin = nested_begin(reading->out, field->number);
		text_append(reading->out, ENTRY_KEY, key);
		good = single_from_json(reading, field, ENTRY_VALUE);
		nested_end(reading->out, begin);
	}
	return good && !scan->failed;
}

static bool value_from_json(struct protobuf_json_reading *reading)
{
	static const struct protobuf_json_field members = {
		.name = "fields", .number = VALUES, .type = PROTOBUF_JSON_VALUE, .count = PROTOBUF_JSON_MAP};
	static const struct protobuf_json_field number = {.name = "number", .type = PROTOBUF_JSON_DOUBLE};
	static const struct protobuf_json_field text = {.name = "text", .type = PROTOBUF_JSON_TEXT};
	struct json_scan *scan = &reading->scan;
	const enum json_type type = json_peek(scan);
	size_t begin;
	bool good;
	switch (type) {
	case JSON_NUMBER:
		return single_from_json(reading, &number, VALUE_NUMBER);
	case JSON_STRING:
		return single_from_json(reading, &text, VALUE_TEXT);
	case JSON_OBJECT:
	case JSON_ARRAY:
		begin = nested_begin(reading->out, type == JSON_OBJECT ? VALUE_STRUCT : VALUE_LIST);
		good = type == JSON_OBJECT ? map_from_json(reading, &members) : list_from_json(reading);
		nested_end(reading->out, begin);
		return good;
	case JSON_TRUE:
	case JSON_FALSE:
	case JSON_NULL:
		tag_append(reading->out, type == JSON_NULL ? VALUE_NULL : VALUE_FLAG, WIRE_VARINT);
		varint_append(reading->out, type == JSON_TRUE);
		return json_word(scan);
	case JSON_WRONG:
	case JSON_BARE:
		break;
	}
	return false;
}

static const struct protobuf_json_field *field_named(const struct protobuf_json_field *fields, struct text name)
{
	for (; fields->name; fields++)
		if (text_is(name, fields->name))
			return fields;
	return NULL;
}

static bool message_from_json(struct protobuf_json_reading *reading, const struct protobuf_json_field *fields)
{
	struct json_scan *scan = &reading->scan;
	struct text key;
	if (json_peek(scan) != JSON_OBJECT || !json_enter(scan))
		return false;
	while (json_key(scan, &key)) {
		const struct protobuf_json_field *field = field_named(fields, key);
		if (!field || (json_peek(scan) == JSON_NULL && field->type != PROTOBUF_JSON_VALUE)) {
			(void)json_skip(scan);
			continue;
		}
		if (!(field->count == PROTOBUF_JSON_ONE	  ? single_from_json(reading, field, field->number)
		      : field->count == PROTOBUF_JSON_MAP ? map_from_json(reading, field)
							  : many_from_json(reading, field)))
			return reading_refuse(reading, field->name);
	}
	return !scan->failed;
}

bool protobuf_json_read(const struct protobuf_json_field *fields, struct text json, const char *what, struct arena *arena,
			struct buffer *out, struct error *error)
{
	struct protobuf_json_reading reading = {.out = out};
	json_begin(&reading.scan, json, what, arena, error);
	if (json_peek(&reading.scan) != JSON_OBJECT)
		return reading.scan.failed ? false : error_set(error, ERROR_INPUT, PLACE_NONE, "%s is not an object", what);
	return message_from_json(&reading, fields) && json_end(&reading.scan) && json_written(out, error);
}
