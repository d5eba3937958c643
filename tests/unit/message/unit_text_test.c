/* unit_text_test.c: Tests of the text of a unit: a number has the same one in a request, of whatever datatype, and in feedback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "message/records/feedback.h"
#include "message/unit_text.h"
#include "tests/unit/arena_fixture.h"

static void expect_text(struct text text, const char *expected)
{
	if (!text_is(text, expected))
		fail_msg("%.*s, not %s", (int)text.length, text.bytes, expected);
}

static struct text unit_of(enum datatype datatype, const void *element)
{
	const struct tensor tensor = {.datatype = datatype, .count = 1, .data = element};
	return unit_of_tensor(&tensor, arena);
}

static struct text unit_of_feedback(const char *number)
{
	struct feedback feedback;
	struct error error = {0};
	const char *json = arena_print(arena, "{\"unit\": %s, \"reward\": 1}", number);
	if (!feedback_read(text_of(json), arena, &feedback, &error))
		fail_msg("%s: %s", json, error.text);
	return feedback.unit;
}

static void a_number_has_one_text_in_requests_and_feedback(void **state)
{
	static const struct {
		double number;
		const char *text;
		const char *sent[3]; /* as JSON of feedback */
	} rows[] = {
		{7, "7", {"7", "7.0", "70e-1"}},
		{-12, "-12", {"-12", "-12.000", "-1.2e1"}},
		{-0.0, "0", {"-0", "0", "-0.0"}},
		{0.1, "0.1", {"0.1", "0.10", "1e-1"}},
		{1e21, "1e21", {"1e21", "1e+21", "1.0e21"}},
		{9007199254740992.0, "9007199254740992", {"9007199254740992", "9007199254740992.0", "9.007199254740992e15"}},
		{9223372036854775808.0,
		 "9223372036854775808",
		 {"9223372036854775808", "9223372036854775808.0", "9.223372036854775808e18"}},
		{1e18, "1000000000000000000", {"1e18", "1000000000000000000", "1.0e18"}},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		expect_text(unit_of(DATATYPE_FP64, &rows[i].number), rows[i].text);
		for (size_t j = 0; j < 3; j++)
			expect_text(unit_of_feedback(rows[i].sent[j]), rows[i].text);
	}
}

static void each_datatype_writes_what_was_meant(void **state)
{
	const float tenth = 0.1F, seven = 7, large = 1e21F;
	const int64_t whole = 9007199254740993, negative = -3;
	const uint64_t natural = UINT64_MAX;
	const uint16_t half = 0x3800; /* 0.5 */
	const uint16_t half_tenth = half_from_double(0.1), bfloat_tenth = bfloat_from_double(0.1), half_infinite = 0x7C00;
	const struct text text = TEXT("7.0");
	(void)state;
	expect_text(unit_of(DATATYPE_FP32, &tenth), "0.1");
	expect_text(unit_of(DATATYPE_FP32, &seven), "7");
	expect_text(unit_of(DATATYPE_FP32, &large), "1e21");
	expect_text(unit_of(DATATYPE_FP16, &half), "0.5");
	expect_text(unit_of(DATATYPE_INT64, &whole), "9007199254740993");
	expect_text(unit_of(DATATYPE_INT64, &negative), "-3");
	expect_text(unit_of(DATATYPE_UINT64, &natural), "18446744073709551615");
	expect_text(unit_of(DATATYPE_FP16, &half_tenth), "0.1");
	expect_text(unit_of(DATATYPE_BF16, &bfloat_tenth), "0.1");
	expect_text(unit_of(DATATYPE_FP16, &half_infinite), "Infinity");
	expect_text(unit_of(DATATYPE_BYTES, &text), "7"); /* it may have been a number */
	expect_text(unit_of_feedback("9007199254740993"), "9007199254740993");
	expect_text(unit_of_feedback("18446744073709551615"), "18446744073709551615");
	expect_text(unit_of_feedback("\"7.0\""), "7");
}

/* Names of many digits are not rounded to one, and texts that only look like numbers stay what they are. */
static void a_text_stays_what_it_names(void **state)
{
	static const struct {
		const char *text, *unit;
	} rows[] = {
		{"7.0", "7"},	  {"-12.50", "-12.5"}, {"-0.0", "0"},	   {"0.000", "0"}, {"100", "100"},
		{"12e4", "12e4"}, {"1.0E2", "1.0E2"},  {"007.0", "007.0"}, {"7.", "7."},   {"1.2.0", "1.2.0"},
		{".0", ".0"},	  {"k", "k"},	       {"", ""},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		expect_text(unit_of_text(text_of(rows[i].text)), rows[i].unit);
	expect_text(unit_of_feedback("184467440737095516161"), "184467440737095516161");
	expect_text(unit_of_feedback("184467440737095516162.0"), "184467440737095516162");
	expect_text(unit_of_feedback("-184467440737095516163"), "-184467440737095516163");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_number_has_one_text_in_requests_and_feedback, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(each_datatype_writes_what_was_meant, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(a_text_stays_what_it_names, arena_begin, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
