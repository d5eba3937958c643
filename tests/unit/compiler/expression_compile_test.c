/* expression_compile_test.c: Tests of what is refused before anything runs, at which column,
 * with what to write instead; and the limits at their edges. */
#include "compiler/expression/expression_foreign.h"
#include "compiler/expression/expression_tree.h"
#include "tests/unit/expression_world.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const char *compile_for_messages(struct world *world, const char *source)
{
	return world_compile(world, source, USE_MESSAGE);
}

static const char *compile_for_features(struct world *world, const char *source)
{
	return world_compile(world, source, USE_MESSAGE | USE_TRAILING);
}

static const char *compile_for_windows(struct world *world, const char *source)
{
	return world_compile(world, source, USE_MESSAGE | USE_WINDOW);
}

static void wrong_words_are_shown_where_they_stand(void **state)
{
	(void)state;
	static const struct world_row rows[] = {
		{"", "CONFIG 1:1 the expression is empty; write one, such as `price > 0`"},
		{"  ", "CONFIG 1:1 the expression is empty; write one, such as `price > 0`"},
		{"a => 1", "CONFIG 1:3 `=>` is no operator; write `>=`"},
		{"a =< 1", "CONFIG 1:3 `=<` is no operator; write `<=`"},
		{"a = 1", "CONFIG 1:3 `=` is no operator; write `==`"},
		{"a <> 1", "CONFIG 1:3 `<>` is no operator; write `!=`"},
		{"a & b", "CONFIG 1:3 `&` is no operator; write `and`"},
		{"a | b", "CONFIG 1:3 `|` is no operator; write `or`"},
		{"a ** b", "CONFIG 1:3 `**` is no operator; write `^`"},
		{"a // b", "CONFIG 1:3 `//` is no operator; write div(a, b), which rounds down"},
		{"a % b", "CONFIG 1:3 `%` is directly after a number, as in 5%; for the remainder write mod(a, b)"},
		{"a ? b : c", "CONFIG 1:3 there is no `? :`; write where(condition, then, otherwise)"},
		{"a # b", "CONFIG 1:3 `#` has no meaning here; leave it out"},
		{"ü + 'x", "CONFIG 1:5 this text is not closed; end it with '"},
		{"\"a\\q\"",
		 "CONFIG 1:3 this escape is unknown; write one of \\\\ \\\" \\' \\n \\r \\t, and a backslash itself as \\\\"},
		{"`a", "CONFIG 1:1 this backquote is not closed; write `the name` between two of them"},
		{"``", "CONFIG 1:1 there is no name between these backquotes; write one"},
		{".5", "CONFIG 1:1 this is no number; write digits on both sides of the point, and in an exponent"},
		{"5.", "CONFIG 1:1 this is no number; write digits on both sides of the point, and in an exponent"},
		{"1e", "CONFIG 1:1 this is no number; write digits on both sides of the point, and in an exponent"},
		{"1.5.2", "CONFIG 1:4 this is no number; write digits on both sides of the point, and in an exponent"},
		{"007", "CONFIG 1:1 a number has no leading zeros; leave them out"},
		{"1e999", "CONFIG 1:1 this number is too large; the largest is 1.7976931348623157e308"},
		{"18446744073709551616", "CONFIG 1:1 this integer does not fit 64 bits; write it with a point, as a float"},
		{"-9223372036854775809", "CONFIG 1:1 this integer does not fit 64 bits; write it with a point, as a float"},
		{"2x", "CONFIG 1:2 this is no unit of time; write ms, s, m, h or d after a number, or an operator between the two"},
		{"1.5ms", "CONFIG 1:4 this duration is no whole number of milliseconds; write it in ms"},
		{"999999999999d", "CONFIG 1:13 this duration is longer than 285 years; write a shorter one"},
	};
	WORLD_HOLD(compile_for_messages, rows);
}

static void wrong_sentences_say_what_to_write(void **state)
{
	(void)state;
	static const struct world_row rows[] = {
		{"a +", "CONFIG 1:4 the expression ends here, but a value is needed; write a name, a number or a function"},
		{"* a", "CONFIG 1:1 `*` stands here, but a value is needed; write a name, a number or a function"},
		{"(a", "CONFIG 1:3 the expression ends here, but the `(` of character 1 is still open; write `)`"},
		{"a)", "CONFIG 1:2 `)` stands after the end of the expression; write an operator before it, or leave it out"},
		{"a b", "CONFIG 1:3 `b` stands after the end of the expression; write an operator before it, or leave it out"},
		{"a < b < c", "CONFIG 1:7 a comparison has two sides; write `a < b and b < ...`"},
		{"a == b != c", "CONFIG 1:8 a comparison has two sides; write `a == b and b != ...`"},
		{"(a < b) == true", ""},
		{"a not in [1]", "CONFIG 1:3 `not` comes before a whole comparison; write `not (a in [1, 2])`"},
		{"and a", "CONFIG 1:1 a value is missing before `and`; write one, or `and` in backquotes if it is a name"},
		{"`and` + 1", ""},
		{"[1, a]", "CONFIG 1:5 `a` stands here, but a list holds literals only; write [1, 2, 3] or [\"a\", \"b\"], "
			   "and stack(a, b) for values"},
		{"[]", "CONFIG 1:1 this list is empty; write its elements, [1, 2]"},
		{"[1, 'a']", "CONFIG 1:5 a list holds one kind of value; write numbers only, or texts only"},
		{"[-'a']", "CONFIG 1:2 only a number has a sign; leave the minus out"},
		{"[1, 2", "CONFIG 1:6 the expression ends here, but the `[` of character 1 is still open; write `]` or `,`"},
		{"x[]", "CONFIG 1:3 an index is missing here; write x[0], x[1:3] or x[\"column\"]"},
		{"x[1.5]", "CONFIG 1:3 an index is an integer or a column's name, and this is FP64; write x[0] or x[\"name\"]"},
		{"header(x)", "CONFIG 1:8 header() takes the header's name as a text; write header(\"x-user\")"},
		{"sqr(x)", "CONFIG 1:1 no function is called `sqr`; did you mean `sqrt`?"},
		{"1 + medain(x)", "CONFIG 1:5 no function is called `medain`; did you mean `median`?"},
		{"frobnicate(x)", "CONFIG 1:1 no function is called `frobnicate`; `sluice help functions` lists them"},
		{"clip(x, 1)", "CONFIG 1:1 clip() is called with 2 arguments; it is written clip(x, lo, hi)"},
		{"sqrt()", "CONFIG 1:1 sqrt() is called with 0 arguments; it is written sqrt(x)"},
		{"sqrt(x along 0)", "CONFIG 1:1 sqrt() works on no axis; it is written sqrt(x)"},
		{"mean(x along y)",
		 "CONFIG 1:14 `y` stands here, but a list holds literals only; write [1, 2, 3] or [\"a\", \"b\"], "
		 "and stack(a, b) for values"},
		{"mean(x along 0.5)",
		 "CONFIG 1:14 `along` takes the number of an axis; write `along 0`, or `along -1` for the last"},
		{"cast(x, INT33)", "CONFIG 1:9 cast() takes a datatype here; write cast(x, INT32)"},
		{"cast(x, int64)", "CONFIG 1:9 cast() takes a datatype here; write cast(x, INT64)"},
		{"cast(x, BYTES)", "CONFIG 1:9 cast() makes numbers and bools; write text(x)"},
		{"cast(x)", "CONFIG 1:7 cast() takes a datatype too; write cast(x, INT64)"},
		{"a.f(x)", "CONFIG 1:1 a function has no point in its name; write a function of `sluice help functions`"},
		{"now()", "CONFIG 1:1 now() has no meaning here; it belongs to alerts and criteria"},
	};
	WORLD_HOLD(compile_for_messages, rows);
}

static void spellings_of_other_languages_get_the_one_of_this(void **state)
{
	(void)state;
	static const struct world_row rows[] = {
		{"avg(x)", "CONFIG 1:1 no function is called `avg`; write mean(x)"},
		{"1 + AVG(x)", "CONFIG 1:5 no function is called `AVG`; write mean(x)"},
		{"ln(x)", "CONFIG 1:1 no function is called `ln`; write log(x), which is the natural one"},
		{"pow(x, 2)", "CONFIG 1:1 no function is called `pow`; write x ^ y"},
		{"x.mean()", "CONFIG 1:1 a function has no point in its name; write mean(x)"},
		{"a.x.mean( )", "CONFIG 1:1 a function has no point in its name; write mean(a.x)"},
		{"x.clip(0, 1)", "CONFIG 1:1 a function has no point in its name; write clip(x, ...)"},
		{"x.avg()", "CONFIG 1:1 a function has no point in its name; write mean(x)"},
		{"np.log(x)", "CONFIG 1:1 a function has no point in its name; write log(...), without `np.`"},
		{"math.pow(x, 2)", "CONFIG 1:1 a function has no point in its name; write x ^ y"},
		{"1 if x > 2 else 3", "CONFIG 1:3 there is no `if` between two values; write where(x > 2, 1, 3)"},
		{"(1 if x > 2 else 3)", "CONFIG 1:4 there is no `if` between two values; write where(condition, then, otherwise)"},
		{"1 if x", "CONFIG 1:3 there is no `if` between two values; write where(condition, then, otherwise)"},
		{"if x > 2 then 1", "CONFIG 1:1 there is no `if`; write where(condition, then, otherwise)"},
		{"a ? b : c", "CONFIG 1:3 there is no `? :`; write where(condition, then, otherwise)"},
		{"a AND b", "CONFIG 1:3 there is no `AND` between two values; write `and`"},
		{"a is b", "CONFIG 1:3 there is no `is` between two values; write `==`, or has(x) where a value may be missing"},
		{"s like 'b*'", "CONFIG 1:3 `like` is a function; write like(a, b)"},
		{"x mod 2", "CONFIG 1:3 `mod` is a function; write mod(a, b)"},
		{"mean(x) over 20",
		 "CONFIG 1:9 there is no `over` between two values; write it inside the function's brackets, as in "
		 "mean(x over 20)"},
		{"sum(x, axis=0)", "CONFIG 1:12 an argument has no name; write the axis after `along`, as in sum(x along 0)"},
		{"sum(x, dim = 0)", "CONFIG 1:12 an argument has no name; write the axis after `along`, as in sum(x along 0)"},
		{"x ** 2", "CONFIG 1:3 `**` is no operator; write `^`"},
		{"len(1)", "CONFIG 1:5 len() takes a text, and this is INT64; it is written len(x), and size(x) for a tensor"},
		{"a && b || !c", ""},
		{"side == \"buy\"", ""},
		{"`if` + `is`", ""},
		{"None ?? 0", ""}, /* a tensor may have any name */
	};
	WORLD_HOLD(compile_for_messages, rows);
}

/* What an answer tells people to write is part of the language. */
static void answers_for_other_languages_name_functions_that_exist(void **state)
{
	(void)state;
	static const char *const foreign[] = {"avg", "nanmean", "stddev", "variance", "percentile", "iff", "isna", "isnull",
					      "ln", "log2",
					      "trunc", "fmod", "floordiv", "int", "str", "strlen", "numel", "ndim", "startswith",
					      "endswith", "includes", "regex", "strip", "tolower", "toupper", "hstack", "vstack",
					      "ravel", "flip", "matmul", "expit", "clamp", "cbrt", "square", "coalesce", "bool"};
	for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
		const char *answer = foreign_function(text_of(foreign[i]));
		assert_non_null(answer);
		for (const char *at = strchr(answer, '('); at; at = strchr(at + 1, '(')) {
			const char *begin = at;
			while (begin > answer && (isalnum((unsigned char)begin[-1]) || begin[-1] == '_'))
				begin--;
			struct text name = {begin, (size_t)(at - begin)};
			if (name.length > 0 && !function_exists(name))
				fail_msg("`%s` is told to %s, and there is no %.*s()", foreign[i], answer, (int)name.length, begin);
		}
	}
}

static void kinds_of_literals_are_checked_at_once(void **state)
{
	(void)state;
	static const struct world_row rows[] = {
		{"'a' * 2", "CONFIG 1:1 `*` takes two numbers, and these are BYTES and INT64; write text(x) or number(x) to turn "
			    "one into the other"},
		{"1 + 'a'", "CONFIG 1:1 `+` takes two numbers or two texts, and these are INT64 and BYTES; "
			    "write text(x) or number(x) to turn one into the other"},
		{"not a > b", "CONFIG 1:1 `not` binds tighter than `>`; write not (a > b)"},
		{"not (a > b)", ""},
		{"'a' <= b", "CONFIG 1:1 texts are compared with == != < > only; write a < b or a == b"},
		{"x == 'a' and 'b'", "CONFIG 1:14 a text is neither true nor false; compare it, as in x == \"yes\""},
		{"(a > b) + 1", "CONFIG 1:2 `+` takes two numbers or two texts, and these are BOOL and INT64; write where(c, 1, 0) "
				"to count with a bool"},
		{"sqrt('a')", "CONFIG 1:6 sqrt() takes a number, and this is BYTES; it is written sqrt(x)"},
		{"where(c, 1, 'a')", "CONFIG 1:1 where() chooses between two values of one kind, and these are INT64 and BYTES"},
		{"ts + ts", ""},
		{"[1, 2][5]", "CONFIG 1:8 index 5 is outside INT64[2]; axis 0 has 2 elements, counted from 0"},
		{"5[0]", "CONFIG 1:1 INT64 has 0 dimensions, and here are 1 indices; leave some out"},
		{"-'a'", "CONFIG 1:1 `-` takes a number, and this is BYTES; write number(x) for a text with a number in it"},
	};
	WORLD_HOLD(compile_for_messages, rows);
}

static void what_came_before_is_kept_by_features_alone(void **state)
{
	(void)state;
	static const struct world_row here[] = {
		{"mean(x over 20)", "CONFIG 1:1 `over` looks at earlier messages, which only a features step keeps; set it there"},
		{"ema(x over 20)", "CONFIG 1:1 `over` looks at earlier messages, which only a features step keeps; set it there"},
		{"lag(x, 1)", "CONFIG 1:1 lag() has no meaning here; it belongs to a features step"},
		{"first(x)", "CONFIG 1:1 first() has no meaning here; it belongs to a features step"},
		{"sqrt(x over 3)", "CONFIG 1:1 `over` looks at earlier messages, which only a features step keeps; set it there"},
	};
	static const struct world_row features[] = {
		{"log_return(mid)", ""},
		{"std(ret over 20)", ""},
		{"(mid - mean(mid over 1h)) / std(mid over 1h)", ""},
		{"rsi(mid over 14)", ""},
		{"quantile(x over 1h, 0.9)", ""},
		{"macd(x, 12, 26, 9)", ""},
		{"atr(high, low, close over 14)", ""},
		{"bollinger(x over 20, 2)", ""},
		{"vwap(price, volume over 20)", ""},
		{"ema(x)", "CONFIG 1:1 ema() needs `over` and how far back; it is written ema(x over 20)"},
		{"mean(x over 0)", "CONFIG 1:13 `over` takes a number of messages or a duration; write `over 20` or `over 5m`"},
		{"mean(x over y)", "CONFIG 1:13 `over` takes a number of messages or a duration; write `over 20` or `over 5m`"},
		{"mean(x over 1.5)", "CONFIG 1:13 `over` takes a number of messages or a duration; write `over 20` or `over 5m`"},
		{"mean(x over 2 over 3)", "CONFIG 1:20 `over` is written twice; leave one out"},
		{"mean(x over 40000)", "CONFIG 1:1 mean() goes over 32768 messages at most; write fewer, or a duration"},
		{"ema(x over 1h)", "CONFIG 1:1 ema() goes over a number of messages; it is written ema(x over 20)"},
		{"rate(x over 20)", "CONFIG 1:1 rate() goes over a duration; it is written rate(x over 1m)"},
		{"lag(x, n)", "CONFIG 1:8 this is the same for all messages; write a plain number"},
		{"lag(x, 0)", "CONFIG 1:8 this is a number of messages, from 1 to 32767"},
		{"quantile(x over 20, 2)", "CONFIG 1:21 a quantile is from 0 to 1"},
		{"macd(x, 26, 12, 9)", "CONFIG 1:9 the first average must be faster than the second; write macd(x, 12, 26, 9)"},
		{"ema(x over 20, 'last')",
		 "CONFIG 1:16 an average begins with a mean or with the first value; write \"mean\" or \"first\""},
	};
	static const struct world_row windows[] = {
		{"first(x) + count()", ""},
		{"distinct(x)", ""},
		{"lag(x, 1)", "CONFIG 1:1 lag() has no meaning here; it belongs to a features step"},
	};
	WORLD_HOLD(compile_for_messages, here);
	WORLD_HOLD(compile_for_features, features);
	WORLD_HOLD(compile_for_windows, windows);
}

static void known_tensors_are_checked_with_their_shapes(void **state)
{
	(void)state;
	static const struct world_row rows[] = {
		{"x", "FP32[1,3]"},
		{"i", "INT32[3]"},
		{"x * 0.5", "FP32[1,3]"},
		{"x * d", "FP64[1,3]"},
		{"h * 2", "FP32[2]"},
		{"i + 1", "INT64[3]"},
		{"u + 1", "UINT64[2]"},
		{"u + i[0]", "INT64[2]"},
		{"i / 2", "FP64[3]"},
		{"x > 1", "BOOL[1,3]"},
		{"x + m", "FP64[2,3]"},
		{"s + 'a'", "BYTES[2]"},
		{"s == 'a'", "BOOL[2]"},
		{"mean(x)", "FP32[]"},
		{"mean(m along 0)", "FP64[3]"},
		{"sum(b)", "INT64[]"},
		{"argmax(x)", "INT64[]"},
		{"cast(x, INT8)", "INT8[1,3]"},
		{"x[0, 1]", "FP32[]"},
		{"m[:, 1:3]", "FP64[2,2]"},
		{"m[-1:]", "FP64[1,3]"},
		{"x[\"volume\"]", "FP32[1]"},
		{"where(b, 1, 2.5)", "FP64[3]"},
		{"where(x > 1, 1.0, 0)", "FP32[1,3]"},
		{"where(d > 1, 1, 2)", "INT64[]"},
		{"where(d > 1, 1, 2.5)", "unknown[]"},
		{"where(d > 1, x, d)", "FP64 ?"},
		{"where(x[0, 0] > 1, x, d)", "float ?"},
		{"d > 1 and x > 1", "BOOL ?"},
		{"b or d > 1", "BOOL[3]"},
		{"d ?? 1.5", "FP64[]"},
		{"i ?? 1", "INT64 ?"},
		{"hash(s) ?? i", "integer ?"},
		{"ts - d", "FP64[]"},
		{"max(18446744073709551615)", "UINT64[]"},
		{"shape(m)", "INT64[?]"},
		{"flatten(x)", "FP32[?]"},
		{"reshape(x, [3])", "FP32[3]"},
		{"reshape(m, [3, -1])", "FP64[3,2]"},
		{"reshape(m, 6)", "FP64[6]"},
		{"reshape(flatten(x), [1, 4])", "FP32[1,4]"},
		{"reshape(flatten(x), [-1, 4])", "FP32[?,4]"},
		{"reshape(x, shape(m))", "FP32 ?"},
		{"reshape(m, [4])", "CONFIG 1:1 FP64[2,3] has 6 elements, and the shape wanted has 4; "
				 "write one that fits, or -1 for one of them"},
		{"reshape(m, [4, -1])", "CONFIG 1:1 FP64[2,3] has 6 elements, and the shape wanted has 4; "
				 "write one that fits, or -1 for one of them"},
		{"reshape(x, [-1, -1])", "CONFIG 1:1 reshape() takes dimensions of 0 or more, and one -1 for what is left"},
		{"reshape(x, [3]) + m[:, 0]", "CONFIG 1:1 the shapes of FP32[3] and FP64[2] do not fit; "
					 "each dimension must be equal or 1"},
		{"hash(s)", "UINT64[2]"},
		{"has(gone ?? x)", "CONFIG 1:5 no tensor is called `gone`; write the name of one, or its text in quotes"},
		{"params.q", "unknown ?"},
		{"ts - 5m", "INT64[]"},
		{"key", "BYTES[]"},
		{"hour(ts)", "INT64[]"},
		{"header(\"a\")", "BYTES[]"},
		{"x + n", "CONFIG 1:1 the shapes of FP32[1,3] and FP64[4] do not fit; each dimension must be equal or 1"},
		{"x + s", "CONFIG 1:1 `+` takes two numbers or two texts, and these are FP32[1,3] and BYTES[2]; "
			  "write text(x) or number(x) to turn one into the other"},
		{"1 + abs(s)", "CONFIG 1:9 abs() takes a number, and this is BYTES[2]; it is written abs(x)"},
		{"m[2]", "CONFIG 1:3 index 2 is outside FP64[2,3]; axis 0 has 2 elements, counted from 0"},
		{"m[0, 0, 0]", "CONFIG 1:1 FP64[2,3] has 2 dimensions, and here are 3 indices; leave some out"},
		{"mean(m along 2)", "CONFIG 1:1 FP64[2,3] has no axis 2; its axes are 0 to 1, or -1 for the last"},
		{"ts + ts", "CONFIG 1:1 a time is subtracted from another, or a duration from it; write ts - t, or ts - 5m"},
		{"ts * 2", "CONFIG 1:1 a time is subtracted from another, or a duration from it; write ts - t, or ts - 5m"},
	};
	WORLD_HOLD(world_check, rows);
}

static void an_unknown_name_gets_a_suggestion(void **state)
{
	(void)state;
	static const struct world_row rows[] = {
		{"drift_scor > 1", "CONFIG 1:1 no tensor is called `drift_scor`; did you mean `drift_score`?"},
		{"1 + maed", "CONFIG 1:5 no tensor is called `maed`; did you mean `made`?"},
		{"made-0.3", "CONFIG 1:1 `made-0.3` is one name and no tensor is called that; write `made - 0.3`, or `made > 0.3`"},
		{"2 * x-d", "CONFIG 1:5 `x-d` is one name and no tensor is called that; write `x - d`"},
		{"market-data-1", "CONFIG 1:1 `market-data-1` is one name and no tensor is called that; write `market-data - 1`, "
				  "or `market-data > 1`"},
		{"step9.y",
		 "CONFIG 1:1 nothing is called `step9.y`; write step.tensor with an earlier step, request.tensor or params.name"},
		{"qqqqqq", "CONFIG 1:1 no tensor is called `qqqqqq`; write the name of one, or its text in quotes"},
	};
	WORLD_HOLD(world_check, rows);
}

struct asked {
	size_t count;
	struct expression_name names[8];
};

static bool note_name(void *context, const struct expression_name *name, struct value_type *type, const char **suggest)
{
	struct asked *asked = context;
	(void)suggest;
	*type = (struct value_type){0};
	asked->names[asked->count++] = *name;
	return true;
}

static void names_are_asked_for_with_their_places(void **state)
{
	(void)state;
	struct arena *arena = arena_open((size_t)1 << 20);
	struct error error = {0};
	const struct expression *expression = expression_compile(arena, TEXT("a + s.t.u * has(`b c`) ?? key"),
								 (struct place){"p.yaml", 7, 11}, USE_MESSAGE, &error);
	assert_null(expression); /* a bool in arithmetic */
	assert_int_equal(error.place.line, 7);
	error.kind = ERROR_NONE;
	expression = expression_compile(arena, TEXT("(ü + s.t.u ?? 1) * where(has(`b c`), 1, 2) + key"),
					(struct place){"p.yaml", 7, 11}, USE_MESSAGE, &error);
	assert_non_null(expression);
	struct asked names = {0};
	const struct expression_types types = {&names, note_name};
	struct value_type type;
	assert_true(expression_check(expression, &types, arena, &type, &error));
	assert_int_equal(names.count, 4);
	assert_true(text_is(names.names[0].name, "ü"));
	assert_true(names.names[0].optional);
	assert_int_equal(names.names[0].place.column, 12);
	assert_true(text_is(names.names[1].owner, "s"));
	assert_true(text_is(names.names[1].name, "t.u"));
	assert_int_equal(names.names[1].place.column, 16);
	assert_true(text_is(names.names[2].name, "b c"));
	assert_true(names.names[2].optional);
	assert_int_equal(names.names[2].owner.length, 0);
	assert_true(text_is(names.names[3].name, "key"));
	assert_false(names.names[3].optional);
	assert_int_equal(names.names[3].place.line, 7);
	arena_close(arena);
}

static void nesting_ends_at_sixty_four(void **state)
{
	(void)state;
	struct world world;
	world_open(&world);
	char source[400];
	snprintf(source, sizeof source, "%.*s1%.*s", 64, "((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((",
		 64, "))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))");
	assert_string_equal(world_evaluate(&world, source), "INT64[] 1");
	snprintf(source, sizeof source, "%.*s1%.*s", 65, "((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((",
		 65, "))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))");
	assert_string_equal(world_evaluate(&world, source),
			    "CONFIG 1:66 this is nested deeper than 64; set a part of it under a name of its own");
	world_close(&world);
}

/* A chain of one operator is no nesting, however long. */
static void the_text_ends_at_4096_characters(void **state)
{
	(void)state;
	struct world world;
	world_open(&world);
	static char source[EXPRESSION_CHARACTERS_MAX + 2];
	for (size_t i = 0; i < EXPRESSION_CHARACTERS_MAX; i++)
		source[i] = i % 2 ? '+' : '1';
	source[EXPRESSION_CHARACTERS_MAX - 1] = ' ';
	assert_string_equal(world_evaluate(&world, source), "INT64[] 2048");
	source[EXPRESSION_CHARACTERS_MAX] = ' ';
	assert_string_equal(world_evaluate(&world, source), "CONFIG 1:1 the expression has 4097 characters, and at most 4096 are "
							    "taken; set a part of it under a name of its own");
	world_close(&world);
}

static void characters_are_counted_not_bytes(void **state)
{
	(void)state;
	struct world world;
	world_open(&world);
	static char source[EXPRESSION_CHARACTERS_MAX * 2];
	source[0] = '\'';
	for (size_t i = 0; i < EXPRESSION_CHARACTERS_MAX - 2; i++)
		memcpy(source + 1 + 2 * i, "ü", 2);
	source[1 + 2 * (EXPRESSION_CHARACTERS_MAX - 2)] = '\'';
	assert_string_equal(world_compile(&world, source, USE_MESSAGE), "");
	assert_string_equal(world_compile(&world, "\xFF", USE_MESSAGE),
			    "CONFIG 1:1 the expression is not UTF-8; save the file in that encoding");
	world_close(&world);
}

static void a_compiled_expression_keeps_its_text_and_place(void **state)
{
	(void)state;
	struct arena *arena = arena_open((size_t)1 << 20);
	struct error error = {0};
	char source[] = "x > 1";
	const struct expression *expression =
		expression_compile(arena, text_of(source), (struct place){"p.yaml", 3, 9}, USE_MESSAGE, &error);
	memset(source, '?', sizeof source - 1);
	assert_true(text_is(expression_source(expression), "x > 1"));
	assert_int_equal(expression_place(expression).column, 9);
	arena_close(arena);
}

static void no_memory_is_an_error(void **state)
{
	(void)state;
	for (size_t limit = 64; limit < 12000; limit += 64) {
		struct arena *arena = arena_open(limit);
		struct error error = {0};
		if (!expression_compile(arena, TEXT("where(a > 1, [1, 2], max(b, c.d) ?? 3)"), PLACE_NONE, USE_MESSAGE, &error))
			assert_int_equal(error.kind, ERROR_SYSTEM);
		arena_close(arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_words_are_shown_where_they_stand),
		cmocka_unit_test(wrong_sentences_say_what_to_write),
		cmocka_unit_test(spellings_of_other_languages_get_the_one_of_this),
		cmocka_unit_test(answers_for_other_languages_name_functions_that_exist),
		cmocka_unit_test(kinds_of_literals_are_checked_at_once),
		cmocka_unit_test(what_came_before_is_kept_by_features_alone),
		cmocka_unit_test(known_tensors_are_checked_with_their_shapes),
		cmocka_unit_test(an_unknown_name_gets_a_suggestion),
		cmocka_unit_test(names_are_asked_for_with_their_places),
		cmocka_unit_test(nesting_ends_at_sixty_four),
		cmocka_unit_test(the_text_ends_at_4096_characters),
		cmocka_unit_test(characters_are_counted_not_bytes),
		cmocka_unit_test(a_compiled_expression_keeps_its_text_and_place),
		cmocka_unit_test(no_memory_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
