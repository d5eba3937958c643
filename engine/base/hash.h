/* hash.h: Hash function whose values never change.
 *
 * XXH64 (Yann Collet's xxHash, 64 bits, seed 0 unless stated otherwise), from its published specification. Its
 * values may be stored, sent, and compared with those of other programs. It does not resist deliberate
 * collisions.
 */
#ifndef SLUICE_BASE_HASH_H
#define SLUICE_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* If `length` is 0, `bytes` may be NULL. */
uint64_t hash_bytes(const void *bytes, size_t length, uint64_t seed);

/* Hash for tables in memory. */
static inline uint32_t hash_key(struct text key)
{
	return (uint32_t)hash_bytes(key.bytes, key.length, 0);
}

#endif
