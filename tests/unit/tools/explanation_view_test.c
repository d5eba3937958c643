/* explanation_view_test.c: waterfalls of explanations, as text and as a page. */
#include "tools/view/explanation_view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct arena *arena;
static struct error error;
static struct buffer out;

static int set_up(void **state)
{
	(void)state;
	error = (struct error){0};
	arena = arena_open((size_t)1 << 24);
	buffer_open(&out, (size_t)1 << 20);
	return arena ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	buffer_close(&out);
	arena_close(arena);
	return 0;
}

#define DOCUMENT(parts) \
	"{\"id\": \"r\", \"pipeline\": \"p\", \"explanations\": [{\"step\": \"score\", " \
	"\"method\": \"sample\", \"output\": \"y[0]\", \"base_value\": 10, \"answer\": 14, " \
	"\"residual\": 0, \"calls\": 3, \"complete\": false, \"attributions\": [" parts "]}]}"
#define PART(name, value, contribution, wrong) \
	"{\"feature\": \"" name "\", \"value\": " value ", \"contribution\": " contribution ", \"error\": " wrong "}"

static struct explanation_view view_of(const char *json)
{
	struct explanation_view view;
	if (!explanation_view_read(&view, text_of(json), arena, &error))
		fail_msg("%s", error.text);
	return view;
}

static const char *printed(const struct explanation_view *view, bool html)
{
	buffer_clear(&out);
	if (html)
		explanation_view_print_html(view, &out);
	else
		explanation_view_print_text(view, arena, &out);
	buffer_byte(&out, '\0');
	return buffer_view(&out).bytes;
}

/* From 10 up by 8 to 18, down by 4 to 14: 8 units are 40 columns, so 4 are 20. */
static void a_waterfall_leads_from_the_base_to_the_answer(void **state)
{
	(void)state;
	const struct explanation_view view =
		view_of(DOCUMENT(PART("small", "1.5", "-4", "0.25") ", " PART("large", "2", "8", "0") ", " PART("none", "null", "0",
			"0")));
	const char *text = printed(&view, false);
	const char *large = strstr(text, "\n  large = 2"), *small = strstr(text, "\n  small = 1.5"), *none = strstr(text,
		"\n  none missing");
	assert_non_null(strstr(text, "score y[0], by sample\n"));
	assert_true(large && small && none && large < small && small < none);
	/* 2 of the edge, 12 of the longest name, 14 of numbers, 14 of errors and 2 of a gap leave 36 for bars. */
	assert_non_null(strstr(text, "            +8                ++++++++++++++++++++++++++++++++++++\n"));
	assert_non_null(strstr(text, "            -4  +/- 0.25                        ------------------\n"));
	assert_non_null(strstr(text, "            +0\n"));
	assert_non_null(strstr(text, "3 calls of the model; the budget ended it early\n  +/-: standard error\n"));
}

static void another_scale_than_the_answers_is_named(void **state)
{
	(void)state;
	const struct explanation_view view = view_of(
		"{\"id\": \"r\", \"pipeline\": \"p\", \"explanations\": [{\"step\": \"score\", \"method\": \"linear\", "
		"\"output\": \"y[1]\", \"base_value\": 0.1, \"answer\": 7.3, \"residual\": 0, \"calls\": 0, \"complete\": true, "
		"\"scale\": \"log-odds\", \"attributions\": [" PART("x", "2", "7.2", "0") "]}]}");
	const char *text = printed(&view, false);
	assert_non_null(strstr(text, "score y[1], by linear, as log-odds\n"));
	assert_non_null(strstr(text, "\n  log-odds             7.3\n"));
	assert_null(strstr(text, "answer"));
	const char *page = printed(&view, true);
	assert_non_null(strstr(page, "score y[1], by linear, as log-odds</h2>"));
	assert_non_null(strstr(page, "<th scope=\"row\">log-odds</th><td>7.3</td>"));
}

static void many_features_are_summed_in_one_line(void **state)
{
	struct buffer json;
	(void)state;
	buffer_open(&json, (size_t)1 << 20);
	for (int i = 0; i < 30; i++)
		buffer_print(&json, "%s{\"feature\": \"f%d\", \"value\": 1, \"contribution\": %d, \"error\": 0}", i ? "," : "", i,
			i + 1);
	const char *text = arena_print(arena, DOCUMENT("%.*s"), TEXT_ARGUMENTS(buffer_view(&json)));
	const struct explanation_view view = view_of(text);
	const char *shown = printed(&view, false);
	assert_non_null(strstr(shown, "f29 = 1"));
	assert_non_null(strstr(shown, "f11 = 1")); /* the nineteenth: 12 */
	assert_null(strstr(shown, "f10 = 1"));
	assert_non_null(strstr(shown, "  11 others"));
	assert_non_null(strstr(shown, "+66")); /* 1 + ... + 11 */
	buffer_close(&json);
}

static size_t widest_line(const char *text)
{
	size_t columns = 0, widest = 0;
	for (; *text; text++) {
		columns = *text == '\n' ? 0 : columns + (((unsigned char)*text & 0xC0) != 0x80);
		widest = columns > widest ? columns : widest;
	}
	return widest;
}

#define LONG_NAME "d\u00e9lai_moyen_de_paiement_des_factures_du_dernier_trimestre"

static void no_line_of_a_waterfall_is_wider_than_a_terminal(void **state)
{
	(void)state;
	const struct explanation_view view =
		view_of(DOCUMENT(PART(LONG_NAME, "-1.23457e-300", "-1.23457e+300", "1.2e-300") ", "
				 PART("short", "2", "1.23457e+300", "0")));
	const char *text = printed(&view, false);
	assert_int_equal(widest_line(text), 80);
	assert_non_null(strstr(text, "  d\xc3\xa9" "lai_moyen_d..-1.23457e-300 -1.23457e+300  +/- 1.2e-300  "));
}

static void names_are_escaped(void **state)
{
	(void)state;
	const struct explanation_view view = view_of(DOCUMENT(PART("<script>\\u001b[2J", "1", "4", "0")));
	const char *text = printed(&view, false);
	assert_null(strchr(text, '\033'));
	const char *page = printed(&view, true);
	assert_null(strstr(page, "<script"));
	assert_non_null(strstr(page, "&#60;script&#62;"));
	assert_non_null(strstr(page, "margin-left:0.00%;width:100.00%"));
}

static void names_with_nul_are_read(void **state)
{
	(void)state;
	const struct explanation_view view = view_of(DOCUMENT(PART("a\\u0000b", "1", "4", "0")));
	assert_int_equal(view.count, 1);
	assert_int_equal(view.items[0].count, 1);
}

static void what_is_no_explanation_is_refused(void **state)
{
	static const char *const documents[] = {"", "[]", "{}", "{\"explanations\": 3}", "{\"explanations\": [3]}",
						"{\"explanations\": [{\"step\": \"a\"}]}"};
	(void)state;
	for (size_t i = 0; i < sizeof documents / sizeof *documents; i++) {
		struct explanation_view view;
		error = (struct error){0};
		assert_false(explanation_view_read(&view, text_of(documents[i]), arena, &error));
		assert_int_equal(error.kind, ERROR_INPUT);
	}
}

/* Importances by permutation do not add up: each bar begins at zero, and no line leads to the answer. */
static void importances_are_bars_from_zero(void **state)
{
	(void)state;
	const struct explanation_view view =
		view_of("{\"id\": \"r\", \"pipeline\": \"p\", \"explanations\": [{\"step\": \"score\", "
			"\"method\": \"permutation\", \"output\": \"y[0]\", \"base_value\": 10, \"answer\": 5, "
			"\"residual\": null, \"calls\": 2, \"complete\": true, \"attributions\": ["
			PART("small", "1", "10", "0") ", " PART("large", "2", "40", "24") ", "
			PART("none", "3", "null", "null") "]}]}");
	const char *text = printed(&view, false);
	assert_non_null(strstr(text, "score y[0], by permutation\n"));
	assert_null(strstr(text, "base value"));
	assert_null(strstr(text, "residual"));
	assert_non_null(strstr(text, "            40  +/- 24        ++++++++++++++++++++++++++++++++++++++\n"));
	assert_non_null(strstr(text, "            10                ++++++++++\n")); /* a quarter of 38, rounded up */
	assert_true(strstr(text, "large = 2") < strstr(text, "small = 1") && strstr(text, "small = 1") < strstr(text, "none = 3"));
	assert_non_null(strstr(text, "mean squared changes of the answer, 5,"));
	text = printed(&view, true);
	assert_null(strstr(text, "from the value above it")); /* that is of waterfalls */
	assert_non_null(strstr(text, "margin-left:0.00%;width:100.00%"));
	assert_non_null(strstr(text, "margin-left:0.00%;width:25.00%"));
	assert_null(strstr(text, "base value"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_waterfall_leads_from_the_base_to_the_answer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(another_scale_than_the_answers_is_named, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_features_are_summed_in_one_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_line_of_a_waterfall_is_wider_than_a_terminal, set_up, tear_down),
		cmocka_unit_test_setup_teardown(names_are_escaped, set_up, tear_down),
		cmocka_unit_test_setup_teardown(names_with_nul_are_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_explanation_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(importances_are_bars_from_zero, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
