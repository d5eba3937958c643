/* tokens.c: see tokens.h. */
#include "tests/unit/tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include "base/base64.h"

EVP_PKEY *token_key_rsa(unsigned bits)
{
	EVP_PKEY *key = EVP_RSA_gen(bits);
	assert_non_null(key);
	return key;
}

EVP_PKEY *token_key_curve(const char *name)
{
	EVP_PKEY *key = EVP_EC_gen(name);
	assert_non_null(key);
	return key;
}

void token_base64url(struct buffer *out, struct text bytes)
{
	char *written = buffer_room(out, base64_write_room(bytes.length));
	assert_non_null(written);
	size_t length = base64_write(bytes, written);
	while (length > 0 && written[length - 1] == '=')
		length--;
	for (size_t i = 0; i < length; i++)
		written[i] = (char)(written[i] == '+' ? '-' : written[i] == '/' ? '_' : written[i]);
	buffer_grown(out, length);
}

static void write_number(struct buffer *out, EVP_PKEY *key, const char *member, const char *parameter, int bytes)
{
	BIGNUM *number = NULL;
	unsigned char room[TOKEN_SIGNATURE_MAX];
	assert_int_equal(EVP_PKEY_get_bn_param(key, parameter, &number), 1);
	int length = bytes > 0 ? bytes : BN_num_bytes(number);
	assert_int_equal(BN_bn2binpad(number, room, length), length);
	buffer_print(out, ",\"%s\":\"", member);
	token_base64url(out, (struct text){(const char *)room, (size_t)length});
	buffer_byte(out, '"');
	BN_free(number);
}

void token_jwk(struct buffer *out, EVP_PKEY *key, const char *more)
{
	int bits = EVP_PKEY_get_bits(key), field_bytes = (bits + 7) / 8;
	if (EVP_PKEY_is_a(key, "RSA")) {
		buffer_string(out, "{\"kty\":\"RSA\"");
		write_number(out, key, "n", OSSL_PKEY_PARAM_RSA_N, 0);
		write_number(out, key, "e", OSSL_PKEY_PARAM_RSA_E, 0);
	} else {
		buffer_print(out, "{\"kty\":\"EC\",\"crv\":\"P-%d\"", bits);
		write_number(out, key, "x", OSSL_PKEY_PARAM_EC_PUB_X, field_bytes);
		write_number(out, key, "y", OSSL_PKEY_PARAM_EC_PUB_Y, field_bytes);
	}
	buffer_string(out, more);
	buffer_byte(out, '}');
}

static size_t raw_of_der(const unsigned char *der, size_t length, size_t field_bytes, unsigned char *out)
{
	ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)length);
	assert_non_null(signature);
	BN_bn2binpad(ECDSA_SIG_get0_r(signature), out, (int)field_bytes);
	BN_bn2binpad(ECDSA_SIG_get0_s(signature), out + field_bytes, (int)field_bytes);
	ECDSA_SIG_free(signature);
	return 2 * field_bytes;
}

size_t token_signature(enum jwt_algorithm algorithm, EVP_PKEY *key, struct text message, unsigned char *out)
{
	static const char *const digests[] = {"SHA256", "SHA384", "SHA512"};
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	EVP_PKEY_CTX *parameters = NULL;
	unsigned char made[TOKEN_SIGNATURE_MAX];
	size_t length = sizeof made;
	assert_int_equal(EVP_DigestSignInit_ex(context, &parameters, digests[algorithm % 3], NULL, NULL, key, NULL), 1);
	if (algorithm >= JWT_PS256 && algorithm <= JWT_PS512) {
		EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST);
	}
	assert_int_equal(EVP_DigestSign(context, made, &length, (const unsigned char *)message.bytes, message.length), 1);
	EVP_MD_CTX_free(context);
	if (!EVP_PKEY_is_a(key, "RSA"))
		return raw_of_der(made, length, (size_t)(EVP_PKEY_get_bits(key) + 7) / 8, out);
	memcpy(out, made, length);
	return length;
}

struct text token_sign(struct buffer *out, enum jwt_algorithm algorithm, EVP_PKEY *key, const char *header, const char *claims)
{
	unsigned char signature[TOKEN_SIGNATURE_MAX];
	buffer_clear(out);
	token_base64url(out, text_of(header));
	buffer_byte(out, '.');
	token_base64url(out, text_of(claims));
	size_t length = token_signature(algorithm, key, buffer_view(out), signature);
	buffer_byte(out, '.');
	token_base64url(out, (struct text){(const char *)signature, length});
	assert_false(buffer_failed(out));
	return buffer_view(out);
}
