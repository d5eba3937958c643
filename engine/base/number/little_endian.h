/* little_endian.h: Little-endian encoding of numbers in 8 bytes, the same on every machine. */
#pragma once

#include <stdint.h>
#include <string.h>

#define LITTLE_BYTES 8 /* of a number */

static inline void little_write(void *to, uint64_t number)
{
	unsigned char *bytes = to;
	for (int i = 0; i < LITTLE_BYTES; i++)
		bytes[i] = (unsigned char)(number >> 8 * i);
}

static inline uint64_t little_read(const void *from)
{
	const unsigned char *bytes = from;
	uint64_t number = 0;
	for (int i = LITTLE_BYTES; i-- > 0;)
		number = number << 8 | bytes[i];
	return number;
}

static inline void little_write_double(void *to, double number)
{
	uint64_t bits;
	memcpy(&bits, &number, sizeof bits);
	little_write(to, bits);
}

static inline double little_read_double(const void *from)
{
	const uint64_t bits = little_read(from);
	double number;
	memcpy(&number, &bits, sizeof number);
	return number;
}
