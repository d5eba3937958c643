/* jwks_fuzz.c: any bytes as a key set: it is read within its limits, or refused with words; each key that was taken is of one
 * kind, found by its kid, and verifies nothing that nobody signed. */
#include <stdlib.h>

#include "gateway/access/jwks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char zeroes[JWK_RSA_BITS_MOST / 8];
	static const size_t lengths[] = {[JWT_KEY_RSA] = 256, [JWT_KEY_P256] = 64, [JWT_KEY_P384] = 96, [JWT_KEY_P521] = 132};
	struct error error = {0};
	struct jwks *keys = jwks_read((struct text){(const char *)data, size}, &error);
	must(keys ? error.kind == ERROR_NONE : error.kind == ERROR_REMOTE && error.text[0]);
	for (size_t i = 0; keys && i < keys->count; i++) {
		const struct jwk *key = &keys->keys[i];
		for (enum jwt_algorithm algorithm = 0; algorithm < JWT_ALGORITHMS; algorithm++) {
			bool is_known, fits = jwt_algorithm_key_kind(algorithm) == key->kind &&
					      (key->algorithm == JWT_ALGORITHMS || key->algorithm == algorithm);
			const struct jwk *found = jwks_find(keys, key->id, algorithm, &is_known);
			must(!key->id.bytes || is_known);
			must(!key->id.bytes || !fits || found == key);
			if (fits)
				must(!jwt_signature_holds(algorithm, key->key, TEXT("a.b"),
							  (struct text){zeroes, lengths[key->kind]}));
		}
	}
	must(!keys || keys->count + jwks_skipped(keys) <= JWKS_KEYS_MAX);
	jwks_close(keys);
	return 0;
}
