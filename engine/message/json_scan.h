/* json_scan.h: JSON read from front to back, without making a tree of it.
 *
 * The caller pulls: it peeks at the type of what comes next, enters a list or an
 * object, and takes or skips each value in it:
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
 * Every value must be taken or skipped. What is wrong with the JSON is sticky: the
 * error is set (INPUT), loops end, and each call fails from then on. Offsets in
 * errors count bytes from 0. Texts borrow from the body; one with escapes is made in the
 * arena. Nothing takes from the heap.
 */
#ifndef SLUICE_MESSAGE_JSON_SCAN_H
#define SLUICE_MESSAGE_JSON_SCAN_H

#include "base/arena.h"
#include "base/error.h"
#include "base/number.h"
#include "message/json_plain.h"

#define JSON_DEPTH_MAX 64 /* lists and objects in each other; a bit each in the skipping of them */

enum json_type {
	JSON_WRONG, /* no value stands there; the error is set */
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
	const char *what; /* whose JSON it is, to begin a sentence with */
	struct arena *arena;
	struct error *error;
	uint32_t depth;
	bool fresh;  /* just entered: no comma is due */
	bool failed; /* and nothing is left to be read */
	bool bare;   /* the bare words that some servers write for floats are taken */
};

void json_begin(struct json_scan *scan, struct text body, const char *what, struct arena *arena, struct error *error);

/* "<what> is not JSON: <cause>, at byte <n>". Always false. */
__attribute__((cold)) bool json_fail(struct json_scan *scan, const char *cause);

void json_skip_blanks_further(struct json_scan *scan);

static inline void json_skip_blanks(struct json_scan *scan)
{
	if (scan->at < scan->end && (unsigned char)*scan->at <= ' ') /* nearly all bytes are above */
		json_skip_blanks_further(scan);
}

extern const unsigned char json_first_bytes[256]; /* the json_type that begins so; 0: more has to be seen */

enum json_type json_peek_further(struct json_scan *scan);

static inline enum json_type json_peek(struct json_scan *scan)
{
	enum json_type type = scan->at < scan->end ? (enum json_type)json_first_bytes[(unsigned char)*scan->at] : JSON_WRONG;
	return type != JSON_WRONG ? type : json_peek_further(scan);
}

/* The list or object that json_peek() saw. */
static inline bool json_enter(struct json_scan *scan)
{
	if (scan->failed || scan->depth == JSON_DEPTH_MAX)
		return json_fail(scan, "it is nested more than 64 deep");
	scan->at++;
	scan->depth++;
	scan->fresh = true;
	return true;
}

/* Whether another item stands in the list; leaves the list when not. */
static inline bool json_item(struct json_scan *scan)
{
	json_skip_blanks(scan);
	if (scan->at == scan->end)
		return json_fail(scan, "it ends inside a list");
	char next = *scan->at;
	if (next == ']') {
		scan->at++;
		scan->depth--;
		scan->fresh = false;
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

/* The next member's key, the scan standing before its value; false leaves the
 * object. */
static inline bool json_key(struct json_scan *scan, struct text *key)
{
	if (scan->at == scan->end || *scan->at != '}')
		return json_key_further(scan, key);
	scan->at++;
	scan->depth--;
	scan->fresh = false;
	return false;
}

#define JSON_LIKELY_MAX 16

/* For keys that are likely: where the next begins, if no more than a blank stands before it; NULL:
 * ask json_key(). JSON_LIKELY_MAX bytes may be looked at there. */
static inline const char *json_key_begin(const struct json_scan *scan)
{
	const char *at = scan->at;
	if (scan->end - at < JSON_LIKELY_MAX + 2 || (!scan->fresh && *at++ != ','))
		return NULL;
	at += *at == ' ';
	return *at == '"' ? at : NULL;
}

/* Whether it is this one, given with its quotes and colon (TEXT("\"id\":")); then the scan stands
 * before its value. Else it stays. */
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

/* Passes over any value, checking it; `json_span` says where it stood. */
bool json_skip(struct json_scan *scan);
bool json_span(struct json_scan *scan, struct text *span);

/* Whether the JSON was right and nothing but blanks follows. */
bool json_end(struct json_scan *scan);

/* A second look at a span of this body: errors count from the body's begin. */
struct json_scan json_again(const struct json_scan *scan, struct text span);

#endif
