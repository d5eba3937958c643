/* text.h: Text, which is bytes with a length, and buffer, which grows.
 *
 * A `struct text` borrows: it points into a message, a file or a constant and never owns. It may contain any
 * byte, also NUL.
 *
 * A `struct buffer` owns its bytes and has a ceiling. Reaching the ceiling, or running out of memory, is
 * sticky: later appends do nothing, and the caller checks buffer_failed() once at the end.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text {
	const char *bytes;
	size_t length;
};

#define TEXT(literal) ((struct text){(literal), sizeof(literal) - 1})

static inline struct text text_of(const char *string)
{
	return (struct text){string, string ? strlen(string) : 0};
}

static inline bool text_equal(struct text a, struct text b)
{
	return a.length == b.length && (a.bytes == b.bytes || a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

static inline uint64_t eight_bytes_at(const char *bytes)
{
	uint64_t word;
	memcpy(&word, bytes, sizeof word);
	return word;
}

static inline uint32_t four_bytes_at(const char *bytes)
{
	uint32_t word;
	memcpy(&word, bytes, sizeof word);
	return word;
}

/* The same inlined, for names, which are short and often compared: by words, of which the last may overlap. */
static inline bool text_equal_short(struct text a, struct text b)
{
	const char *left = a.bytes, *right = b.bytes;
	const size_t length = a.length;
	if (length != b.length)
		return false;
	if (length < 4)
		return length == 0 ||
		       (left[0] == right[0] && left[length / 2] == right[length / 2] && left[length - 1] == right[length - 1]);
	if (length < 8)
		return four_bytes_at(left) == four_bytes_at(right) &&
		       four_bytes_at(left + length - 4) == four_bytes_at(right + length - 4);
	for (size_t i = 0; i + 8 < length; i += 8)
		if (eight_bytes_at(left + i) != eight_bytes_at(right + i))
			return false;
	return eight_bytes_at(left + length - 8) == eight_bytes_at(right + length - 8);
}

static inline bool text_is(struct text a, const char *string)
{
	return text_equal(a, text_of(string));
}

/* Compares strings, either of which may be NULL; NULL equals only NULL. */
static inline bool strings_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool text_is_one_of(struct text a, const char *const *words, size_t count);

static inline bool byte_is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static inline char letter_lowered(char c) /* ASCII letters only, as below */
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool text_equal_bytes_caseless(const char *a, const char *b, size_t length); /* text_equal_caseless() of texts that may be equal */

/* Nearly all that are compared differ in their length or in the first byte, where letters of either case differ by one bit. */
static inline bool text_equal_caseless(struct text a, struct text b)
{
	if (a.length != b.length)
		return false;
	return a.length == 0 ||
	       (((a.bytes[0] ^ b.bytes[0]) & ~('a' ^ 'A')) == 0 && text_equal_bytes_caseless(a.bytes, b.bytes, a.length));
}

static inline struct text text_from(struct text a, size_t at) /* the bytes from `at` to the end */
{
	assert(at <= a.length);
	return (struct text){a.bytes + at, a.length - at};
}

static inline int text_compare(struct text a, struct text b) /* by bytes, then by length; below, at or above 0 */
{
	const size_t common = a.length < b.length ? a.length : b.length;
	const int order = common ? memcmp(a.bytes, b.bytes, common) : 0; /* an empty text may have no bytes at all */
	return order ? order : (a.length > b.length) - (a.length < b.length);
}

bool text_starts_with(struct text a, struct text prefix);
bool text_ends_with(struct text a, struct text end);
struct text text_take_until(struct text *rest, char byte); /* removes and returns the bytes before the first `byte`, or all;
							    * drops `byte` */
struct text text_beginning(struct text a, size_t most);	   /* at most so many bytes of it, without a part of a character */
struct text text_unmarked(struct text a); /* without the mark that some editors write before UTF-8 */
struct text text_trimmed(struct text a, const char *blanks); /* without the bytes of `blanks` at either end */
bool text_is_utf8(struct text a);                        /* no surrogates, no overlong forms */
size_t text_characters(struct text a);                   /* code points of valid UTF-8 */
size_t text_character_length(struct text rest);          /* bytes of the character that begins it; 0: its bytes are no UTF-8 */
size_t text_byte_of_character(struct text a, size_t number); /* where that code point, from 1, begins; the length: it has fewer */

#define TEXT_FORMAT "%.*s"
#define TEXT_ARGUMENTS(text) (int)(text).length, ((text).bytes ? (text).bytes : "")

struct buffer {
	char *bytes;
	size_t length;
	size_t capacity;
	size_t ceiling_bytes;
	bool failed;
};

void buffer_open(struct buffer *buffer, size_t ceiling_bytes); /* does not allocate yet */
void buffer_close(struct buffer *buffer);
void buffer_clear(struct buffer *buffer); /* empties it, keeps its memory, and clears a failure */

/* Slow path: grows. Call buffer_room() instead. */
char *buffer_room_beyond(struct buffer *buffer, size_t size);

/* Memory for `size` more bytes after the end, or NULL; then buffer_grown() adds the bytes that were written. */
static inline char *buffer_room(struct buffer *buffer, size_t size)
{
	if (__builtin_expect(buffer->failed || size >= buffer->capacity - buffer->length, 0))
		return buffer_room_beyond(buffer, size);
	return buffer->bytes + buffer->length;
}

static inline void buffer_grown(struct buffer *buffer, size_t size)
{
	buffer->length += size;
}

static inline void buffer_append(struct buffer *buffer, const void *bytes, size_t size)
{
	char *room = buffer_room(buffer, size);
	if (!room || size == 0)
		return;
	memcpy(room, bytes, size);
	buffer->length += size;
}

static inline void buffer_text(struct buffer *buffer, struct text text)
{
	buffer_append(buffer, text.bytes, text.length);
}

static inline void buffer_string(struct buffer *buffer, const char *string)
{
	buffer_append(buffer, string, strlen(string));
}

static inline void buffer_byte(struct buffer *buffer, char byte)
{
	buffer_append(buffer, &byte, 1);
}

void buffer_print(struct buffer *buffer, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline bool buffer_failed(const struct buffer *buffer)
{
	return buffer->failed;
}
static inline struct text buffer_view(const struct buffer *buffer)
{
	return (struct text){buffer->bytes, buffer->length};
}
