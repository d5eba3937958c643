/* murmur.c: see murmur.h. */
#include "methods/numeric/murmur.h"

static uint32_t rotate(uint32_t word, unsigned bits)
{
	return word << bits | word >> (32 - bits);
}

static uint32_t scramble(uint32_t word)
{
	return rotate(word * 0xcc9e2d51U, 15) * 0x1b873593U;
}

int32_t murmur3(struct text text, uint32_t seed)
{
	uint32_t hash = seed;
	size_t at = 0;
	for (uint32_t word; at + sizeof word <= text.length; at += sizeof word) {
		memcpy(&word, text.bytes + at, sizeof word);
		hash = rotate(hash ^ scramble(word), 13) * 5 + 0xe6546b64U;
	}
	if (at < text.length) {
		uint32_t word = 0;
		memcpy(&word, text.bytes + at, text.length - at); /* little-endian, as all of sluice is */
		hash ^= scramble(word);
	}
	hash ^= (uint32_t)text.length;
	hash = (hash ^ hash >> 16) * 0x85ebca6bU;
	hash = (hash ^ hash >> 13) * 0xc2b2ae35U;
	return (int32_t)(hash ^ hash >> 16);
}

uint32_t feature_column(struct text text, uint32_t size, bool *negative)
{
	const int32_t hash = murmur3(text, 0);
	*negative = hash < 0;
	return (hash < 0 ? 0U - (uint32_t)hash : (uint32_t)hash) % size;
}
