/* protobuf_wire.c: see protobuf_wire.h. */
#include "message/formats/protobuf_wire.h"

#define VARINT_BYTES_MAX 10
#define GROUP_DEPTH_MAX 100 /* as in the official library */

static bool protobuf_wire_fail(struct protobuf_cursor *cursor)
{
	cursor->failed = true;
	cursor->at = cursor->end;
	return false;
}

uint64_t protobuf_varint(struct protobuf_cursor *cursor)
{
	uint64_t value = 0;
	for (unsigned shift = 0; shift < 7 * VARINT_BYTES_MAX && cursor->at < cursor->end; shift += 7) {
		unsigned char byte = *cursor->at++;
		value |= (uint64_t)(byte & 0x7F) << shift;
		if (byte < 0x80)
			return value;
	}
	protobuf_wire_fail(cursor);
	return 0;
}

static bool read_fixed(struct protobuf_cursor *cursor, size_t size, uint64_t *value)
{
	if (protobuf_left(cursor) < size)
		return protobuf_wire_fail(cursor);
	*value = 0;
	memcpy(value, cursor->at, size);
	cursor->at += size;
	return true;
}

static bool read_content(struct protobuf_cursor *cursor, struct protobuf_field *field)
{
	switch (field->wire) {
	case WIRE_VARINT:
		field->value = protobuf_varint(cursor);
		return !cursor->failed;
	case WIRE_FIXED64:
		return read_fixed(cursor, sizeof(uint64_t), &field->value);
	case WIRE_FIXED32:
		return read_fixed(cursor, sizeof(uint32_t), &field->value);
	case WIRE_BYTES: {
		uint64_t length = protobuf_varint(cursor);
		if (cursor->failed || length > protobuf_left(cursor))
			return protobuf_wire_fail(cursor);
		field->bytes = (struct text){(const char *)cursor->at, (size_t)length};
		cursor->at += length;
		return true;
	}
	case WIRE_GROUP:
	case WIRE_GROUP_END:
		break;
	}
	return protobuf_wire_fail(cursor);
}

static bool read_tag(struct protobuf_cursor *cursor, struct protobuf_field *field)
{
	uint64_t tag = protobuf_varint(cursor);
	if (cursor->failed || tag > UINT32_MAX || tag >> 3 == 0 || (tag & 7) > WIRE_FIXED32)
		return protobuf_wire_fail(cursor);
	field->number = (uint32_t)(tag >> 3);
	field->wire = (enum protobuf_wire)(tag & 7);
	return true;
}

/* To the end of the group whose beginning was read. */
static bool over_group(struct protobuf_cursor *cursor, uint32_t number)
{
	uint32_t open[GROUP_DEPTH_MAX] = {number};
	size_t depth = 1;
	struct protobuf_field field;
	while (depth > 0) {
		if (!read_tag(cursor, &field))
			return false;
		if (field.wire == WIRE_GROUP_END) {
			if (open[--depth] != field.number)
				return protobuf_wire_fail(cursor);
		} else if (field.wire == WIRE_GROUP) {
			if (depth == GROUP_DEPTH_MAX)
				return protobuf_wire_fail(cursor);
			open[depth++] = field.number;
		} else if (!read_content(cursor, &field)) {
			return false;
		}
	}
	return true;
}

#define ONE_BYTE_END 0x80 /* varints of one byte are below */
#define TAG_LEAST 8	  /* of the field 1 */

/* Nearly every field has a tag and a length of one byte. False: this one is to be read in full. */
static inline bool short_bytes_next(struct protobuf_cursor *cursor, struct protobuf_field *field)
{
	const unsigned char *at = cursor->at;
	const size_t left = protobuf_left(cursor);
	if (left < 2 || at[0] >= ONE_BYTE_END || at[0] < TAG_LEAST || (at[0] & 7) != WIRE_BYTES || at[1] >= ONE_BYTE_END ||
	    at[1] > left - 2)
		return false;
	field->number = at[0] >> 3;
	field->wire = WIRE_BYTES;
	field->bytes = (struct text){(const char *)at + 2, at[1]};
	cursor->at = at + 2 + at[1];
	return true;
}

bool protobuf_next(struct protobuf_cursor *cursor, struct protobuf_field *field)
{
	if (short_bytes_next(cursor, field))
		return true;
	while (cursor->at < cursor->end) {
		if (!read_tag(cursor, field))
			return false;
		if (field->wire != WIRE_GROUP)
			return read_content(cursor, field);
		if (!over_group(cursor, field->number))
			return false;
	}
	return false;
}

/* ---- whole fields ---- */

void protobuf_write_text(struct buffer *out, uint32_t number, struct text text)
{
	char *room = text.length ? buffer_room(out, protobuf_bytes_size(text.length)) : NULL;
	if (room)
		buffer_grown(out, (size_t)(protobuf_put_bytes(room, number, text) - room));
}

void protobuf_write_flag(struct buffer *out, uint32_t number, bool flag)
{
	char *room = flag ? buffer_room(out, 2) : NULL;
	if (room)
		buffer_grown(out, (size_t)(protobuf_put_varint(protobuf_put_tag(room, number, WIRE_VARINT), flag) - room));
}

bool protobuf_is_whole(struct text bytes)
{
	struct protobuf_cursor cursor = protobuf_cursor_of(bytes);
	struct protobuf_field field;
	while (protobuf_next(&cursor, &field))
		;
	return !cursor.failed;
}

struct text protobuf_read_text(struct text body, uint32_t number)
{
	struct protobuf_cursor cursor = protobuf_cursor_of(body);
	struct protobuf_field field;
	struct text text = {0};
	while (protobuf_next(&cursor, &field))
		if (protobuf_is(&field, number, WIRE_BYTES))
			text = field.bytes;
	return text;
}

bool protobuf_read_flag(struct text body, uint32_t number)
{
	struct protobuf_cursor cursor = protobuf_cursor_of(body);
	struct protobuf_field field;
	bool flag = false;
	while (protobuf_next(&cursor, &field))
		if (protobuf_is(&field, number, WIRE_VARINT))
			flag = field.value != 0;
	return flag;
}
