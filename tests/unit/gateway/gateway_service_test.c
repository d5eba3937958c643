/* gateway_service_test.c: Tests of the checks of a gateway's options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/number/duration.h"
#include "gateway/gateway_service.h"

static struct error check(const char *passed, int64_t timeout_ms)
{
	struct name header = {.text = passed};
	const struct gateway_asked asked = {
		.listening.host = "127.0.0.1", .passed = {1, &header}, .timeout_ns = timeout_ms * NS_PER_MS};
	struct error error = {0};
	assert_true(gateway_asked_check(&asked, &error) == (error.kind == ERROR_NONE));
	return error;
}

static void a_header_that_is_passed_on_has_a_name(void **state)
{
	static const char *const bad[] = {"x-team:y", "x-team: y", "", "x team", "x-t\xc3\xa4m"};
	(void)state;
	assert_int_equal(check("x-team", 30000).kind, ERROR_NONE);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const struct error error = check(bad[i], 30000);
		assert_int_equal(error.kind, ERROR_CONFIG);
		assert_non_null(strstr(error.text, "is not the name of a header"));
	}
	assert_non_null(strstr(check("Authorization", 30000).text, "never go to Kafka"));
}

static void no_timeout_is_longer_than_a_call_may_take(void **state)
{
	(void)state;
	assert_int_equal(check("x-team", 600000).kind, ERROR_NONE);
	const struct error error = check("x-team", 1200000);
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_string_equal(error.text, "`--timeout 20m`: no call takes more than 10 minutes; write 10m at most");
	assert_int_equal(check("x-team", 600001).kind, ERROR_CONFIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_that_is_passed_on_has_a_name),
		cmocka_unit_test(no_timeout_is_longer_than_a_call_may_take),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
