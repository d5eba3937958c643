/* unit_text.c: see unit_text.h. */
#include "message/unit_text.h"

#include <math.h>
#include <stdio.h>

#include "message/key.h"

#define NATURAL_END 18446744073709551616.0 /* 2^64: doubles from here on do not fit 64 bits */
#define INTEGER_END 9223372036854775808.0  /* 2^63: they do not fit an int64 */
#define NARROW_DIGITS_MOST 5		   /* that tell numbers of 16 bits apart */

/* Writes a number without a fraction that fits 64 bits; 0: it is none. */
static size_t whole_write(char *digits, double number)
{
	if (trunc(number) != number || number < -INTEGER_END || number >= NATURAL_END)
		return 0;
	return number < INTEGER_END ? number_write_int64(digits, (int64_t)number) : number_write_uint64(digits, (uint64_t)number);
}

/* Writes the shortest text that is rounded to that number of 16 bits. */
static size_t narrow_write(char *digits, const struct tensor *tensor, double number)
{
	char text[NUMBER_TEXT_MAX];
	for (int more = 0; more < NARROW_DIGITS_MOST; more++) {
		const int length = snprintf(text, sizeof text, "%.*e", more, number);
		uint16_t stored;
		double read;
		if (number_read_double((struct text){text, (size_t)length}, &read) &&
		    tensor_store(&stored, tensor->datatype, 0, read) && memcmp(&stored, tensor->data, sizeof stored) == 0)
			return number_write_double(digits, read);
	}
	return number_write_double(digits, number); /* an infinity, or NaN */
}

static size_t float_write(char *digits, const struct tensor *tensor)
{
	const double number = tensor_number(tensor, 0);
	const size_t length = whole_write(digits, number);
	if (length > 0)
		return length;
	if (tensor->datatype == DATATYPE_FP64)
		return number_write_double(digits, number);
	return tensor->datatype == DATATYPE_FP32 ? number_write_float(digits, (float)number) : narrow_write(digits, tensor, number);
}

struct text unit_of_text(struct text text)
{
	struct decimal decimal;
	const bool is_plain = text.length > 0 && !memchr(text.bytes, 'e', text.length) && !memchr(text.bytes, 'E', text.length);
	if (!is_plain || decimal_scan(text, &decimal) != text.length)
		return text;
	if (memchr(text.bytes, '.', text.length)) {
		while (text.bytes[text.length - 1] == '0')
			text.length--;
		text.length -= text.bytes[text.length - 1] == '.';
	}
	return text_is(text, "-0") ? text_from(text, 1) : text;
}

struct text unit_of_tensor(const struct tensor *tensor, struct arena *arena)
{
	if (tensor->count == 0 || datatype_rows[tensor->datatype].class != CLASS_FLOAT) {
		const struct text key = key_of_tensor(tensor, arena);
		return tensor->datatype == DATATYPE_BYTES ? unit_of_text(key) : key;
	}
	char *digits = arena_take_raw(arena, NUMBER_TEXT_MAX);
	return digits ? (struct text){digits, float_write(digits, tensor)} : (struct text){0};
}

static bool is_whole_text(struct text text)
{
	const size_t sign = text.length > 0 && text.bytes[0] == '-';
	size_t i = sign;
	while (i < text.length && text.bytes[i] >= '0' && text.bytes[i] <= '9')
		i++;
	return i > sign && i == text.length;
}

struct text unit_of_decimal(const struct decimal *decimal, struct arena *arena)
{
	const struct text plain = unit_of_text(decimal->source);
	int64_t whole;
	uint64_t natural;
	if (is_whole_text(plain)) {
		const char *copy = arena_copy(arena, plain.bytes, plain.length);
		return (struct text){copy, copy ? plain.length : 0};
	}
	char *digits = arena_take_raw(arena, NUMBER_TEXT_MAX);
	if (!digits)
		return (struct text){0};
	if (decimal_to_int64(decimal, &whole))
		return (struct text){digits, number_write_int64(digits, whole)};
	if (decimal_to_uint64(decimal, &natural))
		return (struct text){digits, number_write_uint64(digits, natural)};
	return (struct text){digits, number_write_double(digits, decimal_to_double(decimal))};
}
