/* hash.h: a hash that never changes.
 *
 * XXH64 (Yann Collet's xxHash, 64 bits, the seed 0 unless said otherwise), from its
 * published specification. Its values may be stored, sent and compared with those
 * of other programs; it does not resist someone who looks for collisions.
 */
#ifndef SLUICE_BASE_HASH_H
#define SLUICE_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* Of no bytes `bytes` may be NULL. */
uint64_t hash_bytes(const void *bytes, size_t length, uint64_t seed);

/* By which tables in memory find a key. */
static inline uint32_t hash_key(struct text key)
{
	return (uint32_t)hash_bytes(key.bytes, key.length, 0);
}

#endif
