/* expression_evaluate_test.c: what expressions are worth, over the message of
 * expression_world.h. Expected values follow the language page and numpy's rules. */
#include "tests/unit/expression_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

struct row {
	const char *source;
	const char *value;
};

static void hold(const struct row *rows, size_t count)
{
	struct world world;
	world_open(&world);
	size_t failed = 0;
	for (size_t i = 0; i < count; i++) {
		const char *value = world_evaluate(&world, rows[i].source);
		if (strcmp(value, rows[i].value) != 0) {
			print_error("%s\n  wanted %s\n  got    %s\n", rows[i].source, rows[i].value, value);
			failed++;
		}
	}
	world_close(&world);
	assert_int_equal(failed, 0);
}

#define HOLD(rows) hold(rows, sizeof(rows) / sizeof *(rows))

static void literals_stand_for_themselves(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"1", "INT64[] 1"},
		{"-2", "INT64[] -2"},
		{"0.05", "FP64[] 0.05"},
		{"1e-3", "FP64[] 0.001"},
		{"5%", "FP64[] 0.05"},
		{"0.1%", "FP64[] 0.001"},
		{"true", "BOOL[] true"},
		{"false", "BOOL[] false"},
		{"nan", "FP64[] NaN"},
		{"-inf", "FP64[] -Infinity"},
		{"\"buy\"", "BYTES[] \"buy\""},
		{"'it\\'s'", "BYTES[] \"it's\""},
		{"[1, 2, 3]", "INT64[3] 1 2 3"},
		{"[1, 2.5]", "FP64[2] 1.0 2.5"},
		{"[-1, 5%]", "FP64[2] -1.0 0.05"},
		{"['a', \"b\"]", "BYTES[2] \"a\" \"b\""},
		{"250ms", "INT64[] 250"},
		{"5m", "INT64[] 300000"},
		{"7d", "INT64[] 604800000"},
		{"1h30m", "INT64[] 5400000"},
		{"1.5s", "INT64[] 1500"},
		{"-9223372036854775808", "INT64[] -9223372036854775808"},
		{"18446744073709551615", "UINT64[] 18446744073709551615"},
	};
	HOLD(rows);
}

static void operators_bind_as_the_page_says(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"2 + 3 * 4", "INT64[] 14"},
		{"(2 + 3) * 4", "INT64[] 20"},
		{"10 - 4 - 3", "INT64[] 3"},
		{"16 / 4 / 2", "FP64[] 2.0"},
		{"-2 ^ 2", "INT64[] -4"},
		{"(-2) ^ 2", "INT64[] 4"},
		{"2 ^ 3 ^ 2", "INT64[] 512"},
		{"2.0 ^ -1", "FP64[] 0.5"},
		{"1 + 1 == 2 and 3 < 4", "BOOL[] true"},
		{"true or false and false", "BOOL[] true"},
		{"not true or true", "BOOL[] true"},
		{"!false && true || false", "BOOL[] true"},
		{"nothing ?? 1 + 1", "INT64[] 2"},
		{"nothing ?? also ?? 3", "INT64[] 3"},
		{"(nothing + 1) ?? 5", "INT64[] 5"},
		{"d ?? 1", "FP64[] 0.1"},
		{"3 - -2", "INT64[] 5"},
	};
	HOLD(rows);
}

static void names_are_looked_up_in_order(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"made", "INT64[] 42"},
		{"x2", "FP32[1,3] 2.0 4.0 8.0"},
		{"x", "FP32[1,3] 1.0 2.0 4.0"},
		{"i", "INT32[3] -7 0 7"},
		{"drift_score", "FP64[] 0.25"},
		{"market-data", "FP32[1] 7.0"},
		{"`market-data`", "FP32[1] 7.0"},
		{"first.y", "FP32[1] 9.0"},
		{"request.d", "FP64[] 0.1"},
		{"params.level", "INT64[] 3"},
		{"params.who", "BYTES[] \"bob\""},
		{"params.share", "FP64[] 0.5"},
		{"params.on", "BOOL[] true"},
		{"header(\"x-user\")", "BYTES[] \"ann\""},
		{"key", "BYTES[] \"K1\""},
		{"id", "BYTES[] \"r-1\""},
		{"ts", "INT64[] 1709214330250"},
		{"pipeline", "BYTES[] \"trading\""},
		{"step", "BYTES[] \"clean\""},
		{"market-data - 2", "FP32[1] 5.0"},
	};
	HOLD(rows);
}

static void arithmetic_keeps_its_datatype_rules(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"i + 1", "INT64[3] -6 1 8"},
		{"i * i", "INT64[3] 49 0 49"},
		{"i / 2", "FP64[3] -3.5 0.0 3.5"},
		{"u[0] + 1", "UINT64[] 6"},
		{"u[0] - i[0]", "INT64[] 12"},
		{"x * 0.5", "FP32[1,3] 0.5 1.0 2.0"},
		{"x * d", "FP64[1,3] 0.1 0.2 0.4"},
		{"h * 2", "FP32[2] 1.0 3.0"},
		{"h + x[0, 0]", "FP32[2] 1.5 2.5"},
		{"x + i", "FP32[1,3] -6.0 2.0 11.0"},
		{"x / 0", "FP32[1,3] Infinity Infinity Infinity"},
		{"0 / 0", "FP64[] NaN"},
		{"'a' + s", "BYTES[2] \"abuy\" \"asell\""},
		{"-i", "INT64[3] 7 0 -7"},
		{"-x", "FP32[1,3] -1.0 -2.0 -4.0"},
		{"x ^ 2", "FP32[1,3] 1.0 4.0 16.0"},
		{"3 ^ 4", "INT64[] 81"},
		{"ts - 1s", "INT64[] 1709214329250"},
	};
	HOLD(rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals_stand_for_themselves),
		cmocka_unit_test(operators_bind_as_the_page_says),
		cmocka_unit_test(names_are_looked_up_in_order),
		cmocka_unit_test(arithmetic_keeps_its_datatype_rules),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
