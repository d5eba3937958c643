/* server_protection_test.c: Tests of a model server whose files ask for protection: what it must have been given. */
#include "models/server/model_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/specs.h"

#define TOKENS "authentication: {enabled: true, type: jwt, jwksUri: 'https://auth/keys'}"
#define POLICIES "authorization: {enabled: true, type: rbac, policiesConfigMap: p}"
#define ENCRYPTED "encryption: {enabled: true}"

static const struct tls_files certified = {.certificate = "c.pem", .key = "c.key"};
static const struct tls_files mutual = {.certificate = "c.pem", .key = "c.key", .authorities = "a.pem"};

/* "": the server may listen; else a word of the next step. */
static void expect_protection(const char *security, const struct tls_files *files, const char *expected)
{
	char yaml[600];
	struct error error = {0};
	(void)snprintf(yaml, sizeof yaml,
		       "apiVersion: mlops.seldon.io/v1alpha1\nkind: SeldonRuntime\nmetadata: {name: r}\nspec:\n  config:\n"
		       "    securityConfig: {%s}\n",
		       security);
	struct spec spec = spec_of(yaml, NULL);
	const struct protection protection = spec_protection(&spec);
	assert_int_equal(server_protection_check(&protection, files, &error), *expected == '\0');
	if (*expected) {
		assert_int_equal(error.kind, ERROR_CONFIG);
		assert_int_equal(error.place.line, 6);
		assert_non_null(strstr(error.text, expected));
		assert_non_null(strstr(error.text, "--insecure-ignore-security"));
	}
	spec_close(&spec);
}

static void connections_are_encrypted_by_a_certificate(void **state)
{
	(void)state;
	expect_protection(ENCRYPTED, NULL, "--certificate");
	expect_protection(ENCRYPTED, &certified, "");
	expect_protection("encryption: {enabled: false}", NULL, "");
}

static void callers_are_authenticated_by_their_certificates(void **state)
{
	(void)state;
	expect_protection(TOKENS, NULL, "--authorities");
	expect_protection(TOKENS, &certified, "--authorities");
	expect_protection(TOKENS, &mutual, "");
	expect_protection(TOKENS ", " ENCRYPTED, &mutual, "");
	expect_protection("authentication: {enabled: false}", NULL, "");
}

static void policies_cannot_be_given(void **state)
{
	(void)state;
	expect_protection(POLICIES, &mutual, "gateway");
	expect_protection(TOKENS ", " POLICIES ", " ENCRYPTED, &mutual, "gateway");
}

static void nothing_is_needed_where_nothing_is_asked_for(void **state)
{
	(void)state;
	expect_protection("", NULL, "");
	expect_protection("", &certified, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connections_are_encrypted_by_a_certificate),
		cmocka_unit_test(callers_are_authenticated_by_their_certificates),
		cmocka_unit_test(policies_cannot_be_given),
		cmocka_unit_test(nothing_is_needed_where_nothing_is_asked_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
