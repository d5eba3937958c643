/* number_parts.c: see number_parts.h. */
#include "base/number/number_parts.h"
#include "base/number/number_wide.h"

#include <string.h>

struct number_power powers_of_ten[POWER_MOST - POWER_LEAST + 1];
struct float_step float_steps[FLOAT_POWER_MOST - FLOAT_POWER_LEAST + 1];

#define WIDE_LIMBS 36 /* 5^324 has 753 bits; 2^1151 / 5^342 still has 356 */

static struct number_power upper_bits(const uint32_t *limbs)
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
	return (struct number_power){kept[0], kept[1]};
}

/* 2^power_two * 10^-k for the steps, from powers that are filled. */
static void steps_fill(void)
{
	for (int power = FLOAT_POWER_LEAST; power <= FLOAT_POWER_MOST; power++) {
		int power_two = power + form_float.exponent_least - form_float.fraction_bits;
		int k = power_two * 1262611 >> 22;			    /* floor(log10) of 2^power_two */
		int first_bit = power_two + (-k * 1741647 >> 19);	    /* of the product */
		uint64_t upper = powers_of_ten[-k - POWER_LEAST].high; /* 63 is its first bit */
		float_steps[power - FLOAT_POWER_LEAST] =
			(struct float_step){(upper >> (63 - FLOAT_STEP_BITS - first_bit)) + 1, k};
	}
}

/* Ten's upper bits are five's, for the first bit is always set. Cutting off after
 * each division by five gives the same as cutting off once. Done before main, so
 * that threads find the table written; it takes some twenty microseconds, and a
 * table in the source would be 667 lines. */
__attribute__((constructor(NUMBER_TABLES_READY - 1))) static void powers_fill(void)
{
	uint32_t limbs[WIDE_LIMBS] = {1};
	for (int k = 0; k <= POWER_MOST; k++) {
		powers_of_ten[k - POWER_LEAST] = upper_bits(limbs);
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
		powers_of_ten[k - POWER_LEAST] = upper_bits(limbs);
	}
	steps_fill();
}

bool number_wide;

__attribute__((constructor)) static void processor_ask(void)
{
#ifdef NUMBER_WIDE
	__builtin_cpu_init();
	number_wide = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi");
#endif
}
