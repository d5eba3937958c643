/* html_parts_test.c: Tests of names of others on pages. */
#include "tools/view/report/html_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void expect_written(struct text text, const char *expected)
{
	struct buffer out;
	buffer_open(&out, 1 << 16);
	html_write_text(&out, text);
	assert_int_equal(buffer_view(&out).length, strlen(expected));
	assert_memory_equal(buffer_view(&out).bytes, expected, strlen(expected));
	buffer_close(&out);
}

static void marks_of_html_are_escaped(void **state)
{
	(void)state;
	expect_written(TEXT("<a b='c' d=\"e\">&"), "&#60;a b=&#39;c&#39; d=&#34;e&#34;&#62;&#38;");
}

#define REPLACED "\xef\xbf\xbd" /* U+FFFD */

/* HTML forbids U+0000 to U+001F but white space, and U+007F to U+009F, in any form. */
static void control_characters_are_replaced(void **state)
{
	(void)state;
	expect_written(TEXT("a\0b"), "a" REPLACED "b");
	expect_written(TEXT("\1\10\13\16\37\177"), REPLACED REPLACED REPLACED REPLACED REPLACED REPLACED);
	expect_written(TEXT("\xc2\x80|\xc2\x9f"), REPLACED "|" REPLACED);
	expect_written(TEXT("a\tb\nc\fd\re ~"), "a\tb\nc\fd\re ~");
	expect_written(TEXT("\xc2\xa0\xc3\x80\xe2\x82\x80\xf0\x9f\x98\x80"), "\xc2\xa0\xc3\x80\xe2\x82\x80\xf0\x9f\x98\x80");
	expect_written(TEXT("\xc2"), "\xc2"); /* no UTF-8: a browser replaces it */
	expect_written(TEXT("\xc2<"), "\xc2&#60;");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marks_of_html_are_escaped),
		cmocka_unit_test(control_characters_are_replaced),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
