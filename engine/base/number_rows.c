/* number_rows.c: Conversion from decimal to binary, for rows of numbers separated by commas. Most numbers are
 * short; for those the quotient of two exact numbers is enough. */
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/number.h"
#include "base/number_nearest.h"

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

/* Seldom needed: apart, so that the processor's registers are left to the rest. */
static __attribute__((noinline)) uint32_t nearest_float(const struct plain *plain)
{
	return (uint32_t)nearest_bits(plain->digits, -(int64_t)plain->behind, &form_float);
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
		narrow = nearest_float(plain);
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
