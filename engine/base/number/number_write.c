/* number_write.c: Conversion from binary to the shortest decimal, by Giulietti's algorithm ("The Schubfach way
 * to render doubles", 2020), which multiplies by a 128-bit power of ten; floats of usual size need fewer bits. */
#include "base/number/number.h"
#include "base/number/number_parts.h"
#include "base/number/number_wide.h"

#define EACH_BYTE(value) (UINT64_C(0x0101010101010101) * (value))
#define DIGITS_AT_ONCE 8
#define DIGITS_AT_ONCE_END UINT64_C(100000000) /* what they are below */
#define DIGITS_ROOM (3 * DIGITS_AT_ONCE)       /* of 64 bits */

/* Eight digits of `number`, which is below 10^8, a byte each, the first in the lowest. Fours, pairs
 * and digits are taken apart in all of their places at once: 10486/2^20 and 103/2^10 divide numbers
 * of so few digits as 1/100 and 1/10 do. A quotient q and its rest then stand side by side, the rest
 * further up: q + ((whole - 100 q) << 16), which is (whole << 16) - q ((100 << 16) - 1). */
static inline uint64_t split_digits(uint64_t number)
{
	uint64_t fours = (uint32_t)number / 10000;
	fours = (number << 32) - fours * ((UINT64_C(10000) << 32) - 1);
	uint64_t pairs = fours * 10486 >> 20 & UINT64_C(0x0000007F0000007F);
	pairs = (fours << 16) - pairs * ((100 << 16) - 1);
	uint64_t digits = pairs * 103 >> 10 & UINT64_C(0x000F000F000F000F);
	return (pairs << 8) - digits * ((10 << 8) - 1);
}

static inline void store_digits(char *to, uint64_t digits)
{
	digits += EACH_BYTE('0');
	memcpy(to, &digits, sizeof digits);
}

/* Writes the digits of `number` so that they end before `end`, zeros in front of them up to eights;
 * where they begin. */
static inline char *write_digits_before(char *end, uint64_t number)
{
	for (; number >= DIGITS_AT_ONCE_END; number /= DIGITS_AT_ONCE_END) {
		end -= DIGITS_AT_ONCE;
		store_digits(end, split_digits(number % DIGITS_AT_ONCE_END));
	}
	uint64_t digits = split_digits(number);
	end -= DIGITS_AT_ONCE;
	store_digits(end, digits);
	return end + (digits ? __builtin_ctzll(digits) / 8 : DIGITS_AT_ONCE - 1);
}

static __attribute__((noinline)) size_t write_long(char *out, uint64_t number)
{
	char digits[2 * DIGITS_ROOM];
	char *end = digits + DIGITS_ROOM;
	char *first = write_digits_before(end, number);
	size_t length = (size_t)(end - first);
	memcpy(out, first, length);
	return length;
}

/* Of one that is above 0 and below 10^8. Writes eight bytes. */
static inline size_t write_short(char *out, uint64_t number)
{
	uint64_t digits = split_digits(number);
	unsigned zeros = (unsigned)__builtin_ctzll(digits) / 8;
	store_digits(out, digits >> 8 * zeros);
	return DIGITS_AT_ONCE - zeros;
}

size_t number_write_uint64(char *out, uint64_t number)
{
	if (number < 10) { /* as dimensions and classes are */
		*out = (char)('0' + number);
		return 1;
	}
	if (number < DIGITS_AT_ONCE_END)
		return write_short(out, number);
	if (number >= DIGITS_AT_ONCE_END * DIGITS_AT_ONCE_END)
		return write_long(out, number);
	const size_t length = write_short(out, number / DIGITS_AT_ONCE_END); /* times of day, and numbers of calls */
	store_digits(out + length, split_digits(number % DIGITS_AT_ONCE_END));
	return length + DIGITS_AT_ONCE;
}

/* The eight digits of a number, a byte each, the first in the lowest. All are made at once: a digit above 9 is one whose sum with 6
 * has the bit 16. */
static inline uint64_t hex_digits(uint32_t number)
{
	uint64_t digits = __builtin_bswap32(number);
	digits = (digits << 16 | digits) & UINT64_C(0x0000FFFF0000FFFF);
	digits = (digits << 8 | digits) & UINT64_C(0x00FF00FF00FF00FF);
	digits = (digits >> 4 | digits << 8) & EACH_BYTE(0x0F);
	const uint64_t letters = (digits + EACH_BYTE(6)) >> 4 & EACH_BYTE(1);
	return digits + EACH_BYTE('0') + letters * ('a' - '0' - 10);
}

size_t number_write_hex(char *out, uint64_t number, size_t least)
{
	char digits[2 * DIGITS_AT_ONCE];
	size_t count = number == 0 ? 1 : (size_t)(67 - __builtin_clzll(number)) / 4;
	const uint64_t high = hex_digits((uint32_t)(number >> 32)), low = hex_digits((uint32_t)number);
	memcpy(digits, &high, sizeof high);
	memcpy(digits + DIGITS_AT_ONCE, &low, sizeof low);
	count = count < least ? least : count;
	memcpy(out, digits + sizeof digits - count, count);
	return count;
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
static inline uint64_t scale_to_odd(struct number_power power, uint64_t numerator)
{
	uint64_t middle, low, unused;
	uint64_t high = multiply(power.high, numerator, &middle);
	low = multiply(power.low, numerator, &unused);
	high += __builtin_add_overflow(middle, low, &middle);
	return high | (middle > 1);
}

struct scaled {
	uint64_t least, exact, most; /* fourfold */
};

static inline struct scaled scale_all(int k, uint64_t fraction, int h, bool lopsided)
{
	struct number_power power = powers_of_ten[k - POWER_LEAST];
	power.low += k < 0 || k > 55; /* rounded up where it is not exact */
	return (struct scaled){scale_to_odd(power, (4 * fraction - 2 + lopsided) << h), scale_to_odd(power, 4 * fraction << h),
			       scale_to_odd(power, (4 * fraction + 2) << h)};
}

/* The shortest digits * 10^*exponent inside the numbers that round to
 * fraction * 2^power_two; of several the nearest. `lopsided`: the next smaller
 * number is only half a step away. */
static inline uint64_t shortest_digits(uint64_t fraction, int power_two, bool lopsided, int *exponent)
{
	int k = (power_two * 1262611 - (lopsided ? 524031 : 0)) >> 22; /* floor(log10) of the step */
	int h = power_two + (-k * 1741647 >> 19) + 1;
	struct scaled scaled = scale_all(-k, fraction, h, lopsided);
	uint64_t odd = fraction & 1;
	uint64_t least = scaled.least + odd;
	uint64_t exact = scaled.exact;
	uint64_t most = scaled.most - odd;
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

#define DIGITS_COPIED 20 /* always: cheaper than as many as there are */

/* At most eight digits, one behind the other from the lowest byte on, none of them a zero at either
 * end, the first of which stands `lead` places left of the point; 0: they are not placed so easily. */
static inline size_t place_short(char *out, uint64_t digits, int lead)
{
	int count = DIGITS_AT_ONCE - __builtin_clzll(digits) / 8;
	if (lead > 0 && lead < DIGITS_AT_ONCE) {
		store_digits(out, digits);
		store_digits(out + lead + 1, digits >> 8 * lead);
		out[lead] = '.';
		return count > lead ? (size_t)count + 1 : (size_t)lead + 2;
	}
	if (lead <= 0 && lead >= PLAIN_LEAST) {
		memcpy(out, "0.000000", 8);
		store_digits(out + 2 - lead, digits);
		return (size_t)-lead + 2 + (size_t)count;
	}
	return 0;
}

/* `count` digits, the first of which stands `lead` places left of the point. Behind
 * them stand zeros, as many as can be needed. */
static inline size_t place_point(char *out, const char *digits, int count, int lead)
{
	if (lead > 0 && lead <= PLAIN_MOST) {
		memcpy(out, digits, PLAIN_MOST);
		out[lead] = '.';
		memcpy(out + lead + 1, digits + lead, DIGITS_COPIED);
		return count > lead ? (size_t)count + 1 : (size_t)lead + 2;
	}
	if (lead <= 0 && lead >= PLAIN_LEAST) {
		memcpy(out, "0.000000", 8);
		memcpy(out + 2 - lead, digits, DIGITS_COPIED);
		return (size_t)-lead + 2 + (size_t)count;
	}
	char *at = out + (count > 1 ? count + 1 : 1);
	out[0] = digits[0];
	out[1] = '.';
	memcpy(out + 2, digits + 1, DIGITS_COPIED);
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
	if (digits < DIGITS_AT_ONCE_END) {
		uint64_t few = split_digits(digits);
		int zeros = __builtin_ctzll(few) / 8;
		size_t length = place_short(at, few >> 8 * zeros, DIGITS_AT_ONCE - zeros + exponent);
		if (length > 0)
			return (size_t)(at - out) + length;
	}
	char text[2 * DIGITS_ROOM + PLAIN_MOST];
	char *last = text + DIGITS_ROOM;
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

/* --- floats ---------------------------------------------------------------- */

#define KEPT_BITS 36 /* of a scaled float, behind its point */
#define KEPT_ONE (UINT64_C(1) << KEPT_BITS)

/* The same digits as shortest_digits() finds, for the floats of float_steps[]. Scaled by 10^-k a float
 * has seven to nine digits in front of its point, and half a step is 0.5 to 5: a ten within that
 * is shortest, or else the nearest whole number, which is always within it. The last digit stands
 * apart, as it is 0 mostly. That a power of two has a shorter half step below it changes none of
 * them, nor does a ten stand at a half step's very end: each of these floats has been tried. */
struct float_digits {
	uint64_t front; /* all but the last: six to eight */
	uint64_t last;
	uint64_t mask; /* all bits, or none where the last is 0 */
};

static inline struct float_digits shortest_float_digits(uint64_t fraction, uint64_t step)
{
	uint64_t unused;
	uint64_t scaled = multiply(fraction << (64 - 24), step, &unused); /* with KEPT_BITS, as step has 60 */
	uint64_t half = step >> (FLOAT_STEP_BITS - KEPT_BITS + 1);
	uint64_t front = (uint32_t)(scaled >> KEPT_BITS) / 10;
	uint64_t rest = scaled - (front * 10 << KEPT_BITS);
	uint64_t last = (rest + KEPT_ONE / 2 - 1 + (rest >> KEPT_BITS & 1)) >> KEPT_BITS; /* halfway: to even */
	bool above = rest + half > 10 * KEPT_ONE;
	uint64_t none = (rest < half) | above; /* by a mask: which it is the processor cannot guess */
	return (struct float_digits){front + above, last & (none - 1), none - 1};
}

/* A float that is neither very large nor very small; where it ends. NULL: it is for write_binary(). */
static inline __attribute__((always_inline)) char *write_usual(char *out, uint32_t bits)
{
	uint32_t place = (bits >> 23 & 0xFF) - FLOAT_POWER_LEAST;
	if (place > FLOAT_POWER_MOST - FLOAT_POWER_LEAST)
		return NULL;
	uint64_t fraction = (bits & 0x7FFFFF) | 0x800000;
	struct float_digits digits = shortest_float_digits(fraction, float_steps[place].step);
	uint64_t front = split_digits(digits.front);
	unsigned zero_bits = (unsigned)__builtin_ctzll(front) & ~7U; /* in front of it */
	front >>= zero_bits;
	int64_t last_place = DIGITS_AT_ONCE - zero_bits / 8;
	int64_t lead = last_place + 1 + float_steps[place].k;
	int64_t front_places = (63 - (unsigned)__builtin_clzll(front)) / 8; /* but one */
	int64_t count = 1 + front_places + ((last_place - front_places) & (int64_t)digits.mask);
	char *at = out + (bits >> 31);
	*out = '-';
	if (lead > 0 && lead < DIGITS_AT_ONCE) {
		store_digits(at, front);
		store_digits(at + lead + 1, front >> 8 * lead);
		at[lead] = '.';
		at[last_place + 1] = (char)('0' + digits.last);
		return at + 1 + (count > lead ? count : lead + 1);
	}
	if (lead > 0 || lead < PLAIN_LEAST)
		return NULL;
	memcpy(at, "0.000000", 8);
	at += 2 - lead;
	store_digits(at, front);
	at[last_place] = (char)('0' + digits.last);
	return at + count;
}

static size_t write_unusual(char *out, uint32_t bits)
{
	return write_binary(out, bits >> 31, bits & ((UINT32_C(1) << 23) - 1), (int)(bits >> 23 & 0xFF), &form_float);
}

size_t number_write_float(char *out, float number)
{
	uint32_t bits;
	memcpy(&bits, &number, sizeof bits);
	const char *end = write_usual(out, bits);
	return end ? (size_t)(end - out) : write_unusual(out, bits);
}

/* What is no number to JSON stands in quotes. */
static size_t write_unusual_quoted(char *out, uint32_t bits)
{
	bool quoted = (bits >> 23 & 0xFF) == 0xFF;
	size_t length = write_unusual(out + quoted, bits);
	if (quoted)
		out[0] = out[length + 1] = '"';
	return length + 2 * (size_t)quoted;
}

static inline __attribute__((always_inline)) char *write_listed(char *at, float number)
{
	uint32_t bits;
	memcpy(&bits, &number, sizeof bits);
	char *end = write_usual(at, bits);
	at = end ? end : at + write_unusual_quoted(at, bits);
	*at++ = ',';
	return at;
}

static size_t write_one_listed(char *out, float number)
{
	return (size_t)(write_listed(out, number) - out);
}

static __attribute__((noinline)) size_t write_floats(char *out, const float *numbers, size_t count)
{
	char *at = out;
	for (size_t i = 0; i < count; i++)
		at = write_listed(at, numbers[i]);
	return (size_t)(at - out);
}

size_t number_write_floats(char *out, const float *numbers, size_t count)
{
#ifdef NUMBER_WIDE
	if (number_wide)
		return number_write_floats_wide(out, numbers, count, write_one_listed);
#endif
	return write_floats(out, numbers, count);
}
