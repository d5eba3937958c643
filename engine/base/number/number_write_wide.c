/* number_write_wide.c: Writes floats four at a time, where the processor has vectors for it. The digits of four floats
 * are found together, as write_usual() in number_write.c finds those of one; each is then put in its place by one
 * permutation of bytes, which a table has for each place of the point. */
#include "base/number/number.h"
#include "base/number/number_parts.h"
#include "base/number/number_wide.h"

#ifdef NUMBER_WIDE
#include <immintrin.h>
#include <stdalign.h>

#define AT_ONCE 4
#define BYTES 16 /* of a number's digits, and of its text without sign */
#define DIGITS 9 /* the last of them apart */

/* Digits in front of the point, as many as are placed here: from -4, which is 0.0000ddd, to 7. */
#define LEAD_LEAST (-4)
#define LEAD_MOST 7
#define LEADS (LEAD_MOST - LEAD_LEAST + 1)
#define ZEROS_MOST 2 /* in front of the digits: of nine, seven at least are some */
#define ZEROS_EACH 4 /* placings */

/* How a number is put together, by the place of its point and the zeros in front of its digits: where each byte of its text
 * comes from; what stands where none of them does; as a bit, the digit that it has at least; and how much further its text
 * goes, with the comma, than its last digit's place. */
static struct placing {
	unsigned char from[BYTES];
	unsigned char base[BYTES];
	uint64_t least;
	uint64_t more;
	uint64_t unused[2]; /* a power of two is quicker to find */
} placings[LEADS * ZEROS_EACH];

/* float_steps[], and where in `placings` a number is without zeros in front of its digits. Behind the last are all
 * other floats, which have none. */
#define STEPS (FLOAT_POWER_MOST - FLOAT_POWER_LEAST + 1)
#define ROW_NONE ((LEADS + ZEROS_MOST) * ZEROS_EACH)
static uint64_t steps[STEPS + 1];
static uint32_t rows[STEPS + 1];

static void placing_fill(struct placing *placing, int lead, int zeros)
{
	int first = lead > 0 ? 0 : 2 - lead; /* where the digits begin */
	int point = lead > 0 ? lead : 1;
	placing->least = UINT64_C(1) << (zeros + (lead > 0 ? lead : 0));
	int more = first - zeros + (lead > 0 ? 3 : 2);
	placing->more = (uint64_t)more;
	memset(placing->base, '0', BYTES);
	placing->base[point] = '.';
	for (int i = 0; i < BYTES; i++) {
		int digit = i - first - (lead > 0 && i > point) + zeros;
		bool some = i >= first && i != point && digit < DIGITS;
		placing->from[i] = some ? (unsigned char)digit : 0x80; /* 0x80: 0 */
	}
}

__attribute__((constructor(NUMBER_TABLES_READY))) static void placings_fill(void)
{
	for (int lead = LEAD_LEAST; lead <= LEAD_MOST; lead++)
		for (int zeros = 0; zeros <= ZEROS_MOST; zeros++)
			placing_fill(&placings[(lead - LEAD_LEAST) * ZEROS_EACH + zeros], lead, zeros);
	for (size_t i = 0; i < STEPS; i++) {
		steps[i] = float_steps[i].step;
		rows[i] = (uint32_t)(DIGITS + float_steps[i].k - LEAD_LEAST) * ZEROS_EACH;
	}
	steps[STEPS] = steps[0]; /* it has no more zeros than the others */
	rows[STEPS] = ROW_NONE;
}

#define KEPT_BITS 36 /* as in number_write.c */
#define KEPT_ONE (UINT64_C(1) << KEPT_BITS)

/* Numbers four times. They are read where they stand: what a compiler knows it makes anew each time round. */
static const struct constants {
	alignas(32) uint64_t of[AT_ONCE];
} constants[] = {
#define FOUR(number) {{number, number, number, number}}
#define EACH_16(number) FOUR((number) * UINT64_C(0x0001000100010001))
#define EACH_32(number) FOUR((number) * UINT64_C(0x0000000100000001))
#define PER_10000 0
	FOUR(109951163), /* 2^40 / 10,000 */
#define OF_10000 1
	FOUR(10000),
#define PER_100 2
	EACH_16(5243), /* 2^19 / 100 */
#define OF_100 3
	EACH_16(100),
#define PER_10_SHORT 4
	EACH_16(6554), /* 2^16 / 10 */
#define OF_10_SHORT 5
	EACH_16(10),
#define PER_10 6
	FOUR(0xCCCCCCCD), /* 2^35 / 10 */
#define OF_10 7
	FOUR(10),
#define OF_ONE 8
	FOUR(1),
#define NEARLY_HALF 9
	FOUR(KEPT_ONE / 2 - 1),
#define WHOLE_TEN 10
	FOUR(10 * KEPT_ONE),
#define POWER_BITS 11
	EACH_32(0xFF),
#define POWER_FIRST 12
	EACH_32(FLOAT_POWER_LEAST),
#define POWER_BEYOND 13
	EACH_32(STEPS),
#define FRACTION_BITS 14
	EACH_32(0x7FFFFF),
#define FRACTION_ONE 15
	EACH_32(0x800000),
};

static inline BUILT_WIDE __m256i wide_each(const struct constants *from, size_t which)
{
	return _mm256_load_si256((const __m256i *)(const void *)from[which].of);
}

static inline BUILT_WIDE __m128i half_each(const struct constants *from, size_t which)
{
	return _mm_load_si128((const __m128i *)(const void *)from[which].of);
}

/* The eight digits of each number, a byte each, the first in the lowest: split_digits() of four numbers. */
static inline BUILT_WIDE __m256i split_wide(__m256i numbers, const struct constants *from)
{
	__m256i fours = _mm256_srli_epi64(_mm256_mul_epu32(numbers, wide_each(from, PER_10000)), 40); /* divided by 10,000 */
	__m256i rests = _mm256_sub_epi64(numbers, _mm256_mul_epu32(fours, wide_each(from, OF_10000)));
	fours = _mm256_or_si256(fours, _mm256_slli_epi64(rests, 32));
	__m256i pairs = _mm256_srli_epi16(_mm256_mulhi_epu16(fours, wide_each(from, PER_100)), 3); /* by 100 */
	rests = _mm256_sub_epi16(fours, _mm256_mullo_epi16(pairs, wide_each(from, OF_100)));
	pairs = _mm256_or_si256(pairs, _mm256_slli_epi32(rests, 16));
	__m256i tens = _mm256_mulhi_epu16(pairs, wide_each(from, PER_10_SHORT)); /* by 10 */
	rests = _mm256_sub_epi16(pairs, _mm256_mullo_epi16(tens, wide_each(from, OF_10_SHORT)));
	return _mm256_or_si256(tens, _mm256_slli_epi16(rests, 8));
}

/* What shortest_float_digits() says, of four floats of 24 bits each. */
static inline BUILT_WIDE __m256i shortest_wide(__m256i fractions, __m256i step, __m256i *last,
					       const struct constants *from)
{
	__m256i upper = _mm256_mul_epu32(fractions, _mm256_srli_epi64(step, 32));
	__m256i lower = _mm256_mul_epu32(fractions, step);
	__m256i scaled = _mm256_add_epi64(_mm256_slli_epi64(upper, 8), _mm256_srli_epi64(lower, 24));
	__m256i half = _mm256_srli_epi64(step, FLOAT_STEP_BITS - KEPT_BITS + 1);
	__m256i front = _mm256_mul_epu32(_mm256_srli_epi64(scaled, KEPT_BITS), wide_each(from, PER_10));
	front = _mm256_srli_epi64(front, 35); /* divided by 10 */
	__m256i rest = _mm256_sub_epi64(scaled, _mm256_slli_epi64(_mm256_mul_epu32(front, wide_each(from, OF_10)), KEPT_BITS));
	__m256i odd = _mm256_and_si256(_mm256_srli_epi64(rest, KEPT_BITS), wide_each(from, OF_ONE));
	__m256i nearest = _mm256_add_epi64(rest, _mm256_add_epi64(odd, wide_each(from, NEARLY_HALF)));
	__m256i above = _mm256_cmpgt_epi64(_mm256_add_epi64(rest, half), wide_each(from, WHOLE_TEN));
	__m256i none = _mm256_or_si256(_mm256_cmpgt_epi64(half, rest), above);
	*last = _mm256_andnot_si256(none, _mm256_srli_epi64(nearest, KEPT_BITS));
	return _mm256_sub_epi64(front, above);
}

/* The digits of a float, which of these bytes are not 0, and its row of `placings` without zeros in front. */
static inline BUILT_WIDE char *place_wide(char *out, __m128i digits, uint64_t some, uint64_t row, const float *number,
					   const struct placing *table, number_write_listed *listed)
{
	uint64_t zeros = _tzcnt_u64(some);
	uint64_t index = row - zeros * (ZEROS_EACH - 1); /* a zero more is a place less */
	uint32_t bits;
	if (__builtin_expect(index >= LEADS * ZEROS_EACH, 0))
		return out + listed(out, *number);
	const struct placing *placing = &table[index];
	__m128i from = _mm_loadu_si128((const __m128i *)(const void *)placing->from);
	__m128i base = _mm_loadu_si128((const __m128i *)(const void *)placing->base);
	memcpy(&bits, number, sizeof bits);
	*out = '-';
	out += bits >> 31;
	_mm_storeu_si128((__m128i *)(void *)out, _mm_or_si128(_mm_shuffle_epi8(digits, from), base));
	out += (63 ^ (uint64_t)__builtin_clzll(some | placing->least)) + placing->more;
	out[-1] = ',';
	return out;
}

COMPILED_WIDE size_t number_write_floats_wide(char *out, const float *numbers, size_t count, number_write_listed *listed)
{
	char *at = out;
	const struct constants *from = constants;
	const struct placing *table = placings;
	__asm__("" : "+r"(from), "+r"(table));
	for (; count >= AT_ONCE; numbers += AT_ONCE, count -= AT_ONCE) {
		uint32_t row[AT_ONCE];
		__m128i bits = _mm_loadu_si128((const __m128i *)(const void *)numbers);
		__m128i powers = _mm_and_si128(_mm_srli_epi32(bits, 23), half_each(from, POWER_BITS));
		powers = _mm_min_epu32(_mm_sub_epi32(powers, half_each(from, POWER_FIRST)), half_each(from, POWER_BEYOND));
		__m256i step = _mm256_i32gather_epi64((const long long *)(const void *)steps, powers, sizeof *steps);
		bits = _mm_or_si128(_mm_and_si128(bits, half_each(from, FRACTION_BITS)), half_each(from, FRACTION_ONE));
		__m128i gathered = _mm_i32gather_epi32((const int *)(const void *)rows, powers, sizeof *rows);
		_mm_storeu_si128((__m128i *)(void *)row, gathered);
		__m256i last;
		__m256i digits = split_wide(shortest_wide(_mm256_cvtepu32_epi64(bits), step, &last, from), from);
		__m256i even = _mm256_unpacklo_epi64(digits, last);
		__m256i odd = _mm256_unpackhi_epi64(digits, last);
		uint32_t evens = ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(even, _mm256_setzero_si256()));
		uint32_t odds = ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(odd, _mm256_setzero_si256()));
		at = place_wide(at, _mm256_castsi256_si128(even), evens & 0xFFFF, row[0], numbers, table, listed);
		at = place_wide(at, _mm256_castsi256_si128(odd), odds & 0xFFFF, row[1], numbers + 1, table, listed);
		at = place_wide(at, _mm256_extracti128_si256(even, 1), evens >> 16, row[2], numbers + 2, table, listed);
		at = place_wide(at, _mm256_extracti128_si256(odd, 1), odds >> 16, row[3], numbers + 3, table, listed);
	}
	for (; __builtin_expect(count > 0, 0); numbers++, count--)
		at += listed(at, *numbers);
	return (size_t)(at - out);
}
#endif
