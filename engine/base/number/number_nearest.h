/* number_nearest.h: Rounding of a decimal to the nearest double or float, by Eisel and Lemire's algorithm. It multiplies by a
 * 128-bit power of ten ("Number parsing at a gigabyte per second", 2021). For number_read.c and number_rows.c. */
#pragma once

#include "base/number/number_parts.h"

#define SURE_DIGITS 19 /* 10^19 - 1 fits 64 bits */

static inline uint64_t form_infinity(const struct binary_form *form)
{
	return (uint64_t)form->exponent_infinite << form->fraction_bits;
}

/* The upper 128 bits of digits * 10^exponent; the first bit of `digits` must be set. The lower half of the
 * power is used only if it can change the kept bits. */
static inline uint64_t scale(uint64_t digits, int exponent, int kept_bits, uint64_t *low)
{
	const struct number_power *power = &powers_of_ten[exponent - POWER_LEAST];
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
	/* A carry out of the fraction increments the exponent. */
	uint64_t bits = ((uint64_t)(power_two - 1) << form->fraction_bits) + fraction;
	return bits < form_infinity(form) ? bits : form_infinity(form);
}
