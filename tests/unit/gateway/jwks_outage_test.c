/* jwks_outage_test.c: which failures of fetching a key set are logged, and the words, on a clock that the test turns. */
#include "gateway/access/jwks_source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>


static void an_outage_is_logged_once_and_then_reminded_of(void **state)
{
	(void)state;
	struct jwks_outage outage = {0};
	size_t lines = 0;
	for (int64_t now_ms = 5000; now_ms < 5000 + 2 * JWKS_REMINDER_MS; now_ms += JWKS_PAUSE_MS)
		lines += jwks_outage_fail(&outage, "refused", false, now_ms);
	assert_int_equal(lines, 2); /* of 120 tries */
	assert_int_equal(outage.since_ms, 5000);
	assert_true(jwks_outage_fail(&outage, "refused", false, 5000 + 2 * JWKS_REMINDER_MS));
	assert_int_equal(jwks_outage_end(&outage, 9000 + 2 * JWKS_REMINDER_MS), 4000 + 2 * JWKS_REMINDER_MS);
	assert_int_equal(jwks_outage_end(&outage, 9000 + 2 * JWKS_REMINDER_MS), -1);
	assert_true(jwks_outage_fail(&outage, "refused", false, 10000 + 2 * JWKS_REMINDER_MS)); /* the next outage */
}

static void causes_that_alternate_are_not_logged_with_every_try(void **state)
{
	(void)state;
	struct jwks_outage outage = {0};
	assert_true(jwks_outage_fail(&outage, "refused", true, 0));
	assert_false(jwks_outage_fail(&outage, "timed out", true, JWKS_CAUSE_PAUSE_MS - 1));
	assert_true(jwks_outage_fail(&outage, "timed out", true, JWKS_CAUSE_PAUSE_MS));
	assert_false(jwks_outage_fail(&outage, "timed out", true, 2 * JWKS_CAUSE_PAUSE_MS));
	size_t lines = 0;
	for (int64_t i = 0; i < 60; i++) /* of 10 minutes, each with another cause */
		lines += jwks_outage_fail(&outage, i % 2 ? "refused" : "timed out", true, 3 * JWKS_CAUSE_PAUSE_MS + i * 10000);
	assert_true(lines <= 10);
}

static void the_end_of_the_old_keys_is_logged_at_once(void **state)
{
	(void)state;
	struct jwks_outage outage = {0};
	assert_true(jwks_outage_fail(&outage, "refused", true, 0));
	assert_true(jwks_outage_fail(&outage, "refused", false, 1));
	assert_false(jwks_outage_fail(&outage, "refused", false, 2));
}

static void a_line_says_what_happens_to_tokens_meanwhile(void **state)
{
	(void)state;
	char line[JWKS_OUTAGE_BYTES];
	struct jwks_outage outage = {0};
	/* 2026-01-31T12:00:00Z; it fails for 100 s, and the keys are 15 minutes old. */
	struct jwks_outage_facts facts = {
		.address = "https://auth.example/keys", .now_ms = 107000, .age_ms = 900000, .wall_ms = 1769860800000};
	assert_true(jwks_outage_fail(&outage, "it answered 500", true, 7000));
	jwks_outage_line(&outage, &facts, line);
	assert_string_equal(line,
			    "the key set of tokens cannot be fetched from https://auth.example/keys: it answered 500; it fails "
			    "since 2026-01-31T11:58:20Z, and tokens are verified with the keys of 2026-01-31T11:45:00Z until "
			    "2026-01-31T12:45:00Z, and refused (503) after that; check that address (--jwks, or jwksUri), and "
			    "the server there, which is asked again every 10 s");
	facts.is_file = true;
	assert_true(jwks_outage_fail(&outage, "it answered 500", false, 107000));
	jwks_outage_line(&outage, &facts, line);
	assert_non_null(strstr(line, "since 2026-01-31T11:58:20Z, and all tokens are refused (503) meanwhile; correct the file"));
}

static void a_line_of_long_texts_fits(void **state)
{
	(void)state;
	char line[JWKS_OUTAGE_BYTES], address[ERROR_TEXT_MAX], cause[ERROR_TEXT_MAX];
	memset(address, 'a', sizeof address - 1);
	memset(cause, 'c', sizeof cause - 1);
	address[sizeof address - 1] = cause[sizeof cause - 1] = '\0';
	struct jwks_outage outage = {0};
	assert_true(jwks_outage_fail(&outage, cause, true, 0));
	jwks_outage_line(&outage, &(struct jwks_outage_facts){.address = address, .wall_ms = 1769860800000}, line);
	assert_non_null(strstr(line, "asked again every 10 s"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_outage_is_logged_once_and_then_reminded_of),
		cmocka_unit_test(causes_that_alternate_are_not_logged_with_every_try),
		cmocka_unit_test(the_end_of_the_old_keys_is_logged_at_once),
		cmocka_unit_test(a_line_says_what_happens_to_tokens_meanwhile),
		cmocka_unit_test(a_line_of_long_texts_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
