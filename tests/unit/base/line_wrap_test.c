/* line_wrap_test.c: pages wrapped at the width of a terminal. */
#include "base/line_wrap.h"

#include <cmocka.h>

#define PAGE_BYTES 4096

static void assert_wrapped(const char *page, size_t columns, const char *expected)
{
	struct buffer out;
	buffer_open(&out, PAGE_BYTES);
	lines_wrap(text_of(page), columns, &out);
	buffer_byte(&out, 0);
	assert_false(buffer_failed(&out));
	assert_string_equal(out.bytes, expected);
	buffer_close(&out);
}

static void lines_that_fit_are_unchanged(void **state)
{
	(void)state;
	assert_wrapped("", 40, "");
	assert_wrapped("a\n\n  b  \n", 40, "a\n\n  b  \n");
	assert_wrapped("1234567890123456789012345678901234567890\n", 40, "1234567890123456789012345678901234567890\n");
	assert_wrapped("1234567890 1234567890 1234567890 1234567890 no end", 0,
		       "1234567890 1234567890 1234567890 1234567890 no end");
}

static void a_longer_line_is_broken_between_words(void **state)
{
	(void)state;
	assert_wrapped("1234567890 1234567890 1234567890 12345678\n", 40, "1234567890 1234567890 1234567890\n  12345678\n");
	assert_wrapped("1234567890 1234567890 1234567890 1234567\n", 40, "1234567890 1234567890 1234567890 1234567\n");
	/* What follows is as wide as the first line. */
	assert_wrapped("1234567890 1234567890 1234567890 1234567890 1234567890 1234567890 12345 1234567", 40,
		       "1234567890 1234567890 1234567890\n  1234567890 1234567890 1234567890 12345\n  1234567");
}

static void continued_lines_stand_below_their_column(void **state)
{
	(void)state;
	assert_wrapped("  order      earlier one of its key comes first", 40,
		       "  order      earlier one of its key\n             comes first");
	assert_wrapped("    score  model  reads  the request, and what it sets", 40,
		       "    score  model  reads  the request,\n                  and what it sets");
	assert_wrapped("         correct the name, or take the field away", 40,
		       "         correct the name, or take the\n         field away");
	assert_wrapped("  ! a note that needs attention is continued", 40, "  ! a note that needs attention is\n    continued");
}

/* The last column of the left half: text beside a column further right would be too narrow. */
static void a_column_of_the_right_half_does_not_count(void **state)
{
	(void)state;
	assert_wrapped("    1234567890123  5678901  and words and words", 40,
		       "    1234567890123  5678901  and words\n                   and words");
	assert_wrapped("    12345678901234  5678901  and words and words", 40,
		       "    12345678901234  5678901  and words\n                    and words");
	assert_wrapped("    123456789012345  5678901  and words and words", 40,
		       "    123456789012345  5678901  and words\n    and words");
}

static void a_word_that_is_longer_than_the_line_stays_whole(void **state)
{
	(void)state;
	assert_wrapped("see http://127.0.0.1:8080/v2/models/a-model-with-a-long-name/infer there", 40,
		       "see\n  http://127.0.0.1:8080/v2/models/a-model-with-a-long-name/infer\n  there");
}

static void colours_and_letters_of_several_bytes_count_as_they_are_shown(void **state)
{
	(void)state;
	assert_wrapped("\033[1mäöüäöüäöü\033[0m äöüäöüäöüä äöüäöüäöüä äöüäöüäö\n", 40,
		       "\033[1mäöüäöüäöü\033[0m äöüäöüäöüä äöüäöüäöüä äöüäöüäö\n");
	assert_wrapped("\033[1mäöüäöüäöü\033[0m äöüäöüäöüä äöüäöüäöüä äöüäöüäöü\n", 40,
		       "\033[1mäöüäöüäöü\033[0m äöüäöüäöüä äöüäöüäöüä\n  äöüäöüäöü\n");
}

static void a_narrow_terminal_is_taken_for_one_of_forty_columns(void **state)
{
	(void)state;
	assert_wrapped("12345678 12345678 12345678 12345678\n", 5, "12345678 12345678 12345678 12345678\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_that_fit_are_unchanged),
		cmocka_unit_test(a_longer_line_is_broken_between_words),
		cmocka_unit_test(continued_lines_stand_below_their_column),
		cmocka_unit_test(a_column_of_the_right_half_does_not_count),
		cmocka_unit_test(a_word_that_is_longer_than_the_line_stays_whole),
		cmocka_unit_test(colours_and_letters_of_several_bytes_count_as_they_are_shown),
		cmocka_unit_test(a_narrow_terminal_is_taken_for_one_of_forty_columns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
