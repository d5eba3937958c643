/* help_page_test.c: one page in four hands. */
#include "tools/view/help_page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct buffer out;

static struct help_page begin(enum help_page_form form)
{
	buffer_open(&out, 1 << 16);
	return (struct help_page){.out = &out, .form = form};
}

static void became(const char *text)
{
	buffer_byte(&out, '\0');
	assert_false(buffer_failed(&out));
	assert_string_equal(out.bytes, text);
	buffer_close(&out);
}

static const char *const sentence = "It `does` it.\n\n  an example -x\n    deeper\n\nAnd ends.";

static void a_terminal_gets_plain_text_with_examples_set_in(void **state)
{
	(void)state;
	struct help_page page = begin(PAGE_TEXT);
	help_page_heading(&page, 1, "Name %d", 1);
	help_page_text(&page, sentence);
	help_page_item(&page, 0, "What it is.", "--one");
	help_page_item(&page, 1, "", "below");
	became("Name 1\n"
	       "It `does` it.\n\n"
	       "  an example -x\n    deeper\n\n"
	       "And ends.\n\n"
	       "  --one                   What it is.\n"
	       "    below\n");
}

static void markdown_has_fences_and_bullets(void **state)
{
	(void)state;
	struct help_page page = begin(PAGE_MARKDOWN);
	help_page_heading(&page, 2, "Name");
	help_page_text(&page, sentence);
	help_page_code(&page, "yaml", "a: 1\n");
	help_page_item(&page, 0, "What it is.", "--one");
	help_page_item(&page, 1, "", "below");
	became("## Name\n\n"
	       "It `does` it.\n\n"
	       "```\nan example -x\n  deeper\n```\n\n"
	       "And ends.\n\n"
	       "```yaml\na: 1\n```\n\n"
	       "- `--one`: What it is.\n"
	       "  - `below`\n");
}

static void json_is_an_array_of_the_parts(void **state)
{
	(void)state;
	struct help_page page = begin(PAGE_JSON);
	help_page_heading(&page, 1, "Name");
	help_page_text(&page, "Says \"it\".\n\n  an example");
	help_page_item(&page, 1, "What it is.", "--one");
	help_page_end(&page);
	became("[\n{\"part\":\"heading\",\"text\":\"Name\"},\n"
	       "{\"part\":\"text\",\"text\":\"Says \\\"it\\\".\"},\n"
	       "{\"part\":\"example\",\"text\":\"  an example\"},\n"
	       "{\"part\":\"item\",\"depth\":1,\"term\":\"--one\",\"help\":\"What it is.\"}\n]\n");
	struct help_page empty = begin(PAGE_JSON);
	help_page_end(&empty);
	became("[]\n");
}

static void a_man_page_escapes_what_roff_would_read_as_its_own(void **state)
{
	(void)state;
	struct help_page page = begin(PAGE_MAN);
	help_page_heading(&page, 2, "NAME");
	help_page_text(&page, ".begins so\\ with `--x`");
	help_page_item(&page, 0, "'quoted", "-o");
	became(".SH NAME\n"
	       ".PP\n\\&.begins so\\e with \\fB\\-\\-x\\fR\n"
	       ".TP\n\\fB\\-o\\fR\n\\&'quoted\n");
}

static void long_help_fills_lines_in_its_own_column(void **state)
{
	(void)state;
	struct help_page page = begin(PAGE_TEXT);
	help_page_item(&page, 0,
		       "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen", "--term");
	help_page_item(&page, 0, "short", "--a-term-that-is-too-long-for-its-column");
	became("  --term                  one two three four five six seven eight nine ten eleven twelve\n"
	       "                          thirteen fourteen fifteen\n"
	       "  --a-term-that-is-too-long-for-its-column\n"
	       "                          short\n");
}

static void rows_that_contain_themselves_end(void **state)
{
	(void)state;
	static const struct option tree[] = {
		{.name = "name", .type = OPTION_TEXT, .required = true, .help = "Of the node."},
		{.name = "children", .type = OPTION_LIST, .rows = tree, .help = "Below it."},
		{.name = "weight", .type = OPTION_NUMBER, .least = 0, .most = 1, .effect = EFFECT_LATER, .help = "Its share."},
		{.type = OPTION_HERE},
		{0},
	};
	struct help_page page = begin(PAGE_MARKDOWN);
	help_page_options(&page, tree);
	became("- `name`: a text, required. Of the node.\n"
	       "- `children`: a list. Below it.\n"
	       "- `weight`: a number from 0 to 1. Its share. Not supported yet: `lint` warns.\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_terminal_gets_plain_text_with_examples_set_in),
		cmocka_unit_test(markdown_has_fences_and_bullets),
		cmocka_unit_test(json_is_an_array_of_the_parts),
		cmocka_unit_test(a_man_page_escapes_what_roff_would_read_as_its_own),
		cmocka_unit_test(long_help_fills_lines_in_its_own_column),
		cmocka_unit_test(rows_that_contain_themselves_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
