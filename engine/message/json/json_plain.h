/* json_plain.h: Scan for plain bytes in JSON strings, many at a time. For json_scan.c and json_write.c. */
#ifndef SLUICE_MESSAGE_JSON_JSON_PLAIN_H
#define SLUICE_MESSAGE_JSON_JSON_PLAIN_H

#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define JSON_EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))

/* How many of the next eight bytes precede the end of a plain run: a quote, a backslash, a control character,
 * or a byte beyond ASCII. A subtraction borrows only from bytes after a match, so the first match is correct. */
static inline unsigned json_plain_of_8(const char *at)
{
	uint64_t bytes;
	memcpy(&bytes, at, sizeof bytes);
	uint64_t quote = bytes ^ JSON_EACH_BYTE('"');
	uint64_t backslash = bytes ^ JSON_EACH_BYTE('\\');
	uint64_t found = (quote - JSON_EACH_BYTE(1)) | (backslash - JSON_EACH_BYTE(1)) | (bytes - JSON_EACH_BYTE(0x20)) | bytes;
	found &= JSON_EACH_BYTE(0x80);
	return found ? (unsigned)__builtin_ctzll(found) >> 3 : 8;
}

/* The same for sixteen bytes. */
static inline unsigned json_plain_of_16(const char *at)
{
#ifdef __SSE2__
	__m128i bytes = _mm_loadu_si128((const __m128i *)at);
	__m128i found = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)); /* bytes beyond ASCII are negative */
	found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')));
	found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')));
	return (unsigned)__builtin_ctz((unsigned)_mm_movemask_epi8(found) | 1U << 16);
#else
	unsigned first = json_plain_of_8(at);
	return first < 8 ? first : 8 + json_plain_of_8(at + 8);
#endif
}

/* Advances to the first byte before `end` that ends a plain run. May stop early in the last seven bytes. */
static inline const char *json_skip_plain(const char *at, const char *end)
{
	unsigned plain = 16;
	for (; plain == 16 && end - at >= 16; at += plain)
		plain = json_plain_of_16(at);
	return plain == 16 && end - at >= 8 ? at + json_plain_of_8(at) : at;
}

#endif
