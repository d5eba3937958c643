/* jwt_cache_test.c: Tests of what is kept of verified tokens, and until when. */
#include "gateway/access/jwt_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/tokens.h"

#define HEADER "{\"alg\":\"ES256\"}"

static EVP_PKEY *key;
static struct jwks *keys, *none;
static struct buffer out;
static const struct jwt_rules rules = {.algorithms = JWT_EVERY_ALGORITHM, .skew_ms = 1000};

static struct jwks *set_of(EVP_PKEY *member)
{
	struct error error = {0};
	buffer_clear(&out);
	buffer_string(&out, "{\"keys\":[");
	token_jwk(&out, member, "");
	buffer_string(&out, "]}");
	struct jwks *set = jwks_read(buffer_view(&out), &error);
	assert_non_null(set);
	return set;
}

static int keys_make(void **state)
{
	(void)state;
	EVP_PKEY *stranger = token_key_curve("P-256");
	buffer_open(&out, (size_t)1 << 20);
	key = token_key_curve("P-256");
	keys = set_of(key);
	none = set_of(stranger);
	EVP_PKEY_free(stranger);
	return 0;
}

static int keys_free(void **state)
{
	(void)state;
	EVP_PKEY_free(key);
	jwks_close(keys);
	jwks_close(none);
	buffer_close(&out);
	return 0;
}

static struct text token_of(const char *subject, long expiry)
{
	char claims[128];
	snprintf(claims, sizeof claims, "{\"sub\":\"%s\",\"exp\":%ld}", subject, expiry);
	return token_sign(&out, JWT_ES256, key, HEADER, claims);
}

static void a_known_token_needs_no_signature_until_it_expires(void **state)
{
	(void)state;
	struct error error = {0};
	const struct jwt *jwt = NULL;
	struct jwt_cache *cache = jwt_cache_open(&error);
	struct text token = token_of("alice", 1700000060);
	assert_false(jwt_cache_has(cache, token, TOKEN_NOW_MS));
	assert_int_equal(jwt_cache_verify(cache, token, none, &rules, TOKEN_NOW_MS, &jwt), JWT_BAD_SIGNATURE);
	assert_int_equal(jwt_cache_count(cache), 0); /* what was refused is not kept */
	assert_int_equal(jwt_cache_verify(cache, token, keys, &rules, TOKEN_NOW_MS, &jwt), JWT_TAKEN);
	assert_true(text_is(jwt->subject, "alice"));
	assert_int_equal(jwt_cache_count(cache), 1);
	assert_true(jwt_cache_has(cache, token, TOKEN_NOW_MS));
	/* A set that does not verify it shows that it was not verified again. */
	assert_int_equal(jwt_cache_verify(cache, token, none, &rules, TOKEN_NOW_MS + 60999, &jwt), JWT_TAKEN);
	assert_true(text_is(jwt->subject, "alice"));
	assert_false(jwt_cache_has(cache, token, TOKEN_NOW_MS + 61000));
	assert_int_equal(jwt_cache_count(cache), 0);
	assert_int_equal(jwt_cache_verify(cache, token, keys, &rules, TOKEN_NOW_MS + 61000, &jwt), JWT_EXPIRED);
	jwt_cache_close(cache);
}

static void a_changed_letter_is_another_token(void **state)
{
	(void)state;
	struct error error = {0};
	const struct jwt *jwt = NULL;
	struct jwt_cache *cache = jwt_cache_open(&error);
	struct text token = token_of("alice", 1700000060);
	assert_int_equal(jwt_cache_verify(cache, token, keys, &rules, TOKEN_NOW_MS, &jwt), JWT_TAKEN);
	for (size_t i = 0; i < token.length; i++) {
		char before = out.bytes[i];
		out.bytes[i] = before == 'A' ? 'B' : 'A';
		assert_int_not_equal(jwt_cache_verify(cache, token, keys, &rules, TOKEN_NOW_MS, &jwt), JWT_TAKEN);
		out.bytes[i] = before;
	}
	assert_int_equal(jwt_cache_count(cache), 1);
	jwt_cache_clear(cache); /* as when the keys change */
	assert_int_equal(jwt_cache_verify(cache, token, none, &rules, TOKEN_NOW_MS, &jwt), JWT_BAD_SIGNATURE);
	jwt_cache_close(cache);
}

static void a_full_cache_forgets_what_was_not_used_for_the_longest(void **state)
{
	(void)state;
	struct error error = {0};
	const struct jwt *jwt = NULL;
	char name[16];
	struct jwt_cache *cache = jwt_cache_open(&error);
	struct buffer first, second;
	buffer_open(&first, 4096);
	buffer_open(&second, 4096);
	buffer_text(&first, token_of("first", 1700000060));
	buffer_text(&second, token_of("second", 1700000060));
	assert_int_equal(jwt_cache_verify(cache, buffer_view(&first), keys, &rules, TOKEN_NOW_MS, &jwt), JWT_TAKEN);
	assert_int_equal(jwt_cache_verify(cache, buffer_view(&second), keys, &rules, TOKEN_NOW_MS, &jwt), JWT_TAKEN);
	for (int i = 2; i <= JWT_CACHE_TOKENS; i++) { /* one more than it has room for */
		assert_true(jwt_cache_has(cache, buffer_view(&second), TOKEN_NOW_MS));
		assert_int_equal(jwt_cache_verify(cache, buffer_view(&first), keys, &rules, TOKEN_NOW_MS, &jwt), JWT_TAKEN);
		snprintf(name, sizeof name, "%d", i);
		assert_int_equal(jwt_cache_verify(cache, token_of(name, 1700000060), keys, &rules, TOKEN_NOW_MS, &jwt), JWT_TAKEN);
	}
	assert_int_equal(jwt_cache_count(cache), JWT_CACHE_TOKENS);
	assert_true(jwt_cache_has(cache, buffer_view(&first), TOKEN_NOW_MS));
	assert_false(jwt_cache_has(cache, buffer_view(&second), TOKEN_NOW_MS)); /* a look is no use */
	jwt_cache_close(cache);
	buffer_close(&first);
	buffer_close(&second);
}

static void a_long_token_is_verified_each_time(void **state)
{
	(void)state;
	struct error error = {0};
	const struct jwt *jwt = NULL;
	struct jwt_cache *cache = jwt_cache_open(&error);
	struct buffer claims;
	size_t taken[2] = {0};
	buffer_open(&claims, (size_t)1 << 16);
	for (size_t bytes = JWT_CACHE_TOKEN_BYTES_MAX * 3 / 4 - 120; taken[1] == 0; bytes++) {
		buffer_clear(&claims);
		buffer_string(&claims, "{\"sub\":\"bob\",\"exp\":1700000060,\"x\":\"");
		while (claims.length < bytes)
			buffer_byte(&claims, 'x');
		buffer_append(&claims, "\"}", 3);
		struct text token = token_sign(&out, JWT_ES256, key, HEADER, claims.bytes);
		assert_int_equal(jwt_cache_verify(cache, token, keys, &rules, TOKEN_NOW_MS, &jwt), JWT_TAKEN);
		assert_true(text_is(jwt->subject, "bob"));
		bool is_long = token.length > JWT_CACHE_TOKEN_BYTES_MAX;
		taken[is_long]++;
		assert_true(jwt_cache_has(cache, token, TOKEN_NOW_MS) == !is_long);
		assert_int_equal(jwt_cache_verify(cache, token, none, &rules, TOKEN_NOW_MS, &jwt),
				 is_long ? JWT_BAD_SIGNATURE : JWT_TAKEN);
	}
	assert_true(taken[0] > 0);
	jwt_cache_close(cache);
	buffer_close(&claims);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_known_token_needs_no_signature_until_it_expires),
		cmocka_unit_test(a_changed_letter_is_another_token),
		cmocka_unit_test(a_full_cache_forgets_what_was_not_used_for_the_longest),
		cmocka_unit_test(a_long_token_is_verified_each_time),
	};
	return cmocka_run_group_tests(tests, keys_make, keys_free);
}
