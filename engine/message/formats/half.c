/* half.c: FP16 and BF16 conversion: to float exactly, from double to nearest even in one rounding. */
#include <math.h>

#include "message/tensor.h"

static float float_of_bits(uint32_t bits)
{
	float number;
	memcpy(&number, &bits, sizeof number);
	return number;
}

float half_to_float(uint16_t half)
{
	uint32_t sign = (uint32_t)(half & 0x8000) << 16;
	uint32_t exponent = (half >> 10) & 0x1F;
	uint32_t fraction = half & 0x3FF;
	if (exponent == 0x1F)
		return float_of_bits(sign | 0x7F800000 | fraction << 13);
	if (exponent == 0) {
		float tiny = (float)fraction * 0x1p-24F;
		return sign ? -tiny : tiny;
	}
	return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
}

float bfloat_to_float(uint16_t bfloat)
{
	return float_of_bits((uint32_t)bfloat << 16);
}

/* The nearest number with `digits` binary digits behind the leading one, no finer
 * than `finest`, as that many steps of its unit: both formats are this with other
 * numbers. */
static uint16_t narrowed(double number, int fraction_bits, int exponent_bits)
{
	uint16_t sign = signbit(number) ? 0x8000 : 0;
	uint16_t infinity = (uint16_t)(((1u << exponent_bits) - 1) << fraction_bits);
	if (isnan(number))
		return (uint16_t)(sign | infinity | 1u << (fraction_bits - 1));
	double size = fabs(number);
	if (size == 0.0 || isinf(size))
		return (uint16_t)(sign | (size == 0.0 ? 0 : infinity));
	int bias = (1 << (exponent_bits - 1)) - 1;
	int exponent;
	(void)frexp(size, &exponent); /* size is in [2^(exponent-1), 2^exponent) */
	exponent = exponent - 1 < 1 - bias ? 1 - bias : exponent - 1;
	double steps = nearbyint(ldexp(size, fraction_bits - exponent));
	/* A carry into the next power of two runs over into the exponent by itself. */
	double bits = steps + ldexp((double)(exponent + bias - 1), fraction_bits);
	return (uint16_t)(sign | (bits >= (double)infinity ? infinity : (uint16_t)bits));
}

uint16_t half_from_double(double number)
{
	return narrowed(number, 10, 5);
}

uint16_t bfloat_from_double(double number)
{
	return narrowed(number, 7, 8);
}
