/* number_parts.h: Shared tables for reading and writing numbers: powers of ten, and the forms of double and
 * float. For number_nearest.h and number_write.c. */
#pragma once

#include <stdint.h>

#define NUMBER_TABLES_READY 102 /* constructors of this priority find the tables below filled */

#define POWER_LEAST (-342) /* 2^64 * 10^-343 rounds to 0 */
#define POWER_MOST 324	   /* the shortest digits of the least double are scaled by it */

/* The upper 128 bits of 10^k, truncated, with the first bit set. */
struct number_power {
	uint64_t high;
	uint64_t low;
};

extern struct number_power powers_of_ten[POWER_MOST - POWER_LEAST + 1]; /* from POWER_LEAST on */

/* Steps of the floats that are written most: below 10^7, and not so small that an exponent is shorter. Indexed
 * by the bits of the exponent, from FLOAT_POWER_LEAST on. The step between two such floats is step /
 * 2^FLOAT_STEP_BITS * 10^k, rounded up, which is at least 10^k and less than 10^(k+1). */
#define FLOAT_POWER_LEAST 110
#define FLOAT_POWER_MOST 149
#define FLOAT_STEP_BITS 60

struct float_step {
	uint64_t step;
	int64_t k;
};

extern struct float_step float_steps[FLOAT_POWER_MOST - FLOAT_POWER_LEAST + 1];

/* The differences between double and float. */
struct binary_form {
	int fraction_bits;
	int exponent_least;
	int exponent_infinite;
	int even_least, even_most; /* powers of ten for which a product can be exactly halfway */
};

static const struct binary_form form_double = {52, -1023, 0x7FF, -4, 23};
static const struct binary_form form_float = {23, -127, 0xFF, -17, 10};

__extension__ typedef unsigned __int128 wide;

static inline uint64_t multiply(uint64_t a, uint64_t b, uint64_t *low)
{
	wide product = (wide)a * b;
	*low = (uint64_t)product;
	return (uint64_t)(product >> 64);
}
