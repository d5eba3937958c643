/* jwt_fuzz.c: any bytes as a token, and any header and claims signed by the right key: none is taken that is not signed, and
 * what is taken has an expiry that has not passed, and the audience.
 *
 * The first byte chooses: below 128 the rest is a token as it stands, which nobody can have signed. Else it is a header and
 * claims with a line end between them, and is signed here, so that what lies behind the signature is reached too.
 */
#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "base/base64.h"
#include "gateway/access/jwt.h"

#define FIELD_BYTES 32
#define NOW_MS INT64_C(1700000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *count, char ***words);

static EVP_PKEY *key;
static struct jwks *keys;

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void write_base64url(struct buffer *out, const void *bytes, size_t length)
{
	char *at = buffer_room(out, base64_write_room(length));
	must(at != NULL);
	size_t written = base64_write((struct text){bytes, length}, at);
	while (written > 0 && at[written - 1] == '=')
		written--;
	for (size_t i = 0; i < written; i++)
		at[i] = (char)(at[i] == '+' ? '-' : at[i] == '/' ? '_' : at[i]);
	buffer_grown(out, written);
}

static void write_coordinate(struct buffer *out, const char *member, const char *parameter)
{
	unsigned char bytes[FIELD_BYTES];
	BIGNUM *number = NULL;
	must(EVP_PKEY_get_bn_param(key, parameter, &number) == 1 && BN_bn2binpad(number, bytes, FIELD_BYTES) == FIELD_BYTES);
	buffer_print(out, ",\"%s\":\"", member);
	write_base64url(out, bytes, sizeof bytes);
	buffer_byte(out, '"');
	BN_free(number);
}

int LLVMFuzzerInitialize(int *count, char ***words)
{
	(void)count;
	(void)words;
	struct error error = {0};
	struct buffer json;
	buffer_open(&json, JWKS_BYTES_MAX);
	key = EVP_EC_gen("P-256");
	buffer_string(&json, "{\"keys\":[{\"kid\":\"a\",\"kty\":\"EC\",\"crv\":\"P-256\"");
	write_coordinate(&json, "x", OSSL_PKEY_PARAM_EC_PUB_X);
	write_coordinate(&json, "y", OSSL_PKEY_PARAM_EC_PUB_Y);
	buffer_string(&json, "}]}");
	keys = jwks_read(buffer_view(&json), &error);
	must(keys != NULL);
	buffer_close(&json);
	return 0;
}

static void sign(struct buffer *token)
{
	unsigned char der[2 * FIELD_BYTES + 16], raw[2 * FIELD_BYTES];
	const unsigned char *at = der;
	size_t length = sizeof der;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	must(EVP_DigestSignInit_ex(context, NULL, "SHA256", NULL, NULL, key, NULL) == 1 &&
	     EVP_DigestSign(context, der, &length, (const unsigned char *)token->bytes, token->length) == 1);
	ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &at, (long)length);
	must(signature != NULL);
	BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, FIELD_BYTES);
	BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + FIELD_BYTES, FIELD_BYTES);
	buffer_byte(token, '.');
	write_base64url(token, raw, sizeof raw);
	ECDSA_SIG_free(signature);
	EVP_MD_CTX_free(context);
}

static bool has_audience(const json_t *audience)
{
	if (json_is_string(audience))
		return strcmp(json_string_value(audience), "us") == 0;
	for (size_t i = 0; i < json_array_size(audience); i++)
		if (json_is_string(json_array_get(audience, i)) && has_audience(json_array_get(audience, i)))
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const audiences[] = {"us"};
	const struct jwt_rules rules = {
		.algorithms = JWT_EVERY_ALGORITHM, .audiences = audiences, .audience_count = 1, .skew_ms = JWT_SKEW_MS_DEFAULT};
	struct jwt jwt;
	if (size == 0)
		return 0;
	const uint8_t *rest = data + 1, *end = size > 1 ? memchr(rest, '\n', size - 1) : NULL;
	if (data[0] < 128 || !end) {
		must(jwt_verify((struct text){(const char *)rest, size - 1}, keys, &rules, NOW_MS, &jwt) != JWT_TAKEN);
		return 0;
	}
	struct buffer token;
	buffer_open(&token, (size_t)1 << 20);
	write_base64url(&token, rest, (size_t)(end - rest));
	buffer_byte(&token, '.');
	write_base64url(&token, end + 1, size - 2 - (size_t)(end - rest));
	sign(&token);
	enum jwt_refusal refusal = jwt_verify(buffer_view(&token), keys, &rules, NOW_MS, &jwt);
	must(refusal < JWT_REFUSALS && refusal != JWT_BAD_SIGNATURE && refusal != JWT_NO_TOKEN);
	if (refusal == JWT_TAKEN) {
		double expiry = json_number_value(json_object_get(jwt.claims, "exp"));
		must(expiry * 1000 + JWT_SKEW_MS_DEFAULT > (double)NOW_MS && jwt.valid_until_ms > NOW_MS);
		must(has_audience(json_object_get(jwt.claims, "aud")));
	}
	jwt_close(&jwt);
	buffer_close(&token);
	return 0;
}
