/* json_write.h: Writer of JSON values to a buffer.
 *
 * The output is always valid JSON: control characters, quotes and backslashes are escaped. Bytes that are not
 * UTF-8 become the replacement character; a caller that must keep them writes base64. NaN and the infinities
 * are written in quotes.
 */
#pragma once

#include "base/error.h"
#include "base/text.h"

void json_write_string(struct buffer *out, struct text text);

/* Appends `"name": "value"` after `before`, which is "{" or ", ". */
void json_write_member(struct buffer *out, const char *before, const char *name, struct text value);

/* Private to the next one: copies a text that needs no escapes, and says whether it is one; and writes any. */
bool json_copy_plain(char *to, struct text text);
void json_write_string_further(struct buffer *out, struct text before, struct text text);

/* `before` is not escaped. */
static inline void json_write_string_after(struct buffer *out, struct text before, struct text text)
{
	size_t size = before.length + text.length + 2;
	char *room = buffer_room(out, size);
	if (!room || !json_copy_plain(room + before.length + 1, text)) {
		json_write_string_further(out, before, text);
		return;
	}
	memcpy(room, before.bytes, before.length);
	room[before.length] = '"';
	room[size - 1] = '"';
	buffer_grown(out, size);
}

void json_write_base64(struct buffer *out, struct text bytes); /* as a string */
void json_write_double(struct buffer *out, double number);

/* A number; null: it is not finite. */
void json_write_finite(struct buffer *out, double number);

/* The same after `before`, which is not escaped; and as `"name": number` after `before`, as json_write_member() does. */
void json_write_finite_after(struct buffer *out, const char *before, double number);
void json_write_finite_member(struct buffer *out, const char *before, const char *name, double number);

void json_write_int64(struct buffer *out, int64_t number);
void json_write_uint64(struct buffer *out, uint64_t number);
void json_write_bool(struct buffer *out, bool flag);

/* Whether all of it fitted; else a LIMIT error. Call once at the end. */
bool json_written(const struct buffer *out, struct error *error);
