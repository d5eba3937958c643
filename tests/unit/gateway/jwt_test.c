/* jwt_test.c: which tokens come in, and the words for each that does not. */
#include "gateway/access/jwt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/tokens.h"

#define CLAIMS "{\"sub\":\"alice\",\"exp\":1700000060}"
#define EXPIRES_MS INT64_C(1700000060000)

static EVP_PKEY *rsa, *rsa_odd, *p256, *p384, *p521, *stranger;
static struct jwks *keys;
static struct jwt_rules rules;
static struct buffer out, other;

static int keys_make(void **state)
{
	(void)state;
	struct error error = {0};
	rsa = token_key_rsa(2048);
	rsa_odd = token_key_rsa(2049); /* a signature of 257 bytes */
	p256 = token_key_curve("P-256");
	p384 = token_key_curve("P-384");
	p521 = token_key_curve("P-521");
	stranger = token_key_curve("P-256");
	buffer_open(&out, (size_t)4 << 20);
	buffer_open(&other, (size_t)4 << 20);
	buffer_string(&other, "{\"keys\":[");
	token_jwk(&other, rsa, ",\"kid\":\"rsa\"},");
	other.length--;
	token_jwk(&other, rsa_odd, ",\"kid\":\"odd\",\"alg\":\"RS384\"},");
	other.length--;
	token_jwk(&other, p256, ",\"kid\":\"p256\"},");
	other.length--;
	token_jwk(&other, p384, ",\"kid\":\"p384\"},");
	other.length--;
	token_jwk(&other, p521, ",\"kid\":\"p521\"");
	buffer_string(&other, "]}");
	keys = jwks_read(buffer_view(&other), &error);
	if (!keys || keys->count != 5)
		fail_msg("%s", error.text);
	return 0;
}

static int keys_free(void **state)
{
	(void)state;
	EVP_PKEY *const all[] = {rsa, rsa_odd, p256, p384, p521, stranger};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		EVP_PKEY_free(all[i]);
	jwks_close(keys);
	buffer_close(&out);
	buffer_close(&other);
	return 0;
}

static int rules_begin(void **state)
{
	(void)state;
	rules = (struct jwt_rules){.algorithms = JWT_EVERY_ALGORITHM};
	return 0;
}
#define STORY(name) cmocka_unit_test_setup(name, rules_begin)

static enum jwt_refusal verify_at(struct text token, int64_t now_ms)
{
	struct jwt jwt;
	enum jwt_refusal refusal = jwt_verify(token, keys, &rules, now_ms, &jwt);
	assert_true((refusal == JWT_TAKEN) == (jwt.claims != NULL));
	assert_int_equal(ERR_peek_error(), 0); /* nothing is left for a connection to stumble on */
	jwt_close(&jwt);
	return refusal;
}

static enum jwt_refusal verify(struct text token)
{
	return verify_at(token, TOKEN_NOW_MS);
}

static enum jwt_refusal verify_header(const char *header)
{
	return verify(token_sign(&out, JWT_ES256, p256, header, CLAIMS));
}

static enum jwt_refusal verify_claims_at(const char *claims, int64_t now_ms)
{
	return verify_at(token_sign(&out, JWT_ES256, p256, "{\"alg\":\"ES256\",\"kid\":\"p256\"}", claims), now_ms);
}

static enum jwt_refusal verify_claims(const char *claims)
{
	return verify_claims_at(claims, TOKEN_NOW_MS);
}

static void each_algorithm_verifies_with_its_key(void **state)
{
	(void)state;
	EVP_PKEY *const of_algorithm[JWT_ALGORITHMS] = {rsa, rsa_odd, rsa, rsa, rsa, rsa, p256, p384, p521};
	static const char *const ids[JWT_ALGORITHMS] = {"rsa", "odd", "rsa", "rsa", "rsa", "rsa", "p256", "p384", "p521"};
	for (enum jwt_algorithm algorithm = 0; algorithm < JWT_ALGORITHMS; algorithm++) {
		char header[128];
		struct jwt jwt;
		snprintf(header, sizeof header, "{\"typ\":\"JWT\",\"alg\":\"%s\",\"kid\":\"%s\"}", jwt_algorithm_name(algorithm),
			 ids[algorithm]);
		struct text token = token_sign(&out, algorithm, of_algorithm[algorithm], header, CLAIMS);
		assert_int_equal(jwt_verify(token, keys, &rules, TOKEN_NOW_MS, &jwt), JWT_TAKEN);
		assert_true(text_is(jwt.subject, "alice"));
		assert_int_equal(jwt.valid_until_ms, EXPIRES_MS);
		assert_int_equal(json_integer_value(json_object_get(jwt.claims, "exp")), EXPIRES_MS / 1000);
		jwt_close(&jwt);
		rules.algorithms = JWT_EVERY_ALGORITHM & ~(1u << algorithm);
		assert_int_equal(verify(token), JWT_BAD_ALGORITHM);
		rules.algorithms = 1u << algorithm;
		assert_int_equal(verify(token), JWT_TAKEN);
		rules.algorithms = JWT_EVERY_ALGORITHM;
	}
	assert_true(text_is(TEXT(JWT_ALGORITHM_WORDS), "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512"));
}

static void every_changed_bit_of_a_token_is_seen(void **state)
{
	(void)state;
	struct text token = token_sign(&out, JWT_ES256, p256, "{\"alg\":\"ES256\",\"kid\":\"p256\"}", CLAIMS);
	for (size_t i = 0; i < token.length; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			out.bytes[i] = (char)(out.bytes[i] ^ (1 << bit));
			if (verify(token) == JWT_TAKEN)
				fail_msg("bit %u of byte %zu", bit, i);
			out.bytes[i] = (char)(out.bytes[i] ^ (1 << bit));
		}
	assert_int_equal(verify(token), JWT_TAKEN);
	for (size_t length = 0; length < token.length; length++)
		assert_int_not_equal(verify((struct text){token.bytes, length}), JWT_TAKEN);
}

static void tokens_that_are_not_signed_by_a_public_key_are_refused(void **state)
{
	(void)state;
	assert_int_equal(verify_header("{\"alg\":\"none\",\"kid\":\"p256\"}"), JWT_UNSIGNED);
	assert_int_equal(verify_header("{\"alg\":\"nOnE\"}"), JWT_UNSIGNED);
	assert_int_equal(verify_header("{\"alg\":\"\"}"), JWT_BAD_ALGORITHM);
	assert_int_equal(verify_header("{\"alg\":\"es256\",\"kid\":\"p256\"}"), JWT_BAD_ALGORITHM);
	assert_int_equal(verify_header("{\"alg\":\"ES256K\",\"kid\":\"p256\"}"), JWT_BAD_ALGORITHM);
	assert_int_equal(verify_header("{\"alg\":\"EdDSA\",\"kid\":\"p256\"}"), JWT_BAD_ALGORITHM);
	/* `none` as it is usually sent: with nothing behind the last dot. */
	buffer_clear(&out);
	token_base64url(&out, TEXT("{\"alg\":\"none\"}"));
	buffer_byte(&out, '.');
	token_base64url(&out, TEXT(CLAIMS));
	buffer_byte(&out, '.');
	assert_int_equal(verify(buffer_view(&out)), JWT_UNSIGNED);
	/* And with a proper header. */
	buffer_clear(&out);
	token_base64url(&out, TEXT("{\"alg\":\"RS256\",\"kid\":\"rsa\"}"));
	buffer_byte(&out, '.');
	token_base64url(&out, TEXT(CLAIMS));
	buffer_byte(&out, '.');
	assert_int_equal(verify(buffer_view(&out)), JWT_BAD_SIGNATURE);
}

/* The public key, which everybody has, as the secret of an HMAC. */
static void a_public_key_is_no_secret(void **state)
{
	(void)state;
	unsigned char mac[EVP_MAX_MD_SIZE], *der = NULL;
	unsigned length;
	int key_bytes = i2d_PUBKEY(rsa, &der);
	buffer_clear(&out);
	token_base64url(&out, TEXT("{\"alg\":\"HS256\",\"kid\":\"rsa\"}"));
	buffer_byte(&out, '.');
	token_base64url(&out, TEXT(CLAIMS));
	HMAC(EVP_sha256(), der, key_bytes, (const unsigned char *)out.bytes, out.length, mac, &length);
	buffer_byte(&out, '.');
	token_base64url(&out, (struct text){(const char *)mac, length});
	assert_int_equal(verify(buffer_view(&out)), JWT_BAD_ALGORITHM);
	OPENSSL_free(der);
}

static enum jwt_refusal verify_by(enum jwt_algorithm algorithm, EVP_PKEY *key, const char *header)
{
	return verify(token_sign(&out, algorithm, key, header, CLAIMS));
}

static void the_key_must_be_of_the_algorithm(void **state)
{
	(void)state;
	assert_int_equal(verify_header("{\"alg\":\"RS256\",\"kid\":\"p256\"}"), JWT_OTHER_KEY);
	assert_int_equal(verify_header("{\"alg\":\"ES256\",\"kid\":\"rsa\"}"), JWT_OTHER_KEY);
	assert_int_equal(verify_header("{\"alg\":\"ES384\",\"kid\":\"p256\"}"), JWT_OTHER_KEY);
	assert_int_equal(verify_header("{\"alg\":\"RS256\",\"kid\":\"odd\"}"), JWT_OTHER_KEY); /* which is for RS384 alone */
	assert_int_equal(verify_header("{\"alg\":\"ES256\",\"kid\":\"nobody\"}"), JWT_UNKNOWN_KEY);
	assert_int_equal(verify_header("{\"alg\":\"ES256\",\"kid\":\"P256\"}"), JWT_UNKNOWN_KEY);
	assert_int_equal(verify_header("{\"alg\":\"ES256\",\"kid\":\"\"}"), JWT_UNKNOWN_KEY);
	assert_int_equal(verify_header("{\"alg\":\"ES256\"}"), JWT_TAKEN); /* there is one key of that curve */
	assert_int_equal(verify_header("{\"alg\":\"RS384\"}"), JWT_NO_KEY_NAMED); /* and two of RSA */
	assert_int_equal(verify_by(JWT_ES256, stranger, "{\"alg\":\"ES256\",\"kid\":\"p256\"}"), JWT_BAD_SIGNATURE);
	/* The right key, and the padding or the digest of another algorithm. */
	assert_int_equal(verify_by(JWT_RS256, rsa, "{\"alg\":\"PS256\",\"kid\":\"rsa\"}"), JWT_BAD_SIGNATURE);
	assert_int_equal(verify_by(JWT_PS256, rsa, "{\"alg\":\"RS256\",\"kid\":\"rsa\"}"), JWT_BAD_SIGNATURE);
	assert_int_equal(verify_by(JWT_RS512, rsa, "{\"alg\":\"RS256\",\"kid\":\"rsa\"}"), JWT_BAD_SIGNATURE);
}

/* A key that the token brings along signs it, and the kid is right. */
static void a_key_in_the_token_is_not_looked_at(void **state)
{
	(void)state;
	struct buffer header;
	buffer_open(&header, 4096);
	buffer_string(&header, "{\"alg\":\"ES256\",\"kid\":\"p256\",\"jku\":\"http://127.0.0.1/\",\"jwk\":");
	token_jwk(&header, stranger, "");
	buffer_append(&header, "}", 2);
	assert_int_equal(verify(token_sign(&out, JWT_ES256, stranger, header.bytes, CLAIMS)), JWT_BAD_SIGNATURE);
	assert_int_equal(verify(token_sign(&out, JWT_ES256, p256, header.bytes, CLAIMS)), JWT_TAKEN);
	buffer_close(&header);
}

/* The token that `out` holds, with other bytes as its signature. */
static enum jwt_refusal verify_signed(const unsigned char *signature, size_t length)
{
	while (out.bytes[out.length - 1] != '.')
		out.length--;
	token_base64url(&out, (struct text){(const char *)signature, length});
	return verify(buffer_view(&out));
}

static void a_signature_has_one_length(void **state)
{
	(void)state;
	unsigned char raw[TOKEN_SIGNATURE_MAX] = {0}, longer[TOKEN_SIGNATURE_MAX] = {0};
	struct text token = token_sign(&out, JWT_ES256, p256, "{\"alg\":\"ES256\",\"kid\":\"p256\"}", CLAIMS);
	struct text message = {token.bytes, (size_t)((char *)memrchr(token.bytes, '.', token.length) - token.bytes)};
	assert_int_equal(token_signature(JWT_ES256, p256, message, raw), 64);
	assert_int_equal(verify_signed(raw, 64), JWT_TAKEN);
	assert_int_equal(verify_signed(raw, 63), JWT_BAD_SIGNATURE);
	assert_int_equal(verify_signed(raw, 65), JWT_BAD_SIGNATURE);
	/* The same numbers in another length. */
	memcpy(longer + 1, raw, 32);
	memcpy(longer + 34, raw + 32, 32);
	assert_int_equal(verify_signed(longer, 66), JWT_BAD_SIGNATURE);
	/* In DER, as OpenSSL writes them. */
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	size_t length = sizeof longer;
	EVP_DigestSignInit_ex(context, NULL, "SHA256", NULL, NULL, p256, NULL);
	EVP_DigestSign(context, longer, &length, (const unsigned char *)message.bytes, message.length);
	EVP_MD_CTX_free(context);
	assert_int_equal(verify_signed(longer, length), JWT_BAD_SIGNATURE);
	/* Both numbers 0, which a verifier once took for anything (CVE-2022-21449). */
	memset(longer, 0, sizeof longer);
	assert_int_equal(verify_signed(longer, 64), JWT_BAD_SIGNATURE);
	memset(longer, 0xFF, sizeof longer);
	assert_int_equal(verify_signed(longer, 64), JWT_BAD_SIGNATURE);
	/* RSA, with a byte more and with one less. */
	token = token_sign(&out, JWT_RS256, rsa, "{\"alg\":\"RS256\",\"kid\":\"rsa\"}", CLAIMS);
	message.length = (size_t)((char *)memrchr(token.bytes, '.', token.length) - token.bytes);
	assert_int_equal(token_signature(JWT_RS256, rsa, message, raw), 256);
	memcpy(longer + 1, raw, 256);
	longer[0] = 0;
	assert_int_equal(verify_signed(raw, 256), JWT_TAKEN);
	assert_int_equal(verify_signed(longer, 257), JWT_BAD_SIGNATURE);
	assert_int_equal(verify_signed(raw, 255), JWT_BAD_SIGNATURE);
}

static void headers_must_be_well_formed(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"", "7", "[]", "\"x\"", "{", "{\"kid\":\"p256\"}", "{\"alg\":7}", "{\"alg\":[\"ES256\"]}", "{\"alg\":\"ES256\"} x",
		"{\"alg\":\"ES256\",\"alg\":\"ES256\"}", "{\"alg\":\"none\",\"kid\":\"p256\",\"alg\":\"ES256\"}",
		"{\"alg\":\"ES256\",\"kid\":7}", "{\"alg\":\"ES256\",\"kid\":null}", "{\"alg\":\"ES256\",\"x\":{\"a\":1,\"a\":2}}",
		"{\"alg\":\"ES256\\u0000\"}", "{\"alg\":\"ES256\",\"x\":\"\xFF\"}",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (verify_header(bad[i]) != JWT_BAD_HEADER)
			fail_msg("%s", bad[i]);
	assert_int_equal(verify_header("{\"alg\":\"ES256\",\"crit\":[\"b64\"],\"b64\":true}"), JWT_CRITICAL);
	assert_int_equal(verify_header("{\"alg\":\"ES256\",\"crit\":[]}"), JWT_CRITICAL);
	assert_int_equal(verify_header("{\"alg\":\"ES256\",\"typ\":\"at+jwt\"}"), JWT_TAKEN);
	assert_int_equal(verify_header("{\"alg\":\"ES256\",\"typ\":\"application/AT+JWT\"}"), JWT_TAKEN);
	assert_int_equal(verify_header("{\"alg\":\"ES256\",\"typ\":\"jwt\"}"), JWT_TAKEN);
	assert_int_equal(verify_header("{\"alg\":\"ES256\",\"typ\":\"logout+jwt\"}"), JWT_BAD_TYPE);
	assert_int_equal(verify_header("{\"alg\":\"ES256\",\"typ\":\"application/\"}"), JWT_BAD_TYPE);
	assert_int_equal(verify_header("{\"alg\":\"ES256\",\"typ\":7}"), JWT_BAD_TYPE);
}

static void a_token_has_three_parts_in_one_form(void **state)
{
	(void)state;
	struct text token = token_sign(&out, JWT_ES256, p256, "{\"alg\":\"ES256\",\"kid\":\"p256\"}", CLAIMS);
	static const struct {
		const char *behind;
		enum jwt_refusal refusal;
	} rows[] = {{"=", JWT_BAD_SIGNATURE}, {"==", JWT_BAD_SIGNATURE}, {"\n", JWT_BAD_SIGNATURE}, {" ", JWT_BAD_SIGNATURE},
		    {"A", JWT_BAD_SIGNATURE}, {".", JWT_NO_TOKEN}, {"..", JWT_ENCRYPTED}, {"...", JWT_NO_TOKEN}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		buffer_clear(&other);
		buffer_print(&other, TEXT_FORMAT "%s", TEXT_ARGUMENTS(token), rows[i].behind);
		assert_int_equal(verify(buffer_view(&other)), rows[i].refusal);
	}
	assert_int_equal(verify(TEXT("")), JWT_NO_TOKEN);
	assert_int_equal(verify(TEXT(".")), JWT_NO_TOKEN);
	assert_int_equal(verify(TEXT("..")), JWT_BAD_HEADER);
	/* 64 bytes end in a letter that has four bits which stand for nothing: they must be 0. */
	assert_int_equal(verify(token), JWT_TAKEN);
	char last = out.bytes[out.length - 1];
	for (char next = (char)(last + 1); next != last + 4; next++) {
		out.bytes[out.length - 1] = next;
		assert_int_equal(verify(token), JWT_BAD_SIGNATURE);
	}
	/* A payload with padding, or in the other alphabet, though it was signed so. */
	unsigned char signature[TOKEN_SIGNATURE_MAX];
	buffer_clear(&out);
	token_base64url(&out, TEXT("{\"alg\":\"ES256\",\"kid\":\"p256\"}"));
	buffer_byte(&out, '.');
	token_base64url(&out, TEXT("{\"exp\":1700000060}"));
	assert_int_equal(verify_signed(signature, token_signature(JWT_ES256, p256, buffer_view(&out), signature)), JWT_NO_TOKEN);
	buffer_clear(&out);
	token_base64url(&out, TEXT("{\"alg\":\"ES256\",\"kid\":\"p256\"}"));
	buffer_byte(&out, '.');
	token_base64url(&out, TEXT("{\"exp\":1700000060} "));
	buffer_string(&out, "==");
	size_t length = token_signature(JWT_ES256, p256, buffer_view(&out), signature);
	buffer_byte(&out, '.');
	assert_int_equal(verify_signed(signature, length), JWT_BAD_CLAIMS);
}

static void a_token_has_a_limit(void **state)
{
	(void)state;
	/* Filled up by a claim, to the last byte that a token may have. */
	struct buffer claims;
	buffer_open(&claims, (size_t)2 << 20);
	for (size_t bytes = JWT_BYTES_MAX * 3 / 4 - 200; bytes < JWT_BYTES_MAX; bytes++) {
		buffer_clear(&claims);
		buffer_string(&claims, "{\"exp\":1700000060,\"x\":\"");
		while (claims.length < bytes)
			buffer_byte(&claims, 'x');
		buffer_append(&claims, "\"}", 3);
		struct text token = token_sign(&out, JWT_ES256, p256, "{\"alg\":\"ES256\",\"kid\":\"p256\"}", claims.bytes);
		assert_int_equal(verify(token), token.length <= JWT_BYTES_MAX ? JWT_TAKEN : JWT_TOO_LONG);
		if (token.length > JWT_BYTES_MAX) {
			assert_true(token.length <= JWT_BYTES_MAX + 2);
			break;
		}
	}
	buffer_clear(&other);
	while (other.length < (size_t)1 << 20)
		buffer_byte(&other, 'a');
	assert_int_equal(verify(buffer_view(&other)), JWT_TOO_LONG);
	assert_non_null(strstr(jwt_refusal_words(JWT_TOO_LONG), "16384"));
	/* Nested as deep as fits. */
	buffer_clear(&claims);
	buffer_string(&claims, "{\"exp\":1700000060,\"x\":");
	for (size_t i = 0; i < 10000; i++)
		buffer_byte(&claims, '[');
	buffer_byte(&claims, '\0');
	assert_int_equal(verify_claims(claims.bytes), JWT_BAD_CLAIMS);
	buffer_close(&claims);
}

static void a_token_is_valid_for_a_time(void **state)
{
	(void)state;
	assert_int_equal(verify_claims("{}"), JWT_NO_EXPIRY);
	assert_int_equal(verify_claims("{\"exp\":\"1700000060\"}"), JWT_BAD_CLAIMS);
	assert_int_equal(verify_claims("{\"exp\":null}"), JWT_BAD_CLAIMS);
	assert_int_equal(verify_claims("{\"exp\":-1}"), JWT_EXPIRED);
	assert_int_equal(verify_claims("{\"exp\":1e300}"), JWT_TAKEN);
	assert_int_equal(verify_claims("{\"exp\":9223372036854775807}"), JWT_TAKEN);
	assert_int_equal(verify_claims("{\"exp\":1700000000.5}"), JWT_TAKEN);
	assert_int_equal(verify_claims_at(CLAIMS, EXPIRES_MS - 1), JWT_TAKEN);
	assert_int_equal(verify_claims_at(CLAIMS, EXPIRES_MS), JWT_EXPIRED);
	static const char begins[] = "{\"exp\":1700000060,\"nbf\":1700000001}";
	assert_int_equal(verify_claims_at(begins, TOKEN_NOW_MS + 999), JWT_NOT_YET);
	assert_int_equal(verify_claims_at(begins, TOKEN_NOW_MS + 1000), JWT_TAKEN);
	static const char issued[] = "{\"exp\":1700000060,\"iat\":1700000001}";
	assert_int_equal(verify_claims_at(issued, TOKEN_NOW_MS + 999), JWT_OF_TOMORROW);
	assert_int_equal(verify_claims_at(issued, TOKEN_NOW_MS + 1000), JWT_TAKEN);
	assert_int_equal(verify_claims("{\"exp\":1700000060,\"nbf\":1e300}"), JWT_NOT_YET);
	assert_int_equal(verify_claims("{\"exp\":1700000060,\"nbf\":\"now\"}"), JWT_BAD_CLAIMS);
	assert_int_equal(verify_claims("{\"exp\":1700000060,\"iat\":true}"), JWT_BAD_CLAIMS);
	rules.skew_ms = 2000;
	assert_int_equal(verify_claims_at(CLAIMS, EXPIRES_MS + 1999), JWT_TAKEN);
	assert_int_equal(verify_claims_at(CLAIMS, EXPIRES_MS + 2000), JWT_EXPIRED);
	assert_int_equal(verify_claims_at(begins, TOKEN_NOW_MS - 1001), JWT_NOT_YET);
	assert_int_equal(verify_claims_at(begins, TOKEN_NOW_MS - 1000), JWT_TAKEN);
	assert_int_equal(verify_claims_at(issued, TOKEN_NOW_MS - 1001), JWT_OF_TOMORROW);
	assert_int_equal(verify_claims_at(issued, TOKEN_NOW_MS - 1000), JWT_TAKEN);
}

static void issuer_and_audience_are_compared_whole(void **state)
{
	(void)state;
	static const char *const issuers[] = {"https://a.example", "https://b.example"}, *const audiences[] = {"sluice", "other"};
#define WITH(more) verify_claims("{\"exp\":1700000060" more "}")
	assert_int_equal(WITH(",\"aud\":\"anybody\",\"iss\":7"), JWT_TAKEN); /* no rule says anything of either */
	rules.issuers = issuers;
	rules.issuer_count = 2;
	assert_int_equal(WITH(""), JWT_OTHER_ISSUER);
	assert_int_equal(WITH(",\"iss\":7"), JWT_OTHER_ISSUER);
	assert_int_equal(WITH(",\"iss\":[\"https://b.example\"]"), JWT_OTHER_ISSUER);
	assert_int_equal(WITH(",\"iss\":\"https://b.example/\""), JWT_OTHER_ISSUER);
	assert_int_equal(WITH(",\"iss\":\"https://b.exampl\""), JWT_OTHER_ISSUER);
	assert_int_equal(WITH(",\"iss\":\"https://b.example\""), JWT_TAKEN);
	rules.issuer_count = 0;
	rules.audiences = audiences;
	rules.audience_count = 2;
	assert_int_equal(WITH(""), JWT_OTHER_AUDIENCE);
	assert_int_equal(WITH(",\"aud\":[]"), JWT_OTHER_AUDIENCE);
	assert_int_equal(WITH(",\"aud\":{\"sluice\":1}"), JWT_OTHER_AUDIENCE);
	assert_int_equal(WITH(",\"aud\":[[\"sluice\"]]"), JWT_OTHER_AUDIENCE);
	assert_int_equal(WITH(",\"aud\":\"Sluice\""), JWT_OTHER_AUDIENCE);
	assert_int_equal(WITH(",\"aud\":[\"x\",7,\"slu\"]"), JWT_OTHER_AUDIENCE);
	assert_int_equal(WITH(",\"aud\":\"other\""), JWT_TAKEN);
	assert_int_equal(WITH(",\"aud\":[\"x\",7,\"sluice\"]"), JWT_TAKEN);
}

static void claims_must_be_well_formed(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"", "[]", "7", "{\"exp\":1700000060", "{\"exp\":1700000060,\"exp\":1700000060}", "{\"exp\":1700000060,\"sub\":7}",
		"{\"exp\":1700000060,\"sub\":null}", "{\"exp\":1700000060,\"sub\":\"a\\u0000b\"}", "{\"exp\":1700000060}{}",
		"{\"exp\":1e400}", "{\"exp\":99999999999999999999}", "{\"exp\":1700000060,\"x\":\"\xC0\xAF\"}",
		"{\"exp\":1700000060,\"r\":{\"a\":1,\"a\":2}}",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (verify_claims(bad[i]) != JWT_BAD_CLAIMS)
			fail_msg("%s", bad[i]);
}

/* In WWW-Authenticate they stand between quotes (RFC 6750, 3). */
static void refusals_have_words_that_can_be_quoted(void **state)
{
	(void)state;
	for (enum jwt_refusal refusal = 1; refusal < JWT_REFUSALS; refusal++) {
		const char *words = jwt_refusal_words(refusal);
		assert_true(words && strlen(words) > 10 && words[strlen(words) - 1] == '.');
		for (const char *at = words; *at; at++)
			assert_true(*at >= ' ' && *at <= '~' && *at != '"' && *at != '\\');
		for (enum jwt_refusal earlier = 1; earlier < refusal; earlier++)
			assert_string_not_equal(words, jwt_refusal_words(earlier));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(each_algorithm_verifies_with_its_key),
		STORY(every_changed_bit_of_a_token_is_seen),
		STORY(tokens_that_are_not_signed_by_a_public_key_are_refused),
		STORY(a_public_key_is_no_secret),
		STORY(the_key_must_be_of_the_algorithm),
		STORY(a_key_in_the_token_is_not_looked_at),
		STORY(a_signature_has_one_length),
		STORY(headers_must_be_well_formed),
		STORY(a_token_has_three_parts_in_one_form),
		STORY(a_token_has_a_limit),
		STORY(a_token_is_valid_for_a_time),
		STORY(issuer_and_audience_are_compared_whole),
		STORY(claims_must_be_well_formed),
		STORY(refusals_have_words_that_can_be_quoted),
	};
	return cmocka_run_group_tests(tests, keys_make, keys_free);
}
