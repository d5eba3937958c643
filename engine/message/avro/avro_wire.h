/* avro_wire.h: Avro's binary encoding, shared by the readers and writers of avro*.c and mapped*.c.
 *
 * A cursor that has failed stays failed: later reads return 0 or empty, and the caller checks avro_failed() at
 * the end of a part. Every loop ends, because a count is checked against the bytes that are left.
 */
#pragma once

#include <math.h>

#include "base/text.h"

#define AVRO_LONG_BYTES_MAX 10
#define AVRO_SINGLE_OBJECT_BYTES 10 /* of its header */
#define AVRO_UNLIKELY(condition) __builtin_expect(!!(condition), 0)

struct avro_cursor {
	const unsigned char *at;
	const unsigned char *end;
	bool failed;
};

static inline struct avro_cursor avro_cursor_of(struct text bytes)
{
	const unsigned char *at = (const unsigned char *)bytes.bytes;
	return (struct avro_cursor){.at = at, .end = at + bytes.length};
}

static inline size_t avro_left(const struct avro_cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}

static inline bool avro_failed(const struct avro_cursor *cursor)
{
	return cursor->failed;
}

static inline void avro_fail(struct avro_cursor *cursor)
{
	cursor->failed = true;
	cursor->at = cursor->end;
}

static inline int64_t avro_from_zigzag(uint64_t bits)
{
	return (int64_t)(bits >> 1 ^ (0 - (bits & 1)));
}

/* Slow path: a number of more than one byte, or none. By value, so that the reader's cursor can stay in
 * registers. */
struct avro_long {
	int64_t number;
	const unsigned char *behind; /* first byte after it; NULL: there is no number */
};
struct avro_long avro_long_beyond(const unsigned char *at, const unsigned char *end);

static inline int64_t avro_read_long_slowly(struct avro_cursor *cursor)
{
	struct avro_long read = avro_long_beyond(cursor->at, cursor->end);
	if (AVRO_UNLIKELY(!read.behind))
		avro_fail(cursor);
	else
		cursor->at = read.behind;
	return read.number;
}

static inline int64_t avro_read_long(struct avro_cursor *cursor)
{
	if (AVRO_UNLIKELY(cursor->at == cursor->end || *cursor->at >= 0x80))
		return avro_read_long_slowly(cursor);
	return avro_from_zigzag(*cursor->at++);
}

/* A number that is rarely negative or above 63: a length, a count, an index. */
static inline int64_t avro_read_small(struct avro_cursor *cursor)
{
	if (AVRO_UNLIKELY(cursor->at == cursor->end || (*cursor->at & 0x81) != 0))
		return avro_read_long_slowly(cursor);
	return *cursor->at++ >> 1;
}

/* An `int`: a long that fits 32 bits. */
static inline int32_t avro_read_int(struct avro_cursor *cursor)
{
	int64_t number = avro_read_long(cursor);
	if (AVRO_UNLIKELY(number < INT32_MIN || number > INT32_MAX)) {
		avro_fail(cursor);
		return 0;
	}
	return (int32_t)number;
}

/* `size` raw bytes; NULL: fewer are left. */
static inline const void *avro_read_raw(struct avro_cursor *cursor, size_t size)
{
	if (AVRO_UNLIKELY(size > avro_left(cursor))) {
		avro_fail(cursor);
		return NULL;
	}
	const void *bytes = cursor->at;
	cursor->at += size;
	return bytes;
}

/* The next `length` bytes: borrowed, not checked. */
static inline struct text avro_read_counted(struct avro_cursor *cursor, int64_t length)
{
	if (AVRO_UNLIKELY((uint64_t)length > avro_left(cursor))) {
		avro_fail(cursor);
		return (struct text){NULL, 0};
	}
	struct text bytes = {(const char *)cursor->at, (size_t)length};
	cursor->at += length;
	return bytes;
}

/* Bytes or a string. */
static inline struct text avro_read_bytes(struct avro_cursor *cursor)
{
	return avro_read_counted(cursor, avro_read_small(cursor));
}

/* The same for contents, which usually have more than 63 bytes, and so a length of two bytes. */
static inline struct text avro_read_contents(struct avro_cursor *cursor)
{
	const unsigned char *at = cursor->at;
	if (avro_left(cursor) < 2 || (at[0] & 0x81) != 0x80 || at[1] >= 0x80)
		return avro_read_bytes(cursor);
	cursor->at += 2;
	return avro_read_counted(cursor, (at[0] & 0x7F) >> 1 | at[1] << 6);
}

/* Number of items in the next block of an array or map; 0: no more blocks. Each item takes at least one byte,
 * so a larger count than bytes left is invalid. */
static inline size_t avro_read_block(struct avro_cursor *cursor)
{
	int64_t count = avro_read_small(cursor);
	if (AVRO_UNLIKELY(count < 0)) {
		(void)avro_read_long(cursor); /* the block's size in bytes, for readers that skip it */
		count = count == INT64_MIN ? INT64_MAX : -count;
	}
	if (AVRO_UNLIKELY((uint64_t)count > avro_left(cursor))) {
		avro_fail(cursor);
		return 0;
	}
	return (size_t)count;
}

static inline double avro_read_double(struct avro_cursor *cursor)
{
	double number = 0;
	const void *bytes = avro_read_raw(cursor, sizeof number);
	if (bytes)
		memcpy(&number, bytes, sizeof number);
	return number;
}

/* The branch of a union of null and another type: whether it is the other one, which follows. */
static inline bool avro_read_presence(struct avro_cursor *cursor)
{
	const int64_t branch = avro_read_small(cursor);
	if (branch != 0 && branch != 1)
		avro_fail(cursor);
	return branch == 1;
}

/* A union of null and a double: null is NaN. */
static inline double avro_read_finite(struct avro_cursor *cursor)
{
	return avro_read_presence(cursor) ? avro_read_double(cursor) : (double)NAN;
}

/* Whether the bytes are a record in single-object encoding, of the schema with that fingerprint. */
static inline bool avro_is_single_object(struct text bytes, uint64_t fingerprint)
{
	return bytes.length >= AVRO_SINGLE_OBJECT_BYTES && memcmp(bytes.bytes, "\xC3\x01", 2) == 0 &&
	       memcmp(bytes.bytes + 2, &fingerprint, sizeof fingerprint) == 0;
}

/* The record after the header of single-object encoding. */
static inline struct text avro_single_object_body(struct text bytes)
{
	return text_from(bytes, AVRO_SINGLE_OBJECT_BYTES);
}

/* The most bytes that bytes or a string take. */
static inline size_t avro_text_room(struct text text)
{
	return text.length + AVRO_LONG_BYTES_MAX;
}

#define AVRO_TABLE_DIGITS 16 /* of the version of a table, hexadecimal */
#define AVRO_TABLE_BYTES (1 + AVRO_TABLE_DIGITS)

/* Writers write at `to`, where the caller has reserved memory, and return the end. */
static inline char *avro_put_long(char *to, int64_t number)
{
	/* cppcheck-suppress shiftTooManyBitsSigned; gcc and clang both keep the sign */
	uint64_t bits = (uint64_t)number << 1 ^ (uint64_t)(number >> 63);
	while (bits >= 0x80) {
		*to++ = (char)(bits | 0x80);
		bits >>= 7;
	}
	*to++ = (char)bits;
	return to;
}

/* The header of single-object encoding. */
static inline char *avro_put_single_object(char *to, uint64_t fingerprint)
{
	*to++ = (char)0xC3;
	*to++ = 0x01;
	memcpy(to, &fingerprint, sizeof fingerprint);
	return to + sizeof fingerprint;
}

/* A length, a count or an index: rarely above 63, never negative. */
static inline char *avro_put_small(char *to, size_t number)
{
	if (AVRO_UNLIKELY(number > 63))
		return avro_put_long(to, (int64_t)number);
	*to = (char)(number << 1);
	return to + 1;
}

static inline char *avro_put_bytes(char *to, struct text bytes)
{
	to = avro_put_small(to, bytes.length);
	if (bytes.length)
		memcpy(to, bytes.bytes, bytes.length);
	return to + bytes.length;
}

static inline char *avro_put_double(char *to, double number)
{
	memcpy(to, &number, sizeof number);
	return to + sizeof number;
}

/* A union of null and bytes: the branch, then the bytes. */
static inline char *avro_put_optional(char *to, struct text bytes)
{
	to = avro_put_small(to, bytes.bytes != NULL);
	return bytes.bytes ? avro_put_bytes(to, bytes) : to;
}

/* Writes the version of a table as a text. */
char *avro_put_table(char *to, uint64_t table);
char *avro_table_digits(char *to, uint64_t table); /* without their number */
