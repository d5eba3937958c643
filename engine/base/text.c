/* text.c: see text.h. */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/memory.h"

#define CHARACTER_BYTES_MAX 4
#define FIRST_CAPACITY_BYTES ((size_t)256)

bool text_is_one_of(struct text a, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (text_is(a, words[i]))
			return true;
	return false;
}

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* Eight bytes at once, as letter_lowered(). The sums set the highest bit of each byte that is at least the letter, without a
 * carry, since that bit is left out of them. */
static inline uint64_t letters_lowered(uint64_t bytes)
{
	const uint64_t low = bytes & EACH_BYTE(0x7F);
	const uint64_t from_a = low + EACH_BYTE(0x80 - 'A'), after_z = low + EACH_BYTE(0x80 - 'Z' - 1);
	return bytes | ((from_a & ~after_z & ~bytes & EACH_BYTE(0x80)) >> 2); /* 0x20, by which the cases differ */
}

static inline bool eight_equal_caseless(const char *a, const char *b)
{
	uint64_t eight, other;
	memcpy(&eight, a, sizeof eight);
	memcpy(&other, b, sizeof other);
	return eight == other || letters_lowered(eight) == letters_lowered(other);
}

bool text_equal_bytes_caseless(const char *a, const char *b, size_t length)
{
	const size_t eight = sizeof(uint64_t);
	for (size_t i = 0; length < eight && i < length; i++)
		if (a[i] != b[i] && letter_lowered(a[i]) != letter_lowered(b[i]))
			return false;
	for (size_t i = 0; i + eight <= length; i += eight)
		if (!eight_equal_caseless(a + i, b + i))
			return false;
	/* The last eight may overlap those before them. */
	return length < eight || eight_equal_caseless(a + length - eight, b + length - eight);
}

static bool byte_is_one_of(char byte, const char *bytes)
{
	return byte && strchr(bytes, byte);
}

struct text text_unmarked(struct text a)
{
	const struct text mark = TEXT("\xEF\xBB\xBF");
	return text_starts_with(a, mark) ? text_from(a, mark.length) : a;
}

struct text text_beginning(struct text a, size_t most)
{
	size_t length = a.length < most ? a.length : most;
	while (length > 0 && length < a.length && most - length < CHARACTER_BYTES_MAX &&
	       ((unsigned char)a.bytes[length] & 0xC0) == 0x80)
		length--;
	return (struct text){a.bytes, length};
}

struct text text_trimmed(struct text a, const char *blanks)
{
	while (a.length > 0 && byte_is_one_of(a.bytes[0], blanks)) {
		a.bytes++;
		a.length--;
	}
	while (a.length > 0 && byte_is_one_of(a.bytes[a.length - 1], blanks))
		a.length--;
	return a;
}

bool text_starts_with(struct text a, struct text prefix)
{
	return a.length >= prefix.length && text_equal((struct text){a.bytes, prefix.length}, prefix);
}

bool text_ends_with(struct text a, struct text end)
{
	return a.length >= end.length && (end.length == 0 || memcmp(a.bytes + a.length - end.length, end.bytes, end.length) == 0);
}

struct text text_take_until(struct text *rest, char byte)
{
	const char *found = rest->length > 0 ? memchr(rest->bytes, byte, rest->length) : NULL;
	struct text taken = {rest->bytes, found ? (size_t)(found - rest->bytes) : rest->length};
	size_t dropped = taken.length + (found ? 1 : 0);
	if (dropped > 0)
		*rest = (struct text){rest->bytes + dropped, rest->length - dropped};
	return taken;
}

/* How many continuation bytes follow `lead`, and the smallest code point that
 * may be written so; -1 for a byte that leads nothing. */
static int continuation(unsigned char lead, uint32_t *least)
{
	if (lead < 0x80) {
		*least = 0;
		return 0;
	}
	if ((lead & 0xE0) == 0xC0) {
		*least = 0x80;
		return 1;
	}
	if ((lead & 0xF0) == 0xE0) {
		*least = 0x800;
		return 2;
	}
	if ((lead & 0xF8) == 0xF0) {
		*least = 0x10000;
		return 3;
	}
	return -1;
}

static inline const unsigned char *skip_ascii(const unsigned char *at, const unsigned char *end)
{
	for (uint64_t eight; end - at >= (ptrdiff_t)sizeof eight; at += sizeof eight) {
		memcpy(&eight, at, sizeof eight);
		if (eight & UINT64_C(0x8080808080808080))
			break;
	}
	while (at < end && *at < 0x80)
		at++;
	return at;
}

bool text_is_utf8(struct text a)
{
	const unsigned char *at = (const unsigned char *)a.bytes;
	const unsigned char *end = a.length > 0 ? at + a.length : at; /* of no text there may be no bytes */
	while ((at = skip_ascii(at, end)) < end) {
		uint32_t least;
		int more = continuation(*at, &least);
		if (more < 0 || end - at <= more)
			return false;
		uint32_t point = more == 0 ? *at : (uint32_t)(*at & (0x3F >> more));
		for (int i = 1; i <= more; i++) {
			if ((at[i] & 0xC0) != 0x80)
				return false;
			point = point << 6 | (at[i] & 0x3F);
		}
		if (point < least || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
			return false;
		at += 1 + more;
	}
	return true;
}

size_t text_characters(struct text a)
{
	size_t count = 0;
	for (size_t i = 0; i < a.length; i++)
		count += ((unsigned char)a.bytes[i] & 0xC0) != 0x80;
	return count;
}

size_t text_character_length(struct text rest)
{
	size_t length = 1;
	while (length < 4 && length < rest.length && ((unsigned char)rest.bytes[length] & 0xC0) == 0x80)
		length++;
	return text_is_utf8((struct text){rest.bytes, length}) ? length : 0;
}

size_t text_byte_of_character(struct text a, size_t number)
{
	size_t count = 0;
	for (size_t i = 0; i < a.length; i++)
		if (((unsigned char)a.bytes[i] & 0xC0) != 0x80 && ++count == number)
			return i;
	return a.length;
}

void buffer_open(struct buffer *buffer, size_t ceiling_bytes)
{
	*buffer = (struct buffer){.ceiling_bytes = ceiling_bytes};
}

void buffer_close(struct buffer *buffer)
{
	memory_give(buffer->bytes);
	*buffer = (struct buffer){.ceiling_bytes = buffer->ceiling_bytes};
}

void buffer_clear(struct buffer *buffer)
{
	buffer->length = 0;
	buffer->failed = false;
}

static bool text_grow(struct buffer *buffer, size_t need)
{
	size_t capacity = buffer->capacity ? buffer->capacity : FIRST_CAPACITY_BYTES;
	while (capacity < need && capacity <= buffer->ceiling_bytes / 2)
		capacity *= 2;
	if (capacity < need)
		capacity = buffer->ceiling_bytes;
	if (capacity > buffer->ceiling_bytes)
		capacity = buffer->ceiling_bytes;
	char *bytes = capacity < need ? NULL : memory_resize(buffer->bytes, capacity, 1);
	if (!bytes)
		return false;
	buffer->bytes = bytes;
	buffer->capacity = capacity;
	return true;
}

char *buffer_room_beyond(struct buffer *buffer, size_t size)
{
	size_t need;
	if (buffer->failed || __builtin_add_overflow(buffer->length, size, &need) ||
	    ((need > buffer->capacity || !buffer->bytes) && !text_grow(buffer, need))) {
		buffer->failed = true;
		return NULL;
	}
	return buffer->bytes + buffer->length;
}

void buffer_print(struct buffer *buffer, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	char *room = length < 0 ? NULL : buffer_room(buffer, (size_t)length + 1);
	if (!room)
		return;
	va_start(arguments, format);
	(void)vsnprintf(room, (size_t)length + 1, format, arguments);
	va_end(arguments);
	buffer->length += (size_t)length;
}
