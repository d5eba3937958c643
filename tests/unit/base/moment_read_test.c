/* moment_read_test.c: points in time as ISO 8601 writes them, and what is none. */
#include "base/number/moment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The numbers are those of `date -u -d TEXT +%s`. */
static void points_in_time_are_read(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ms;
	} rows[] = {
		{"1970-01-01", 0},
		{"1970-01-01T00:00:00Z", 0},
		{"1969-12-31T23:59:59.999Z", -1},
		{"2000-02-29", INT64_C(951782400000)},
		{"2000-03-01T00:00Z", INT64_C(951868800000)},
		{"2026-01-31T09:30:15.250Z", INT64_C(1769851815250)},
		{"2026-01-31 09:30:15,25", INT64_C(1769851815250)},
		{"2026-01-31t09:30:15.2509999z", INT64_C(1769851815250)},
		{"2026-01-31T09:30:15+01:00", INT64_C(1769848215000)},
		{"2026-01-31T09:30:15-0530", INT64_C(1769871615000)},
		{"2026-01-31T09:30:15+01", INT64_C(1769848215000)},
		{"2016-12-31T23:59:60Z", INT64_C(1483228800000)},
		{"0000-01-01", INT64_C(-62167219200000)},
		{"0001-01-01", INT64_C(-62135596800000)},
		{"9999-12-31T23:59:59Z", INT64_C(253402300799000)},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int64_t ms = 42;
		if (!moment_read(text_of(rows[i].text), &ms) || ms != rows[i].ms)
			fail_msg("`%s` is read as %lld", rows[i].text, (long long)ms);
	}
}

static void what_is_none_is_refused_and_leaves_the_number(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"", "2026", "2026-1-1", "2026-13-01", "2026-00-10", "2026-02-29", "1900-02-29", "2026-01-32",
		"2026-01-00", "2026-01-31T", "2026-01-31T9:30", "2026-01-31T24:00Z", "2026-01-31T09:60Z",
		"2026-01-31T09:30:61Z", "2026-01-31T09:30:15.Z", "2026-01-31T09:30:15+24:00", "2026-01-31T09:30Z ",
		"2026-01-31X09:30", "2026-01-31T09:30:15+1", "1769851815", "31.01.2026",
	};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		int64_t ms = 42;
		if (moment_read(text_of(texts[i]), &ms) || ms != 42)
			fail_msg("`%s` is taken for %lld", texts[i], (long long)ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(points_in_time_are_read),
		cmocka_unit_test(what_is_none_is_refused_and_leaves_the_number),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
