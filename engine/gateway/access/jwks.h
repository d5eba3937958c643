/* jwks.h: Key set of an issuer of tokens: the public keys of a JSON Web Key Set (RFC 7517), ready to verify
 * with. Pure.
 *
 * A set is read whole or not at all, but unusable keys in it are left out and counted. Such a key has another
 * type than RSA or a known curve, or a use other than signatures; or it is too weak, malformed, or private. An
 * issuer may add such keys at any time, and its other tokens must still be accepted. Of two keys with the same
 * kid and kind, the second is left out, because nothing distinguishes them. A set without any key is valid: by it an issuer
 * withdraws all of them.
 *
 * A set is immutable once read.
 */
#pragma once

#include "base/error.h"
#include "gateway/access/jwt_algorithm.h"

#define JWKS_BYTES_MAX ((size_t)256 << 10) /* more than a hundred keys with their certificates */
#define JWKS_KEYS_MAX 100		   /* issuers publish 2 to 20 */

/* Limits of RSA keys. Below the least, factoring is feasible (RFC 7518, 3.3, requires 2048); above the most,
 * one signature takes milliseconds. The exponent is limited for the same reason. */
#define JWK_RSA_BITS_LEAST 2048
#define JWK_RSA_BITS_MOST 8192
#define JWK_RSA_EXPONENT_BITS_MOST 33

/* Reason why a key was left out. */
enum jwks_skip {
	JWKS_SKIP_TYPE,	     /* its type or curve is not known here */
	JWKS_SKIP_USE,	     /* use, key_ops or alg name another purpose */
	JWKS_SKIP_WEAK,	     /* RSA of too few or too many bits, or a bad exponent */
	JWKS_SKIP_MALFORMED, /* a member is missing, of the wrong type, or not a number; the point is not on its curve */
	JWKS_SKIP_PRIVATE,   /* it has the private part, so readers of the set could sign */
	JWKS_SKIP_REPEATED,  /* it repeats the kid and kind of a key before it */
	JWKS_SKIPS
};

struct jwk {
	struct text id; /* the kid; bytes NULL: it has none */
	enum jwt_key_kind kind;
	enum jwt_algorithm algorithm; /* the only one of the key; JWT_ALGORITHMS: any of its kind */
	struct evp_pkey_st *key;
};

struct jwks {
	struct arena *arena;
	size_t count;
	size_t skipped[JWKS_SKIPS];
	struct jwk keys[JWKS_KEYS_MAX];
};

/* NULL: it is not a key set, exceeds a limit, or has keys and none is usable (REMOTE, because an issuer wrote it);
 * SYSTEM. */
struct jwks *jwks_read(struct text json, struct error *error);
void jwks_close(struct jwks *keys); /* NULL is fine */

/* The key of that kid for that algorithm. Without a kid (bytes NULL), the only key that fits the algorithm.
 * NULL: none, or more than one. *known: whether the kid is in the set or, without one, whether any key fits. */
const struct jwk *jwks_find(const struct jwks *keys, struct text id, enum jwt_algorithm algorithm, bool *known);

size_t jwks_skipped(const struct jwks *keys); /* for all reasons */
const char *jwks_skip_words(enum jwks_skip skip); /* "of an unknown type" */
