/* jwt_cache.h: Cache of verified tokens, so that a caller's next request needs a hash and no signature.
 *
 * A token is found by the SHA-256 of its text; only that and its claims are stored. A token is removed when it
 * expires. If the cache is full, the least recently used one is removed. All are removed when the key set or
 * the rules change. Refused tokens are not stored: each costs its sender a connection, and would displace a
 * valid one.
 *
 * Measured, as in jwt.h: a token that is found costs 1.2 us, where RS256 costs 43 and ES256 130.
 *
 * A cache belongs to one thread.
 */
#pragma once

#include "gateway/access/jwt.h"

/* Each entry has its claims, which take about ten times their bytes: 2 KiB of them are 20 KiB, and a full cache
 * 20 MiB. */
#define JWT_CACHE_TOKENS 1024
#define JWT_CACHE_TOKEN_BYTES_MAX ((size_t)4 << 10) /* longer ones are verified each time */

struct jwt_cache;

struct jwt_cache *jwt_cache_open(struct error *error); /* NULL: SYSTEM */
void jwt_cache_close(struct jwt_cache *cache);	       /* NULL is fine */
void jwt_cache_clear(struct jwt_cache *cache);

/* As jwt_verify(), but the cache owns the claims, and they are valid until the next call of any function here. */
enum jwt_refusal jwt_cache_verify(struct jwt_cache *cache, struct text token, const struct jwks *keys,
				  const struct jwt_rules *rules, int64_t now_ms, const struct jwt **jwt);

/* Whether the token is in the cache and has not expired: then no signature is verified. */
bool jwt_cache_has(struct jwt_cache *cache, struct text token, int64_t now_ms);

size_t jwt_cache_count(const struct jwt_cache *cache);
