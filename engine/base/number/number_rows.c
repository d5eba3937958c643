/* number_rows.c: Conversion from decimal to binary, for rows of numbers separated by commas. Most numbers are
 * short; for those the quotient of two exact numbers is enough. */

#ifdef __SSE2__
#include <immintrin.h>
#endif

#include "base/number/number.h"
#include "base/number/number_nearest.h"
#include "base/number/number_wide.h"
#include "base/text.h"

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))
#define DIGITS_AT_ONCE 8
#define DIGITS_AT_ONCE_END 1e8 /* what they are below */
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
	const uint64_t bytes = eight_bytes_at(at) ^ EACH_BYTE('0');
	uint64_t others = (((bytes & EACH_BYTE(0x7F)) + EACH_BYTE(0x80 - 10)) | bytes) & EACH_BYTE(0x80);
	return (uint32_t)((others >> 7) * UINT64_C(0x0102040810204080) >> 56); /* a bit of each byte, side by side */
}
#endif

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
	uint64_t bytes = eight_bytes_at(at);
	return bytes ^ ((bytes ^ eight_bytes_at(at + 1)) & UINT64_MAX << (8 * point & 63));
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
			bytes = eight_bytes_at(at + done);
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
	uint64_t bytes = eight_bytes_at(first);
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

/* How far a row is read. */
struct row_place {
	const char *at;	    /* the next number */
	const char *behind; /* the last one */
	const char *last;   /* from each place before it, LOOKED_AT bytes stand */
	size_t count;
};

/* Reads numbers that a comma or a list's end follows, as many as it can. */
typedef void scan_ahead(struct row_place *place, void *row, size_t most);

#define TAIL 48 /* bytes copied at once: LOOKED_AT, and a comma and a blank before them */

/* Copies the last `left` bytes of `text`, at most TAIL; where they stand. Behind them stands something. */
static inline char *copy_tail(char *tail, struct text text, size_t left)
{
	const char *end = text.bytes + text.length;
	if (text.length >= TAIL) /* at once, as nearly always */
		memcpy(tail, end - TAIL, TAIL);
	else if (left > 0)
		memcpy(tail + TAIL - left, end - left, left);
	memset(tail + TAIL, 0, LOOKED_AT);
	return tail + TAIL - left;
}

/* What number_scan_floats() says, for any kind of number. The last bytes of `text` are looked at in a
 * copy, behind which something stands. */
static inline __attribute__((always_inline)) size_t scan_row(struct text text, void *row, size_t most, size_t *length,
							     scan_ahead *ahead, put_plain *put)
{
	char tail[TAIL + LOOKED_AT];
	const char *begin = text.bytes;
	size_t left = text.length; /* from `begin` on */
	struct row_place place = {begin, begin, begin + (left < LOOKED_AT ? 0 : left - LOOKED_AT + 1), 0};
	while (place.count < most) {
		struct plain plain;
		if (__builtin_expect(place.at >= place.last, 0)) {
			left -= (size_t)(place.behind - begin);
			begin = copy_tail(tail, text, left);
			place.at = begin + (place.at - place.behind);
			place.behind = begin;
			place.last = tail + sizeof tail;
		}
		size_t before = place.count;
		ahead(&place, row, most);
		if (place.count > before && *place.behind == ',')
			continue;
		if (place.count > before)
			break;
		size_t size = scan_plain(place.at, &plain);
		if (size == 0 || !put(row, place.count, &plain))
			break;
		place.count++;
		place.behind = place.at + size;
		if (*place.behind != ',')
			break;
		place.at = place.behind + 1;
		if (*place.at == ' ')
			place.at++;
	}
	*length = text.length - left + (size_t)(place.behind - begin);
	return place.count;
}

static inline void scan_none_ahead(struct row_place *place, void *row, size_t most)
{
	(void)place;
	(void)row;
	(void)most;
}

#define DOUBLE_EXACT_DIGITS (UINT64_C(1) << 53) /* whole numbers up to it are doubles, each of them */
#define FLOAT_CUT ((UINT64_C(1) << 29) - 1)	/* bits of a double that a float has not */
#define FLOAT_HALFWAY (UINT64_C(1) << 28)	/* of them, between two floats */

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
	if (!exact || (bits & FLOAT_CUT) == FLOAT_HALFWAY)
		narrow = nearest_float(plain);
	narrow |= (uint32_t)plain->negative << 31;
	memcpy((float *)row + index, &narrow, sizeof narrow);
	return true;
}

#ifdef NUMBER_WIDE
#define NO_BYTE 32 /* the place of none, as the processor says it */
#define WAYS (2 * (NO_BYTE * PART + NO_BYTE + 1))
#define WAY(sign, end, front) (2 * ((end) * PART + (front)) + (sign))

/* Numbers that end within PART bytes, by their sign, by where they end and where their point stands (or again their end):
 * where each of sixteen bytes comes from so that the last of them is the last digit, without sign and point. */
static struct {
	unsigned char from[PART];
} gathered[WAYS];

/* Twice the digits behind the point, and the sign; GATHERED_NOT: such is no number, or is too long. It is divided by what is no
 * number either, whose last bits make the quotient one that is left to others: so it needs no question of its own. */
static uint8_t gathered_behind[WAYS];
#define GATHERED_NOT 30
#define LEFT_TO_OTHERS __builtin_nan("0x10000000") /* FLOAT_HALFWAY */

static void number_rows_gather(size_t sign, size_t end, size_t front)
{
	size_t way = WAY(sign, end, front);
	size_t behind = front < end ? end - front - 1 : 0;
	size_t none = PART - (front - sign + behind); /* places */
	if (front < end && behind == 0)
		return;
	for (size_t i = 0; i < PART; i++) {
		size_t digit = i - none + sign;
		gathered[way].from[i] = i < none ? 0x80 : (unsigned char)(digit + (digit >= front)); /* 0x80: a zero */
	}
	gathered_behind[way] = (uint8_t)(2 * behind + sign);
}

__attribute__((constructor)) static void gathered_fill(void)
{
	memset(gathered_behind, GATHERED_NOT, sizeof gathered_behind);
	for (size_t sign = 0; sign <= 1; sign++)
		for (size_t end = sign + 1; end < PART; end++)
			for (size_t front = sign + 1; front <= end; front++)
				number_rows_gather(sign, end, front);
}

/* At most fifteen digits as a number, which is exact: pairs, fours and eights are put together in all of their places at
 * once. */
static inline BUILT_WIDE double sum_wide(__m128i digits)
{
	__m128i pairs = _mm_maddubs_epi16(digits, _mm_set1_epi16(1 << 8 | 10));
	__m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(1 << 16 | 100));
	__m128i eights = _mm_madd_epi16(_mm_packus_epi32(fours, fours), _mm_set1_epi32(1 << 16 | 10000));
	__m128d halves = _mm_mul_pd(_mm_cvtepi32_pd(eights), _mm_set_pd(1, DIGITS_AT_ONCE_END));
	return _mm_cvtsd_f64(_mm_hadd_pd(halves, halves));
}

/* Fewer than sixteen digits are exact as a double, and so is the power of ten: see put_float(). Where the next number begins
 * is known as in scan_plain(), before that number's sign is: this chain is what the time goes by. */
static inline COMPILED_WIDE void scan_floats_ahead(struct row_place *place, void *row, size_t most)
{
#define BOTH(ten) ten, -ten
	static const double tens[] = {BOTH(1e0), BOTH(1e1), BOTH(1e2),	BOTH(1e3),  BOTH(1e4),	BOTH(1e5),  BOTH(1e6), BOTH(1e7),
				      BOTH(1e8), BOTH(1e9), BOTH(1e10), BOTH(1e11), BOTH(1e12), BOTH(1e13), BOTH(1e14),
				      BOTH(LEFT_TO_OTHERS)};
	__m128i zeros = _mm_set1_epi8('0');
	__m128i over = _mm_set1_epi8(0x80 - 10);
	const char *at = place->at;
	float *next = (float *)row + place->count;
	float *stop = (float *)row + most;
	for (; next < stop && at < place->last; next++) {
		size_t sign = *at == '-';
		__m128i bytes = _mm_xor_si128(_mm_loadu_si128((const __m128i *)(const void *)at), zeros);
		uint32_t others = (uint32_t)_mm_movemask_epi8(_mm_adds_epu8(bytes, over)) & ~(uint32_t)sign;
		size_t front = _tzcnt_u32(others); /* NO_BYTE where there is none */
		size_t end = front;
		if (at[front] == '.')
			end = _tzcnt_u32(others & (others - 1));
		uint16_t two;
		memcpy(&two, at + sign, sizeof two);
		size_t way = WAY(sign, end, front);
		__m128i from = _mm_loadu_si128((const __m128i *)(const void *)gathered[way].from);
		double quotient = sum_wide(_mm_shuffle_epi8(bytes, from)) / tens[gathered_behind[way]];
		uint64_t bits;
		memcpy(&bits, &quotient, sizeof bits);
		if ((two & 0xF0FF) == 0x3030 || (bits & FLOAT_CUT) == FLOAT_HALFWAY)
			break;
		if (at[end] != ',') {
			if (at[end] != ']')
				break;
			stop = next + 1;
		}
		*next = (float)quotient;
		place->behind = at + end;
		at += end + 1;
		if (__builtin_expect(*at == ' ', 0)) /* behind all or behind none: worth a guess */
			at++;
	}
	place->at = at;
	place->count = (size_t)(next - (float *)row);
}

static COMPILED_WIDE size_t scan_floats_wide(struct text text, float *numbers, size_t most, size_t *length)
{
	return scan_row(text, numbers, most, length, scan_floats_ahead, put_float);
}
#endif

static __attribute__((noinline)) size_t scan_floats(struct text text, float *numbers, size_t most, size_t *length)
{
	return scan_row(text, numbers, most, length, scan_none_ahead, put_float);
}

size_t number_scan_floats(struct text text, float *numbers, size_t most, size_t *length)
{
#ifdef NUMBER_WIDE
	if (number_wide)
		return scan_floats_wide(text, numbers, most, length);
#endif
	return scan_floats(text, numbers, most, length);
}

size_t number_scan_doubles(struct text text, double *numbers, size_t most, size_t *length)
{
	return scan_row(text, numbers, most, length, scan_none_ahead, put_double);
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
	return scan_row(text, &row, most, length, scan_none_ahead, put_integer);
}
