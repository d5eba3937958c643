/* hash.h: Hash function whose values never change.
 *
 * XXH64 (Yann Collet's xxHash, 64 bits, seed 0 unless stated otherwise), from its published specification. Its
 * values may be stored, sent, and compared with those of other programs. It does not resist deliberate
 * collisions.
 */
#pragma once

#include "base/text.h"

/* If `length` is 0, `bytes` may be NULL. */
uint64_t hash_bytes(const void *bytes, size_t length, uint64_t seed);

static inline uint64_t hash_text(struct text text, uint64_t seed)
{
	return hash_bytes(text.bytes, text.length, seed);
}

/* Hash of a list of texts, one after the other: `before` is that of the former ones, or a seed. "ab", "c" and "a", "bc" differ. */
static inline uint64_t hash_text_next(struct text text, uint64_t before)
{
	const uint64_t length = text.length;
	return hash_text(text, hash_bytes(&length, sizeof length, before));
}

/* Hash for tables in memory. */
static inline uint32_t hash_key(struct text key)
{
	return (uint32_t)hash_text(key, 0);
}
