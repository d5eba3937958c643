/* number_read.c: Conversion from decimal to binary, one number at a time. */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number/number.h"
#include "base/number/number_nearest.h"

static inline bool is_digit(char c)
{
	return (unsigned char)(c - '0') < 10;
}

/* The digits again, one by one, for a number of more of them than surely fit. */
static void scan_long(struct decimal *decimal, const char *at, const char *end)
{
	bool point = false;
	bool full = false;
	decimal->digits = 0;
	for (; at < end; at++) {
		if (*at == '.') {
			point = true;
			continue;
		}
		uint64_t digits;
		uint64_t digit = (uint64_t)(*at - '0');
		full = full || __builtin_mul_overflow(decimal->digits, UINT64_C(10), &digits) ||
		       __builtin_add_overflow(digits, digit, &digits);
		if (!full)
			decimal->digits = digits;
		decimal->cut = decimal->cut || (full && digit != 0);
		decimal->exponent += (full ? 1 : 0) - (point ? 1 : 0);
	}
}

#define EXPONENT_CEILING INT64_C(1000000000000) /* beyond any number of zeros that a text holds */

/* What stands behind `e`; NULL when it is no exponent. */
static const char *scan_exponent(const char *at, const char *end, int64_t *exponent)
{
	bool negative = at < end && *at == '-';
	if (at < end && (*at == '-' || *at == '+'))
		at++;
	if (at == end || !is_digit(*at))
		return NULL;
	int64_t size = 0;
	for (; at < end && is_digit(*at); at++)
		size = size < EXPONENT_CEILING ? size * 10 + (*at - '0') : size;
	*exponent += negative ? -size : size;
	return at;
}

/* To behind the digits that stand at `at`, which follow those of `*sum`. */
static inline const char *sum_digits(const char *at, const char *end, uint64_t *sum)
{
	for (unsigned digit; at < end && (digit = (unsigned char)*at - (unsigned)'0') < 10; at++)
		*sum = *sum * 10 + digit;
	return at;
}

/* Digits, and perhaps a point and more of them, from `at` on: where they end; NULL when
 * that is no number. Of more digits than are sure to fit `*digits` is anything. */
static inline const char *scan_digits(const char *at, const char *end, uint64_t *digits, int64_t *exponent)
{
	const char *first = at;
	uint64_t sum = 0;
	*exponent = 0;
	at = sum_digits(at, end, &sum);
	if (at == first || (*first == '0' && at - first > 1))
		return NULL;
	if (at < end && *at == '.') {
		const char *point = at;
		at = sum_digits(at + 1, end, &sum);
		*exponent = point + 1 - at;
		if (*exponent == 0)
			return NULL;
	}
	*digits = sum;
	return at;
}

size_t decimal_scan(struct text text, struct decimal *decimal)
{
	const char *end = text.bytes + text.length;
	bool negative = text.length > 0 && *text.bytes == '-';
	const char *first = text.bytes + negative;
	uint64_t digits;
	int64_t exponent;
	const char *last = scan_digits(first, end, &digits, &exponent);
	const char *at = last;
	if (!at)
		return 0;
	*decimal = (struct decimal){.digits = digits, .exponent = exponent, .negative = negative, .whole = exponent == 0};
	if (last - first > SURE_DIGITS) {
		decimal->exponent = 0;
		scan_long(decimal, first, last);
	}
	if (at < end && (*at | 0x20) == 'e') {
		decimal->whole = false;
		at = scan_exponent(at + 1, end, &decimal->exponent);
		if (!at)
			return 0;
	}
	decimal->source = (struct text){text.bytes, (size_t)(at - text.bytes)};
	return decimal->source.length;
}

/* More digits than any halfway point between two doubles has: what follows can
 * only say "a bit more". */
#define HALFWAY_DIGITS 800

/* The digits of `decimal` as 0.DDD, with its exponent, for the C library. Leading
 * zeros are left out, and all behind HALFWAY_DIGITS is one last 1. */
static void write_plain(const struct decimal *decimal, char *out, size_t room)
{
	size_t count = 0;
	int64_t exponent = 0;
	bool point = false;
	bool more = false;
	const char *at = decimal->source.bytes + decimal->negative;
	const char *end = decimal->source.bytes + decimal->source.length;
	out[0] = '.';
	for (; at < end && (*at | 0x20) != 'e'; at++) {
		if (*at == '.') {
			point = true;
			continue;
		}
		if (count == 0 && *at == '0') {
			exponent -= point;
			continue;
		}
		exponent += !point;
		if (count < HALFWAY_DIGITS)
			out[++count] = *at;
		else
			more = more || *at != '0';
	}
	if (more)
		out[++count] = '1';
	if (at < end)
		(void)scan_exponent(at + 1, end, &exponent);
	(void)snprintf(out + count + 1, room - count - 1, "e%lld", (long long)exponent);
}

double decimal_to_double(const struct decimal *decimal)
{
	uint64_t bits = nearest_bits(decimal->digits, decimal->exponent, &form_double);
	double number;
	if (__builtin_expect(decimal->cut && bits != nearest_bits(decimal->digits + 1, decimal->exponent, &form_double), 0)) {
		char plain[HALFWAY_DIGITS + 32];
		write_plain(decimal, plain, sizeof plain);
		/* Of the C locale there is one, made with the library: nothing to free. */
		number = strtod_l(plain, NULL, newlocale(LC_ALL_MASK, "C", (locale_t)0));
	} else {
		memcpy(&number, &bits, sizeof number);
	}
	return decimal->negative ? -number : number;
}

float decimal_to_float(const struct decimal *decimal)
{
	uint32_t bits = (uint32_t)nearest_bits(decimal->digits, decimal->exponent, &form_float);
	float number;
	if (__builtin_expect(decimal->cut && bits != nearest_bits(decimal->digits + 1, decimal->exponent, &form_float), 0)) {
		char plain[HALFWAY_DIGITS + 32];
		write_plain(decimal, plain, sizeof plain);
		number = strtof_l(plain, NULL, newlocale(LC_ALL_MASK, "C", (locale_t)0));
	} else {
		memcpy(&number, &bits, sizeof number);
	}
	return decimal->negative ? -number : number;
}

static bool exact_size(const struct decimal *decimal, uint64_t *size)
{
	*size = decimal->digits;
	if (*size == 0 || (decimal->exponent == 0 && !decimal->cut))
		return !decimal->cut;
	if (decimal->cut || decimal->exponent < -SURE_DIGITS || decimal->exponent > SURE_DIGITS)
		return false;
	for (int64_t i = decimal->exponent; i < 0; i++) {
		if (*size % 10 != 0)
			return false;
		*size /= 10;
	}
	for (int64_t i = 0; i < decimal->exponent; i++)
		if (__builtin_mul_overflow(*size, UINT64_C(10), size))
			return false;
	return true;
}

bool decimal_to_int64(const struct decimal *decimal, int64_t *number)
{
	uint64_t size;
	if (!exact_size(decimal, &size) || size > (uint64_t)INT64_MAX + decimal->negative)
		return false;
	*number = (int64_t)(decimal->negative ? 0 - size : size);
	return true;
}

bool decimal_to_uint64(const struct decimal *decimal, uint64_t *number)
{
	return exact_size(decimal, number) && (!decimal->negative || *number == 0);
}

bool number_read_double(struct text text, double *number)
{
	struct decimal decimal;
	if (text.length == 0 || decimal_scan(text, &decimal) != text.length)
		return false;
	*number = decimal_to_double(&decimal);
	return !isinf(*number);
}

bool number_read_int64(struct text text, int64_t *number)
{
	struct decimal decimal;
	return text.length > 0 && decimal_scan(text, &decimal) == text.length && decimal_to_int64(&decimal, number);
}

bool number_read_uint64(struct text text, uint64_t *number)
{
	struct decimal decimal;
	return text.length > 0 && decimal_scan(text, &decimal) == text.length && decimal_to_uint64(&decimal, number);
}

int digit_value(char byte)
{
	if (is_digit(byte))
		return byte - '0';
	byte = letter_lowered(byte);
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

#define DECIMAL_DIGITS_SAFE 19 /* as many cannot be too large for 64 bits */

static bool decimal_digits_read(struct text digits, uint64_t *number)
{
	uint64_t read = 0;
	for (size_t i = 0; i < digits.length; i++) {
		const unsigned digit = (unsigned char)digits.bytes[i] - (unsigned)'0';
		if (digit > 9)
			return false;
		read = read * 10 + digit;
	}
	*number = read;
	return digits.length > 0;
}

bool digits_read(struct text digits, unsigned base, uint64_t *number)
{
	*number = 0;
	if (base == 10 && digits.length <= DECIMAL_DIGITS_SAFE)
		return decimal_digits_read(digits, number);
	for (size_t i = 0; i < digits.length; i++) {
		int digit = digit_value(digits.bytes[i]);
		if (digit < 0 || (unsigned)digit >= base || __builtin_mul_overflow(*number, base, number) ||
		    __builtin_add_overflow(*number, (unsigned)digit, number))
			return false;
	}
	return digits.length > 0;
}
