/* header_block.c: see header_block.h. */
#include "kafka/consume/header_block.h"

#include <stdint.h>
#include <string.h>

#define VARINT_BYTES_MAX 10
#define LENGTH_BYTES_MAX 5 /* of lengths, which are of 32 bits */
#define MORE 0x80	   /* of a byte of a varint: another one follows */
#define NO_KEY 0x01	   /* the length -1 */

/* ---- back from the value ---- */

static __attribute__((noinline)) bool long_length_is_before(const unsigned char **at, size_t length)
{
	unsigned char bytes[LENGTH_BYTES_MAX];
	size_t count = 0;
	if (length > INT32_MAX)
		return false;
	for (uint64_t rest = (uint64_t)length * 2; count == 0 || rest > 0; rest >>= 7)
		bytes[count++] = (unsigned char)((rest & (MORE - 1)) | (rest >= MORE ? MORE : 0));
	*at -= count;
	return memcmp(*at, bytes, count) == 0;
}

/* Whether the varint of that length ends there; then it begins at `*at`. Nearly all have one byte or two. */
static inline bool length_is_before(const unsigned char **at, size_t length)
{
	if (length < MORE / 2)
		return *--*at == length * 2;
	if (length >= MORE / 2 * MORE)
		return long_length_is_before(at, length);
	*at -= 2;
	return (*at)[0] == (length * 2 % MORE | MORE) && (*at)[1] == length * 2 / MORE;
}

/* Passes the varint that ends there, of any value. Its first byte follows one without that bit, in this format. */
static bool varint_is_before(const unsigned char **at)
{
	if (*--*at & MORE)
		return false;
	for (size_t i = 1; (*at)[-1] & MORE; i++, --*at)
		if (i == VARINT_BYTES_MAX)
			return false;
	return true;
}

/* The length of the record, of which `least` bytes are known: its last byte is before `at`. What is before its first byte is of
 * another record, so the shortest varint is taken that is long enough. It is at most the true one: a shorter one lacks the lowest
 * bits, and is a part of it. 0: there is none. */
static size_t record_length(const unsigned char *at, size_t least)
{
	uint64_t number = 0;
	for (size_t i = 0; i < LENGTH_BYTES_MAX && (i == 0 || (at[-1] & MORE)); i++) {
		number = number << 7 | (*--at & (MORE - 1));
		if (number % 2 == 0 && number / 2 >= least)
			return (size_t)(number / 2);
	}
	return 0;
}

bool header_block_find(struct text key, struct text value, struct text *block)
{
	const unsigned char *at = (const unsigned char *)value.bytes;
	const unsigned char *key_bytes = (const unsigned char *)key.bytes;
	if (value.length == 0 || (key_bytes && key.length == 0) || !length_is_before(&at, value.length))
		return false; /* librdkafka does not point into the record at what is empty */
	if (key_bytes) {
		if ((uintptr_t)key_bytes + key.length != (uintptr_t)at)
			return false;
		at = key_bytes;
		if (!length_is_before(&at, key.length))
			return false;
	} else if (*--at != NO_KEY) {
		return false;
	}
	for (int i = 0; i < 2; i++)
		if (!varint_is_before(&at))
			return false;
	if (*--at != 0 || (at[-1] & MORE))
		return false;
	const size_t before = (size_t)((const unsigned char *)value.bytes - at) + value.length;
	const size_t length = record_length(at, before + 1);
	*block = (struct text){value.bytes + value.length, length - before};
	return length > 0;
}

/* ---- the headers ---- */

/* Takes a length; -1 of what is not there, which only a value may be. */
static bool length_take(struct text *rest, int64_t *length)
{
	uint64_t number = 0;
	for (unsigned shift = 0; rest->length > 0 && shift < 7 * LENGTH_BYTES_MAX; shift += 7) {
		const unsigned char byte = (unsigned char)*rest->bytes++;
		rest->length--;
		number |= (uint64_t)(byte & (MORE - 1)) << shift;
		if (byte & MORE)
			continue;
		*length = (int64_t)(number >> 1) ^ -(int64_t)(number & 1);
		return *length >= -1;
	}
	return false;
}

static __attribute__((noinline)) bool long_text_take(struct text *rest, bool may_lack, struct text *text)
{
	int64_t length;
	*text = (struct text){0};
	if (!length_take(rest, &length) || (length < 0 && !may_lack) || (length > 0 && (uint64_t)length > rest->length))
		return false;
	if (length < 0)
		return true;
	*text = (struct text){rest->bytes, (size_t)length};
	rest->bytes += length;
	rest->length -= (size_t)length;
	return true;
}

/* Most have fewer than 64 bytes, and so one of length, which is twice that. */
static inline bool text_take(struct text *rest, bool may_lack, struct text *text)
{
	const unsigned char first = rest->length > 0 ? (unsigned char)*rest->bytes : MORE;
	const size_t length = first / 2;
	if ((first & (MORE | 1)) || length >= rest->length)
		return long_text_take(rest, may_lack, text);
	*text = (struct text){rest->bytes + 1, length};
	*rest = (struct text){rest->bytes + 1 + length, rest->length - 1 - length};
	return true;
}

static bool text_copy(struct text *rest, bool may_lack, char **to, struct text *text)
{
	if (!text_take(rest, may_lack, text))
		return false;
	if (!text->bytes)
		return true;
	memcpy(*to, text->bytes, text->length);
	text->bytes = *to;
	(*to)[text->length] = '\0';
	*to += text->length + 1;
	return true;
}

static bool count_take(struct text *block, int64_t *count)
{
	return length_take(block, count) && *count >= 0 && (uint64_t)*count <= block->length / 2;
}

bool header_block_read(struct text block, struct arena *arena, struct headers *headers)
{
	int64_t count;
	*headers = (struct headers){0};
	if (!count_take(&block, &count))
		return false;
	if (count == 0)
		return block.length == 0;
	struct header *items = ARENA_ARRAY(arena, struct header, (size_t)count);
	char *to = ARENA_ARRAY(arena, char, block.length); /* the bytes 0 take the places of the lengths */
	if (!items || !to)
		return false;
	for (size_t i = 0; i < (size_t)count; i++)
		if (!text_copy(&block, false, &to, &items[i].name) || !text_copy(&block, true, &to, &items[i].value))
			return false;
	*headers = (struct headers){(size_t)count, items};
	return block.length == 0;
}

bool header_block_value(struct text block, struct text name, struct text *value)
{
	int64_t count;
	struct text own_name, own_value;
	*value = (struct text){0};
	if (block.length == 1 && *block.bytes == 0)
		return true; /* there are no headers: as nearly always */
	if (!count_take(&block, &count))
		return false;
	for (; count > 0; count--) {
		if (!text_take(&block, false, &own_name) || !text_take(&block, true, &own_value))
			return false;
		if (own_name.length == name.length && text_equal_caseless(own_name, name))
			*value = own_value;
	}
	return block.length == 0;
}
