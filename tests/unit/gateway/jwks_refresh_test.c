/* jwks_refresh_test.c: when a key set is fetched, and how long it does, on a clock that the test turns. */
#include "gateway/access/jwks_source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "tests/unit/tokens.h"

static struct jwks *set_make(void)
{
	struct error error = {0};
	struct buffer json;
	EVP_PKEY *key = token_key_curve("P-256");
	buffer_open(&json, 4096);
	buffer_string(&json, "{\"keys\":[");
	token_jwk(&json, key, "");
	buffer_string(&json, "]}");
	struct jwks *keys = jwks_read(buffer_view(&json), &error);
	assert_non_null(keys);
	buffer_close(&json);
	EVP_PKEY_free(key);
	return keys;
}

/* One that was fetched at `now_ms`. */
static struct jwks_refresh fetched_at(int64_t now_ms)
{
	struct jwks_refresh refresh = {0};
	jwks_refresh_begin(&refresh, now_ms);
	jwks_refresh_succeed(&refresh, set_make(), now_ms);
	return refresh;
}

static void a_set_is_fetched_at_once_and_then_every_so_often(void **state)
{
	(void)state;
	struct jwks_refresh refresh = {0};
	assert_true(jwks_refresh_due_ms(&refresh) <= 0);
	assert_null(jwks_refresh_keys(&refresh, 0));
	jwks_refresh_begin(&refresh, 0);
	assert_true(jwks_refresh_due_ms(&refresh) == INT64_MAX); /* one at a time */
	struct jwks *first = set_make(), *second = set_make();
	jwks_refresh_succeed(&refresh, first, 500);
	assert_ptr_equal(jwks_refresh_keys(&refresh, 500), first);
	assert_int_equal(jwks_refresh_due_ms(&refresh), 500 + JWKS_EVERY_MS);
	jwks_refresh_begin(&refresh, 500 + JWKS_EVERY_MS);
	assert_ptr_equal(jwks_refresh_keys(&refresh, 500 + JWKS_EVERY_MS), first); /* in force until another is there */
	jwks_refresh_succeed(&refresh, second, 600 + JWKS_EVERY_MS);
	assert_ptr_equal(jwks_refresh_keys(&refresh, 600 + JWKS_EVERY_MS), second);
	jwks_refresh_begin(&refresh, 600 + 2 * JWKS_EVERY_MS);
	jwks_refresh_succeed(&refresh, NULL, 600 + 2 * JWKS_EVERY_MS); /* as it was */
	assert_ptr_equal(jwks_refresh_keys(&refresh, 600 + 2 * JWKS_EVERY_MS), second);
	jwks_refresh_close(&refresh);
}

static void an_unknown_key_costs_a_fetch_every_ten_seconds_at_most(void **state)
{
	(void)state;
	struct jwks_refresh refresh = fetched_at(0);
	assert_false(jwks_refresh_want(&refresh, 9999));
	assert_int_equal(jwks_refresh_due_ms(&refresh), JWKS_PAUSE_MS);
	assert_true(jwks_refresh_want(&refresh, 10000));
	jwks_refresh_begin(&refresh, 10000);
	assert_true(jwks_refresh_want(&refresh, 10001)); /* the one under way may bring it */
	jwks_refresh_succeed(&refresh, NULL, 10002);
	assert_int_equal(jwks_refresh_due_ms(&refresh), 10002 + JWKS_EVERY_MS); /* which is not asked for again */
	/* A minute of tokens that name anything. */
	size_t fetches = 0;
	for (int64_t now_ms = 20000; now_ms < 80000; now_ms++) {
		jwks_refresh_want(&refresh, now_ms);
		if (jwks_refresh_due_ms(&refresh) > now_ms)
			continue;
		fetches++;
		jwks_refresh_begin(&refresh, now_ms);
		jwks_refresh_fail(&refresh);
	}
	assert_int_equal(fetches, 6);
	jwks_refresh_close(&refresh);
}

static void what_fails_is_tried_again_after_a_pause(void **state)
{
	(void)state;
	struct jwks_refresh refresh = {0};
	jwks_refresh_begin(&refresh, 1000);
	jwks_refresh_fail(&refresh);
	assert_null(jwks_refresh_keys(&refresh, 1000));
	assert_int_equal(refresh.failures, 1);
	assert_int_equal(jwks_refresh_age_ms(&refresh, 1000), -1);
	assert_int_equal(jwks_refresh_due_ms(&refresh), 1000 + JWKS_PAUSE_MS);
	jwks_refresh_close(&refresh);
	refresh = fetched_at(0);
	jwks_refresh_begin(&refresh, JWKS_EVERY_MS);
	jwks_refresh_fail(&refresh);
	assert_int_equal(jwks_refresh_due_ms(&refresh), JWKS_EVERY_MS + JWKS_PAUSE_MS);
	jwks_refresh_close(&refresh);
}

static void an_old_set_is_in_force_for_an_hour(void **state)
{
	(void)state;
	struct jwks_refresh refresh = fetched_at(1000);
	for (int64_t now_ms = JWKS_EVERY_MS; now_ms < JWKS_OLD_MS_MAX; now_ms += JWKS_EVERY_MS) {
		jwks_refresh_begin(&refresh, now_ms);
		jwks_refresh_fail(&refresh);
	}
	assert_non_null(jwks_refresh_keys(&refresh, 1000 + JWKS_OLD_MS_MAX));
	assert_null(jwks_refresh_keys(&refresh, 1001 + JWKS_OLD_MS_MAX));
	assert_int_equal(jwks_refresh_age_ms(&refresh, 1001 + JWKS_OLD_MS_MAX), JWKS_OLD_MS_MAX + 1);
	assert_int_equal(refresh.failures, JWKS_OLD_MS_MAX / JWKS_EVERY_MS - 1);
	jwks_refresh_begin(&refresh, 2000 + JWKS_OLD_MS_MAX);
	jwks_refresh_succeed(&refresh, NULL, 2000 + JWKS_OLD_MS_MAX); /* the issuer is back, with the same keys */
	assert_non_null(jwks_refresh_keys(&refresh, 2000 + JWKS_OLD_MS_MAX));
	assert_int_equal(jwks_refresh_age_ms(&refresh, 2000 + JWKS_OLD_MS_MAX), 0);
	jwks_refresh_close(&refresh);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_set_is_fetched_at_once_and_then_every_so_often),
		cmocka_unit_test(an_unknown_key_costs_a_fetch_every_ten_seconds_at_most),
		cmocka_unit_test(what_fails_is_tried_again_after_a_pause),
		cmocka_unit_test(an_old_set_is_in_force_for_an_hour),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
