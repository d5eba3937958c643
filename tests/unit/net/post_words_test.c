/* post_words_test.c: Tests of what is said of a webhook that takes no notice: each cause has a next step, and only what cannot
 * succeed later is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/http/post.h"
#include "tests/unit/web_receiver.h"

static void expect_words(enum receiver_manner manner, enum post_outcome outcome, const char *words)
{
	struct network loopback;
	struct error error = {0};
	char url[64];
	struct web_receiver *receiver = web_receiver_open(manner);
	assert_true(network_read(TEXT("127.0.0.1"), &loopback));
	(void)snprintf(url, sizeof url, "http://127.0.0.1:%d/hidden", receiver->port);
	const struct post_request request = {.url = url, .body = TEXT("{}"), .allowed = &loopback, .allowed_count = 1};
	assert_int_equal(post(&request, &error), outcome);
	assert_string_equal(error.text, words);
	web_receiver_close(receiver);
}

static void a_receiver_that_limits_its_callers_says_what_to_do(void **state)
{
	(void)state;
	expect_words(
		LIMITS, POST_UNREACHABLE,
		"the receiver answers 429; it limits how many it takes: raise that limit, or let fewer alerts, or groups of them, "
		"fire at once");
	expect_words(TIMES_OUT, POST_UNREACHABLE, "the receiver answers 408; see its log");
}

static void a_receiver_that_does_not_answer_by_http_may_do_so_later(void **state)
{
	(void)state;
	expect_words(GARBLES_ONCE, POST_UNREACHABLE, "the answer is not HTTP; is the receiver at this port?");
	expect_words(GARBLES_LATER, POST_UNREACHABLE, "the answer is not HTTP; is the receiver at this port?");
}

/* A server of TLS closes the connection of a caller that begins without it. */
static void a_connection_that_is_closed_may_be_one_of_tls(void **state)
{
	(void)state;
	expect_words(CLOSES, POST_UNREACHABLE,
		     "Server returned nothing (no headers, no data); see the receiver's log, and write https:// if it speaks TLS "
		     "at this "
		     "port");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_receiver_that_limits_its_callers_says_what_to_do),
		cmocka_unit_test(a_receiver_that_does_not_answer_by_http_may_do_so_later),
		cmocka_unit_test(a_connection_that_is_closed_may_be_one_of_tls),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
