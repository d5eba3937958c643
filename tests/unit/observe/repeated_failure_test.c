/* repeated_failure_test.c: Tests of when a failure that repeats is news. */
#include "observe/repeated_failure.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void a_failure_is_news_when_its_reason_changes(void **state)
{
	(void)state;
	struct error last = {0};
	const struct error down = {.kind = ERROR_SYSTEM, .text = "Kafka does not answer"};
	const struct error refused = {.kind = ERROR_SYSTEM, .text = "the login is refused"};
	assert_true(failure_is_news(&last, &down));
	assert_false(failure_is_news(&last, &down));
	assert_true(failure_is_news(&last, &refused));
	assert_true(failure_is_news(&last, &down));
}

static void a_failure_is_news_again_after_what_did_not_fail(void **state)
{
	(void)state;
	struct error last = {0};
	const struct error down = {.kind = ERROR_SYSTEM, .text = "Kafka does not answer"}, none = {0};
	assert_false(failure_is_news(&last, &none));
	assert_true(failure_is_news(&last, &down));
	assert_true(failure_is_news(&last, &none));
	assert_true(failure_is_news(&last, &down));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failure_is_news_when_its_reason_changes),
		cmocka_unit_test(a_failure_is_news_again_after_what_did_not_fail),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
