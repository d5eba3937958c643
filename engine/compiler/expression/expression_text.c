/* expression_text.c: Functions on texts. They treat ASCII letters and blanks, and count characters of UTF-8. Other
 * bytes are passed on unchanged. */
#include <math.h>

#include "base/hash.h"
#include "base/number/number.h"
#include "compiler/expression/expression_operators.h"

static char expression_text_upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static bool map_bytes(struct evaluation *evaluation, const struct value *value, char (*map)(char), struct value *result)
{
	const struct text *in = value_texts(value);
	struct text *out = value_make_like(evaluation, result, DATATYPE_BYTES, value);
	for (size_t i = 0; out && i < value->count; i++) {
		char *bytes = arena_take_raw(evaluation->arena, in[i].length);
		if (!bytes)
			return evaluation_full(evaluation);
		for (size_t at = 0; at < in[i].length; at++)
			bytes[at] = map(in[i].bytes[at]);
		out[i] = (struct text){bytes, in[i].length};
	}
	return out;
}

bool run_lower(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	return map_bytes(evaluation, call->arguments, letter_lowered, result);
}

bool run_upper(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	return map_bytes(evaluation, call->arguments, expression_text_upper, result);
}

#define BLANKS " \t\r\n\v\f"

bool run_trim(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	const struct text *in = value_texts(call->arguments);
	struct text *out = value_make_like(evaluation, result, DATATYPE_BYTES, call->arguments);
	for (size_t i = 0; out && i < call->arguments->count; i++)
		out[i] = text_trimmed(in[i], BLANKS);
	return out;
}

bool run_len(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	const struct text *in = value_texts(call->arguments);
	int64_t *out = value_make_like(evaluation, result, DATATYPE_INT64, call->arguments);
	for (size_t i = 0; out && i < call->arguments->count; i++)
		out[i] = (int64_t)(text_is_utf8(in[i]) ? text_characters(in[i]) : in[i].length);
	return out;
}

/* ---- tests of one text against another ---- */

static bool holds_text(struct text text, struct text part)
{
	return part.length == 0 || (text.length && memmem(text.bytes, text.length, part.bytes, part.length));
}

/* The bytes of the character that begins at `at`. */
static size_t character_length(struct text text, size_t at)
{
	size_t length = 1;
	while (at + length < text.length && ((unsigned char)text.bytes[at + length] & 0xC0) == 0x80)
		length++;
	return length;
}

/* `*` stands for any characters, `?` for one. On a mismatch the last star takes one
 * character more, so the cost is at most the product of the lengths: `units` counts it down, and where none are left it is
 * false. */
static bool like_text(struct text text, struct text pattern, uint64_t *units)
{
	size_t at = 0, in_pattern = 0;
	bool starred = false;
	size_t star = 0, star_at = 0;
	while (at < text.length) {
		if (__builtin_expect(*units == 0, 0))
			return false;
		--*units;
		char wanted = in_pattern < pattern.length ? pattern.bytes[in_pattern] : '\0';
		if (in_pattern < pattern.length && wanted == '*') {
			starred = true;
			star = ++in_pattern;
			star_at = at;
		} else if (in_pattern < pattern.length && wanted == '?') {
			at += character_length(text, at);
			in_pattern++;
		} else if (in_pattern < pattern.length && wanted == text.bytes[at]) {
			at++;
			in_pattern++;
		} else if (starred) {
			star_at += character_length(text, star_at);
			at = star_at;
			in_pattern = star;
		} else {
			return false;
		}
	}
	while (in_pattern < pattern.length && pattern.bytes[in_pattern] == '*')
		in_pattern++;
	return in_pattern == pattern.length;
}

static bool test_texts(struct evaluation *evaluation, const struct value *arguments, bool (*test)(struct text, struct text),
		       struct value *result)
{
	struct value a = arguments[0], b = arguments[1];
	if (!operands_spread(evaluation, &a, &b))
		return false;
	const struct text *texts = value_texts(&a), *others = value_texts(&b);
	uint8_t *out = value_make_like(evaluation, result, DATATYPE_BOOL, &a);
	for (size_t i = 0; out && i < a.count; i++)
		out[i] = test(texts[i], others[i]);
	return out;
}

bool run_contains(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	return test_texts(evaluation, call->arguments, holds_text, result);
}

bool run_starts_with(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	return test_texts(evaluation, call->arguments, text_starts_with, result);
}

bool run_ends_with(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	return test_texts(evaluation, call->arguments, text_ends_with, result);
}

bool run_like(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	struct value a = call->arguments[0], b = call->arguments[1];
	if (!operands_spread(evaluation, &a, &b))
		return false;
	const struct text *texts = value_texts(&a), *patterns = value_texts(&b);
	uint8_t *out = value_make_like(evaluation, result, DATATYPE_BOOL, &a);
	uint64_t left = evaluation->work < EVALUATION_WORK_MAX ? EVALUATION_WORK_MAX - evaluation->work : 0, before = left;
	for (size_t i = 0; out && i < a.count; i++)
		out[i] = like_text(texts[i], patterns[i], &left);
	return out && evaluation_works(evaluation, left > 0 ? before - left : before + 1);
}

/* ---- texts and numbers ---- */

/* The shortest text that reads back as the same element. */
static size_t write_element(const struct value *value, const double *numbers, const int64_t *integers, size_t index, char *out)
{
	if (numbers)
		return value->width == WIDTH_NARROW ? number_write_float(out, (float)numbers[index])
						    : number_write_double(out, numbers[index]);
	return value->storage == DATATYPE_UINT64 ? number_write_uint64(out, (uint64_t)integers[index])
						 : number_write_int64(out, integers[index]);
}

bool run_text(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	if (call->arguments->storage == DATATYPE_BYTES) {
		*result = *call->arguments;
		result->tensor = NULL;
		return true;
	}
	const double *numbers = value_is_float(call->arguments) ? value_doubles(evaluation, call->arguments) : NULL;
	const int64_t *integers = numbers ? NULL : value_signed(evaluation, call->arguments);
	struct text *out = value_make_like(evaluation, result, DATATYPE_BYTES, call->arguments);
	if (!out || (!numbers && !integers))
		return false;
	for (size_t i = 0; i < call->arguments->count; i++) {
		if (!numbers && call->arguments->storage == DATATYPE_BOOL) {
			out[i] = integers[i] ? TEXT("true") : TEXT("false");
			continue;
		}
		char *bytes = arena_take_raw(evaluation->arena, NUMBER_TEXT_MAX);
		if (!bytes)
			return evaluation_full(evaluation);
		out[i] = (struct text){bytes, write_element(call->arguments, numbers, integers, i, bytes)};
	}
	return true;
}

/* As numbers are written in an expression or in a request. */
static bool read_number(struct text text, double *number)
{
	static const struct {
		const char *word;
		double number;
	} words[] = {{"nan", NAN}, {"inf", INFINITY}, {"-inf", -INFINITY}, {"infinity", INFINITY}, {"-infinity", -INFINITY}};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (text_equal_caseless(text, text_of(words[i].word))) {
			*number = words[i].number;
			return true;
		}
	}
	return number_read_double(text, number);
}

bool run_number(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	const struct text *in = value_texts(call->arguments);
	double *out = value_make_like(evaluation, result, DATATYPE_FP64, call->arguments);
	for (size_t i = 0; out && i < call->arguments->count; i++) {
		struct text text = text_trimmed(in[i], BLANKS);
		if (!read_number(text, &out[i]))
			return evaluation_fail(evaluation,
					       "\"%.*s\" is no number; send one such as 1.5, or where(like(x, ..), number(x), 0)",
					       (int)(text.length < 60 ? text.length : 60), text.bytes ? text.bytes : "");
	}
	return out;
}

/* XXH64 of a text's bytes; of a number, of its 8 bytes as INT64, UINT64 or FP64,
 * little-endian. */
bool run_hash(struct evaluation *evaluation, const struct function_call *call, struct value *result)
{
	bool is_float = value_is_float(call->arguments), is_text = call->arguments->storage == DATATYPE_BYTES;
	const struct text *texts = is_text ? value_texts(call->arguments) : NULL;
	const double *numbers = is_float ? value_doubles(evaluation, call->arguments) : NULL;
	const int64_t *integers = is_float || is_text ? NULL : value_signed(evaluation, call->arguments);
	uint64_t *out = value_make_like(evaluation, result, DATATYPE_UINT64, call->arguments);
	if (!out || (!texts && !numbers && !integers))
		return false;
	for (size_t i = 0; i < call->arguments->count; i++) {
		double number = is_float ? (numbers[i] == 0.0 ? 0.0 : numbers[i]) : 0.0; /* -0 is 0 */
		const void *bytes = is_text ? texts[i].bytes : is_float ? (const void *)&number : (const void *)&integers[i];
		out[i] = hash_bytes(bytes ? bytes : "", is_text ? texts[i].length : sizeof number, 0);
	}
	return true;
}
