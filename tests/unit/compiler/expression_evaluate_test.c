/* expression_evaluate_test.c: Tests of what expressions are worth, over the message of
 * expression_world.h. Expected values follow the language page and numpy's rules. */
#include "tests/unit/expression_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HOLD(rows) WORLD_HOLD(world_evaluate, rows)

static void literals_stand_for_themselves(void **state)
{
	(void)state;
	static const struct world_row rows[] = {
		{"1", "INT64[] 1"},
		{"-2", "INT64[] -2"},
		{"0.05", "FP64[] 0.05"},
		{"1e-3", "FP64[] 0.001"},
		{"1e-400", "FP64[] 0.0"}, /* as IEEE 754 rounds it */
		{"4.9e-324", "FP64[] 5e-324"},
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
	static const struct world_row rows[] = {
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
	static const struct world_row rows[] = {
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
	static const struct world_row rows[] = {
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

static void floats_are_computed_in_double_and_rounded_once(void **state)
{
	(void)state;
	/* In FP32 steps 16777216 + 1 stays 16777216, so that the difference would be 0; and
	 * 0.1f * 0.1 is 0.010000000149011612 * ..., which rounds to 0.01. */
	static const struct world_row rows[] = {
		{"cast(16777216, FP32) + cast(1, FP32) - cast(16777216, FP32)", "FP32[] 1.0"},
		{"x * 0.1", "FP32[1,3] 0.1 0.2 0.4"},
		{"x / 3 * 3", "FP32[1,3] 1.0 2.0 4.0"},
		{"x * 0.5 + d", "FP64[1,3] 0.6 1.1 2.1"},
		{"x > 0.5", "BOOL[1,3] true true true"},
		{"where(x > 1.5, 0.5, 1)", "FP32[1,3] 1.0 0.5 0.5"},
		{"1 / 3", "FP64[] 0.3333333333333333"},
		{"cast(0.1, FP32) * 1", "FP32[] 0.1"},
		{"cast(0.1, FP32) == 0.1", "BOOL[] false"},
		{"-x * 0.5", "FP32[1,3] -0.5 -1.0 -2.0"},
		{"0.5 * x", "FP32[1,3] 0.5 1.0 2.0"},
		{"1.0 - x", "FP32[1,3] 0.0 -1.0 -3.0"},
		{"x - x2", "FP32[1,3] -1.0 -2.0 -4.0"},
		{"x / x2", "FP32[1,3] 0.5 0.5 0.5"},
		{"x + m", "FP64[2,3] 2.0 4.0 7.0 5.0 7.0 10.0"},
		{"m - x", "FP64[2,3] 0.0 0.0 -1.0 3.0 3.0 2.0"},
	};
	HOLD(rows);
}

static void integers_are_exact_or_refused(void **state)
{
	(void)state;
	static const struct world_row rows[] = {
		{"big[0] - 1", "INT64[] 9223372036854775806"},
		{"big + 1", "INPUT 1:1 `+` of these integers does not fit INT64; write cast(x, FP64) to compute in floats"},
		{"1 + big * 2", "INPUT 1:5 `*` of these integers does not fit INT64; write cast(x, FP64) to compute in floats"},
		{"-big - 2", "INPUT 1:1 `-` of these integers does not fit INT64; write cast(x, FP64) to compute in floats"},
		{"u - 6", "INPUT 1:1 `-` of these integers does not fit UINT64; write cast(x, FP64) to compute in floats"},
		{"u[1] - big[0]", "INPUT 1:1 `-` of these integers does not fit INT64; write cast(x, FP64) to compute in floats"},
		{"u[1] - 1", "UINT64[] 18446744073709551614"},
		{"u[0] + -6", "INT64[] -1"},
		{"2 ^ 62", "INT64[] 4611686018427387904"},
		{"2 ^ 63", "INPUT 1:1 `^` of these integers does not fit INT64; write cast(x, FP64) to compute in floats"},
		{"(-2) ^ 63", "INT64[] -9223372036854775808"},
		{"(-1) ^ 1000000001", "INT64[] -1"},
		{"2 ^ -1", "INPUT 1:1 an integer to a power below zero is no integer; write 2.0 ^ -1"},
		{"0 ^ 0", "INT64[] 1"},
		{"u[1] == 18446744073709551615", "BOOL[] true"},
		{"big == 9223372036854775808.0", "BOOL[1] false"},
		{"big < 9223372036854775808.0", "BOOL[1] true"},
		{"u[1] > big[0]", "BOOL[] true"},
		{"u[1] < -1", "BOOL[] false"},
		{"u[1] == -1", "BOOL[] false"},
		{"9007199254740993 > 9007199254740992.0", "BOOL[] true"},
		{"2 == 2.0", "BOOL[] true"},
		{"i < 0.5", "BOOL[3] true true false"},
		{"3 < nan", "BOOL[] false"},
		{"big != nan", "BOOL[1] true"},
	};
	HOLD(rows);
}

static void texts_compare_and_join(void **state)
{
	(void)state;
	static const struct world_row rows[] = {
		{"s == \"buy\"", "BOOL[2] true false"},
		{"s != \"buy\"", "BOOL[2] false true"},
		{"'a' < 'b'", "BOOL[] true"},
		{"'a' < 'aa'", "BOOL[] true"},
		{"'b' > 'aa'", "BOOL[] true"},
		{"key + \"/\" + id", "BYTES[] \"K1/r-1\""},
		{"s in [\"buy\", \"hold\"]", "BOOL[2] true false"},
		{"2 in [1, 2, 3]", "BOOL[] true"},
		{"i in [7, -7]", "BOOL[3] true false true"},
		{"x in [4.0, 9]", "BOOL[1,3] false false true"},
		{"nan in [nan, 1]", "BOOL[] false"},
		{"not (2 in [1, 3])", "BOOL[] true"},
		{"'' == ''", "BOOL[] true"},
	};
	HOLD(rows);
}

static void shapes_broadcast_as_in_numpy(void **state)
{
	(void)state;
	static const struct world_row rows[] = {
		{"m * [1, 10, 100]", "FP64[2,3] 1.0 20.0 300.0 4.0 50.0 600.0"},
		{"m[:, 0:1] + m[0]", "FP64[2,3] 2.0 3.0 4.0 5.0 6.0 7.0"},
		{"m[0:1, :] - m[:, 0:1]", "FP64[2,3] 0.0 1.0 2.0 -3.0 -2.0 -1.0"},
		{"[1, 2] + [1, 2, 3]",
		 "CONFIG 1:1 the shapes of INT64[2] and INT64[3] do not fit; each dimension must be equal or 1"},
		{"m + n", "INPUT 1:1 the shapes of FP64[2,3] and FP64[4] do not fit; each dimension must be equal or 1"},
		{"e * 2", "FP32[0]"},
		{"e + x[0, 0]", "FP32[0]"},
		{"e + e", "FP32[0]"},
		{"e + 2.5", "FP32[0]"},
		{"reshape(x, [3, 1]) + x", "FP32[3,3] 2.0 3.0 5.0 3.0 4.0 6.0 5.0 6.0 8.0"},
		{"x[0, 0:1] * m", "FP64[2,3] 1.0 2.0 3.0 4.0 5.0 6.0"},
	};
	HOLD(rows);
}

static void indices_count_from_zero_and_from_the_end(void **state)
{
	(void)state;
	static const struct world_row rows[] = {
		{"i[0]", "INT64[] -7"},
		{"i[-1]", "INT64[] 7"},
		{"x[0]", "FP32[3] 1.0 2.0 4.0"},
		{"x[0, 2]", "FP32[] 4.0"},
		{"x[:, 0]", "FP32[1] 1.0"},
		{"m[1]", "FP64[3] 4.0 5.0 6.0"},
		{"m[:, 1]", "FP64[2] 2.0 5.0"},
		{"m[:, 1:3]", "FP64[2,2] 2.0 3.0 5.0 6.0"},
		{"m[1:2, -2:]", "FP64[1,2] 5.0 6.0"},
		{"i[1:3]", "INT64[2] 0 7"},
		{"i[:2]", "INT64[2] -7 0"},
		{"i[2:1]", "INT64[0]"},
		{"i[:]", "INT64[3] -7 0 7"},
		{"x[\"volume\"]", "FP32[1] 4.0"},
		{"x[0, \"high\"]", "FP32[] 2.0"},
		{"named[\"open\"]", "FP64[2] 1.0 4.0"},
		{"named[\"a,b\"]", "FP64[2] 2.0 5.0"},
		{"named[1, \"say\"]", "FP64[] 6.0"},
		{"x[0, argmax(x)]", "FP32[] 4.0"},
		{"s[1]", "BYTES[] \"sell\""},
		{"h[1]", "FP32[] 1.5"},
		{"b[1]", "BOOL[] false"},
		{"(m * 2)[1, 2]", "FP64[] 12.0"},
		{"m[1][2]", "FP64[] 6.0"},
		{"i[3]", "INPUT 1:1 index 3 is outside INT32[3]; axis 0 has 3 elements, counted from 0"},
		{"1 + i[-4]", "INPUT 1:5 index -4 is outside INT32[3]; axis 0 has 3 elements, counted from 0"},
		{"i[0:4]", "INPUT 1:1 index 4 is outside INT32[3]; axis 0 has 3 elements, counted from 0"},
		{"i[0, 0]", "INPUT 1:1 INT32[3] has 1 dimensions, and here are 2 indices; leave some out"},
		{"x[\"volum\"]", "INPUT 1:1 there is no column \"volum\"; write \"volume\""},
		{"x[\"q\"]", "INPUT 1:1 there is no column \"q\"; the columns are open,high,volume"},
		{"named[\"opn\"]", "INPUT 1:1 there is no column \"opn\"; write \"open\""},
		{"m[\"a\"]", "INPUT 1:1 this tensor names no columns; write its number, as in x[:, 0]"},
		{"d[0]", "INPUT 1:1 FP64[] has 0 dimensions, and here are 1 indices; leave some out"},
	};
	HOLD(rows);
}

static void what_is_missing_is_named(void **state)
{
	(void)state;
	static const struct world_row rows[] = {
		{"1 + absent", "INPUT 1:5 tensor `absent` is missing; send it, or write `absent ?? otherwise`"},
		{"marketdata", "INPUT 1:1 tensor `marketdata` is missing; send it, or write `market-data`, which is there"},
		{"header(\"x-tier\") == \"free\"",
		 "INPUT 1:1 the message has no header `x-tier`; send it, or write header(\"x-tier\") ?? \"\""},
		{"params.q", "INPUT 1:1 the request has no parameter `q`; send it, or write params.q ?? otherwise"},
		{"request.q", "INPUT 1:1 `request.q` is missing; send it, or write `?? otherwise` after it"},
		{"first.z", "INPUT 1:1 `first.z` is missing; send it, or write `?? otherwise` after it"},
		{"variant", "INPUT 1:1 this message has no `variant`; write variant ?? otherwise"},
		{"has(x)", "BOOL[] true"},
		{"has(absent)", "BOOL[] false"},
		{"has(x + absent)", "BOOL[] false"},
		{"has(header(\"X-USER\"))", "BOOL[] true"},
		{"has(header(\"x-tier\"))", "BOOL[] false"},
		{"header(\"x-tier\") ?? key", "BYTES[] \"K1\""},
		{"absent ?? header(\"x-tier\") ?? \"none\"", "BYTES[] \"none\""},
		{"absent ?? gone", "INPUT 1:11 tensor `gone` is missing; send it, or write `gone ?? otherwise`"},
		{"i[9] ?? 0", "INPUT 1:1 index 9 is outside INT32[3]; axis 0 has 3 elements, counted from 0"},
		{"where(has(request.priority), request.priority[0], 0) > 3", "BOOL[] false"},
		{"has(absent) and absent[0] > 3", "BOOL[] false"},
		{"not has(absent) or absent > 3", "BOOL[] true"},
		{"true and absent", "INPUT 1:10 tensor `absent` is missing; send it, or write `absent ?? otherwise`"},
		{"where(true, absent, 1)", "INPUT 1:13 tensor `absent` is missing; send it, or write `absent ?? otherwise`"},
		{"where(false, div(1, 0), 2)", "INT64[] 2"},
		{"where(b, absent, 1)", "INPUT 1:10 tensor `absent` is missing; send it, or write `absent ?? otherwise`"},
		{"(absent ?? i)[0] + (gone ?? 1)", "INT64[] -6"},
	};
	HOLD(rows);
}

static void nan_spreads_and_compares_false(void **state)
{
	(void)state;
	static const struct world_row rows[] = {
		{"n + 1", "FP64[4] 4.0 NaN 2.0 3.0"},
		{"n > 0", "BOOL[4] true false true true"},
		{"n == n", "BOOL[4] true false true true"},
		{"n != n", "BOOL[4] false true false false"},
		{"mean(n)", "FP64[] NaN"},
		{"mean(valid(n))", "FP64[] 2.0"},
		{"max(n)", "FP64[] NaN"},
		{"sum(n)", "FP64[] NaN"},
		{"median(n)", "FP64[] NaN"},
		{"max(nan, 1)", "FP64[] NaN"},
		{"min(1, nan)", "FP64[] NaN"},
		{"1 / 0", "FP64[] Infinity"},
		{"-1 / 0", "FP64[] -Infinity"},
		{"inf - inf", "FP64[] NaN"},
		{"isnan(n)", "BOOL[4] false true false false"},
		{"isfinite([1.5, inf])", "BOOL[2] true false"},
		{"isnan(i)", "BOOL[3] false false false"},
		{"isfinite(i)", "BOOL[3] true true true"},
		{"where(nan, 1, 2)", "INT64[] 2"},
	};
	HOLD(rows);
}

/* 0.1 as FP32 is above 0.1, 0.7 below 0.7. */
static void floats_compare_with_numbers_that_none_of_them_is(void **state)
{
	(void)state;
	static const struct world_row rows[] = {
		{"cast([0.1, 0.7, 0.5], FP32) > 0.1", "BOOL[3] true true true"},
		{"cast([0.1, 0.05], FP32) <= 0.1", "BOOL[2] false true"},
		{"cast([0.1, 0.05], FP32) < 0.1", "BOOL[2] false true"},
		{"cast([0.7, 1], FP32) < 0.7", "BOOL[2] true false"},
		{"cast([0.7, 1], FP32) <= 0.7", "BOOL[2] true false"},
		{"cast([0.7, 1], FP32) >= 0.7", "BOOL[2] false true"},
		{"0.7 > cast([0.7, 1], FP32)", "BOOL[2] true false"},
		{"0.1 >= cast([0.1, 0.05], FP32)", "BOOL[2] false true"},
		{"cast([0.7, 0.5], FP32) == 0.7", "BOOL[2] false false"},
		{"cast([0.7, 0.5], FP32) != 0.7", "BOOL[2] true true"},
		{"cast([0.5, 1], FP32) < 0.5", "BOOL[2] false false"},
		{"cast([0.5, 1], FP32) <= 0.5", "BOOL[2] true false"},
		{"cast([0.5, 1], FP32) >= 1", "BOOL[2] false true"},
		{"cast([1, inf], FP32) < 1e300", "BOOL[2] true false"},
		{"cast([-inf, 0], FP32) <= -1e300", "BOOL[2] true false"},
		{"cast([1, nan], FP32) < nan", "BOOL[2] false false"},
		{"cast([1, nan], FP32) != nan", "BOOL[2] true true"},
		{"x > 1.9999999999", "BOOL[1,3] false true true"},
		{"sum(x > 1.9999999999)", "INT64[] 2"},
		{"sum(4 <= x)", "INT64[] 1"},
		{"sum(cast([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19], FP32) > 2.5)", "INT64[] 17"},
	};
	HOLD(rows);
}

static void where_chooses_element_by_element(void **state)
{
	(void)state;
	static const struct world_row rows[] = {
		{"where(b, 1, 0)", "INT64[3] 1 0 1"},
		{"where(x > 1, x, 0)", "FP32[1,3] 0.0 2.0 4.0"},
		{"where(x > 1, -1, m)", "FP64[2,3] 1.0 -1.0 -1.0 4.0 -1.0 -1.0"},
		{"where(true, i, 0)", "INT64[3] -7 0 7"},
		{"where([false, true], 1, u)", "UINT64[2] 5 1"},
		{"where([true, false], i[0], u[0])", "INT64[2] -7 5"},
		{"where(b, 'yes', 'no')", "BYTES[3] \"yes\" \"no\" \"yes\""},
		{"where(false, nothing, 2)", "INT64[] 2"},
	};
	HOLD(rows);
}

static void the_lesser_of_two_is_nan_when_one_is(void **state)
{
	(void)state;
	static const struct world_row rows[] = {
		{"max(n, 2)", "FP64[4] 3.0 NaN 2.0 2.0"},
		{"min(2, n)", "FP64[4] 2.0 NaN 1.0 2.0"},
		{"min(n, nan)", "FP64[4] NaN NaN NaN NaN"},
		{"clip(cast([1, nan, 3], FP32), 1.5, 2)", "FP32[3] 1.5 NaN 2.0"},
	};
	HOLD(rows);
}

static void a_condition_has_one_element(void **state)
{
	(void)state;
	static const struct world_row rows[] = {
		{"drift_score > 0.05", "true"},
		{"x[0, 0] > 2", "false"},
		{"market-data == 7", "true"},
		{"market-data > 7.5", "false"},
		{"nan", "false"},
		{"0.5", "true"},
		{"0", "false"},
		{"made", "true"},
		{"x > 0", "INPUT 1:1 a condition has one element, and this is BOOL[1,3]; write any(...) or all(...) around it"},
		{"all(x > 0)", "true"},
		{"any(isnan(n)) or drift_score > 3.5", "true"},
		{"all(e > 0)", "true"},
		{"any(e > 0)", "false"},
		{"key", "INPUT 1:1 a text is neither true nor false; compare it, as in x == \"yes\""},
		{"header(\"x-user\") == \"ann\" and key in [\"K1\", \"K2\"]", "true"},
		{"market-data > 1.5", "true"},
	};
	WORLD_HOLD(world_judge, rows);
}

static void logic_works_element_by_element(void **state)
{
	(void)state;
	static const struct world_row rows[] = {
		{"b and [true, true, false]", "BOOL[3] true false false"},
		{"b or false", "BOOL[3] true false true"},
		{"not b", "BOOL[3] false true false"},
		{"i and true", "BOOL[3] true false true"},
		{"false and b", "BOOL[3] false false false"},
		{"not nan", "BOOL[] true"},
		{"b == true", "BOOL[3] true false true"},
		{"where(b, s[0], s[1])", "BYTES[3] \"buy\" \"sell\" \"buy\""},
		{"where(b, [1, 2, 3], 0.5)", "FP64[3] 1.0 0.5 3.0"},
		{"where(b, i, u[0])", "INT64[3] -7 5 7"},
	};
	HOLD(rows);
}

static void what_does_not_fit_shows_both_sides(void **state)
{
	(void)state;
	static const struct world_row rows[] = {
		{"x + s", "INPUT 1:1 `+` takes two numbers or two texts, and these are FP32[1,3] and BYTES[2]; "
			  "write text(x) or number(x) to turn one into the other"},
		{"b * 2",
		 "INPUT 1:1 `*` takes two numbers, and these are BOOL[3] and INT64[]; write where(c, 1, 0) to count with a bool"},
		{"s < 1", "INPUT 1:1 `<` takes two numbers, two texts or two bools, and these are BYTES[2] and INT64[]; "
			  "write text(x) or number(x) to turn one into the other"},
		{"s <= s", "INPUT 1:1 texts are compared with == != < > only; write a < b or a == b"},
		{"b < b", "INPUT 1:1 `<` takes two numbers or two texts, and these are BOOL[3] and BOOL[3]; "
			  "write where(c, 1, 0) to count with a bool"},
		{"sqrt(s)", "INPUT 1:1 sqrt() takes a number, and this is BYTES[2]; it is written sqrt(x)"},
		{"-s", "INPUT 1:1 `-` takes a number, and this is BYTES[2]; write number(x) for a text with a number in it"},
		{"s and true", "INPUT 1:1 a text is neither true nor false; compare it, as in x == \"yes\""},
		{"where(true, s, 1)",
		 "INPUT 1:1 where() takes two values of one kind to choose from, and these are BYTES[2] and INT64[]"},
		{"x in s", "INPUT 1:1 `in` takes values of one kind, and these are FP32[1,3] and BYTES[2]; "
			   "write text(x) or number(x) to turn one into the other"},
	};
	HOLD(rows);
}

static void the_memory_of_a_message_is_a_limit(void **state)
{
	(void)state;
	struct arena *lasting = arena_open((size_t)1 << 20), *small = arena_open(4096);
	struct error error = {0};
	float numbers[2000] = {0};
	const int64_t shape[] = {2000};
	const struct tensor tensor = {
		.name = TEXT("x"), .shape = shape, .data = numbers, .count = 2000, .datatype = DATATYPE_FP32, .rank = 1};
	const struct tensor *const items[] = {&tensor};
	const struct payload payload = {.tensors = {1, items}};
	const struct scope scope = {.payload = &payload};
	const struct expression *expression =
		expression_compile(lasting, TEXT("has(x + 1) or where(true, 1, x * 2) == 1"), PLACE_NONE, USE_MESSAGE, &error);
	assert_non_null(expression);
	assert_null(expression_evaluate(expression, &scope, small, &error));
	assert_int_equal(error.kind, ERROR_LIMIT);
	arena_close(lasting);
	arena_close(small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(literals_stand_for_themselves),
		cmocka_unit_test(operators_bind_as_the_page_says),
		cmocka_unit_test(names_are_looked_up_in_order),
		cmocka_unit_test(arithmetic_keeps_its_datatype_rules),
		cmocka_unit_test(floats_are_computed_in_double_and_rounded_once),
		cmocka_unit_test(integers_are_exact_or_refused),
		cmocka_unit_test(texts_compare_and_join),
		cmocka_unit_test(shapes_broadcast_as_in_numpy),
		cmocka_unit_test(indices_count_from_zero_and_from_the_end),
		cmocka_unit_test(what_is_missing_is_named),
		cmocka_unit_test(nan_spreads_and_compares_false),
		cmocka_unit_test(floats_compare_with_numbers_that_none_of_them_is),
		cmocka_unit_test(where_chooses_element_by_element),
		cmocka_unit_test(the_lesser_of_two_is_nan_when_one_is),
		cmocka_unit_test(a_condition_has_one_element),
		cmocka_unit_test(logic_works_element_by_element),
		cmocka_unit_test(what_does_not_fit_shows_both_sides),
		cmocka_unit_test(the_memory_of_a_message_is_a_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
