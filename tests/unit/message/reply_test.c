/* reply_test.c: reply addresses are read as they are written, and nothing else is; errors say all that is known of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "message/records/reply.h"

static void an_address_is_read_as_it_is_written(void **state)
{
	const struct reply_address written = {
		.partition = 12, .epoch = UINT64_C(0x00f0123456789abc), .call = 7, .pipeline = TEXT("orders")};
	char bytes[REPLY_ADDRESS_BYTES_MAX];
	struct reply_address read;
	(void)state;
	size_t length = reply_address_write(&written, bytes);
	assert_true(text_is((struct text){bytes, length}, "12/00f0123456789abc/7/orders"));
	assert_true(reply_address_read((struct text){bytes, length}, &read));
	assert_int_equal(read.partition, 12);
	assert_true(read.epoch == written.epoch);
	assert_true(read.call == 7);
	assert_true(text_is(read.pipeline, "orders"));
}

/* The secret, whatever it is, stays with the address. Earlier gateways wrote none. */
static void an_address_may_have_a_secret(void **state)
{
	struct reply_address read;
	char bytes[REPLY_ADDRESS_BYTES_MAX];
	const struct text whole = TEXT("12/00f0123456789abcfedcba9876543210/7/orders"),
			  bare = TEXT("3/0123456789abcdef0000000000000001");
	(void)state;
	assert_true(reply_address_read(whole, &read));
	assert_true(read.epoch == UINT64_C(0x00f0123456789abc));
	assert_true(text_is(read.secret, "fedcba9876543210"));
	assert_true(read.call == 7);
	assert_true(text_is((struct text){bytes, reply_address_write(&read, bytes)}, whole.bytes));
	assert_true(reply_address_read(bare, &read));
	assert_true(read.epoch == UINT64_C(0x0123456789abcdef));
	assert_int_equal(read.pipeline.length, 0);
	assert_true(text_is((struct text){bytes, reply_address_write(&read, bytes)}, bare.bytes));
	assert_true(reply_address_read(TEXT("3/0123456789abcdef/1/p"), &read));
	assert_int_equal(read.secret.length, 0);
}

static void an_address_need_not_name_a_call(void **state)
{
	struct reply_address read;
	char bytes[REPLY_ADDRESS_BYTES_MAX];
	(void)state;
	assert_true(reply_address_read(TEXT("0/ffffffffffffffff"), &read));
	assert_int_equal(read.partition, 0);
	assert_true(read.epoch == UINT64_MAX);
	assert_true(read.call == 0);
	assert_int_equal(read.pipeline.length, 0);
	assert_true(text_is((struct text){bytes, reply_address_write(&read, bytes)}, "0/ffffffffffffffff"));
}

/* A gateway writes what all its addresses begin with once. */
static void an_address_that_is_extended_is_known_by_its_beginning(void **state)
{
	static const char *const others[] = {"12/00f0123456789abcfedcba9876543210",
					     "12/00f0123456789abcfedcba9876543210/",
					     "12/00f0123456789abcfedcba9876543210/7",
					     "12/00f0123456789abcfedcba9876543210/7/",
					     "12/00f0123456789abcfedcba9876543210/0/orders",
					     "12/00f0123456789abcfedcba9876543210/07/orders",
					     "12/00f0123456789abcfedcba9876543210//orders",
					     "12/00f0123456789abcfedcba9876543210x7/orders",
					     "12/00f0123456789abcfedcba9876543211/7/orders",
					     "2/00f0123456789abcfedcba9876543210/7/orders",
					     ""};
	struct reply_address read;
	char bytes[REPLY_ADDRESS_BYTES_MAX];
	const struct text begin = TEXT("12/00f0123456789abcfedcba9876543210");
	uint64_t call = 5;
	(void)state;
	memcpy(bytes, begin.bytes, begin.length);
	const struct text whole = {bytes, reply_address_extend(bytes, begin.length, 70000, TEXT("orders"))};
	assert_true(text_is(whole, "12/00f0123456789abcfedcba9876543210/70000/orders"));
	assert_true(reply_address_read(whole, &read) && read.call == 70000 && text_is(read.pipeline, "orders"));
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_false(reply_address_has(text_of(others[i]), begin, &call));
	assert_false(reply_address_has(whole, (struct text){0}, &call));
	assert_true(call == 5);
	assert_true(reply_address_has(whole, begin, &call));
	assert_true(call == 70000);
}

static void what_is_no_address_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"/",
		"3",
		"3/",
		"/0123456789abcdef",
		"-1/0123456789abcdef",
		"03/0123456789abcdef",
		"3.0/0123456789abcdef",
		"10000/0123456789abcdef", /* partitions end before */
		"3/0123456789abcde",
		"3/0123456789abcdef0",
		"3/0123456789abcdef0123456789abcde",
		"3/0123456789abcdef0123456789abcdef0",
		"3/0123456789abcdeg0123456789abcdef",
		"3/0123456789abcdeg",
		"3/0123456789ABCDEF",
		"3/0123456789abcdef/",
		"3/0123456789abcdef/1",
		"3/0123456789abcdef/0/p",
		"3/0123456789abcdef/1/",
		"3/0123456789abcdef/x/p",
		"3/0123456789abcdef/1e2/p",
		"3/0123456789abcdef/1/p/q",
		"99999999999999999999/0123456789abcdef",
	};
	struct reply_address read;
	char longest[REPLY_ADDRESS_BYTES_MAX];
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (reply_address_read(text_of(bad[i]), &read))
			fail_msg("\"%s\" was read", bad[i]);
	memset(longest, 'p', sizeof longest);
	memcpy(longest, "3/0123456789abcdef/1/", 21);
	assert_true(reply_address_read((struct text){longest, 21 + 253}, &read));
	assert_false(reply_address_read((struct text){longest, 21 + 254}, &read));
	assert_false(reply_address_read((struct text){longest, sizeof longest}, &read));
	assert_true(reply_address_read(TEXT("9999/0123456789abcdef"), &read));
}

static void an_error_body_has_the_parts_that_are_known(void **state)
{
	struct buffer out;
	struct error error = {0};
	struct reply_failure failure = {.error = &error};
	(void)state;
	buffer_open(&out, 4096);
	error_set(&error, ERROR_INPUT, PLACE_NONE, "tensor \"x\" is missing");
	reply_error_write(&out, &failure);
	assert_true(text_is(buffer_view(&out), "{\"error\":\"tensor \\\"x\\\" is missing\",\"kind\":\"INPUT\"}"));
	buffer_clear(&out);
	failure = (struct reply_failure){.error = &error,
					 .step = TEXT("score"),
					 .attempts = 3,
					 .id = TEXT("r-1"),
					 .origin = {.topic = TEXT("in"), .partition = 2, .offset = 41}};
	reply_error_write(&out, &failure);
	assert_true(text_is(buffer_view(&out), "{\"error\":\"tensor \\\"x\\\" is missing\",\"kind\":\"INPUT\","
					       "\"place\":\"in/2/41\",\"step\":\"score\",\"attempts\":3,\"id\":\"r-1\"}"));
	buffer_clear(&out);
	error.place = (struct place){"a \"b\".yaml", 4, 7};
	failure = (struct reply_failure){.error = &error, .origin = failure.origin};
	reply_error_write(&out, &failure);
	assert_true(text_is(buffer_view(&out), "{\"error\":\"tensor \\\"x\\\" is missing\",\"kind\":\"INPUT\","
					       "\"place\":\"a \\\"b\\\".yaml:4:7\"}"));
	buffer_close(&out);
}

static void limits_that_callers_tell_apart_have_names(void **state)
{
	struct error error = {.kind = ERROR_LIMIT, .limit = LIMIT_OF_DEADLINE};
	(void)state;
	assert_string_equal(reply_limit_name(&error), "deadline");
	error.limit = LIMIT_OF_ADMISSION;
	assert_string_equal(reply_limit_name(&error), "admission");
	error.limit = LIMIT_OF_EXPIRY;
	assert_string_equal(reply_limit_name(&error), "expiry");
	error.limit = LIMIT_OF_ANSWER;
	assert_string_equal(reply_limit_name(&error), "answer");
	error.limit = LIMIT_OF_ENGINE;
	assert_null(reply_limit_name(&error));
	error = (struct error){.kind = ERROR_INPUT, .limit = LIMIT_OF_DEADLINE};
	assert_null(reply_limit_name(&error));
}

static void an_error_of_a_tensor_says_so_beside_its_kind(void **state)
{
	struct error tensor = {0}, other = {0}, limit = {0};
	(void)state;
	assert_false(error_set_tensor(&tensor, PLACE_NONE, "tensor %s", "x"));
	assert_true(tensor.kind == ERROR_INPUT && strcmp(tensor.text, "tensor x") == 0);
	assert_true(text_is(reply_cause(&tensor).name, "sluice-input") && text_is(reply_cause(&tensor).value, "tensor"));
	assert_false(error_set_tensor(&tensor, PLACE_NONE, "a later one"));
	assert_string_equal(tensor.text, "tensor x");
	(void)error_set(&other, ERROR_INPUT, PLACE_NONE, "no request");
	assert_null(reply_cause(&other).name.bytes);
	(void)error_set_limit(&limit, LIMIT_OF_DEADLINE, "late");
	assert_true(text_is(reply_cause(&limit).name, "sluice-limit") && text_is(reply_cause(&limit).value, "deadline"));
	tensor.kind = ERROR_REMOTE; /* a model's reply is to blame */
	assert_null(reply_cause(&tensor).name.bytes);
}

static void a_header_of_sluices_own_is_known_by_its_beginning(void **state)
{
	static const char *const own[] = {"sluice-reply", "Sluice-Error", "SLUICE-x", "sluice-"};
	static const char *const others[] = {"", "sluice", "sluices-x", "x-sluice-id", "x-request-id"};
	(void)state;
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		assert_true(reply_header_is_own(text_of(own[i])));
	for (size_t i = 0; i < sizeof others / sizeof *others; i++)
		assert_false(reply_header_is_own(text_of(others[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_read_as_it_is_written),
		cmocka_unit_test(an_address_may_have_a_secret),
		cmocka_unit_test(an_address_need_not_name_a_call),
		cmocka_unit_test(an_address_that_is_extended_is_known_by_its_beginning),
		cmocka_unit_test(what_is_no_address_is_refused),
		cmocka_unit_test(an_error_body_has_the_parts_that_are_known),
		cmocka_unit_test(limits_that_callers_tell_apart_have_names),
		cmocka_unit_test(an_error_of_a_tensor_says_so_beside_its_kind),
		cmocka_unit_test(a_header_of_sluices_own_is_known_by_its_beginning),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
