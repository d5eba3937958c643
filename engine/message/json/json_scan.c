/* json_scan.c: see json_scan.h. */
#include "message/json/json_scan.h"

#include <math.h>

void json_begin(struct json_scan *scan, struct text body, const char *what, struct arena *arena, struct error *error)
{
	const char *bytes = body.bytes ? body.bytes : "";
	*scan = (struct json_scan){
		.at = bytes, .end = bytes + body.length, .begin = bytes, .what = what, .arena = arena, .error = error};
}

bool json_fail(struct json_scan *scan, const char *cause)
{
	if (scan->failed)
		return false;
	scan->failed = true;
	scan->end = scan->at;
	return error_set(scan->error, ERROR_INPUT, PLACE_NONE, "%s is not JSON: %s, at byte %zu", scan->what, cause,
			 (size_t)(scan->at - scan->begin));
}

static bool out_of_memory(struct json_scan *scan)
{
	scan->failed = true;
	scan->end = scan->at;
	return error_memory(scan->error, ERROR_LIMIT, "reading JSON");
}

static bool starts_with(const struct json_scan *scan, const char *word)
{
	size_t length = strlen(word);
	return (size_t)(scan->end - scan->at) >= length && memcmp(scan->at, word, length) == 0;
}

static enum json_type peek_word(struct json_scan *scan)
{
	static const struct {
		const char *word;
		enum json_type type;
	} words[] = {{"true", JSON_TRUE}, {"false", JSON_FALSE},   {"null", JSON_NULL},
		     {"NaN", JSON_BARE},  {"Infinity", JSON_BARE}, {"-Infinity", JSON_BARE}};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (!starts_with(scan, words[i].word))
			continue;
		if (words[i].type == JSON_BARE && !scan->bare) {
			(void)json_fail(scan, "NaN and Infinity must be in quotes");
			return JSON_WRONG;
		}
		return words[i].type;
	}
	(void)json_fail(scan, "no value of JSON begins so");
	return JSON_WRONG;
}

const unsigned char json_first_bytes[256] = {
	['{'] = JSON_OBJECT, ['['] = JSON_ARRAY,  ['"'] = JSON_STRING, ['0'] = JSON_NUMBER, ['1'] = JSON_NUMBER,
	['2'] = JSON_NUMBER, ['3'] = JSON_NUMBER, ['4'] = JSON_NUMBER, ['5'] = JSON_NUMBER, ['6'] = JSON_NUMBER,
	['7'] = JSON_NUMBER, ['8'] = JSON_NUMBER, ['9'] = JSON_NUMBER,
};

void json_skip_blanks_further(struct json_scan *scan)
{
	const char *at = scan->at;
	while (at < scan->end && (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r'))
		at++;
	scan->at = at;
}

enum json_type json_peek_further(struct json_scan *scan)
{
	json_skip_blanks(scan);
	if (scan->failed)
		return JSON_WRONG;
	if (scan->at == scan->end) {
		(void)json_fail(scan, scan->end == scan->begin ? "it is empty" : "it ends where a value is due");
		return JSON_WRONG;
	}
	enum json_type type = (enum json_type)json_first_bytes[(unsigned char)*scan->at]; /* behind blanks */
	if (type != JSON_WRONG)
		return type;
	return *scan->at == '-' && !starts_with(scan, "-I") ? JSON_NUMBER : peek_word(scan);
}

/* --- strings -------------------------------------------------------------- */

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	char lower = (char)(c | 0x20);
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The four hex digits at `at`; -1 when they are none. */
static int32_t hex_unit(const char *at, const char *end)
{
	if (end - at < 4)
		return -1;
	int32_t unit = 0;
	for (int i = 0; i < 4; i++) {
		int value = hex_value(at[i]);
		if (value < 0)
			return -1;
		unit = unit << 4 | value;
	}
	return unit;
}

/* The code point of the \u escape whose hex digits begin at `at`, and how many
 * bytes it took from there: 4, or 10 for a surrogate pair. -1 when it is none. */
static int32_t escaped_point(const char *at, const char *end, size_t *taken)
{
	int32_t high = hex_unit(at, end);
	*taken = 4;
	if (high < 0xD800 || high > 0xDFFF)
		return high;
	if (high > 0xDBFF || end - at < 10 || at[4] != '\\' || at[5] != 'u')
		return -1;
	int32_t low = hex_unit(at + 6, end);
	if (low < 0xDC00 || low > 0xDFFF)
		return -1;
	*taken = 10;
	return 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
}

static size_t put_utf8(char *out, int32_t point)
{
	if (point < 0x80) {
		out[0] = (char)point;
		return 1;
	}
	size_t more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
	static const unsigned char lead[] = {0, 0xC0, 0xE0, 0xF0};
	for (size_t i = more; i > 0; i--) {
		out[i] = (char)(0x80 | (point & 0x3F));
		point >>= 6;
	}
	out[0] = (char)(lead[more] | point);
	return 1 + more;
}

/* The byte that the escape of one letter stands for; 0 for none. */
static char escaped_byte(char letter)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char bytes[] = "\"\\/\b\f\n\r\t";
	const char *found = letter ? strchr(letters, letter) : NULL;
	return found ? bytes[found - letters] : '\0';
}

/* Passes over one escape, `scan->at` standing at its backslash. */
static bool skip_escape(struct json_scan *scan)
{
	const char *letter = scan->at + 1;
	size_t taken = 0;
	if (letter == scan->end)
		return json_fail(scan, "it ends inside an escape");
	if (*letter == 'u') {
		if (escaped_point(letter + 1, scan->end, &taken) < 0)
			return json_fail(scan, "four hex digits must follow `\\u`, and surrogates must be in pairs");
	} else if (!escaped_byte(*letter)) {
		return json_fail(scan, "this is not an escape of JSON");
	}
	scan->at = letter + 1 + taken;
	return true;
}

/* The string that the scan stands before, where it is plain to its closing quote, as nearly
 * all are; and past it. */
static inline bool take_plain(struct json_scan *scan, struct text *text)
{
	const char *begin = scan->at + 1;
	const char *at = json_skip_plain(begin, scan->end);
	if (at == scan->end || *at != '"')
		return false;
	*text = (struct text){begin, (size_t)(at - begin)};
	scan->at = at + 1;
	return true;
}

/* To the closing quote, `scan->at` standing behind the opening one. */
static bool skip_string(struct json_scan *scan, bool *escaped)
{
	const char *begin = scan->at;
	bool beyond_ascii = false;
	*escaped = false;
	for (;;) {
		scan->at = json_skip_plain(scan->at, scan->end);
		if (scan->at == scan->end)
			return json_fail(scan, "it ends inside a string");
		unsigned char c = (unsigned char)*scan->at;
		if (c == '"')
			break;
		if (c < 0x20)
			return json_fail(scan, "a string holds a control character, which must be an escape");
		if (c == '\\') {
			*escaped = true;
			if (!skip_escape(scan))
				return false;
			continue;
		}
		beyond_ascii = beyond_ascii || c >= 0x80;
		scan->at++;
	}
	if (beyond_ascii && !text_is_utf8((struct text){begin, (size_t)(scan->at - begin)})) {
		scan->at = begin;
		return json_fail(scan, "a string is not UTF-8");
	}
	return true;
}

/* Without its escapes, in the arena: never longer than with them. */
static bool json_scan_unescape(struct json_scan *scan, struct text *text)
{
	char *plain = arena_take_raw(scan->arena, text->length);
	if (!plain)
		return out_of_memory(scan);
	const char *end = text->bytes + text->length;
	size_t length = 0;
	for (const char *at = text->bytes; at < end;) {
		if (*at != '\\') {
			plain[length++] = *at++;
		} else if (at[1] == 'u') {
			size_t taken;
			length += put_utf8(plain + length, escaped_point(at + 2, end, &taken));
			at += 2 + taken;
		} else {
			plain[length++] = escaped_byte(at[1]);
			at += 2;
		}
	}
	*text = (struct text){plain, length};
	return true;
}

bool json_text_further(struct json_scan *scan, struct text *text)
{
	bool escaped;
	if (scan->failed)
		return false;
	if (take_plain(scan, text))
		return true;
	const char *begin = ++scan->at;
	if (!skip_string(scan, &escaped))
		return false;
	*text = (struct text){begin, (size_t)(scan->at - begin)};
	scan->at++;
	return escaped ? json_scan_unescape(scan, text) : true;
}

bool json_key_further(struct json_scan *scan, struct text *key)
{
	json_skip_blanks(scan);
	if (scan->at == scan->end)
		return json_fail(scan, "it ends inside an object");
	if (*scan->at == '}') {
		json_leave(scan);
		return false;
	}
	if (!scan->fresh) {
		if (*scan->at != ',')
			return json_fail(scan, "an object continues without `,` or `}`");
		scan->at++;
		json_skip_blanks(scan);
	}
	scan->fresh = false;
	if (scan->at == scan->end || *scan->at != '"')
		return json_fail(scan, "a key in quotes is due");
	if (!take_plain(scan, key) && !json_text(scan, key))
		return false;
	json_skip_blanks(scan);
	if (scan->at == scan->end || *scan->at != ':')
		return json_fail(scan, "a key is not followed by `:`");
	scan->at++;
	return true;
}

/* --- numbers and words ---------------------------------------------------- */

bool json_number(struct json_scan *scan, struct decimal *decimal)
{
	if (scan->failed)
		return false;
	size_t length = decimal_scan((struct text){scan->at, (size_t)(scan->end - scan->at)}, decimal);
	if (length == 0)
		return json_fail(scan, "this is not a number of JSON");
	scan->at += length;
	return true;
}

bool json_word(struct json_scan *scan)
{
	if (scan->failed)
		return false;
	scan->at += *scan->at == 'f' ? 5 : 4;
	return true;
}

bool json_bare(struct json_scan *scan, double *number)
{
	if (scan->failed)
		return false;
	bool negative = *scan->at == '-';
	bool infinite = scan->at[negative] == 'I';
	*number = !infinite ? (double)NAN : negative ? -(double)INFINITY : (double)INFINITY;
	scan->at += infinite ? 8 + negative : 3;
	return true;
}

bool json_number_named(struct text word, double *number)
{
	if (text_is(word, "NaN"))
		*number = (double)NAN;
	else if (text_is(word, "Infinity"))
		*number = (double)INFINITY;
	else if (text_is(word, "-Infinity"))
		*number = -(double)INFINITY;
	else
		return false;
	return true;
}

/* --- passing over ---------------------------------------------------------- */

static bool skip_scalar(struct json_scan *scan, enum json_type type)
{
	bool escaped;
	struct decimal decimal;
	struct text text;
	double number;
	switch (type) {
	case JSON_STRING:
		if (take_plain(scan, &text))
			return true;
		scan->at++;
		if (!skip_string(scan, &escaped))
			return false;
		scan->at++;
		return true;
	case JSON_NUMBER:
		return json_number(scan, &decimal);
	case JSON_BARE:
		return json_bare(scan, &number);
	case JSON_WRONG:
		return false;
	default:
		return json_word(scan);
	}
}

/* A bit for each level says whether it is an object, so depth costs no stack. */
bool json_skip(struct json_scan *scan)
{
	uint32_t outside = scan->depth;
	uint64_t objects = 0;
	for (;;) {
		enum json_type type = json_peek(scan);
		if (type == JSON_OBJECT || type == JSON_ARRAY) {
			if (!json_enter(scan))
				return false;
			objects = objects << 1 | (type == JSON_OBJECT);
		} else if (!skip_scalar(scan, type)) {
			return false;
		}
		/* Out of all that ends here, to the next value. */
		for (;;) {
			struct text key;
			if (scan->depth == outside)
				return !scan->failed;
			if (objects & 1 ? json_key(scan, &key) : json_item(scan))
				break;
			if (scan->failed)
				return false;
			objects >>= 1;
		}
	}
}

bool json_span(struct json_scan *scan, struct text *span)
{
	json_skip_blanks(scan);
	const char *begin = scan->at;
	if (!json_skip(scan))
		return false;
	*span = (struct text){begin, (size_t)(scan->at - begin)};
	return true;
}

bool json_end(struct json_scan *scan)
{
	json_skip_blanks(scan);
	if (!scan->failed && scan->at < scan->end)
		return json_fail(scan, "more follows its end");
	return !scan->failed;
}

struct json_scan json_again(const struct json_scan *scan, struct text span)
{
	struct json_scan again = *scan;
	again.at = span.bytes;
	again.end = span.bytes + span.length;
	again.fresh = false;
	return again;
}

void json_take_text(struct json_scan *scan, struct text *text)
{
	if (json_peek(scan) == JSON_STRING)
		json_text(scan, text);
	else
		json_skip(scan);
}

size_t json_look_ahead(struct json_scan *scan, enum json_type type, struct json_scan *inside)
{
	struct text span, key;
	size_t count = 0;
	if (json_peek(scan) != type) {
		json_skip(scan);
		return 0;
	}
	if (!json_span(scan, &span))
		return 0;
	*inside = json_again(scan, span);
	json_enter(inside);
	while (type == JSON_OBJECT ? json_key(inside, &key) : json_item(inside))
		count += json_skip(inside);
	*inside = json_again(scan, span);
	json_enter(inside);
	return count;
}
