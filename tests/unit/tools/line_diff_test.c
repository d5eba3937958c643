/* line_diff_test.c: differences of texts, as `diff -u` prints them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/number/random.h"
#include "tools/view/line_diff.h"

#define TEXT_BYTES 4096

static void differs(const char *before, const char *after, const char *expected)
{
	struct buffer out;
	buffer_open(&out, TEXT_BYTES);
	assert_true(line_diff(text_of(before), text_of(after), "a", "b", &out));
	buffer_byte(&out, '\0');
	assert_false(buffer_failed(&out));
	assert_string_equal(out.bytes, expected);
	buffer_close(&out);
}

static void equal_texts_have_no_difference(void **state)
{
	(void)state;
	differs("", "", "");
	differs("one\ntwo\n", "one\ntwo\n", "");
}

static void a_changed_line_is_shown_between_three_lines_on_each_side(void **state)
{
	(void)state;
	differs("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\nfive\n6\n7\n8\n9\n",
		"--- a\n+++ b\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
}

static void a_text_may_be_new_or_gone(void **state)
{
	(void)state;
	differs("", "1\n2\n", "--- a\n+++ b\n@@ -0,0 +1,2 @@\n+1\n+2\n");
	differs("1\n2\n", "", "--- a\n+++ b\n@@ -1,2 +0,0 @@\n-1\n-2\n");
}

static void distant_changes_are_apart(void **state)
{
	(void)state;
	differs("a\n1\n2\n3\n4\n5\n6\n7\nz\n", "1\n2\n3\n4\n5\n6\n7\nz\ny\n",
		"--- a\n+++ b\n@@ -1,4 +1,3 @@\n-a\n 1\n 2\n 3\n@@ -7,3 +6,4 @@\n 6\n 7\n z\n+y\n");
}

static void bytes_that_control_a_terminal_are_escaped(void **state)
{
	(void)state;
	differs("", "\033[2J\n", "--- a\n+++ b\n@@ -0,0 +1,1 @@\n+\\u001b[2J\n");
}

/* A random text of few different lines; each is one letter. */
static void text_make(struct random *random, char *text)
{
	size_t count = random_below(random, 20), length = 0;
	for (size_t i = 0; i < count; i++) {
		text[length++] = (char)('a' + random_below(random, 4));
		text[length++] = '\n';
	}
	text[length] = '\0';
}

/* Applies the printed difference to `before`; lines are one letter, so that a line of the result has three bytes. */
static void diff_apply(const char *before, const char *diff, struct buffer *after)
{
	size_t line = 0;
	for (const char *at = diff; *at;) {
		if (at[0] == '@') {
			size_t first = strtoul(at + 4, NULL, 10), count = strtoul(strchr(at, ',') + 1, NULL, 10);
			for (first -= count > 0; line < first; line++)
				buffer_append(after, before + 2 * line, 2);
		} else if (strncmp(at, "---", 3) != 0 && strncmp(at, "+++", 3) != 0) {
			if (at[0] != '+')
				assert_memory_equal(before + 2 * line++, at + 1, 2);
			if (at[0] != '-')
				buffer_append(after, at + 1, 2);
		}
		at = strchr(at, '\n') + 1;
	}
	buffer_string(after, before + 2 * line);
}

static void a_difference_leads_from_one_text_to_the_other(void **state)
{
	(void)state;
	struct random random = {7};
	for (int i = 0; i < 2000; i++) {
		char before[TEXT_BYTES] = "", after[TEXT_BYTES] = "";
		struct buffer out, result;
		text_make(&random, before);
		text_make(&random, after);
		buffer_open(&out, TEXT_BYTES);
		buffer_open(&result, TEXT_BYTES);
		assert_true(line_diff(text_of(before), text_of(after), "a", "b", &out));
		buffer_byte(&out, '\0');
		diff_apply(before, out.bytes, &result);
		assert_true(text_is(buffer_view(&result), after));
		buffer_close(&result);
		buffer_close(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_texts_have_no_difference),
		cmocka_unit_test(a_changed_line_is_shown_between_three_lines_on_each_side),
		cmocka_unit_test(a_text_may_be_new_or_gone),
		cmocka_unit_test(distant_changes_are_apart),
		cmocka_unit_test(bytes_that_control_a_terminal_are_escaped),
		cmocka_unit_test(a_difference_leads_from_one_text_to_the_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
