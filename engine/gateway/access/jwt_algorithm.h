/* jwt_algorithm.h: Signature algorithms of JSON Web Tokens (RFC 7518, 3): a table of those that a public key
 * verifies.
 *
 * Other algorithms cannot be configured and never verify anything: `none`, and the HMACs, whose key would be a
 * secret that both sides have.
 *
 * Callable from any thread.
 */
#pragma once

#include "base/text.h"

struct evp_pkey_st; /* OpenSSL's */

enum jwt_algorithm {
	JWT_RS256,
	JWT_RS384,
	JWT_RS512,
	JWT_PS256,
	JWT_PS384,
	JWT_PS512,
	JWT_ES256,
	JWT_ES384,
	JWT_ES512,
	JWT_ALGORITHMS
};

#define JWT_ALGORITHM_WORDS "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512"
#define JWT_EVERY_ALGORITHM ((1u << JWT_ALGORITHMS) - 1)

/* Kind of a key: RSA, or a point on one of three curves. */
enum jwt_key_kind { JWT_KEY_RSA, JWT_KEY_P256, JWT_KEY_P384, JWT_KEY_P521 };

/* Finds an algorithm by its exact name in a token or a key; JWT_ALGORITHMS: the table lacks it. */
enum jwt_algorithm jwt_algorithm_find(struct text name);

const char *jwt_algorithm_name(enum jwt_algorithm algorithm);
enum jwt_key_kind jwt_algorithm_key_kind(enum jwt_algorithm algorithm);

/* Whether `signature` is that of `message` by the key, which must be of the algorithm's kind. A signature whose
 * length differs from the key's is refused before OpenSSL reads it. A signature of a curve is r and s, each as
 * long as the field (RFC 7518, 3.4), never DER. */
bool jwt_signature_holds(enum jwt_algorithm algorithm, struct evp_pkey_st *key, struct text message, struct text signature);
