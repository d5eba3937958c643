/* protobuf_wire.h: Protobuf's binary encoding, for the OIP codec.
 *
 * Reading goes field by field. A cursor that has failed stays failed: it has no more fields, and the caller
 * checks `failed` at the end.
 */
#pragma once

#include "base/text.h"

enum protobuf_wire { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_GROUP = 3, WIRE_GROUP_END = 4, WIRE_FIXED32 = 5 };

struct protobuf_cursor {
	const unsigned char *at;
	const unsigned char *end;
	bool failed;
};

/* One field: a number, or bytes that are borrowed. */
struct protobuf_field {
	uint32_t number;
	enum protobuf_wire wire;
	uint64_t value;    /* WIRE_VARINT, WIRE_FIXED64, WIRE_FIXED32 */
	struct text bytes; /* WIRE_BYTES */
};

static inline struct protobuf_cursor protobuf_cursor_of(struct text bytes)
{
	const unsigned char *at = (const unsigned char *)bytes.bytes;
	return (struct protobuf_cursor){.at = at, .end = bytes.length > 0 ? at + bytes.length : at}; /* no bytes: NULL */
}

static inline size_t protobuf_left(const struct protobuf_cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}

/* Reads the next field; groups are skipped. False: the end, or invalid bytes, and then `failed` is set. */
bool protobuf_next(struct protobuf_cursor *cursor, struct protobuf_field *field);

/* Whether the bytes are fields, and nothing else. */
bool protobuf_is_whole(struct text bytes);

/* Reads a number, as in packed lists; 0 and `failed`: there is none. */
uint64_t protobuf_varint(struct protobuf_cursor *cursor);

static inline bool protobuf_is(const struct protobuf_field *field, uint32_t number, enum protobuf_wire wire)
{
	return field->number == number && field->wire == wire;
}

/* Writers write at `to`, where the caller has reserved memory, and return the end. Sizes are exact. */
static inline size_t protobuf_varint_size(uint64_t value)
{
	size_t bits = 64 - (size_t)__builtin_clzll(value | 1);
	return (bits + 6) / 7;
}

static inline char *protobuf_put_varint(char *to, uint64_t value)
{
	while (value >= 0x80) {
		*to++ = (char)(value | 0x80);
		value >>= 7;
	}
	*to++ = (char)value;
	return to;
}

/* Fields up to 15 have a tag of one byte; all fields here do. */
static inline char *protobuf_put_tag(char *to, uint32_t number, enum protobuf_wire wire)
{
	*to = (char)(number << 3 | wire);
	return to + 1;
}

/* A tag, a length and that many bytes. */
static inline size_t protobuf_bytes_size(size_t length)
{
	return 1 + protobuf_varint_size(length) + length;
}

static inline char *protobuf_put_head(char *to, uint32_t number, size_t length)
{
	return protobuf_put_varint(protobuf_put_tag(to, number, WIRE_BYTES), length);
}

static inline char *protobuf_put_bytes(char *to, uint32_t number, struct text bytes)
{
	to = protobuf_put_head(to, number, bytes.length);
	if (bytes.length)
		memcpy(to, bytes.bytes, bytes.length);
	return to + bytes.length;
}

/* Append a field to a buffer, unless it is empty or false, as in proto3. */
void protobuf_write_text(struct buffer *out, uint32_t number, struct text text);
void protobuf_write_flag(struct buffer *out, uint32_t number, bool flag);

/* The last field of that number counts, as in any reader of protobuf; empty or false: there is none. */
struct text protobuf_read_text(struct text body, uint32_t number);
bool protobuf_read_flag(struct text body, uint32_t number);
