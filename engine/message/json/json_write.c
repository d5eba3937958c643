/* json_write.c: see json_write.h. */
#include "message/json/json_write.h"

#include <math.h>

#include "base/base64.h"
#include "base/number/number.h"
#include "message/json/json_scan.h"

/* Bytes of the UTF-8 character at `at`; 0 when none stands there. */
static size_t character_length(const char *at, size_t left)
{
	unsigned char lead = (unsigned char)*at;
	size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
	return lead >= 0xC0 && length <= left && text_is_utf8((struct text){at, length}) ? length : 0;
}

static void write_escaped(struct buffer *out, char c)
{
	static const char letters[] = "\"\\\b\f\n\r\t";
	static const char escapes[] = "\"\\bfnrt";
	static const char hex[] = "0123456789abcdef";
	const char *found = c ? strchr(letters, c) : NULL;
	if (found) {
		buffer_append(out, (char[]){'\\', escapes[found - letters]}, 2);
		return;
	}
	buffer_append(out, (char[]){'\\', 'u', '0', '0', hex[c >> 4 & 1], hex[c & 15]}, 6);
}

static inline bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

/* A text of eight to sixteen bytes, as names and ids are: both of its halves, which may overlap. */
static inline bool copy_halves(char *to, struct text text)
{
	const char *second = text.bytes + text.length - 8;
	bool plain = json_plain_of_8(text.bytes) == 8 && json_plain_of_8(second) == 8;
	memcpy(to, text.bytes, 8);
	memcpy(to + text.length - 8, second, 8);
	return plain;
}

bool json_copy_plain(char *to, struct text text)
{
	if (text.length == 0)
		return true;
	if (text.length >= 8 && text.length <= 16)
		return copy_halves(to, text);
	size_t at = text.length > 16 ? (size_t)(json_skip_plain(text.bytes, text.bytes + text.length) - text.bytes) : 0;
	while (at < text.length && is_plain((unsigned char)text.bytes[at]))
		at++;
	memcpy(to, text.bytes, text.length);
	return at == text.length;
}

void json_write_string_further(struct buffer *out, struct text before, struct text text)
{
	size_t begin = 0;
	size_t at = 0;
	buffer_text(out, before);
	buffer_byte(out, '"');
	while (at < text.length) {
		unsigned char c = (unsigned char)text.bytes[at];
		size_t kept = c < 0x80 ? is_plain(c) : character_length(text.bytes + at, text.length - at);
		at += kept;
		if (kept)
			continue;
		buffer_append(out, text.bytes + begin, at - begin);
		if (c < 0x80)
			write_escaped(out, (char)c);
		else
			buffer_string(out, "\xEF\xBF\xBD");
		begin = ++at;
	}
	if (at > begin)
		buffer_append(out, text.bytes + begin, at - begin);
	buffer_byte(out, '"');
}

void json_write_string(struct buffer *out, struct text text)
{
	json_write_string_after(out, TEXT(""), text);
}

void json_write_member(struct buffer *out, const char *before, const char *name, struct text value)
{
	buffer_print(out, "%s\"%s\": ", before, name);
	json_write_string(out, value);
}

void json_write_double(struct buffer *out, double number)
{
	char *room = buffer_room(out, NUMBER_TEXT_MAX);
	if (!isfinite(number))
		buffer_string(out, isnan(number) ? "\"NaN\"" : number < 0 ? "\"-Infinity\"" : "\"Infinity\"");
	else if (room)
		buffer_grown(out, number_write_double(room, number));
}

void json_write_finite(struct buffer *out, double number)
{
	if (isfinite(number))
		json_write_double(out, number);
	else
		buffer_string(out, "null");
}

void json_write_finite_after(struct buffer *out, const char *before, double number)
{
	buffer_string(out, before);
	json_write_finite(out, number);
}

void json_write_finite_member(struct buffer *out, const char *before, const char *name, double number)
{
	buffer_print(out, "%s\"%s\": ", before, name);
	json_write_finite(out, number);
}

void json_write_int64(struct buffer *out, int64_t number)
{
	char *room = buffer_room(out, NUMBER_TEXT_MAX);
	if (room)
		buffer_grown(out, number_write_int64(room, number));
}

void json_write_uint64(struct buffer *out, uint64_t number)
{
	char *room = buffer_room(out, NUMBER_TEXT_MAX);
	if (room)
		buffer_grown(out, number_write_uint64(room, number));
}

void json_write_bool(struct buffer *out, bool flag)
{
	buffer_string(out, flag ? "true" : "false");
}

bool json_written(const struct buffer *out, struct error *error)
{
	return !buffer_failed(out) ||
	       error_set(error, ERROR_LIMIT, PLACE_NONE,
			 "it would need a body of more than %zu bytes, which is the limit; send less at once", out->ceiling_bytes);
}

void json_write_base64(struct buffer *out, struct text bytes)
{
	buffer_byte(out, '"');
	char *room = buffer_room(out, base64_write_room(bytes.length));
	if (room)
		buffer_grown(out, base64_write(bytes, room));
	buffer_byte(out, '"');
}
