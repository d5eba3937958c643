/* access_settings_test.c: Access settings of a gateway, from a securityConfig and from options. */
#include "gateway/access/access_settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "steps/kinds.h"

#define RUNTIME "apiVersion: mlops.seldon.io/v1alpha1\nkind: SeldonRuntime\nspec:\n  config:\n    securityConfig:\n"
#define SECOND(kind)                                                                                                               \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: " kind                                                                   \
	"\nmetadata: {name: other}\nspec:\n  config:\n    securityConfig:\n"
#define OTHER SECOND("SeldonRuntime")
#define CONFIG SECOND("SeldonConfig")
#define TOKENS "      authentication: {enabled: true, type: jwt, jwksUri: https://auth.example/keys}\n"
#define POLICIES "      authorization: {enabled: true, type: rbac, policiesConfigMap: seldon-policies}\n"
#define ENCRYPTION "      encryption: {enabled: true}\n"

/* How it ends for that file; the settings are those of options, and are completed. */
static struct error complete(const char *text, struct access_settings *settings, bool has_tls, char key_set[64])
{
	struct spec spec;
	struct error error = {0};
	const struct spec_options options = {.kinds = step_kinds};
	assert_true(spec_open(&spec, &error));
	assert_true(spec_read_text(&spec, "runtime.yaml", text_of(text), &options, &error));
	assert_int_equal(faults_count(spec.faults, SEVERITY_ERROR), 0);
	const struct protection protection = spec_protection(&spec);
	bool is_complete = access_settings_complete(settings, &protection, has_tls, &error);
	assert_true(is_complete == (error.kind == ERROR_NONE));
	key_set[0] = '\0';
	if (settings->key_set)
		strncat(key_set, settings->key_set, 63);
	spec_close(&spec);
	return error;
}

static void what_is_asked_for_is_given(void **state)
{
	(void)state;
	char key_set[64];
	struct access_settings settings = {.policies = "policies.yaml"};
	assert_int_equal(complete(RUNTIME TOKENS POLICIES ENCRYPTION, &settings, true, key_set).kind, ERROR_NONE);
	assert_string_equal(key_set, "https://auth.example/keys");
	assert_int_equal(settings.tokens.algorithms, JWT_EVERY_ALGORITHM);
	assert_int_equal(settings.tokens.skew_ms, JWT_SKEW_MS_DEFAULT);
	settings = (struct access_settings){.key_set = "keys.json", .tokens = {.algorithms = 1 << JWT_ES256}};
	assert_int_equal(complete(RUNTIME TOKENS, &settings, false, key_set).kind, ERROR_NONE);
	assert_string_equal(key_set, "keys.json"); /* an option goes before the file */
	assert_int_equal(settings.tokens.algorithms, 1 << JWT_ES256);
	assert_int_equal(settings.tokens.skew_ms, 0);
}

static void what_cannot_be_given_is_refused_with_its_place(void **state)
{
	(void)state;
	static const struct {
		const char *text, *words;
	} rows[] = {
		{RUNTIME "      authentication: {enabled: true, type: jwt}\n", "set jwksUri"},
		{RUNTIME "      authentication: {type: jwt}\n", "set jwksUri"}, /* who writes it wants it */
		{RUNTIME POLICIES, "`seldon-policies` cannot be read here"},
		{RUNTIME ENCRYPTION, "no certificate"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char key_set[64];
		struct access_settings settings = {.policies = NULL};
		struct error error = complete(rows[i].text, &settings, false, key_set);
		assert_int_equal(error.kind, ERROR_CONFIG);
		assert_int_equal(error.place.line, 6);
		if (!strstr(error.text, rows[i].words))
			fail_msg("%s: not about %s", error.text, rows[i].words);
	}
}

static void what_is_switched_off_is_not_asked_for(void **state)
{
	(void)state;
	char key_set[64];
	struct access_settings settings = {.policies = NULL};
	assert_int_equal(complete(RUNTIME "      authentication: {enabled: false, type: jwt, jwksUri: https://auth.example/keys}\n"
					  "      authorization: {enabled: false, type: rbac}\n      encryption: {enabled: false}\n",
				  &settings, false, key_set)
				 .kind,
			 ERROR_NONE);
	assert_string_equal(key_set, "");
}

/* A document whose other settings have no effect is not ignored in this. */
static void every_document_may_ask_for_protection(void **state)
{
	(void)state;
	static const char off[] = "      authentication: {enabled: false, type: jwt}\n      encryption: {enabled: false}\n";
	const char *const others[] = {OTHER, CONFIG};
	char key_set[64], text[1200];
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		for (size_t is_first = 0; is_first < 2; is_first++) {
			struct access_settings settings = {.policies = NULL};
			const char *asking = POLICIES ENCRYPTION;
			snprintf(text, sizeof text, RUNTIME "%s%s%s", is_first ? asking : off, others[i], is_first ? off : asking);
			struct error error = complete(text, &settings, true, key_set);
			assert_int_equal(error.kind, ERROR_CONFIG);
			assert_non_null(strstr(error.text, "`seldon-policies` cannot be read here"));
			assert_int_equal(error.place.line, is_first ? 6 : 15);
			settings = (struct access_settings){.policies = "policies.yaml"};
			assert_non_null(strstr(complete(text, &settings, false, key_set).text, "no certificate"));
			snprintf(text, sizeof text, RUNTIME "%s%s" TOKENS, off, others[i]);
			assert_int_equal(complete(text, &settings, false, key_set).kind, ERROR_NONE);
			assert_string_equal(key_set, "https://auth.example/keys");
		}
	struct access_settings settings = {.policies = NULL};
	assert_non_null(strstr(complete(CONFIG ENCRYPTION, &settings, false, key_set).text, "no certificate")); /* the only one */
}

static void two_key_sets_are_refused_unless_an_option_chooses(void **state)
{
	(void)state;
	static const char text[] = RUNTIME TOKENS OTHER "      authentication: {type: jwt, jwksUri: https://other.example/keys}\n";
	char key_set[64];
	struct access_settings settings = {.policies = NULL};
	struct error error = complete(text, &settings, false, key_set);
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_int_equal(error.place.line, 14);
	assert_non_null(strstr(error.text, "https://other.example/keys"));
	settings = (struct access_settings){.key_set = "keys.json"};
	assert_int_equal(complete(text, &settings, false, key_set).kind, ERROR_NONE);
	settings = (struct access_settings){.policies = NULL};
	assert_int_equal(complete(RUNTIME TOKENS OTHER TOKENS, &settings, false, key_set).kind, ERROR_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_asked_for_is_given),
		cmocka_unit_test(what_cannot_be_given_is_refused_with_its_place),
		cmocka_unit_test(what_is_switched_off_is_not_asked_for),
		cmocka_unit_test(every_document_may_ask_for_protection),
		cmocka_unit_test(two_key_sets_are_refused_unless_an_option_chooses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
