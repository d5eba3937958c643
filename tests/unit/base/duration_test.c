/* duration_test.c: Tests of how long is 1h30m. */
#include "base/number/duration.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SECOND ((int64_t)1000000000)

static void numbers_and_units_are_added_up(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t duration_ns;
	} rows[] = {
		{"250ms", SECOND / 4},	  {"1s", SECOND},
		{"60m", 3600 * SECOND},	  {"1h", 3600 * SECOND},
		{"1h30m", 5400 * SECOND}, {"7d", 604800 * SECOND},
		{"15min", 900 * SECOND},  {"2hours", 7200 * SECOND},
		{"1hour", 3600 * SECOND}, {"0.5s", SECOND / 2},
		{".5s", SECOND / 2},	  {"1.25ms", 1250000},
		{"0s1ms", 1000000},	  {"106751d", SECOND * 86400 * 106751},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int64_t duration_ns = 0;
		assert_null(duration_read(text_of(rows[i].text), &duration_ns));
		assert_int_equal(duration_ns, rows[i].duration_ns);
	}
}

static void what_is_no_duration_is_refused_with_the_reason(void **state)
{
	(void)state;
	static const struct {
		const char *text, *reason;
	} rows[] = {
		{"5", "no unit"},   {"1h30", "no unit"},   {"5 minutos", "unit"}, {"5 s", "unit"},
		{"", "empty"},	    {"soon", "number"},	   {"-5s", "number"},	  {"0s", "above 0"},
		{"0ms", "above 0"}, {"106752d", "longer"}, {"5S", "unit"},	  {"9999999999999999999s", "digits"},
		{"ms", "number"},   {".s", "number"},	   {"1..5s", "unit"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int64_t duration_ns = 0;
		const char *reason = duration_read(text_of(rows[i].text), &duration_ns);
		assert_non_null(reason);
		assert_non_null(strstr(reason, rows[i].reason));
	}
}

static void no_time_at_all_is_read_where_it_may_stand(void **state)
{
	(void)state;
	int64_t duration_ns = 1;
	assert_null(duration_read_or_none(TEXT("0s"), &duration_ns));
	assert_int_equal(duration_ns, 0);
	assert_non_null(strstr(duration_read_or_none(TEXT(""), &duration_ns), "empty"));
	assert_non_null(strstr(duration_read_or_none(TEXT("0"), &duration_ns), "no unit"));
}

static void what_is_printed_reads_back_as_the_same(void **state)
{
	(void)state;
	static const struct {
		int64_t duration_ns;
		const char *text;
	} rows[] = {
		{SECOND, "1s"},	       {5400 * SECOND, "1h30m"}, {604800 * SECOND, "7d"},
		{SECOND / 4, "250ms"}, {1250000, "1.25ms"},	 {1, "0.000001ms"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char text[DURATION_TEXT_MAX];
		int64_t duration_ns;
		duration_print(rows[i].duration_ns, text);
		assert_string_equal(text, rows[i].text);
		assert_null(duration_read(text_of(text), &duration_ns));
		assert_int_equal(duration_ns, rows[i].duration_ns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_and_units_are_added_up),
		cmocka_unit_test(what_is_no_duration_is_refused_with_the_reason),
		cmocka_unit_test(no_time_at_all_is_read_where_it_may_stand),
		cmocka_unit_test(what_is_printed_reads_back_as_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
