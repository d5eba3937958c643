/* base64_test.c: the vectors of RFC 4648, and what is no base64. */
#include "base/base64.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void the_vectors_of_the_rfc_hold_both_ways(void **state)
{
	(void)state;
	static const char *const rows[][2] = {{"", ""},
					      {"f", "Zg=="},
					      {"fo", "Zm8="},
					      {"foo", "Zm9v"},
					      {"foob", "Zm9vYg=="},
					      {"fooba", "Zm9vYmE="},
					      {"foobar", "Zm9vYmFy"},
					      {"\xFB\xFF", "+/8="}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char out[32];
		size_t length;
		size_t written = base64_write(text_of(rows[i][0]), out);
		assert_true(text_is((struct text){out, written}, rows[i][1]));
		assert_true(written <= base64_write_room(strlen(rows[i][0])));
		assert_true(base64_read(text_of(rows[i][1]), out, &length));
		assert_true(text_is((struct text){out, length}, rows[i][0]));
		assert_true(length <= base64_read_room(strlen(rows[i][1])));
	}
}

static void padding_may_be_left_out_and_the_alphabet_be_that_of_addresses(void **state)
{
	(void)state;
	char out[32];
	size_t length;
	assert_true(base64_read(TEXT("Zg"), out, &length) && length == 1);
	assert_true(base64_read(TEXT("-_8"), out, &length));
	assert_true(text_is((struct text){out, length}, "\xFB\xFF"));
}

static void anything_else_is_refused(void **state)
{
	(void)state;
	static const char *const rows[] = {
		"Z", "Zg=", "Z===", "====", "Zg==Zg==", "Zm9v=", "Zm 9v", "Zm9v\n", "Zh==", "#AAA", "Zm=v"};
	char out[32];
	size_t length;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (base64_read(text_of(rows[i]), out, &length))
			fail_msg("%s was taken", rows[i]);
}

static void addresses_have_one_form_of_the_same_bytes(void **state)
{
	(void)state;
	static const char *const refused[] = {"-_8=", "+_8", "-/8", "-_9", "Zg==", "=", "Z", "Zm9v Zg", "Zm9v\nZg"};
	char out[32];
	size_t length;
	assert_true(base64url_read(TEXT("-_8"), out, &length));
	assert_true(text_is((struct text){out, length}, "\xFB\xFF"));
	assert_true(base64url_read(TEXT(""), out, &length) && length == 0);
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
		if (base64url_read(text_of(refused[i]), out, &length))
			fail_msg("%s was taken", refused[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_vectors_of_the_rfc_hold_both_ways),
		cmocka_unit_test(padding_may_be_left_out_and_the_alphabet_be_that_of_addresses),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(addresses_have_one_form_of_the_same_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
