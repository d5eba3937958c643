/* unit_program.h: Frame of each program of unit tests, beside cmocka: it runs one test function alone, ends after a failure, and
 * shows the values of a failure.
 *
 * - A test function runs alone: `build/unit/arena_test NAME`, or `make test NAME=arena TEST=NAME`. In NAME, `*` and `?`
 *   stand for any characters. A NAME that no function has fails, and the nearest one is named.
 * - After a test that failed, a teardown that waits for what the test holds is left, and the program ends with that test's failure.
 * - A failed comparison shows both expressions and their values: numbers in decimal, texts with the place where they differ.
 *
 * The Makefile includes it before every file of tests/unit, so a test includes cmocka.h alone.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* How many of `count` repetitions a long test does. A sanitizer makes each of them some thirty times as slow, and the first
 * tenth shows what it looks for; how often something happens is judged without it. A test of a law that few repetitions cannot
 * show judges it unless UNIT_IS_SHORT. */
#ifdef ARENA_EVERY_ALLOCATION_APART
#define UNIT_REPETITIONS(count) (((count) + 9) / 10)
#define UNIT_IS_SHORT true
#else
#define UNIT_REPETITIONS(count) (count)
#define UNIT_IS_SHORT false
#endif

struct unit_place {
	const char *file;
	int line;
};

/* An expression of a test and its value. */
struct unit_number {
	const char *expression;
	LargestIntegralType value;
};

extern unsigned unit_teardown_s; /* a teardown after a test that failed may take so long */

int unit_run(const char *group, const struct CMUnitTest *tests, size_t count, CMFixtureFunction setup, CMFixtureFunction teardown);
void unit_equal(struct unit_number actual, struct unit_number expected, struct unit_place place);
void unit_not_equal(struct unit_number actual, struct unit_number unwanted, struct unit_place place);
void unit_in_range(struct unit_number actual, struct unit_number least, struct unit_number most, struct unit_place place);
void unit_text_equal(const char *expression, const char *actual, const char *expected, struct unit_place place);

#define UNIT_PLACE ((struct unit_place){__FILE__, __LINE__})
#define UNIT_NUMBER(expression) ((struct unit_number){#expression, cast_to_largest_integral_type(expression)})

#undef cmocka_run_group_tests
#define cmocka_run_group_tests(tests, setup, teardown) \
	unit_run(#tests, tests, sizeof(tests) / sizeof((tests)[0]), setup, teardown)
#undef assert_int_equal
#define assert_int_equal(a, b) unit_equal(UNIT_NUMBER(a), UNIT_NUMBER(b), UNIT_PLACE)
#undef assert_int_not_equal
#define assert_int_not_equal(a, b) unit_not_equal(UNIT_NUMBER(a), UNIT_NUMBER(b), UNIT_PLACE)
#undef assert_in_range
#define assert_in_range(value, least, most) unit_in_range(UNIT_NUMBER(value), UNIT_NUMBER(least), UNIT_NUMBER(most), UNIT_PLACE)
#undef assert_string_equal
#define assert_string_equal(a, b) unit_text_equal(#a, (const char *)(a), (const char *)(b), UNIT_PLACE)
