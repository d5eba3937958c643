/* mistyped.h: Value of a row whose type is not that of its feature, such as a text where the reference has numbers. It is a NaN of
 * its own: whatever looks for missing values takes it for one, and the monitor counts it apart. A NaN of a message must not be
 * mistaken for it: who makes rows gives them the NaN of C. Copies keep it, and arithmetic need not. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define MISTYPED_BITS UINT64_C(0x7ff8000000747970)

static inline double mistyped_value(void)
{
	const uint64_t bits = MISTYPED_BITS;
	double value;
	memcpy(&value, &bits, sizeof value);
	return value;
}

static inline bool mistyped_is(double value)
{
	uint64_t bits;
	memcpy(&bits, &value, sizeof bits);
	return bits == MISTYPED_BITS;
}
