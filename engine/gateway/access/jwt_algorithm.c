/* jwt_algorithm.c: see jwt_algorithm.h. */
#include "gateway/access/jwt_algorithm.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#define FIELD_BYTES_MAX 66		    /* of P-521 */
#define DER_BYTES_MAX (2 * FIELD_BYTES_MAX + 16) /* two integers and their prefixes */

static const struct {
	const char *name;
	enum jwt_key_kind key;
	const char *digest;
	bool is_pss;
	size_t field_bytes; /* of a curve */
} algorithms[JWT_ALGORITHMS] = {
	[JWT_RS256] = {"RS256", JWT_KEY_RSA, "SHA256", false, 0}, [JWT_RS384] = {"RS384", JWT_KEY_RSA, "SHA384", false, 0},
	[JWT_RS512] = {"RS512", JWT_KEY_RSA, "SHA512", false, 0}, [JWT_PS256] = {"PS256", JWT_KEY_RSA, "SHA256", true, 0},
	[JWT_PS384] = {"PS384", JWT_KEY_RSA, "SHA384", true, 0},  [JWT_PS512] = {"PS512", JWT_KEY_RSA, "SHA512", true, 0},
	[JWT_ES256] = {"ES256", JWT_KEY_P256, "SHA256", false, 32}, [JWT_ES384] = {"ES384", JWT_KEY_P384, "SHA384", false, 48},
	[JWT_ES512] = {"ES512", JWT_KEY_P521, "SHA512", false, FIELD_BYTES_MAX},
};

enum jwt_algorithm jwt_algorithm_find(struct text name)
{
	enum jwt_algorithm algorithm = 0;
	while (algorithm < JWT_ALGORITHMS && !text_is(name, algorithms[algorithm].name))
		algorithm++;
	return algorithm;
}

const char *jwt_algorithm_name(enum jwt_algorithm algorithm)
{
	return algorithms[algorithm].name;
}

enum jwt_key_kind jwt_algorithm_key_kind(enum jwt_algorithm algorithm)
{
	return algorithms[algorithm].key;
}

/* Converts a signature to DER, the form that OpenSSL reads. Returns its length; 0: no memory. */
static size_t signature_to_der(struct text raw, size_t field_bytes, unsigned char *der)
{
	const unsigned char *bytes = (const unsigned char *)raw.bytes;
	ECDSA_SIG *signature = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(bytes, (int)field_bytes, NULL), *s = BN_bin2bn(bytes + field_bytes, (int)field_bytes, NULL);
	int length = 0;
	if (!signature || !r || !s || !ECDSA_SIG_set0(signature, r, s)) {
		BN_free(r);
		BN_free(s);
	} else
		length = i2d_ECDSA_SIG(signature, &der);
	ECDSA_SIG_free(signature);
	return length > 0 ? (size_t)length : 0;
}

static bool signature_verify(enum jwt_algorithm algorithm, EVP_PKEY *key, struct text message, struct text signature)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *parameters = NULL;
	const char *digest = algorithms[algorithm].digest;
	bool holds = context && EVP_DigestVerifyInit_ex(context, &parameters, digest, NULL, NULL, key, NULL) == 1;
	if (holds && algorithms[algorithm].is_pss) /* with a salt as long as the digest (RFC 7518, 3.5) */
		holds = EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
			EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1;
	holds = holds && EVP_DigestVerify(context, (const unsigned char *)signature.bytes, signature.length,
					  (const unsigned char *)message.bytes, message.length) == 1;
	EVP_MD_CTX_free(context);
	ERR_clear_error(); /* otherwise the next reader of the thread's error queue, a connection, would find these errors */
	return holds;
}

bool jwt_signature_holds(enum jwt_algorithm algorithm, EVP_PKEY *key, struct text message, struct text signature)
{
	assert(algorithm < JWT_ALGORITHMS);
	size_t field_bytes = algorithms[algorithm].field_bytes;
	unsigned char der[DER_BYTES_MAX];
	if (field_bytes > 0) {
		if (signature.length != 2 * field_bytes)
			return false;
		size_t length = signature_to_der(signature, field_bytes, der);
		return length > 0 && signature_verify(algorithm, key, message, (struct text){(const char *)der, length});
	}
	return signature.length == (size_t)EVP_PKEY_get_size(key) && signature_verify(algorithm, key, message, signature);
}
