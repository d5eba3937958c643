/* hash.c: see hash.h. */
#include "base/hash.h"

#define PRIME_1 UINT64_C(0x9E3779B185EBCA87)
#define PRIME_2 UINT64_C(0xC2B2AE3D27D4EB4F)
#define PRIME_3 UINT64_C(0x165667B19E3779F9)
#define PRIME_4 UINT64_C(0x85EBCA77C2B2AE63)
#define PRIME_5 UINT64_C(0x27D4EB2F165667C5)
#define STRIPE_BYTES ((size_t)32)

static uint64_t rotated(uint64_t number, int bits)
{
	return number << bits | number >> (64 - bits);
}

/* Written out, both are one load where the machine has its bytes in this order: of a loop compilers do not see it. */
static uint64_t read_32(const unsigned char *at)
{
	return (uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 | (uint64_t)at[3] << 24;
}

static uint64_t read_64(const unsigned char *at)
{
	return read_32(at) | (uint64_t)at[4] << 32 | (uint64_t)at[5] << 40 | (uint64_t)at[6] << 48 | (uint64_t)at[7] << 56;
}

static uint64_t lane_round(uint64_t lane, uint64_t input)
{
	return rotated(lane + input * PRIME_2, 31) * PRIME_1;
}

static uint64_t stripes(const unsigned char **at, const unsigned char *end, uint64_t seed)
{
	uint64_t lanes[4] = {seed + PRIME_1 + PRIME_2, seed + PRIME_2, seed, seed - PRIME_1};
	for (; (size_t)(end - *at) >= STRIPE_BYTES; *at += STRIPE_BYTES)
		for (size_t i = 0; i < 4; i++)
			lanes[i] = lane_round(lanes[i], read_64(*at + i * 8));
	uint64_t hash = rotated(lanes[0], 1) + rotated(lanes[1], 7) + rotated(lanes[2], 12) + rotated(lanes[3], 18);
	for (size_t i = 0; i < 4; i++)
		hash = (hash ^ lane_round(0, lanes[i])) * PRIME_1 + PRIME_4;
	return hash;
}

uint64_t hash_bytes(const void *bytes, size_t length, uint64_t seed)
{
	const unsigned char *at = length > 0 ? bytes : (const void *)"";
	const unsigned char *end = at + length; /* cppcheck-suppress pointerOutOfBounds */
	uint64_t hash = (length >= STRIPE_BYTES ? stripes(&at, end, seed) : seed + PRIME_5) + length;
	for (; end - at >= 8; at += 8)
		hash = rotated(hash ^ lane_round(0, read_64(at)), 27) * PRIME_1 + PRIME_4;
	if (end - at >= 4) {
		hash = rotated(hash ^ read_32(at) * PRIME_1, 23) * PRIME_2 + PRIME_3;
		at += 4;
	}
	for (; at < end; at++)
		hash = rotated(hash ^ *at * PRIME_5, 11) * PRIME_1;
	hash = (hash ^ hash >> 33) * PRIME_2;
	hash = (hash ^ hash >> 29) * PRIME_3;
	return hash ^ hash >> 32;
}
