/* jwks_test.c: which keys of a key set are taken, and why others are left out. */
#include "gateway/access/jwks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <stdlib.h>

#include "tests/unit/tokens.h"

static EVP_PKEY *rsa, *p256, *p384, *p521;

static int keys_make(void **state)
{
	(void)state;
	rsa = token_key_rsa(2048);
	p256 = token_key_curve("P-256");
	p384 = token_key_curve("P-384");
	p521 = token_key_curve("P-521");
	return 0;
}

static int keys_free(void **state)
{
	(void)state;
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(p256);
	EVP_PKEY_free(p384);
	EVP_PKEY_free(p521);
	return 0;
}

static struct jwks *set_read_text(const char *json)
{
	struct error error = {0};
	struct jwks *keys = jwks_read(text_of(json), &error);
	if (!keys)
		fail_msg("refused: %s", error.text);
	return keys;
}

static void assert_set_refused(struct text json, const char *words)
{
	struct error error = {0};
	struct jwks *keys = jwks_read(json, &error);
	jwks_close(keys);
	assert_null(keys);
	assert_int_equal(error.kind, ERROR_REMOTE);
	if (!strstr(error.text, words))
		fail_msg("%s: not about %s", error.text, words);
}

/* A set of one good key, and one more; why that one was left out (JWKS_SKIPS: it was not). */
static enum jwks_skip skip_of(const char *member)
{
	struct buffer json;
	buffer_open(&json, (size_t)1 << 20);
	buffer_string(&json, "{\"keys\":[");
	token_jwk(&json, p256, ",\"kid\":\"good\"");
	buffer_print(&json, ",%s]}", member);
	buffer_byte(&json, '\0');
	struct jwks *keys = set_read_text(json.bytes);
	enum jwks_skip why = 0;
	while (why < JWKS_SKIPS && keys->skipped[why] == 0)
		why++;
	assert_int_equal(keys->count, why == JWKS_SKIPS ? 2 : 1);
	assert_int_equal(jwks_skipped(keys), why == JWKS_SKIPS ? 0 : 1);
	assert_int_equal(ERR_peek_error(), 0);
	jwks_close(keys);
	buffer_close(&json);
	return why;
}

static enum jwks_skip skip_of_key(EVP_PKEY *key, const char *more)
{
	struct buffer member;
	buffer_open(&member, (size_t)1 << 16);
	token_jwk(&member, key, more);
	buffer_byte(&member, '\0');
	enum jwks_skip why = skip_of(member.bytes);
	buffer_close(&member);
	return why;
}

/* Of RSA with these numbers, in hexadecimal. */
static enum jwks_skip skip_of_numbers(const char *n, const char *e)
{
	struct buffer member;
	BIGNUM *numbers[2] = {NULL, NULL};
	unsigned char bytes[2048];
	buffer_open(&member, (size_t)1 << 16);
	buffer_string(&member, "{\"kty\":\"RSA\",\"kid\":\"odd\"");
	BN_hex2bn(&numbers[0], n);
	BN_hex2bn(&numbers[1], e);
	for (size_t i = 0; i < 2; i++) {
		buffer_print(&member, ",\"%s\":\"", i == 0 ? "n" : "e");
		const size_t length = (size_t)BN_bn2bin(numbers[i], bytes);
		token_base64url(&member, (struct text){(const char *)bytes, length});
		buffer_byte(&member, '"');
		BN_free(numbers[i]);
	}
	buffer_append(&member, "}", 2);
	enum jwks_skip why = skip_of(member.bytes);
	buffer_close(&member);
	return why;
}

static void keys_are_found_by_kid_and_algorithm(void **state)
{
	(void)state;
	struct buffer json;
	bool known;
	buffer_open(&json, (size_t)1 << 16);
	buffer_string(&json, "{\"keys\":[");
	token_jwk(&json, rsa, ",\"kid\":\"r\",\"alg\":\"PS256\",\"use\":\"sig\"");
	buffer_byte(&json, ',');
	token_jwk(&json, p256, ",\"kid\":\"e\",\"key_ops\":[\"verify\"]");
	buffer_byte(&json, ',');
	token_jwk(&json, p384, ",\"kid\":\"e\",\"x5c\":[\"MII\"]");
	buffer_byte(&json, ',');
	token_jwk(&json, p521, "");
	buffer_append(&json, "],\"more\":{}}", sizeof "],\"more\":{}}");
	struct jwks *keys = set_read_text(json.bytes);
	assert_int_equal(keys->count, 4);
	assert_ptr_equal(jwks_find(keys, TEXT("r"), JWT_PS256, &known), &keys->keys[0]);
	assert_null(jwks_find(keys, TEXT("r"), JWT_RS256, &known)); /* it says another algorithm */
	assert_true(known);
	assert_null(jwks_find(keys, TEXT("r"), JWT_ES256, &known));
	assert_true(known);
	assert_ptr_equal(jwks_find(keys, TEXT("e"), JWT_ES256, &known), &keys->keys[1]);
	assert_ptr_equal(jwks_find(keys, TEXT("e"), JWT_ES384, &known), &keys->keys[2]);
	assert_null(jwks_find(keys, TEXT("e"), JWT_ES512, &known));
	assert_null(jwks_find(keys, TEXT("E"), JWT_ES256, &known));
	assert_false(known);
	assert_null(jwks_find(keys, TEXT(""), JWT_ES512, &known)); /* an empty kid is no absent one */
	assert_false(known);
	assert_ptr_equal(jwks_find(keys, (struct text){0}, JWT_ES512, &known), &keys->keys[3]);
	assert_ptr_equal(jwks_find(keys, (struct text){0}, JWT_PS256, &known), &keys->keys[0]);
	assert_null(jwks_find(keys, (struct text){0}, JWT_RS512, &known));
	assert_false(known);
	jwks_close(keys);
	buffer_close(&json);
}

static void without_a_kid_nothing_is_chosen_among_several(void **state)
{
	(void)state;
	struct buffer json;
	bool known;
	EVP_PKEY *other = token_key_curve("P-256");
	buffer_open(&json, (size_t)1 << 16);
	buffer_string(&json, "{\"keys\":[");
	token_jwk(&json, p256, ",\"kid\":\"a\"");
	buffer_byte(&json, ',');
	token_jwk(&json, other, ",\"kid\":\"b\"");
	buffer_append(&json, "]}", 3);
	struct jwks *keys = set_read_text(json.bytes);
	assert_null(jwks_find(keys, (struct text){0}, JWT_ES256, &known));
	assert_true(known);
	jwks_close(keys);
	buffer_close(&json);
	EVP_PKEY_free(other);
}

static void keys_of_other_types_and_uses_are_left_out(void **state)
{
	(void)state;
	assert_int_equal(skip_of("{\"kty\":\"oct\",\"k\":\"AAAA\"}"), JWKS_SKIP_TYPE);
	assert_int_equal(skip_of("{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAA\"}"), JWKS_SKIP_TYPE);
	assert_int_equal(skip_of("{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"AAAA\",\"y\":\"AAAA\"}"), JWKS_SKIP_TYPE);
	assert_int_equal(skip_of("{}"), JWKS_SKIP_TYPE);
	assert_int_equal(skip_of("7"), JWKS_SKIP_MALFORMED);
	assert_int_equal(skip_of_key(rsa, ",\"use\":\"enc\""), JWKS_SKIP_USE);
	assert_int_equal(skip_of_key(rsa, ",\"use\":7"), JWKS_SKIP_USE);
	assert_int_equal(skip_of_key(rsa, ",\"key_ops\":[\"sign\",\"encrypt\"]"), JWKS_SKIP_USE);
	assert_int_equal(skip_of_key(rsa, ",\"key_ops\":\"verify\""), JWKS_SKIP_USE);
	assert_int_equal(skip_of_key(rsa, ",\"key_ops\":[\"sign\",\"verify\"]"), JWKS_SKIPS);
	assert_int_equal(skip_of_key(rsa, ",\"alg\":\"ES256\""), JWKS_SKIP_USE);
	assert_int_equal(skip_of_key(p384, ",\"alg\":\"ES256\""), JWKS_SKIP_USE);
	assert_int_equal(skip_of_key(rsa, ",\"alg\":\"RSA-OAEP\""), JWKS_SKIP_USE);
	assert_int_equal(skip_of_key(rsa, ",\"alg\":\"HS256\""), JWKS_SKIP_USE);
	assert_int_equal(skip_of_key(rsa, ",\"kid\":7"), JWKS_SKIP_MALFORMED);
	assert_int_equal(skip_of_key(p256, ",\"kid\":\"good\""), JWKS_SKIP_REPEATED);
	assert_int_equal(skip_of_key(p384, ",\"kid\":\"good\""), JWKS_SKIPS);
	assert_int_equal(skip_of_key(p384, ",\"d\":\"AAAA\""), JWKS_SKIP_PRIVATE);
	assert_int_equal(skip_of_key(rsa, ",\"qi\":\"AAAA\""), JWKS_SKIP_PRIVATE);
}

static void weak_and_malformed_keys_are_left_out(void **state)
{
	(void)state;
	EVP_PKEY *weak = token_key_rsa(2047);
	assert_int_equal(EVP_PKEY_get_bits(weak), 2047);
	assert_int_equal(skip_of_key(weak, ""), JWKS_SKIP_WEAK);
	assert_int_equal(skip_of_key(rsa, ""), JWKS_SKIPS);
	EVP_PKEY_free(weak);
	char n[2 * 1024 + 3] = {0};
	memset(n, 'F', 512); /* 2048 bits, odd */
	assert_int_equal(skip_of_numbers(n, "3"), JWKS_SKIPS);
	assert_int_equal(skip_of_numbers(n, "10001"), JWKS_SKIPS);
	assert_int_equal(skip_of_numbers(n, "1FFFFFFFF"), JWKS_SKIPS); /* 33 bits */
	assert_int_equal(skip_of_numbers(n, "2FFFFFFFF"), JWKS_SKIP_WEAK);
	assert_int_equal(skip_of_numbers(n, "1"), JWKS_SKIP_WEAK);
	assert_int_equal(skip_of_numbers(n, "10000"), JWKS_SKIP_WEAK);
	n[511] = 'E'; /* even */
	assert_int_equal(skip_of_numbers(n, "10001"), JWKS_SKIP_WEAK);
	memset(n, 'F', 2048); /* 8192 bits */
	assert_int_equal(skip_of_numbers(n, "10001"), JWKS_SKIPS);
	memcpy(n, "1F", 2);
	n[2048] = 'F'; /* 8193 */
	assert_int_equal(skip_of_numbers(n, "10001"), JWKS_SKIP_WEAK);
	assert_int_equal(skip_of("{\"kty\":\"RSA\",\"n\":\"AAAA\"}"), JWKS_SKIP_MALFORMED);
	assert_int_equal(skip_of("{\"kty\":\"RSA\",\"n\":\"AA=A\",\"e\":\"AQAB\"}"), JWKS_SKIP_MALFORMED);
	assert_int_equal(skip_of("{\"kty\":\"RSA\",\"n\":\"AAAA\",\"e\":\"AQ==\"}"), JWKS_SKIP_MALFORMED);
	assert_int_equal(skip_of("{\"kty\":\"RSA\",\"n\":7,\"e\":\"AQAB\"}"), JWKS_SKIP_MALFORMED);
	assert_int_equal(skip_of("{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"AAAA\"}"), JWKS_SKIP_MALFORMED);
}

static void a_point_must_be_on_its_curve(void **state)
{
	(void)state;
	struct buffer member;
	buffer_open(&member, (size_t)1 << 16);
	token_jwk(&member, p384, "");
	buffer_byte(&member, '\0');
	assert_int_equal(skip_of(member.bytes), JWKS_SKIPS);
	char *x = strstr(member.bytes, "\"x\":\"") + 5;
	*x = *x == 'A' ? 'B' : 'A';
	assert_int_equal(skip_of(member.bytes), JWKS_SKIP_MALFORMED);
	memmove(x, x + 4, strlen(x + 4) + 1); /* three bytes less of one coordinate */
	assert_int_equal(skip_of(member.bytes), JWKS_SKIP_MALFORMED);
	buffer_close(&member);
}

static void what_is_no_key_set_is_refused_whole(void **state)
{
	(void)state;
	assert_set_refused(TEXT(""), "no JSON");
	assert_set_refused(TEXT("<html>"), "no JSON");
	assert_set_refused(TEXT("{\"keys\":[]} more"), "no JSON");
	assert_set_refused(TEXT("[]"), "list `keys`");
	assert_set_refused(TEXT("{\"keys\":{}}"), "list `keys`");
	assert_set_refused(TEXT("{\"keys\":[],\"keys\":[]}"), "twice");
	assert_set_refused(TEXT("{\"keys\":[{\"kty\":\"oct\"},{\"kty\":\"oct\"},{\"kty\":\"RSA\"}]}"),
			   "none of the 3 keys of the set verifies signatures; 2 are of an unknown type");
}

/* RFC 7517, 5.1: `keys` is an array, which may have no members. */
static void a_set_without_keys_is_a_set(void **state)
{
	(void)state;
	struct error error = {0};
	struct jwks *keys = jwks_read(TEXT("{\"keys\":[]}"), &error);
	bool known = true;
	assert_non_null(keys);
	assert_int_equal(keys->count, 0);
	assert_int_equal(jwks_skipped(keys), 0);
	assert_null(jwks_find(keys, TEXT("a"), JWT_RS256, &known));
	assert_false(known);
	jwks_close(keys);
}

static void a_set_has_limits(void **state)
{
	(void)state;
	struct error error = {0};
	struct buffer json;
	buffer_open(&json, 2 * JWKS_BYTES_MAX);
	for (size_t count = JWKS_KEYS_MAX; count <= JWKS_KEYS_MAX + 1; count++) {
		buffer_clear(&json);
		buffer_string(&json, "{\"keys\":[");
		token_jwk(&json, p256, "");
		for (size_t i = 1; i < count; i++)
			buffer_string(&json, ",{\"kty\":\"oct\"}");
		buffer_string(&json, "]}");
		struct jwks *keys = jwks_read(buffer_view(&json), &error);
		assert_true(!!keys == (count == JWKS_KEYS_MAX));
		jwks_close(keys);
	}
	assert_non_null(strstr(error.text, "101 keys, and at most 100"));
	for (size_t bytes = JWKS_BYTES_MAX; bytes <= JWKS_BYTES_MAX + 1; bytes++) {
		buffer_clear(&json);
		buffer_string(&json, "{\"keys\":[");
		token_jwk(&json, p256, "");
		buffer_string(&json, "]}");
		while (json.length < bytes)
			buffer_byte(&json, ' ');
		struct error beyond = {0};
		struct jwks *keys = jwks_read(buffer_view(&json), &beyond);
		assert_true(!!keys == (bytes == JWKS_BYTES_MAX));
		assert_true(keys || strstr(beyond.text, "more than 262144 bytes"));
		jwks_close(keys);
	}
	buffer_close(&json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_are_found_by_kid_and_algorithm),
		cmocka_unit_test(without_a_kid_nothing_is_chosen_among_several),
		cmocka_unit_test(keys_of_other_types_and_uses_are_left_out),
		cmocka_unit_test(weak_and_malformed_keys_are_left_out),
		cmocka_unit_test(a_point_must_be_on_its_curve),
		cmocka_unit_test(what_is_no_key_set_is_refused_whole),
		cmocka_unit_test(a_set_without_keys_is_a_set),
		cmocka_unit_test(a_set_has_limits),
	};
	return cmocka_run_group_tests(tests, keys_make, keys_free);
}
