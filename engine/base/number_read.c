/* number_read.c: decimal to binary, by Eisel and Lemire's algorithm ("Number parsing at a gigabyte
 * per second", 2021) where a quotient will not do. It multiplies by a power of ten of 128 bits. */
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

/* --- rows ----------------------------------------------------------------- */

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))
#define DIGITS_AT_ONCE 8
#define WINDOW 32    /* bytes in which a number ends: its sign, digits and point, and what follows */
#define LOOKED_AT 34 /* from where a number begins; with its comma and a blank the next begins within them */

#ifdef __SSE2__
#define PART 16

/* Which of the next PART bytes are no digits, the first in the lowest bit. */
static inline uint32_t other_bytes(const char *at)
{
	__m128i bytes = _mm_loadu_si128((const __m128i *)at);
	bytes = _mm_xor_si128(bytes, _mm_set1_epi8('0'));
	return (uint32_t)_mm_movemask_epi8(_mm_adds_epu8(bytes, _mm_set1_epi8(0x80 - 10)));
}
#else
#define PART 8

static inline uint32_t other_bytes(const char *at)
{
	uint64_t bytes;
	memcpy(&bytes, at, sizeof bytes);
	bytes ^= EACH_BYTE('0');
	uint64_t others = (((bytes & EACH_BYTE(0x7F)) + EACH_BYTE(0x80 - 10)) | bytes) & EACH_BYTE(0x80);
	return (uint32_t)((others >> 7) * UINT64_C(0x0102040810204080) >> 56); /* a bit of each byte, side by side */
}
#endif

static inline uint64_t load_bytes(const char *at)
{
	uint64_t bytes;
	memcpy(&bytes, at, sizeof bytes);
	return bytes;
}

/* The first `count` of eight digits, of which there is one at least: pairs, fours and all are put
 * together in all of their places at once. */
static inline uint64_t sum_bytes(uint64_t bytes, size_t count)
{
	bytes = (bytes & EACH_BYTE(0x0F)) << (64 - 8 * count);
	bytes = bytes * (1 + (10 << 8)) >> 8 & UINT64_C(0x00FF00FF00FF00FF);
	bytes = bytes * (1 + (100 << 16)) >> 16 & UINT64_C(0x0000FFFF0000FFFF);
	return bytes * (1 + (UINT64_C(10000) << 32)) >> 32;
}

/* A number without exponent: digits / 10^behind. */
struct plain {
	uint64_t digits;
	size_t behind; /* digits behind the point; 0: there is none */
	size_t negative; /* 1 or 0 */
};

/* The bytes at `at`, and from place `point` on those one further, which leaves the point out. */
static inline uint64_t load_around_point(const char *at, size_t point)
{
	uint64_t bytes = load_bytes(at);
	return bytes ^ ((bytes ^ load_bytes(at + 1)) & UINT64_MAX << (8 * point & 63));
}

/* More digits than DIGITS_AT_ONCE: `count`, `front` of them in front of the point. */
static uint64_t sum_many(const char *at, size_t front, size_t count)
{
	static const uint64_t tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000};
	uint64_t sum = 0;
	for (size_t done = 0; done < count; done += DIGITS_AT_ONCE) {
		size_t more = count - done < DIGITS_AT_ONCE ? count - done : DIGITS_AT_ONCE;
		uint64_t bytes;
		if (front >= done + DIGITS_AT_ONCE)
			bytes = load_bytes(at + done);
		else
			bytes = load_around_point(at + done, front > done ? front - done : 0);
		sum = sum * tens[more] + sum_bytes(bytes, more);
	}
	return sum;
}

/* How long the number is that `at` begins with, where LOOKED_AT bytes stand; 0: it is for
 * decimal_scan(). Where the next one begins depends on nothing but where digits stand: the
 * processor finds it while it still puts these digits together, and guesses no lengths. */
static inline __attribute__((always_inline)) size_t scan_plain(const char *at, struct plain *plain)
{
	size_t sign = *at == '-';
	uint64_t others = other_bytes(at) & ~sign;
	/* Two of them, the point and the end, as a rule stand in the first part. */
	for (unsigned seen = PART; seen < WINDOW && (others & (others - 1)) == 0; seen += PART)
		others |= (uint64_t)other_bytes(at + seen) << seen;
	others |= UINT64_C(3) << WINDOW; /* so that there are two */
	const char *first = at + sign;
	size_t end = (size_t)__builtin_ctzll(others);
	size_t front = end - sign;
	size_t count = front;
	uint64_t bytes = load_bytes(first);
	if ((bytes & 0xF0FF) == 0x3030) /* a zero and another digit, seen as one, so that no 0.5 surprises the processor */
		return 0;
	if (at[end] == '.') {
		end = (size_t)__builtin_ctzll(others & (others - 1));
		count = end - sign - 1;
		bytes = load_around_point(first, front);
		if (count == front)
			return 0;
	}
	if (front == 0 || (at[end] != ',' && (at[end] | 0x20) == 'e'))
		return 0;
	if (count <= DIGITS_AT_ONCE)
		plain->digits = sum_bytes(bytes, count);
	else if (count <= SURE_DIGITS)
		plain->digits = sum_many(first, front, count);
	else
		return 0;
	plain->negative = sign;
	plain->behind = count - front;
	return end;
}

/* Puts a number to a row's place `index`; false: it is for decimal_scan(). */
typedef bool put_plain(void *row, size_t index, const struct plain *plain);

/* What number_scan_floats() says, for any kind of number. The last bytes of `text` are looked at in a
 * copy, behind which something stands. */
static inline __attribute__((always_inline)) size_t scan_row(struct text text, void *row, size_t most, size_t *length,
							     put_plain *put)
{
	char tail[2 * LOOKED_AT];
	const char *begin = text.bytes;
	size_t left = text.length; /* from `begin` on */
	size_t count = 0;
	const char *at = begin;
	const char *behind = begin; /* the last number */
	const char *last = begin + (left < LOOKED_AT ? 0 : left - LOOKED_AT + 1); /* before it that many bytes stand */
	while (count < most) {
		struct plain plain;
		if (__builtin_expect(at >= last, 0)) {
			left -= (size_t)(behind - begin);
			memset(tail, 0, sizeof tail);
			if (left > 0)
				memcpy(tail, behind, left);
			at = tail + (at - behind);
			begin = tail;
			behind = tail;
			last = tail + sizeof tail;
		}
		size_t size = scan_plain(at, &plain);
		if (size == 0 || !put(row, count, &plain))
			break;
		count++;
		behind = at + size;
		if (*behind != ',')
			break;
		at = behind + 1;
		if (*at == ' ')
			at++;
	}
	*length = text.length - left + (size_t)(behind - begin);
	return count;
}

#define DOUBLE_EXACT_DIGITS (UINT64_C(1) << 53) /* whole numbers up to it are doubles, each of them */
#define FLOAT_CUT_BITS 29			/* of a double's fraction */

/* The quotient of two exact doubles is rounded once, by the processor (Clinger, "How to read
 * floating point numbers accurately", 1990). False: they are not exact. */
static inline bool quotient_double(const struct plain *plain, double *size)
{
	static const double tens[SURE_DIGITS + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,	1e6,  1e7,  1e8,  1e9,
						     1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19};
	*size = (double)(int64_t)plain->digits / tens[plain->behind];
	return plain->digits <= DOUBLE_EXACT_DIGITS;
}

static inline bool put_double(void *row, size_t index, const struct plain *plain)
{
	double size;
	uint64_t bits;
	bool exact = quotient_double(plain, &size);
	memcpy(&bits, &size, sizeof bits);
	if (!exact)
		bits = nearest_bits(plain->digits, -(int64_t)plain->behind, &form_double);
	bits |= (uint64_t)plain->negative << 63;
	memcpy((double *)row + index, &bits, sizeof bits);
	return true;
}

/* Rounding the quotient again, to a float, gives the nearest unless it stands halfway between two:
 * a double stands there too, so on either side of it quotient and number are on the same. */
static inline bool put_float(void *row, size_t index, const struct plain *plain)
{
	double quotient;
	uint64_t bits;
	uint32_t narrow;
	bool exact = quotient_double(plain, &quotient);
	memcpy(&bits, &quotient, sizeof bits);
	float size = (float)quotient;
	memcpy(&narrow, &size, sizeof narrow);
	if (!exact || (bits & ((UINT64_C(1) << FLOAT_CUT_BITS) - 1)) == UINT64_C(1) << (FLOAT_CUT_BITS - 1))
		narrow = (uint32_t)nearest_bits(plain->digits, -(int64_t)plain->behind, &form_float);
	narrow |= (uint32_t)plain->negative << 31;
	memcpy((float *)row + index, &narrow, sizeof narrow);
	return true;
}

size_t number_scan_floats(struct text text, float *numbers, size_t most, size_t *length)
{
	return scan_row(text, numbers, most, length, put_float);
}

size_t number_scan_doubles(struct text text, double *numbers, size_t most, size_t *length)
{
	return scan_row(text, numbers, most, length, put_double);
}

struct integers {
	void *numbers;
	size_t size_bytes;
	uint64_t most_above, most_below; /* 0: in size */
};

static inline bool put_integer(void *row, size_t index, const struct plain *plain)
{
	const struct integers *integers = row;
	uint64_t number = plain->negative ? 0 - plain->digits : plain->digits;
	if (plain->behind > 0 || plain->digits > (plain->negative ? integers->most_below : integers->most_above))
		return false;
	switch (integers->size_bytes) {
	case 1:
		((uint8_t *)integers->numbers)[index] = (uint8_t)number;
		break;
	case 2:
		((uint16_t *)integers->numbers)[index] = (uint16_t)number;
		break;
	case 4:
		((uint32_t *)integers->numbers)[index] = (uint32_t)number;
		break;
	default:
		((uint64_t *)integers->numbers)[index] = number;
		break;
	}
	return true;
}

size_t number_scan_integers(struct text text, void *numbers, size_t size_bytes, bool natural, size_t most, size_t *length)
{
	unsigned unused = (unsigned)(64 - 8 * size_bytes);
	struct integers row = {.numbers = numbers, .size_bytes = size_bytes, .most_above = UINT64_MAX >> unused};
	if (!natural) {
		row.most_above >>= 1;
		row.most_below = row.most_above + 1;
	}
	return scan_row(text, &row, most, length, put_integer);
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
