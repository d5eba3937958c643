/* message_headers_test.c: Tests of looking headers of a message up by number, which finds what a comparison of names finds. */
#include "message/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define ARENA_BYTES ((size_t)1 << 16)

static struct message message;

static void message_begin(struct headers headers)
{
	message = (struct message){.arena = arena_open(ARENA_BYTES), .headers = headers};
	assert_non_null(message.arena);
}

static void message_end(void)
{
	arena_close(message.arena);
}

/* Of every name. */
static void assert_found_as_by_name(void)
{
	for (unsigned i = HEADER_OTHER + 1; i < HEADER_NAMES; i++)
		assert_ptr_equal(message_header(&message, i), headers_find(message.headers, header_name_text(i)));
}

static void the_last_header_of_a_name_is_found(void **state)
{
	const struct header headers[] = {{TEXT("X-Request-Id"), TEXT("1")}, {TEXT("x-mine"), TEXT("2")},
					 {TEXT("content-type"), TEXT("3")}, {TEXT("x-request-id"), TEXT("4")},
					 {TEXT("sluice-reply"), TEXT("5")}, {TEXT("x-mine"), TEXT("6")}};
	(void)state;
	message_begin((struct headers){6, headers});
	assert_found_as_by_name(); /* not classified yet */
	message_classify_headers(&message);
	assert_non_null(message.places);
	assert_found_as_by_name();
	assert_ptr_equal(message_header(&message, HEADER_REQUEST_ID), &headers[3]);
	assert_ptr_equal(message_header(&message, HEADER_REPLY), &headers[4]);
	assert_null(message_header(&message, HEADER_DEADLINE));
	message_end();
}

/* A stage takes its own headers off either end of the list. */
static void headers_that_were_taken_off_are_not_found(void **state)
{
	const struct header headers[] = {{TEXT("x-deadline-ms"), TEXT("1")},
					 {TEXT("x-request-id"), TEXT("2")},
					 {TEXT("x-explain"), TEXT("3")},
					 {TEXT("x-request-id"), TEXT("4")}};
	(void)state;
	message_begin((struct headers){4, headers});
	message_classify_headers(&message);
	message.headers.count--;
	assert_ptr_equal(message_header(&message, HEADER_REQUEST_ID), &headers[1]);
	assert_found_as_by_name();
	message.headers.items++;
	message.headers.count--;
	assert_null(message_header(&message, HEADER_DEADLINE));
	assert_found_as_by_name();
	message_end();
}

static void headers_that_took_the_place_of_others_are_found(void **state)
{
	const struct header headers[] = {{TEXT("x-request-id"), TEXT("1")}, {TEXT("x-explain"), TEXT("2")}};
	(void)state;
	message_begin((struct headers){2, headers});
	message_classify_headers(&message);
	assert_true(headers_put(&message.headers, (struct header){TEXT("X-Request-ID"), TEXT("3")}, message.arena));
	assert_true(text_is(message_header(&message, HEADER_REQUEST_ID)->value, "3"));
	assert_found_as_by_name();
	message_end();
}

static void no_headers_and_very_many_are_as_any(void **state)
{
	enum { MANY = 300 };
	static struct header headers[MANY];
	(void)state;
	message_begin((struct headers){0});
	message_classify_headers(&message);
	assert_found_as_by_name();
	message_end();
	for (size_t i = 0; i < MANY; i++)
		headers[i] = (struct header){TEXT("x-mine"), TEXT("1")};
	headers[MANY - 1].name = TEXT("x-request-id");
	message_begin((struct headers){MANY, headers});
	message_classify_headers(&message);
	assert_ptr_equal(message_header(&message, HEADER_REQUEST_ID), &headers[MANY - 1]);
	assert_found_as_by_name();
	message_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_header_of_a_name_is_found),
		cmocka_unit_test(headers_that_were_taken_off_are_not_found),
		cmocka_unit_test(headers_that_took_the_place_of_others_are_found),
		cmocka_unit_test(no_headers_and_very_many_are_as_any),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
