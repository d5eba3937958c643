/* json_plain.h: the bytes that stand in a string of JSON as they are, many at a time. For
 * json_scan.c and json_write.c. */
#ifndef SLUICE_MESSAGE_JSON_PLAIN_H
#define SLUICE_MESSAGE_JSON_PLAIN_H

#include <stdint.h>
#include <string.h>

#define JSON_EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* To the first of the bytes before `end` that ends a plain run: a quote, a backslash,
 * a control character, or one beyond ASCII. Of the last seven it may be any. A
 * difference borrows only from bytes behind a found one, so the first found is one. */
static inline const char *json_skip_plain(const char *at, const char *end)
{
	for (; end - at >= 8; at += 8) {
		uint64_t bytes;
		memcpy(&bytes, at, sizeof bytes);
		uint64_t quote = bytes ^ JSON_EACH_BYTE('"');
		uint64_t backslash = bytes ^ JSON_EACH_BYTE('\\');
		uint64_t found =
			(quote - JSON_EACH_BYTE(1)) | (backslash - JSON_EACH_BYTE(1)) | (bytes - JSON_EACH_BYTE(0x20)) | bytes;
		found &= JSON_EACH_BYTE(0x80);
		if (found)
			return at + (__builtin_ctzll(found) >> 3);
	}
	return at;
}

#endif
