/* number.c: decimal to binary by Eisel and Lemire's algorithm ("Number parsing at
 * a gigabyte per second", 2021), binary to shortest decimal by Giulietti's
 * ("The Schubfach way to render doubles", 2020). Both multiply by a power of ten
 * of 128 bits, from one table. */
#include "base/number.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define POWER_LEAST (-342) /* 2^64 * 10^-343 rounds to 0 */
#define POWER_MOST 324	   /* the shortest digits of the least double are scaled by it */

/* The upper 128 bits of 10^k, cut off, the first bit set. */
struct power {
	uint64_t high;
	uint64_t low;
};

static struct power powers[POWER_MOST - POWER_LEAST + 1];

#define WIDE_LIMBS 36 /* 5^324 has 753 bits; 2^1151 / 5^342 still has 356 */

static struct power upper_bits(const uint32_t *limbs)
{
	size_t top = WIDE_LIMBS - 1;
	while (limbs[top] == 0)
		top--;
	int shift = __builtin_clz(limbs[top]);
	uint64_t kept[2] = {0, 0};
	for (size_t i = 0; i < 4; i++) {
		uint64_t pair = top >= i ? (uint64_t)limbs[top - i] << 32 : 0;
		pair |= top >= i + 1 ? limbs[top - i - 1] : 0;
		kept[i / 2] = kept[i / 2] << 32 | (uint32_t)((pair << shift) >> 32);
	}
	return (struct power){kept[0], kept[1]};
}

/* Ten's upper bits are five's, for the first bit is always set. Cutting off after
 * each division by five gives the same as cutting off once. Done before main, so
 * that threads find the table written; it takes some twenty microseconds, and a
 * table in the source would be 667 lines. */
__attribute__((constructor)) static void powers_fill(void)
{
	uint32_t limbs[WIDE_LIMBS] = {1};
	for (int k = 0; k <= POWER_MOST; k++) {
		powers[k - POWER_LEAST] = upper_bits(limbs);
		uint64_t carry = 0;
		for (size_t i = 0; i < WIDE_LIMBS; i++) {
			carry += (uint64_t)limbs[i] * 5;
			limbs[i] = (uint32_t)carry;
			carry >>= 32;
		}
	}
	memset(limbs, 0, sizeof limbs);
	limbs[WIDE_LIMBS - 1] = UINT32_C(1) << 31;
	for (int k = -1; k >= POWER_LEAST; k--) {
		uint64_t rest = 0;
		for (size_t i = WIDE_LIMBS; i-- > 0;) {
			rest = rest << 32 | limbs[i];
			limbs[i] = (uint32_t)(rest / 5);
			rest %= 5;
		}
		powers[k - POWER_LEAST] = upper_bits(limbs);
	}
}

__extension__ typedef unsigned __int128 wide;

static inline uint64_t multiply(uint64_t a, uint64_t b, uint64_t *low)
{
	wide product = (wide)a * b;
	*low = (uint64_t)product;
	return (uint64_t)(product >> 64);
}

/* --- reading ------------------------------------------------------------- */

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

/* What tells a double from a float. */
struct binary_form {
	int fraction_bits;
	int exponent_least;
	int exponent_infinite;
	int even_least, even_most; /* powers of ten by which a product can be exactly halfway */
};

static const struct binary_form form_double = {52, -1023, 0x7FF, -4, 23};
static const struct binary_form form_float = {23, -127, 0xFF, -17, 10};

static inline uint64_t form_infinity(const struct binary_form *form)
{
	return (uint64_t)form->exponent_infinite << form->fraction_bits;
}

/* The upper 128 bits of digits * 10^exponent, `digits` having its first bit set;
 * the lower half of the power is needed only when it can change the kept bits. */
static inline uint64_t scale(uint64_t digits, int exponent, int kept_bits, uint64_t *low)
{
	const struct power *power = &powers[exponent - POWER_LEAST];
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

#define FLOAT_EXACT_DIGITS (UINT64_C(1) << 24) /* whole numbers up to it are floats, each of them */
#define FLOAT_EXACT_POWER 10		       /* so are the powers of ten */

/* The quotient of two exact floats is rounded once, by the processor (Clinger, "How to read
 * floating point numbers accurately", 1990). */
size_t number_scan_float(struct text text, float *number)
{
	static const float tens[] = {1e0F, 1e1F, 1e2F, 1e3F, 1e4F, 1e5F, 1e6F, 1e7F, 1e8F, 1e9F, 1e10F};
	const char *end = text.bytes + text.length;
	bool negative = text.length > 0 && *text.bytes == '-';
	const char *first = text.bytes + negative;
	uint64_t digits;
	int64_t exponent;
	const char *at = scan_digits(first, end, &digits, &exponent);
	if (!at || at - first > SURE_DIGITS || (at < end && (*at | 0x20) == 'e'))
		return 0;
	float size;
	if (digits <= FLOAT_EXACT_DIGITS && exponent >= -FLOAT_EXACT_POWER) {
		size = (float)(int64_t)digits / tens[-exponent];
	} else {
		uint32_t bits = (uint32_t)nearest_bits(digits, exponent, &form_float);
		memcpy(&size, &bits, sizeof size);
	}
	*number = negative ? -size : size;
	return (size_t)(at - text.bytes);
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

/* --- writing ------------------------------------------------------------- */

static const char digit_pairs[201] =
	"00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748"
	"4950515253545556575859606162636465666768697071727374757677787980818283848586878889909192939495969798"
	"99";

#define DIGITS_MAX 20 /* of 64 bits. So many are always copied: cheaper than as many as there are */

/* Writes the digits of `number` so that they end before `end`; where they begin. */
static inline char *write_digits_before(char *end, uint64_t number)
{
	while (number >= 100) {
		const char *pair = digit_pairs + number % 100 * 2;
		number /= 100;
		*--end = pair[1];
		*--end = pair[0];
	}
	const char *pair = digit_pairs + number * 2;
	*--end = pair[1];
	if (number >= 10)
		*--end = pair[0];
	return end;
}

size_t number_write_uint64(char *out, uint64_t number)
{
	char digits[2 * DIGITS_MAX] = "";
	char *end = digits + DIGITS_MAX;
	char *first = write_digits_before(end, number);
	memcpy(out, first, DIGITS_MAX);
	return (size_t)(end - first);
}

size_t number_write_int64(char *out, int64_t number)
{
	if (number >= 0)
		return number_write_uint64(out, (uint64_t)number);
	out[0] = '-';
	return 1 + number_write_uint64(out + 1, 0 - (uint64_t)number);
}

/* numerator * 10^k / 2^x, cut off, with its last bit set when something was: the
 * paper's rounding to odd. */
static inline uint64_t scale_to_odd(struct power power, uint64_t numerator)
{
	uint64_t middle, low, unused;
	uint64_t high = multiply(power.high, numerator, &middle);
	low = multiply(power.low, numerator, &unused);
	high += __builtin_add_overflow(middle, low, &middle);
	return high | (middle > 1);
}

/* The shortest digits * 10^*exponent inside the numbers that round to
 * fraction * 2^power_two; of several the nearest. `lopsided`: the next smaller
 * number is only half a step away. */
static uint64_t shortest_digits(uint64_t fraction, int power_two, bool lopsided, int *exponent)
{
	int k = (power_two * 1262611 - (lopsided ? 524031 : 0)) >> 22; /* floor(log10) of the step */
	int h = power_two + (-k * 1741647 >> 19) + 1;
	struct power power = powers[-k - POWER_LEAST];
	power.low += -k < 0 || -k > 55; /* rounded up where it is not exact */
	uint64_t odd = fraction & 1;
	uint64_t least = scale_to_odd(power, (4 * fraction - 2 + lopsided) << h) + odd;
	uint64_t exact = scale_to_odd(power, 4 * fraction << h);
	uint64_t most = scale_to_odd(power, (4 * fraction + 2) << h) - odd;
	uint64_t digits = exact / 4;
	if (digits >= 10) {
		uint64_t fewer = digits / 10;
		bool below = least <= 40 * fewer;
		bool above = 40 * fewer + 40 <= most;
		if (below != above) {
			*exponent = k + 1;
			return fewer + above;
		}
	}
	*exponent = k;
	bool below = least <= 4 * digits;
	bool above = 4 * digits + 4 <= most;
	if (below != above)
		return digits + above;
	uint64_t middle = 4 * digits + 2;
	return digits + (exact > middle || (exact == middle && (digits & 1)));
}

/* Outside of these an exponent is shorter to read: 0.00001 but 1e-6, and 1e16. */
#define PLAIN_LEAST (-4)
#define PLAIN_MOST 16

/* `count` digits, the first of which stands `lead` places left of the point. Behind
 * them stand zeros, as many as can be needed. */
static inline size_t place_point(char *out, const char *digits, int count, int lead)
{
	if (lead > 0 && lead <= PLAIN_MOST) {
		memcpy(out, digits, PLAIN_MOST);
		out[lead] = '.';
		memcpy(out + lead + 1, digits + lead, DIGITS_MAX);
		return count > lead ? (size_t)count + 1 : (size_t)lead + 2;
	}
	if (lead <= 0 && lead >= PLAIN_LEAST) {
		memcpy(out, "0.000000", 8);
		memcpy(out + 2 - lead, digits, DIGITS_MAX);
		return (size_t)-lead + 2 + (size_t)count;
	}
	char *at = out + (count > 1 ? count + 1 : 1);
	out[0] = digits[0];
	out[1] = '.';
	memcpy(out + 2, digits + 1, DIGITS_MAX);
	*at++ = 'e';
	return (size_t)(at - out) + number_write_int64(at, lead - 1);
}

static inline size_t write_binary(char *out, bool negative, uint64_t fraction, int power, const struct binary_form *form)
{
	char *at = out;
	if (power == form->exponent_infinite) {
		const char *word = fraction ? "NaN" : negative ? "-Infinity" : "Infinity";
		size_t length = strlen(word);
		memcpy(out, word, length);
		return length;
	}
	if (negative)
		*at++ = '-';
	if (power == 0 && fraction == 0) {
		memcpy(at, "0.0", 3);
		return (size_t)(at - out) + 3;
	}
	bool lopsided = fraction == 0 && power > 1;
	if (power > 0)
		fraction |= UINT64_C(1) << form->fraction_bits;
	int power_two = (power > 0 ? power : 1) + form->exponent_least - form->fraction_bits;
	int exponent = 0;
	uint64_t digits;
	if (power_two <= 0 && power_two > -form->fraction_bits - 1 && (fraction & ((UINT64_C(1) << -power_two) - 1)) == 0)
		digits = fraction >> -power_two;
	else
		digits = shortest_digits(fraction, power_two, lopsided, &exponent);
	char text[2 * DIGITS_MAX + PLAIN_MOST];
	char *last = text + DIGITS_MAX;
	memset(text, '0', sizeof text);
	char *first = write_digits_before(last, digits);
	int lead = (int)(last - first) + exponent;
	while (last[-1] == '0')
		last--;
	return (size_t)(at - out) + place_point(at, first, (int)(last - first), lead);
}

size_t number_write_double(char *out, double number)
{
	uint64_t bits;
	memcpy(&bits, &number, sizeof bits);
	return write_binary(out, bits >> 63, bits & ((UINT64_C(1) << 52) - 1), (int)(bits >> 52 & 0x7FF), &form_double);
}

size_t number_write_float(char *out, float number)
{
	uint32_t bits;
	memcpy(&bits, &number, sizeof bits);
	return write_binary(out, bits >> 31, bits & ((UINT32_C(1) << 23) - 1), (int)(bits >> 23 & 0xFF), &form_float);
}
