/* jwt.h: Verification of JSON Web Tokens (RFC 7519) against a key set and rules. Pure.
 *
 * The signature is verified before the claims are read, so of a forged token only the header is parsed. Each
 * refusal is a row of one table, with a text for the caller that never contains any part of the token.
 *
 * The header of a token can only choose a key. Its algorithm must be one that the rules name, and that of the
 * key which its `kid` names. `jwk`, `jku` and `x5u` in it are ignored. Any `crit` is refused, and so is a type
 * (`typ`) other than JWT or at+jwt: a token for another purpose, signed by the same keys, must not be accepted.
 *
 * ECDSA verifies s and n - s alike, and half of all signers send the greater one, so it is accepted. Therefore
 * the text of a token does not identify it; the claims identify a caller.
 *
 * Signatures are verified by OpenSSL directly, not by libjose, which wraps it and builds its key again for
 * each. Measured with Debian 12's (11-2, OpenSSL 3.0.19) on one core, all of a token with 200 bytes of claims:
 * RS256 106 us by libjose, 43 here; PS256 109 and 50; ES256 281 and 130; ES384 2,200 and 1,400. libjose leaves
 * to its caller what is refused here (repeated members, padding, weak keys, `crit`, all claims), and prints its
 * refusals to standard error. Fuzzing found nothing in either: 18 million inputs to libjose, 650,000 to this
 * file (tests/fuzz/jwt_fuzz.c).
 */
#pragma once

#include "gateway/access/jwks.h"

/* Tokens with groups of a directory reach 8 KiB; the head of a request may have 32 KiB (net/http/http_head.h). */
#define JWT_BYTES_MAX ((size_t)16 << 10)

#define JWT_SKEW_MS_DEFAULT 60000 /* clocks that are not set by a server differ by seconds */
#define JWT_SKEW_MS_MAX 300000	  /* more would accept tokens that expired long ago */

struct jwt_rules { /* all borrowed */
	unsigned algorithms; /* a set of 1 << enum jwt_algorithm; no other is accepted */
	const char *const *audiences; /* one of these must be in `aud`; none: any audience is accepted */
	size_t audience_count;
	const char *const *issuers; /* `iss` must be one of these; none: any issuer whose key is in the set */
	size_t issuer_count;
	int64_t skew_ms; /* allowed difference of clocks, each way */
};

enum jwt_refusal {
	JWT_TAKEN,
	JWT_TOO_LONG,
	JWT_NO_TOKEN,
	JWT_ENCRYPTED,
	JWT_BAD_HEADER,
	JWT_BAD_TYPE,
	JWT_CRITICAL,
	JWT_UNSIGNED,
	JWT_BAD_ALGORITHM,
	JWT_UNKNOWN_KEY,
	JWT_OTHER_KEY,
	JWT_NO_KEY_NAMED,
	JWT_BAD_SIGNATURE,
	JWT_BAD_CLAIMS,
	JWT_NO_EXPIRY,
	JWT_EXPIRED,
	JWT_NOT_YET,
	JWT_OF_TOMORROW,
	JWT_OTHER_ISSUER,
	JWT_OTHER_AUDIENCE,
	JWT_REFUSALS
};

/* An accepted token. */
struct jwt {
	struct json_t *claims;	/* owned */
	struct text subject;	/* of the claims; bytes NULL: it has none */
	int64_t valid_until_ms; /* its expiry, plus the skew */
};

/* Verifies the token at a time since 1970. If it is accepted, *jwt is filled in and belongs to the caller. */
enum jwt_refusal jwt_verify(struct text token, const struct jwks *keys, const struct jwt_rules *rules, int64_t now_ms,
			    struct jwt *jwt);
void jwt_close(struct jwt *jwt); /* fine if it was not accepted, but zeroed */

/* One sentence, in printable ASCII without quotes and backslashes, so that it can be part of WWW-Authenticate. */
const char *jwt_refusal_words(enum jwt_refusal refusal);
