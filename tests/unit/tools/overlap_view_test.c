/* overlap_view_test.c: Tests of the overlap of two experiments as it is shown. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/arena_fixture.h"
#include "tools/view/report/overlap_view.h"

static void expect_first_line(double p, const char *expected)
{
	const struct overlap_table table = {.experiment = TEXT("g"), .units = 3, .p = p};
	struct buffer out;
	buffer_open(&out, 1 << 12);
	overlap_view_print_text(&table, 1, arena, &out);
	buffer_byte(&out, '\0');
	assert_string_equal(out.bytes, expected);
	buffer_close(&out);
}

static void what_was_not_tested_has_no_p(void **state)
{
	(void)state;
	expect_first_line((double)NAN, "\nOverlap with g: 3 units in both, not tested, as all got one variant of an experiment\n");
	expect_first_line(0.25, "\nOverlap with g: 3 units in both, the choices are independent (p 0.25)\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_not_tested_has_no_p, arena_begin, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
