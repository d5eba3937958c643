/* protobuf_json_write.c: From protobuf to JSON; see protobuf_json.h. */
#include <math.h>

#include "message/json/json_scan.h"
#include "message/json/json_write.h"
#include "message/json/protobuf_json.h"
#include "message/formats/protobuf_wire.h"

/* Fields of google.protobuf.Value, and those of a map's entry. */
enum { VALUE_NULL = 1, VALUE_NUMBER, VALUE_TEXT, VALUE_FLAG, VALUE_STRUCT, VALUE_LIST };
enum { ENTRY_KEY = 1, ENTRY_VALUE };

#define VALUES 1 /* field of a ListValue, and of a Struct */

struct protobuf_json_writing {
	struct buffer *out;
	const char *what;
	struct error *error;
	unsigned depth;
};

static bool value_to_json(struct protobuf_json_writing *writing, struct text bytes);
static bool message_to_json(struct protobuf_json_writing *writing, const struct protobuf_json_field *fields, struct text bytes);

static bool writing_refuse(const struct protobuf_json_writing *writing, const char *reason)
{
	return error_set(writing->error, ERROR_INPUT, PLACE_NONE, "%s cannot be read as protobuf: %s", writing->what, reason);
}

static bool writing_enter(struct protobuf_json_writing *writing)
{
	return writing->depth++ < JSON_DEPTH_MAX || writing_refuse(writing, "it is nested more than 64 deep");
}

static bool text_to_json(const struct protobuf_json_writing *writing, struct text text)
{
	if (!text_is_utf8(text))
		return writing_refuse(writing, "a string is not UTF-8");
	json_write_string(writing->out, text);
	return true;
}

static void enum_to_json(struct buffer *out, const struct protobuf_json_field *field, uint64_t number)
{
	for (uint64_t i = 0; field->words[i]; i++)
		if (i == number) {
			json_write_string(out, text_of(field->words[i]));
			return;
		}
	json_write_int64(out, (int32_t)number);
}

/* Readers of JSON take numbers for doubles, which lack the last digits of these. */
static void long_to_json(struct buffer *out, const struct protobuf_json_field *field, uint64_t number)
{
	buffer_byte(out, '"');
	if (field->type == PROTOBUF_JSON_INT64)
		json_write_int64(out, (int64_t)number);
	else
		json_write_uint64(out, number);
	buffer_byte(out, '"');
}

static double double_of(uint64_t bits)
{
	double number;
	memcpy(&number, &bits, sizeof number);
	return number;
}

static double float_of(uint64_t bits)
{
	const uint32_t half = (uint32_t)bits;
	float number;
	memcpy(&number, &half, sizeof number);
	return (double)number;
}

static enum protobuf_wire wire_of(enum protobuf_json_type type)
{
	switch (type) {
	case PROTOBUF_JSON_BOOL:
	case PROTOBUF_JSON_INT32:
	case PROTOBUF_JSON_UINT32:
	case PROTOBUF_JSON_INT64:
	case PROTOBUF_JSON_UINT64:
	case PROTOBUF_JSON_ENUM:
		return WIRE_VARINT;
	case PROTOBUF_JSON_FLOAT:
		return WIRE_FIXED32;
	case PROTOBUF_JSON_DOUBLE:
		return WIRE_FIXED64;
	case PROTOBUF_JSON_TEXT:
	case PROTOBUF_JSON_BYTES:
	case PROTOBUF_JSON_MESSAGE:
	case PROTOBUF_JSON_VALUE:
	case PROTOBUF_JSON_LIST:
		break;
	}
	return WIRE_BYTES;
}

static bool list_to_json(struct protobuf_json_writing *writing, struct text bytes)
{
	struct protobuf_cursor cursor = protobuf_cursor_of(bytes);
	struct protobuf_field field;
	const char *before = "[";
	if (!writing_enter(writing))
		return false;
	while (protobuf_next(&cursor, &field)) {
		if (!protobuf_is(&field, VALUES, WIRE_BYTES))
			continue;
		buffer_string(writing->out, before);
		before = ",";
		if (!value_to_json(writing, field.bytes))
			return false;
	}
	buffer_string(writing->out, *before == '[' ? "[]" : "]");
	writing->depth--;
	return !cursor.failed || writing_refuse(writing, "a list is not whole");
}

static bool single_to_json(struct protobuf_json_writing *writing, const struct protobuf_json_field *field,
			   const struct protobuf_field *found)
{
	struct buffer *out = writing->out;
	switch (field->type) {
	case PROTOBUF_JSON_TEXT:
		return text_to_json(writing, found->bytes);
	case PROTOBUF_JSON_BYTES:
		json_write_base64(out, found->bytes);
		return true;
	case PROTOBUF_JSON_BOOL:
		json_write_bool(out, found->value != 0);
		return true;
	case PROTOBUF_JSON_INT32:
		json_write_int64(out, (int32_t)found->value);
		return true;
	case PROTOBUF_JSON_UINT32:
		json_write_int64(out, (uint32_t)found->value);
		return true;
	case PROTOBUF_JSON_INT64:
	case PROTOBUF_JSON_UINT64:
		long_to_json(out, field, found->value);
		return true;
	case PROTOBUF_JSON_FLOAT:
		json_write_double(out, float_of(found->value));
		return true;
	case PROTOBUF_JSON_DOUBLE:
		json_write_double(out, double_of(found->value));
		return true;
	case PROTOBUF_JSON_ENUM:
		enum_to_json(out, field, found->value);
		return true;
	case PROTOBUF_JSON_MESSAGE:
		return message_to_json(writing, field->inside, found->bytes);
	case PROTOBUF_JSON_VALUE:
		return value_to_json(writing, found->bytes);
	case PROTOBUF_JSON_LIST:
		return list_to_json(writing, found->bytes);
	}
	return false;
}

/* An entry without a key or a value has the default of its type. */
static bool entry_to_json(struct protobuf_json_writing *writing, const struct protobuf_json_field *field, struct text entry)
{
	struct protobuf_cursor cursor = protobuf_cursor_of(entry);
	struct protobuf_field found, value = {.number = ENTRY_VALUE, .wire = wire_of(field->type)};
	struct text key = {0};
	while (protobuf_next(&cursor, &found)) {
		if (protobuf_is(&found, ENTRY_KEY, WIRE_BYTES))
			key = found.bytes;
		else if (protobuf_is(&found, ENTRY_VALUE, value.wire))
			value = found;
	}
	if (cursor.failed)
		return writing_refuse(writing, "an entry of a map is not whole");
	if (!text_to_json(writing, key))
		return false;
	buffer_byte(writing->out, ':');
	return single_to_json(writing, field, &value);
}

static bool map_to_json(struct protobuf_json_writing *writing, const struct protobuf_json_field *field, struct text bytes)
{
	struct protobuf_cursor cursor = protobuf_cursor_of(bytes);
	struct protobuf_field found;
	const char *before = "{";
	while (protobuf_next(&cursor, &found)) {
		if (!protobuf_is(&found, field->number, WIRE_BYTES))
			continue;
		buffer_string(writing->out, before);
		before = ",";
		if (!entry_to_json(writing, field, found.bytes))
			return false;
	}
	buffer_string(writing->out, *before == '{' ? "{}" : "}");
	return true;
}

/* Numbers of one packed field. */
static bool packed_to_json(struct protobuf_json_writing *writing, const struct protobuf_json_field *field, struct text bytes,
			   const char **before)
{
	const enum protobuf_wire wire = wire_of(field->type);
	const size_t size = wire == WIRE_FIXED64 ? sizeof(uint64_t) : sizeof(uint32_t);
	struct protobuf_cursor cursor = protobuf_cursor_of(bytes);
	struct protobuf_field number = {.number = field->number, .wire = wire};
	while (cursor.at < cursor.end) {
		number.value = 0;
		if (wire == WIRE_VARINT) {
			number.value = protobuf_varint(&cursor);
		} else if (protobuf_left(&cursor) >= size) {
			memcpy(&number.value, cursor.at, size);
			cursor.at += size;
		} else {
			cursor.failed = true;
		}
		if (cursor.failed)
			return writing_refuse(writing, "a list of numbers is not whole");
		buffer_string(writing->out, *before);
		*before = ",";
		(void)single_to_json(writing, field, &number);
	}
	return true;
}

static bool many_to_json(struct protobuf_json_writing *writing, const struct protobuf_json_field *field, struct text bytes)
{
	const enum protobuf_wire wire = wire_of(field->type);
	struct protobuf_cursor cursor = protobuf_cursor_of(bytes);
	struct protobuf_field found;
	const char *before = "[";
	while (protobuf_next(&cursor, &found)) {
		if (wire != WIRE_BYTES && protobuf_is(&found, field->number, WIRE_BYTES)) {
			if (!packed_to_json(writing, field, found.bytes, &before))
				return false;
		} else if (protobuf_is(&found, field->number, wire)) {
			buffer_string(writing->out, before);
			before = ",";
			if (!single_to_json(writing, field, &found))
				return false;
		}
	}
	buffer_string(writing->out, *before == '[' ? "[]" : "]");
	return true;
}

/* The last field of that number. */
static bool field_find(const struct protobuf_json_field *field, struct text bytes, struct protobuf_field *last)
{
	struct protobuf_cursor cursor = protobuf_cursor_of(bytes);
	struct protobuf_field found;
	bool is_there = false;
	while (protobuf_next(&cursor, &found))
		if (protobuf_is(&found, field->number, wire_of(field->type)) ||
		    (field->count != PROTOBUF_JSON_ONE && protobuf_is(&found, field->number, WIRE_BYTES))) {
			*last = found;
			is_there = true;
		}
	return is_there;
}

static bool bytes_are_whole(struct text bytes)
{
	struct protobuf_cursor cursor = protobuf_cursor_of(bytes);
	struct protobuf_field field;
	while (protobuf_next(&cursor, &field))
		;
	return !cursor.failed;
}

static bool message_to_json(struct protobuf_json_writing *writing, const struct protobuf_json_field *fields, struct text bytes)
{
	const char *before = "";
	struct protobuf_field last;
	if (!bytes_are_whole(bytes))
		return writing_refuse(writing, "it ends within a field, or is something else");
	if (!writing_enter(writing))
		return false;
	buffer_byte(writing->out, '{');
	for (const struct protobuf_json_field *field = fields; field->name; field++) {
		if (!field_find(field, bytes, &last) && field->count != PROTOBUF_JSON_MANY_ALWAYS)
			continue;
		buffer_string(writing->out, before);
		before = ",";
		json_write_string(writing->out, text_of(field->name));
		buffer_byte(writing->out, ':');
		if (!(field->count == PROTOBUF_JSON_ONE	  ? single_to_json(writing, field, &last)
		      : field->count == PROTOBUF_JSON_MAP ? map_to_json(writing, field, bytes)
							  : many_to_json(writing, field, bytes)))
			return false;
	}
	buffer_byte(writing->out, '}');
	writing->depth--;
	return true;
}

static bool struct_to_json(struct protobuf_json_writing *writing, struct text bytes)
{
	static const struct protobuf_json_field members = {
		.name = "fields", .number = VALUES, .type = PROTOBUF_JSON_VALUE, .count = PROTOBUF_JSON_MAP};
	if (!bytes_are_whole(bytes))
		return writing_refuse(writing, "an object is not whole");
	if (!writing_enter(writing) || !map_to_json(writing, &members, bytes))
		return false;
	writing->depth--;
	return true;
}

static bool value_to_json(struct protobuf_json_writing *writing, struct text bytes)
{
	struct protobuf_cursor cursor = protobuf_cursor_of(bytes);
	struct protobuf_field field, last = {.number = VALUE_NULL, .wire = WIRE_VARINT};
	while (protobuf_next(&cursor, &field))
		last = field;
	if (cursor.failed)
		return writing_refuse(writing, "a value is not whole");
	if (protobuf_is(&last, VALUE_NUMBER, WIRE_FIXED64)) {
		json_write_double(writing->out, double_of(last.value));
		return isfinite(double_of(last.value)) ||
		       writing_refuse(writing, "a number of google.protobuf.Value is not finite; send it in data.tensor");
	}
	if (protobuf_is(&last, VALUE_TEXT, WIRE_BYTES))
		return text_to_json(writing, last.bytes);
	if (protobuf_is(&last, VALUE_STRUCT, WIRE_BYTES))
		return struct_to_json(writing, last.bytes);
	if (protobuf_is(&last, VALUE_LIST, WIRE_BYTES))
		return list_to_json(writing, last.bytes);
	if (protobuf_is(&last, VALUE_FLAG, WIRE_VARINT))
		json_write_bool(writing->out, last.value != 0);
	else
		buffer_string(writing->out, "null");
	return true;
}

bool protobuf_json_write(const struct protobuf_json_field *fields, struct text bytes, const char *what, struct buffer *out,
			 struct error *error)
{
	struct protobuf_json_writing writing = {.out = out, .what = what, .error = error};
	return message_to_json(&writing, fields, bytes) && json_written(out, error);
}
