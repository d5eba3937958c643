/* base64.c: see base64.h. */
#include "base/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '+' || c == '-')
		return 62;
	return c == '/' || c == '_' ? 63 : -1;
}

bool base64_read(struct text text, char *out, size_t *length)
{
	size_t count = text.length;
	size_t padding = 0;
	while (padding < 2 && count > 0 && text.bytes[count - 1] == '=') {
		padding++;
		count--;
	}
	/* One letter alone says nothing; padding fills up the last four. */
	if (count % 4 == 1 || (padding && (count + padding) % 4 != 0))
		return false;
	uint32_t bits = 0;
	int held = 0;
	char *at = out;
	for (size_t i = 0; i < count; i++) {
		int value = value_of(text.bytes[i]);
		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
		held += 6;
		if (held >= 8) {
			held -= 8;
			*at++ = (char)(bits >> held);
		}
	}
	*length = (size_t)(at - out);
	return (bits & ((1u << held) - 1)) == 0;
}

bool base64_read_into(struct arena *arena, struct text text, struct text *bytes)
{
	char *room = arena_take_raw(arena, base64_read_room(text.length));
	size_t length;
	if (!room || !base64_read(text, room, &length))
		return false;
	*bytes = (struct text){room, length};
	return true;
}

bool base64url_read(struct text text, char *out, size_t *length)
{
	for (size_t i = 0; i < text.length; i++)
		if (text.bytes[i] == '+' || text.bytes[i] == '/' || text.bytes[i] == '=')
			return false;
	return base64_read(text, out, length);
}

size_t base64_write(struct text bytes, char *out)
{
	const unsigned char *from = (const unsigned char *)bytes.bytes;
	char *at = out;
	for (size_t i = 0; i < bytes.length; i += 3) {
		size_t left = bytes.length - i;
		uint32_t bits =
			(uint32_t)from[i] << 16 | (left > 1 ? (uint32_t)from[i + 1] << 8 : 0) | (left > 2 ? from[i + 2] : 0);
		*at++ = alphabet[bits >> 18];
		*at++ = alphabet[bits >> 12 & 63];
		*at++ = left > 1 ? alphabet[bits >> 6 & 63] : '=';
		*at++ = left > 2 ? alphabet[bits & 63] : '=';
	}
	return (size_t)(at - out);
}
