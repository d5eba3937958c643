/* Keys and signed tokens for tests of who may come in: keys are made anew by OpenSSL, and a token is whatever header and claims a
 * test writes, signed as it wants it. */
#pragma once

#include <openssl/evp.h>

#include "gateway/access/jwt_algorithm.h"

#define TOKEN_NOW_MS INT64_C(1700000000000)
#define TOKEN_NOW "1700000000"

/* A new key: RSA of so many bits, or of a curve ("P-256"). */
EVP_PKEY *token_key_rsa(unsigned bits);
EVP_PKEY *token_key_curve(const char *name);

/* Appends the key as a member of a key set; `more` goes behind it: `,"kid":"a"`. */
void token_jwk(struct buffer *out, EVP_PKEY *key, const char *more);

/* Appends bytes in base64url. */
void token_base64url(struct buffer *out, struct text bytes);

/* Replaces what `out` holds by the token of that header and those claims, signed by the key. */
struct text token_sign(struct buffer *out, enum jwt_algorithm algorithm, EVP_PKEY *key, const char *header, const char *claims);

/* The signature alone, as bytes: in `out`, of TOKEN_SIGNATURE_MAX. Its length. */
#define TOKEN_SIGNATURE_MAX 1024
size_t token_signature(enum jwt_algorithm algorithm, EVP_PKEY *key, struct text message, unsigned char *out);
