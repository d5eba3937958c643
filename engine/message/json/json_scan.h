/* json_scan.h: Pull parser of JSON, which builds no tree.
 *
 * The caller peeks at the type of the next value, enters a list or an object, and takes or skips each value in it:
 *
 *	json_begin(&scan, body, "the request", arena, error);
 *	if (json_peek(&scan) == JSON_OBJECT) {
 *		struct text key;
 *		json_enter(&scan);
 *		while (json_key(&scan, &key)) {
 *			if (text_is(key, "id"))
 *				json_text(&scan, &id);
 *			else
 *				json_skip(&scan);
 *		}
 *	}
 *	return json_end(&scan);
 *
 * Every value must be taken or skipped. Invalid JSON is a sticky failure: the error is set (INPUT), loops end, and
 * each later call fails. Offsets in errors count bytes from 0. Texts borrow from the body; a text with escapes is
 * decoded into the arena. Nothing is allocated on the heap.
 */
#pragma once

#include <emmintrin.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/number/number.h"

/* Scan for plain bytes in JSON strings, many at a time. For json_scan.c and json_write.c. */
#ifdef __SSE2__
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

#define JSON_DEPTH_MAX 64 /* nested lists and objects; json_skip() uses a bit for each */

enum json_type {
	JSON_WRONG, /* no value is there; the error is set */
	JSON_OBJECT,
	JSON_ARRAY,
	JSON_STRING,
	JSON_NUMBER,
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL,
	JSON_BARE /* NaN, Infinity or -Infinity, where `bare` allows it */
};

struct json_scan {
	const char *at;
	const char *end;
	const char *begin;
	const char *what; /* name of the JSON, which begins an error's sentence */
	struct arena *arena;
	struct error *error;
	uint32_t depth;
	bool fresh;  /* just entered: no comma is expected */
	bool failed; /* `at` is then at the end */
	bool bare;   /* accepts the bare words that some servers write for floats */
};

void json_begin(struct json_scan *scan, struct text body, const char *what, struct arena *arena, struct error *error);

/* "<what> is not JSON: <cause>, at byte <n>". Always false. */
__attribute__((cold)) bool json_fail(struct json_scan *scan, const char *cause);

void json_skip_blanks_further(struct json_scan *scan);

static inline void json_skip_blanks(struct json_scan *scan)
{
	if (scan->at < scan->end && (unsigned char)*scan->at <= ' ') /* false for nearly all bytes */
		json_skip_blanks_further(scan);
}

extern const unsigned char json_first_bytes[256]; /* the json_type that begins with the byte; 0: needs more bytes */

enum json_type json_peek_further(struct json_scan *scan);

static inline enum json_type json_peek(struct json_scan *scan)
{
	enum json_type type = scan->at < scan->end ? (enum json_type)json_first_bytes[(unsigned char)*scan->at] : JSON_WRONG;
	return type != JSON_WRONG ? type : json_peek_further(scan);
}

/* Enters the list or object that json_peek() returned. */
static inline bool json_enter(struct json_scan *scan)
{
	if (scan->failed || scan->depth == JSON_DEPTH_MAX)
		return json_fail(scan, "it is nested more than 64 deep");
	scan->at++;
	scan->depth++;
	scan->fresh = true;
	return true;
}

/* Past the bracket that ends the list or object. */
static inline void json_leave(struct json_scan *scan)
{
	scan->at++;
	scan->depth--;
	scan->fresh = false;
}

/* Whether the list has another item; leaves the list if not. */
static inline bool json_item(struct json_scan *scan)
{
	json_skip_blanks(scan);
	if (scan->at == scan->end)
		return json_fail(scan, "it ends inside a list");
	char next = *scan->at;
	if (next == ']') {
		json_leave(scan);
		return false;
	}
	if (scan->fresh)
		scan->fresh = false;
	else if (next == ',')
		scan->at++;
	else
		return json_fail(scan, "a list goes on without `,` or `]`");
	return true;
}

bool json_key_further(struct json_scan *scan, struct text *key);

/* Reads the next member's key, and stops before its value. False: there are no more, and the object is left. */
static inline bool json_key(struct json_scan *scan, struct text *key)
{
	if (scan->at == scan->end || *scan->at != '}')
		return json_key_further(scan, key);
	json_leave(scan);
	return false;
}

#define JSON_LIKELY_MAX 16

/* Fast path for expected keys: the position of the next key, if at most one space precedes it. NULL: call
 * json_key(). JSON_LIKELY_MAX bytes may be read there. */
static inline const char *json_key_begin(const struct json_scan *scan)
{
	const char *at = scan->at;
	if (scan->end - at < JSON_LIKELY_MAX + 2 || (!scan->fresh && *at++ != ','))
		return NULL;
	at += *at == ' ';
	return *at == '"' ? at : NULL;
}

/* Whether the key is this one, given with its quotes and colon (TEXT("\"id\":")). If so, the scan moves before
 * its value; else it does not move. */
static inline bool json_key_passed(struct json_scan *scan, const char *begin, struct text member)
{
	if (memcmp(begin, member.bytes, member.length) != 0)
		return false;
	scan->at = begin + member.length;
	scan->fresh = false;
	return true;
}

bool json_text_further(struct json_scan *scan, struct text *text);

static inline bool json_text(struct json_scan *scan, struct text *text)
{
	const char *begin = scan->at + 1;
	if (scan->end - scan->at <= 16)
		return json_text_further(scan, text);
	size_t length = json_plain_of_16(begin);
	if (length == 16 || begin[length] != '"') /* longer than most, or not plain */
		return json_text_further(scan, text);
	*text = (struct text){begin, length};
	scan->at = begin + length + 1;
	return true;
}

bool json_number(struct json_scan *scan, struct decimal *decimal);
bool json_word(struct json_scan *scan); /* true, false, null */
bool json_bare(struct json_scan *scan, double *number);

/* Whether a string stands for a number that JSON has not: NaN, Infinity or -Infinity. */
bool json_number_named(struct text word, double *number);

/* Skips any value, and checks it; `json_span` also returns its bytes. */
bool json_skip(struct json_scan *scan);
bool json_span(struct json_scan *scan, struct text *span);

/* A text; any other value is skipped, and `text` is unchanged. */
void json_take_text(struct json_scan *scan, struct text *text);

/* The number of members of the object, or items of the list, that comes next, which is skipped; `inside` is left before the
 * first of them. 0 for a value of another type. */
size_t json_look_ahead(struct json_scan *scan, enum json_type type, struct json_scan *inside);

/* Whether the JSON was valid and only white space follows. */
bool json_end(struct json_scan *scan);

/* A second scan over a span of this body. Offsets in its errors count from the body's start. */
struct json_scan json_again(const struct json_scan *scan, struct text span);
