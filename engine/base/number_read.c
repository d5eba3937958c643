/* number_read.c: decimal to binary, by Eisel and Lemire's algorithm ("Number parsing at a gigabyte
 * per second", 2021) where a quotient will not do. It multiplies by a power of ten of 128 bits. */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/number.h"
#include "base/number_parts.h"

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

#define SURE_DIGITS 19				/* 10^19 - 1 fits 64 bits */
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

/* To behind the digits that stand at `at`, which follow those of `*sum`. One by one: where the next
 * number begins is then guessed by the processor, which eight at once would have to work out. */
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

static inline uint64_t form_infinity(const struct binary_form *form)
{
	return (uint64_t)form->exponent_infinite << form->fraction_bits;
}

/* The upper 128 bits of digits * 10^exponent, `digits` having its first bit set;
 * the lower half of the power is needed only when it can change the kept bits. */
static inline uint64_t scale(uint64_t digits, int exponent, int kept_bits, uint64_t *low)
{
	const struct power *power = &powers_of_ten[exponent - POWER_LEAST];
	uint64_t high = multiply(digits, power->high, low);
	uint64_t mask = UINT64_MAX >> kept_bits;
	if ((high & mask) == mask) {
		/* The paper's table has these powers rounded up. */
		uint64_t power_low = power->low + (exponent < 0 && exponent >= -27);
		uint64_t unused;
		uint64_t second = multiply(digits, power_low, &unused);
		high += __builtin_add_overflow(*low, second, low);
	}
	return high;
}

/* The bits of the nearest number, without its sign. */
static inline uint64_t nearest_bits(uint64_t digits, int64_t exponent, const struct binary_form *form)
{
	if (digits == 0 || exponent < POWER_LEAST)
		return 0;
	if (exponent > 308)
		return form_infinity(form);
	int power_ten = (int)exponent;
	int zeros = __builtin_clzll(digits);
	uint64_t low;
	uint64_t high = scale(digits << zeros, power_ten, form->fraction_bits + 3, &low);
	int upper = (int)(high >> 63);
	int shift = upper + 64 - form->fraction_bits - 3;
	uint64_t fraction = high >> shift;
	/* cppcheck-suppress shiftNegativeLHS; gcc and clang both shift so that it rounds down */
	int power_two = (217706 * power_ten >> 16) + 63 + upper - zeros - form->exponent_least;
	if (power_two <= 0) { /* subnormal, or about to become the least normal number */
		if (1 - power_two >= 64)
			return 0;
		fraction >>= 1 - power_two;
		return (fraction + (fraction & 1)) >> 1;
	}
	if (low <= 1 && power_ten >= form->even_least && power_ten <= form->even_most && (fraction & 3) == 1 &&
	    fraction << shift == high)
		fraction &= ~UINT64_C(1); /* exactly halfway: to even */
	fraction = (fraction + (fraction & 1)) >> 1;
	/* A carry out of the fraction runs into the exponent by itself. */
	uint64_t bits = ((uint64_t)(power_two - 1) << form->fraction_bits) + fraction;
	return bits < form_infinity(form) ? bits : form_infinity(form);
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

#define DOUBLE_EXACT_DIGITS (UINT64_C(1) << 53) /* whole numbers up to it are doubles, each of them */
#define DOUBLE_EXACT_POWER 22			/* so are the powers of ten */
#define FLOAT_CUT_BITS 29			/* of a double's fraction */

/* The quotient of two exact doubles is rounded once, by the processor (Clinger, "How to read
 * floating point numbers accurately", 1990). Rounding it again, to a float, gives the nearest
 * unless it stands halfway between two: a double stands there too, so on either side of it
 * quotient and number are on the same. */
static inline bool quotient_float(uint64_t digits, int64_t exponent, float *size)
{
	static const double tens[] = {1e0,  1e1,  1e2,	1e3,  1e4,  1e5,  1e6,	1e7,  1e8,  1e9,  1e10, 1e11,
				      1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
	if (digits > DOUBLE_EXACT_DIGITS || exponent < -DOUBLE_EXACT_POWER)
		return false;
	double quotient = (double)(int64_t)digits / tens[-exponent];
	uint64_t bits;
	memcpy(&bits, &quotient, sizeof bits);
	*size = (float)quotient;
	return (bits & ((UINT64_C(1) << FLOAT_CUT_BITS) - 1)) != UINT64_C(1) << (FLOAT_CUT_BITS - 1);
}

/* Where the number that `at` begins with ends; NULL: it is for decimal_scan(). */
static inline const char *scan_float(const char *at, const char *end, float *number)
{
	bool negative = at < end && *at == '-';
	const char *first = at + negative;
	uint64_t digits;
	int64_t exponent;
	at = scan_digits(first, end, &digits, &exponent);
	if (!at || at - first > SURE_DIGITS || (at < end && (*at | 0x20) == 'e'))
		return NULL;
	float size;
	if (!quotient_float(digits, exponent, &size)) {
		uint32_t bits = (uint32_t)nearest_bits(digits, exponent, &form_float);
		memcpy(&size, &bits, sizeof size);
	}
	*number = negative ? -size : size;
	return at;
}

size_t number_scan_floats(struct text text, float *numbers, size_t most, size_t *length)
{
	const char *at = text.bytes;
	const char *end = at + text.length;
	const char *behind = at; /* the last that was taken */
	size_t count = 0;
	while (count < most) {
		const char *last = scan_float(at, end, &numbers[count]);
		if (!last)
			break;
		behind = last;
		count++;
		if (last == end || *last != ',')
			break;
		at = last + 1;
		if (at < end && *at == ' ')
			at++;
	}
	*length = (size_t)(behind - text.bytes);
	return count;
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
