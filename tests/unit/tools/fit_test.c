/* fit_test.c: Tests of learning: what `sluice fit preprocess` learns of rows, and what it says of rows that teach
 * nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "steps/kinds.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/session.h"

#define HEAD "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
#define STEP "  steps:\n  - name: clean\n    preprocess:\n"
#define TAIL "  output: {steps: [clean]}\n"

/* What is printed for a step of these operations and these data. */
static struct said fit(const char *operations, const char *data, const char *more)
{
	char yaml[2048], line[512];
	snprintf(yaml, sizeof yaml, HEAD STEP "%s" TAIL, operations);
	write_file("p.yaml", yaml);
	write_file("data", data);
	snprintf(line, sizeof line, "fit preprocess data -f p.yaml%s", more);
	return say_with(step_kinds, line);
}

static void each_operation_learns_of_what_those_above_make(void **state)
{
	(void)state;
	struct said said = fit("    - impute: {tensor: x, by: median, fitted: f}\n"
			       "    - clip: {tensor: x, columns: [b], high: 6}\n"
			       "    - scale: {tensor: x, by: min-max, fitted: f}\n",
			       "a,b,c\r\n1,,9\r\n\r\n2,5,9\r\n4,7,9\n", " --tensor x=a,b");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "{\"impute\": {\"tensor\": \"x\", \"by\": \"median\", \"values\": [2.0, 6.0]}}");
	expect_words(said.out, "\"center\": [1.0, 5.0], \"scale\": [3.0, 1.0]"); /* b is 6, 5, 6 by now */
	said_close(&said);
}

static void a_csv_may_have_quotes_and_columns_of_words(void **state)
{
	(void)state;
	struct said said = fit("    - onehot: {tensor: side, fitted: f}\n    - ordinal: {tensor: n, fitted: f}\n",
			       "side,n\n\"sell, \"\"now\"\"\",2\nbuy,10\n\"two\nlines\",2\n", "");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "{\"onehot\": {\"tensor\": \"side\", \"categories\": "
			       "[[\"buy\", \"sell, \\\"now\\\"\", \"two\\nlines\"]]");
	expect_words(said.out, "\"categories\": [[\"2\", \"10\"]]"); /* numbers in their order, not that of their texts */
	said_close(&said);
}

static void which_step_learns_is_said_or_asked_for(void **state)
{
	(void)state;
	static const struct {
		const char *line, *words;
	} rows[] = {
		{"fit preprocess data -f p.yaml", "the files have 2 steps `preprocess`; choose one by --step"},
		{"fit preprocess data -f p.yaml --step clena",
		 "the files have no step `preprocess` called clena; `sluice plan` lists the steps that they have"},
		{"fit outlier data -f p.yaml", "the files have no step `outlier`; give the file of a pipeline that has one"},
		{"fit preprocess data -f p.yaml -f q.yaml --step clean",
		 "the files have 2 steps `preprocess` called clean; give only the file of one of their pipelines"},
	};
	write_file("p.yaml", HEAD STEP "    - scale: {tensor: a, fitted: f}\n"
					"  - name: more\n    preprocess:\n    - scale: {tensor: a, fitted: g}\n" TAIL);
	write_file("q.yaml", "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: q}\nspec:\n" STEP
			     "    - scale: {tensor: a, fitted: f}\n" TAIL);
	write_file("data", "a\n1\n2\n");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct said said = say_with(step_kinds, rows[i].line);
		assert_int_not_equal(said.code, 0);
		expect_words(said.err, rows[i].words);
		said_close(&said);
	}
}

static void a_mark_before_the_text_is_no_part_of_the_first_name(void **state)
{
	(void)state;
	struct said said = fit("    - scale: {tensor: a, by: max-abs, fitted: f}\n",
			       "\xEF\xBB\xBF"
			       "a,b\r\n1,2\r\n-4,3\r\n",
			       "");
	assert_string_equal(said.err, "");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "\"scale\": [4.0]");
	said_close(&said);
}

static void blank_lines_are_no_header_and_no_request(void **state)
{
	static const char *const data[] = {
		"\n\r\na,b\r\n1,2\r\n\r\n-4,3\r\n",
		"\r\n{\"inputs\": [{\"name\": \"a\", \"datatype\": \"FP64\", \"shape\": [1], \"data\": [-4]}]}\r\n  \r\n",
	};
	(void)state;
	for (size_t i = 0; i < sizeof data / sizeof *data; i++) {
		struct said said = fit("    - scale: {tensor: a, by: max-abs, fitted: f}\n", data[i], "");
		assert_string_equal(said.err, "");
		assert_int_equal(said.code, 0);
		expect_words(said.out, "\"scale\": [4.0]");
		said_close(&said);
	}
}

static void requests_teach_as_they_come(void **state)
{
	(void)state;
	struct said said =
		fit("    - scale: {tensor: x, by: max-abs, fitted: f}\n",
		    "{\"inputs\": [{\"name\": \"x\", \"datatype\": \"FP32\", \"shape\": [2,2], \"data\": [1,2,-3,4]}]}\n"
		    "{\"id\": \"a\", \"request\": {\"inputs\": [{\"name\": \"x\", \"datatype\": \"FP32\", \"shape\": [1,2], "
		    "\"data\": [2,-8]}]}}\n",
		    "");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "\"scale\": [3.0, 8.0]");
	said_close(&said);
}

static void a_request_without_rows_teaches_nothing(void **state)
{
	(void)state;
	struct said said = fit("    - onehot: {tensor: x, fitted: f}\n",
			       "{\"inputs\": [{\"name\": \"x\", \"datatype\": \"BYTES\", \"shape\": [0,1], \"data\": []}]}\n"
			       "{\"inputs\": [{\"name\": \"x\", \"datatype\": \"FP64\", \"shape\": [2,2], \"data\": [1,2,3,2]}]}\n",
			       "");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "\"categories\": [[\"1\", \"3\"], [\"2\"]]");
	said_close(&said);
}

static void events_are_mapped_as_the_pipeline_says(void **state)
{
	(void)state;
	write_file("p.yaml", HEAD "  input: {tensors: {x: {paths: [q.bid, q.ask], datatype: FP64}}}\n" STEP
				  "    - scale: {tensor: x, columns: [ask], fitted: f}\n" TAIL);
	write_file("data", "{\"q\": {\"bid\": 1, \"ask\": 2}}\n{\"q\": {\"bid\": 1, \"ask\": 6}}\n");
	struct said said = say_with(step_kinds, "fit preprocess data -f p.yaml --out out.json");
	assert_int_equal(said.code, 0);
	assert_string_equal(said.out, "out.json: the constants that step `clean` has learned\n");
	said_close(&said);
	FILE *file = fopen("out.json", "r");
	char made[512];
	assert_non_null(file);
	made[fread(made, 1, sizeof made - 1, file)] = '\0';
	(void)fclose(file);
	expect_words(made, "\"columns\": [\"ask\"]");
	expect_words(made, "\"center\": [4.0], \"scale\": [2.0]");
}

static void what_cannot_be_learnt_is_said_with_its_place(void **state)
{
	(void)state;
	static const struct {
		const char *operations, *data, *more, *words;
	} rows[] = {
		{"    - impute: {tensor: a, fitted: f}\n", "a\nnan\n", "", "nothing to learn from in column 0"},
		{"    - impute: {tensor: a, fitted: f}\n", "a\n", "",
		 "p.yaml:8:7: `impute` has nothing to learn from: there is no message"},
		{"    - impute: {tensor: a, values: [1]}\n", "a\n1\n", "", "step `clean` has nothing to learn"},
		{"    - fitted: f\n", "a\n1\n", "", "does not list what to learn"},
		{"    - scale: {tensor: x, fitted: f}\n", "a\n1\n", "",
		 "data, in the row of line 2: `scale` needs the tensor `x`, and what is there is `a`"},
		{"    - scale: {fitted: f}\n", "a\n1\n", "", "write `tensor: NAME`"},
		{"    - scale: {tensor: a, fitted: f}\n", "a,b\n1,2,3\n", "",
		 "data:2:1: this row has 3 fields, and the header 2; quote fields that contain a comma"},
		{"    - scale: {tensor: a, fitted: f}\n", "a,b\n1,\"2\n3\"\n1\n", "",
		 "data:4:1: this row has 1 field, and the header 2; write all of them, and leave those empty that are missing"},
		{"    - scale: {tensor: x, fitted: f}\n", "0.5,2\n1,2\n", " --tensor x=a",
		 "data has no column `a`: its first line has numbers; write the names of the columns above it"},
		{"    - scale: {tensor: x, fitted: f}\n", "a;b\n1;2\n", " --tensor x=a",
		 "data has no column `a`: its first line has no comma; separate the columns by commas"},
		{"    - scale: {tensor: a, fitted: f}\n", "a;b\n1,5;2,5\n", "",
		 "data:2:1: this row has 3 fields, and the header 1: its first line has no comma; separate the columns by commas, "
		 "and write decimals with a point"},
		{"    - scale: {tensor: a, fitted: f}\n",
		 "\xFF\xFE"
		 "a\n1\n",
		 "", "data is UTF-16; save it as UTF-8"},
		{"    - scale: {tensor: a, fitted: f}\n", "a,b\r1,2\r3,4\r", "",
		 "data ends its lines by carriage returns alone, so it is one long line; end them by line feeds: `tr '\\r' '\\n' < "
		 "data > NEW.csv`"},
		{"    - scale: {tensor: a, fitted: f}\n", "a\r1\r2\r\n", "", "ends its lines by carriage returns alone"},
		{"    - scale: {tensor: x, fitted: f}\n", "aa,b\n1,2\n", " --tensor x=ab", "no column `ab`; its nearest is `aa`"},
		{"    - scale: {tensor: x, fitted: f}\n", "a,b\n1,w\n", " --tensor x=a,b", "column `b` is not all numbers"},
		{"    - power: {tensor: a, by: box-cox, fitted: f}\n", "a\n1\n-2\n", "", "Box-Cox needs numbers above 0"},
		{"    - ordinal: {tensor: a, fitted: f}\n", "a\nnan\n", "",
		 "no categories can be learned from column 0: all of it is missing"},
		{"    - scale: {tensor: a, fitted: f}\n", " \n", "", "is empty"},
		{"    - scale: {tensor: a, fitted: f}\n", "{\"inputs\": 3}\n", "", "data:1:1"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct said said = fit(rows[i].operations, rows[i].data, rows[i].more);
		assert_int_not_equal(said.code, 0);
		expect_words(said.err, rows[i].words);
		said_close(&said);
	}
}

static void expect_refusal(const char *operations, const char *data, const char *more, const char *const *words)
{
	struct said said = fit(operations, data, more);
	assert_int_not_equal(said.code, 0);
	for (; *words; words++)
		expect_words(said.err, *words);
	said_close(&said);
}

#define WORDS(...)                                                                                                                 \
	(const char *const[])                                                                                                      \
	{                                                                                                                          \
		__VA_ARGS__, NULL                                                                                                  \
	}
#define TEXTS_ROW(shape, data)                                                                                                     \
	"{\"inputs\": [{\"name\": \"a\", \"datatype\": \"BYTES\", \"shape\": " shape ", \"data\": " data "}]}\n"

static void a_text_where_a_number_is_wanted_is_shown_with_its_place(void **state)
{
	(void)state;
	static const char scale[] = "    - scale: {tensor: a, fitted: f}\n";
	expect_refusal(scale, "a\n1\nabc\n", "",
		       WORDS("data:3:1: column `a` is not all numbers", "here it has `abc`", "leave the field empty"));
	expect_refusal(scale, "b,a\r\n\"\xC3\xA4\n\"\"\",7\r\nx,\"50,000\"\r\n", "",
		       WORDS("data:4:3: column `a`", "here it has `50,000`", "like 50000"));
	expect_refusal("    - scale: {tensor: x, fitted: f}\n", "a,b\n1,2\n3,4 EUR\n", " --tensor x=a,b",
		       WORDS("data:3:3: column `b`", "here it has `4 EUR`", "leave the column out of --tensor"));
	expect_refusal("    - rename: {a: c}\n    - clip: {tensor: c, low: 0}\n    - scale: {tensor: c, fitted: f}\n", "a\n1\n-\n",
		       "", WORDS("data:3:1: column `a`", "here it has `-`"));
	FILE *file = fopen("zero", "w");
	assert_non_null(file);
	assert_int_equal(fwrite("a\n1\n5\0" "7\n", 1, 8, file), 8);
	(void)fclose(file);
	struct said said = say_with(step_kinds, "fit preprocess zero -f p.yaml");
	expect_words(said.err, "zero:3:1: column `a` is not all numbers: here it has `5...`; write");
	said_close(&said);
	expect_refusal(scale, TEXTS_ROW("[1]", "[\"abc\"]"), "",
		       WORDS("data:1:1: `scale` works on numbers; `a` is BYTES[1], and its element 0 is \"abc\"", "send numbers"));
	expect_refusal(scale, "\n" TEXTS_ROW("[1,2]", "[\"1\", \"50,000\"]"), "",
		       WORDS("data:2:1: `scale` works on numbers", "its element 1 is \"50,000\""));
	expect_refusal(
		"    - onehot: {tensor: a, fitted: f}\n",
		TEXTS_ROW("[1]",
			  "[\"u\"]") "{\"inputs\": [{\"name\": \"a\", \"datatype\": \"FP64\", \"shape\": [1], \"data\": [1]}]}\n",
		"", WORDS("data:2:1: `onehot` cannot learn of 1 columns", "texts"));
}

/* Where a text is cut to be shown, a character's first byte is looked for, and these have none. */
static void a_text_of_inner_bytes_alone_is_shown_too(void **state)
{
	(void)state;
	char data[128] = "x\n";
	memset(data + 2, 0xA7, 100);
	struct said said = fit("    - impute: {tensor: x, fitted: f}\n", data, "");
	assert_int_equal(said.code, EXIT_FAULTS);
	expect_words(said.err, "here it has `...`");
	said_close(&said);
}

/* Cut short at the NUL, it would be another text's category. */
static void a_text_with_a_nul_becomes_no_category(void **state)
{
	(void)state;
	static const char *const operations[] = {"    - onehot: {tensor: x, fitted: f}\n",
						 "    - ordinal: {tensor: x, fitted: f}\n"};
	for (size_t i = 0; i < 2; i++) {
		struct said said = fit(operations[i],
				       "{\"inputs\": [{\"name\": \"x\", \"datatype\": \"BYTES\", \"shape\": [2, 1], "
				       "\"data\": [\"a\", \"b\\u0000c\"]}]}\n",
				       "");
		assert_int_equal(said.code, EXIT_FAULTS);
		expect_words(said.err, "column 0: a text has a NUL byte");
		assert_string_equal(said.out, "");
		said_close(&said);
	}
}

/* One of these lies far below the others, which are near each other: no power that a double holds makes them normal. */
static void a_lambda_that_is_kept_within_the_range_of_doubles_is_said(void **state)
{
	(void)state;
	const char *words = "`power`: lambda of column 0, ";
	struct said said = fit("    - power: {tensor: x, by: box-cox, fitted: f}\n",
			       "x\n999910\n999996\n999997\n999998\n999999\n1000000\n", "");
	assert_int_equal(said.code, EXIT_GOOD);
	expect_words(said.err, words);
	expect_words(said.err, "the most likely one lies beyond");
	said_close(&said);
	said = fit("    - power: {tensor: x, by: box-cox, fitted: f}\n", "x\n1\n2\n3\n5\n8\n13\n", "");
	assert_int_equal(said.code, EXIT_GOOD);
	assert_null(strstr(said.err, words));
	said_close(&said);
}

static void what_a_csv_has_wrong_is_said_where_it_stands(void **state)
{
	(void)state;
	static const char scale[] = "    - scale: {tensor: a, fitted: f}\n";
	expect_refusal(scale, "a,a\n1,2\n", "", WORDS("data:1:1: the header has the column `a` twice"));
	expect_refusal(scale, "a,b\n\"1\"x,2\n", "", WORDS("data:2:1: text follows the closing quote"));
	expect_refusal(scale, "a,b\n1,\"2\n3,4\n", "", WORDS("data:2:3: the quote that begins here is never closed"));
	expect_refusal(scale, "a,b\n1,2\n", " --tensor x=a,a", WORDS("--tensor has the column `a` twice"));
	expect_refusal(scale, "a,b\n1,2\n", " --tensor x=a --tensor y=a", WORDS("--tensor has the column `a` twice"));
	expect_refusal(scale, "a,b\n1,2\n", " --tensor b=a", WORDS("--tensor makes `b`, which exists already"));
	expect_refusal(scale, "a,b\n1,2\n", " --tensor x=a --tensor x=b", WORDS("--tensor makes `x`"));
	expect_refusal(scale, "a,b\n1,2\n", " --tensor x=", WORDS("`x=` has no column"));
	/* An index without a name, as pandas writes it, and a header of two lines. */
	struct said said = fit(scale, ",\"b\n,c\",a,\n0,1,4,\n1,1,8,\n", "");
	assert_string_equal(said.err, "");
	expect_words(said.out, "\"center\": [6.0], \"scale\": [2.0]");
	said_close(&said);
}

static void a_header_that_is_none_is_said(void **state)
{
	(void)state;
	static const char scale[] = "    - scale: {tensor: a, fitted: f}\n";
	expect_refusal(scale, "1.5,-2\n3,4\n", "", WORDS("data:1:1: its first line has numbers; write the names"));
	expect_refusal(scale, "1.5,2,1.5\n3,4,5\n", "", WORDS("data:1:1: its first line has numbers; write the names"));
	expect_refusal(scale, "5,1,7\n3,4,5\n", "", WORDS("data:1:1: its first line has numbers; write the names"));
	expect_refusal(scale, "a;b\n1,5;2\n", "", WORDS("this row has 2 fields, and the header 1: its first line has no comma"));
	expect_refusal(scale, "a;b\n1;2\n", "", WORDS("data:1:1: its first line has no comma; separate the columns by commas"));
	/* Columns without names, as pandas writes them. */
	struct said said = fit("    - scale: {tensor: x, fitted: f}\n", "0,1\n1,4\n3,4\n", " --tensor x=0");
	assert_string_equal(said.err, "");
	expect_words(said.out, "\"center\": [2.0], \"scale\": [1.0]");
	said_close(&said);
}

static void a_file_of_another_kind_is_named(void **state)
{
	(void)state;
	static const char scale[] = "    - scale: {tensor: a, fitted: f}\n";
	expect_refusal(scale, "\x1F\x8B\x08 ab\n", "", WORDS("data is compressed by gzip; unpack it"));
	expect_refusal(scale, "PK\x03\x04 ab\n", "", WORDS("data is a ZIP archive or a workbook of a spreadsheet"));
	expect_refusal(scale, "PAR1\x15 ab\nPAR1", "", WORDS("data is Parquet; write it as CSV"));
	expect_refusal(scale, "[\n {\"a\": 1},\n {\"a\": 2}]\n", "",
		       WORDS("data is a list in JSON; write each of its items on a line"));
	/* A column may be called as such files begin, and a name may be in brackets. */
	struct said said = fit("    - scale: {tensor: x, fitted: f}\n", "PAR1,[a]\n4,1\n4,3\n", " --tensor x=[a]");
	expect_words(said.out, "\"center\": [2.0], \"scale\": [1.0]");
	said_close(&said);
}

static void true_and_false_are_numbers_and_words_stand_for_what_is_missing(void **state)
{
	(void)state;
	static const char scale[] = "    - scale: {tensor: x, by: min-max, fitted: f}\n";
	struct said said = fit(scale, "a, b\nTrue, 2\nfalse,4\nNone,\\N\n,6\nTRUE,#N/A\n", " --tensor x=a,b");
	assert_string_equal(said.err, "");
	expect_words(said.out, "\"center\": [0.0, 2.0], \"scale\": [1.0, 4.0]");
	said_close(&said);
	/* A flag beside numbers or other texts is a text. */
	expect_refusal(scale, "a\ntrue\n1\n", " --tensor x=a",
		       WORDS("data:2:1: column `a` is not all numbers: here it has `true`"));
	expect_refusal(scale, "a\ntrue\nno\n", " --tensor x=a",
		       WORDS("data:2:1: column `a` is not all numbers: here it has `true`"));
}

/* As Oracle and SAS write them. A point alone is no number. */
static void numbers_may_lack_the_digits_before_or_behind_the_point(void **state)
{
	(void)state;
	static const char scale[] = "    - scale: {tensor: x, by: min-max, fitted: f}\n";
	struct said said = fit(scale, "a,b,c\n.5,-.25,1.e1\n+.75,2.,.5e1\n", " --tensor x=a,b,c");
	assert_string_equal(said.err, "");
	expect_words(said.out, "\"center\": [0.5, -0.25, 5.0], \"scale\": [0.25, 2.25, 5.0]");
	said_close(&said);
	expect_refusal(scale, "a\n1\n.\n", " --tensor x=a", WORDS("column `a` is not all numbers: here it has `.`"));
	expect_refusal(scale, "a\n1\n.e5\n", " --tensor x=a", WORDS("column `a` is not all numbers: here it has `.e5`"));
	expect_refusal(scale, "a\n1\n1..5\n", " --tensor x=a", WORDS("column `a` is not all numbers: here it has `1..5`"));
}

static void flags_that_the_pipeline_takes_for_texts_are_texts(void **state)
{
	(void)state;
	write_file("p.yaml", HEAD "  input: {tensors: {a: {path: a, datatype: BYTES}, b: b}}\n" STEP
				  "    - ordinal: {tensor: a, fitted: f}\n    - scale: {tensor: b, by: min-max, fitted: f}\n" TAIL);
	write_file("data", "a,b\ntrue,false\nfalse,true\n");
	struct said said = say_with(step_kinds, "fit preprocess data -f p.yaml");
	assert_string_equal(said.err, "");
	expect_words(said.out, "\"categories\": [[\"false\", \"true\"]]");
	expect_words(said.out, "\"center\": [0.0], \"scale\": [1.0]");
	said_close(&said);
}

static void what_is_infinite_or_too_large_is_not_learnt_from(void **state)
{
	(void)state;
	static const char *const operations[] = {"impute: {tensor: a, fitted: f}",
						 "scale: {tensor: a, fitted: f}",
						 "scale: {tensor: a, by: min-max, fitted: f}",
						 "scale: {tensor: a, by: robust, fitted: f}",
						 "power: {tensor: a, fitted: f}",
						 "kbins: {tensor: a, by: uniform, bins: 3, fitted: f}"};
	static const char infinite[] = "{\"inputs\": [{\"name\": \"a\", \"datatype\": \"FP64\", \"shape\": [3,1], \"data\": [1, "
				       "\"Infinity\", 2]}]}\n";
	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++) {
		char line[256];
		snprintf(line, sizeof line, "    - %s\n", operations[i]);
		expect_refusal(line, infinite, "",
			       WORDS("data:1:1: `", "cannot learn from an infinite number, as column 0 of `a` has it", "`clip`"));
		if (strncmp(operations[i], "power", 5) != 0)
			expect_refusal(line, "a\n1.7e308\n-1.7e308\n1.7e308\n1.6e308\n-1.6e308\n", "",
				       WORDS("too large", "column 0"));
	}
}

/* Every operation that learns, on every kind of column: constants, or a reason with a place. */
static void every_operation_learns_or_says_why_of_every_column(void **state)
{
	(void)state;
	static const char *const operations[] = {
		"impute: {tensor: a, fitted: f}",
		"impute: {tensor: a, by: median, fitted: f}",
		"impute: {tensor: a, by: most-frequent, fitted: f}",
		"scale: {tensor: a, fitted: f}",
		"scale: {tensor: a, by: min-max, fitted: f}",
		"scale: {tensor: a, by: robust, fitted: f}",
		"scale: {tensor: a, by: max-abs, fitted: f}",
		"power: {tensor: a, fitted: f}",
		"power: {tensor: a, by: box-cox, fitted: f}",
		"quantile: {tensor: a, fitted: f}",
		"kbins: {tensor: a, bins: 4, fitted: f}",
		"kbins: {tensor: a, by: uniform, bins: 3, fitted: f}",
		"kbins: {tensor: a, by: kmeans, bins: 3, fitted: f}",
		"onehot: {tensor: a, fitted: f}",
		"ordinal: {tensor: a, fitted: f}",
	};
	static const char *const columns[] = {
		"a\n1\n2\n3.5\n",
		"a\n7\n7\n7\n",
		"a\n7\n",
		"a\n",
		"a\n\"\"\nnan\n",
		"a\nx\ny\nx\n",
		"a\n1\n\"50,000\"\n",
		"a\n-1\n0\n1e300\n",
		"a\n1e-320\n2e-320\n",
		"b\n1\n",
		"a,b\n1,x\n,y\n3,\n",
		TEXTS_ROW("[1]", "[\"abc\"]"),
		TEXTS_ROW("[0,2]", "[]"),
		TEXTS_ROW("[1,0]", "[]"),
		"{\"inputs\": [{\"name\": \"a\", \"datatype\": \"BOOL\", \"shape\": [3], \"data\": [true, false, true]}]}\n",
		"{\"inputs\": [{\"name\": \"a\", \"datatype\": \"INT64\", \"shape\": [2,2], \"data\": [1, 2, 3, "
		"9007199254740993]}]}\n",
		"{\"inputs\": [{\"name\": \"a\", \"datatype\": \"FP64\", \"shape\": [], \"data\": [1]}]}\n",
	};
	for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
		for (size_t j = 0; j < sizeof columns / sizeof *columns; j++) {
			char line[256];
			snprintf(line, sizeof line, "    - %s\n", operations[i]);
			struct said said = fit(line, columns[j], "");
			if (said.code == 0)
				expect_words(said.out, "sluice_preprocess/1");
			else if (!strstr(said.err, "data:") && !strstr(said.err, "data, in the row") &&
				 !strstr(said.err, "p.yaml:8:7: "))
				fail_msg("%s of %s says no place: %s", operations[i], columns[j], said.err);
			said_close(&said);
		}
}

#define REQUEST(data) "{\"inputs\": [{\"name\": \"x\", \"datatype\": \"FP32\", \"shape\": [2], \"data\": " data "}]}"
#define ONE(name, data) "{\"name\": \"" name "\", \"datatype\": \"FP32\", \"shape\": [1], \"data\": " data "}"
#define OTHER(name, data) "{\"inputs\": [" ONE(name, data) "]}"
#define BOTH(x, y) "{\"inputs\": [" ONE("x", x) ", " ONE("y", y) "]}"
#define ANSWER(data) "{\"outputs\": [{\"name\": \"x\", \"datatype\": \"FP32\", \"shape\": [2], \"data\": " data "}]}"

static struct said fit_topic(const struct mock *mock, const char *operations, const char *source, const char *more)
{
	char yaml[2048], line[512];
	snprintf(yaml, sizeof yaml, HEAD STEP "%s" TAIL, operations);
	write_file("p.yaml", yaml);
	snprintf(line, sizeof line, "fit preprocess %s -f p.yaml --brokers %s%s", source, mock->brokers, more);
	return say_with(step_kinds, line);
}

static void a_topic_teaches_by_all_that_it_holds(void **state)
{
	(void)state;
	struct mock mock;
	mock_open(&mock);
	mock_write(&mock, "k", REQUEST("[1, -8]"), NULL, NULL);
	mock_write(&mock, NULL, "what nobody can read", NULL, NULL);
	mock_write(&mock, NULL, ANSWER("[3, 2]"), NULL, NULL);
	mock_write(&mock, NULL, REQUEST("[-6, 4]"), "content-type", "application/json");
	struct said said = fit_topic(&mock, "    - scale: {tensor: x, by: max-abs, fitted: f}\n", "topic:in", "");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "\"scale\": [6.0, 8.0]");
	expect_words(said.err, "1 record that cannot be read was left out; the first: ");
	said_close(&said);
	said = fit_topic(&mock, "    - scale: {tensor: x, by: max-abs, fitted: f}\n", "topic:in", " --count 2");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "\"scale\": [3.0, 8.0]");
	said_close(&said);
	mock_close(&mock);
}

static void what_the_step_refuses_of_a_topic_is_left_out_and_counted(void **state)
{
	(void)state;
	static const char operations[] = "    - scale: {tensor: x, by: max-abs, fitted: f}\n"
					 "    - scale: {tensor: y, by: max-abs, fitted: f}\n";
	struct mock mock;
	mock_open(&mock);
	mock_write(&mock, "k", OTHER("y", "[9]"), NULL, NULL);
	mock_write(&mock, "k", OTHER("x", "[3]"), NULL, NULL);
	mock_write(&mock, "k", BOTH("[2]", "[5]"), NULL, NULL);
	struct said said = fit_topic(&mock, operations, "topic:in", "");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "\"scale\": [3.0]"); /* the first operation takes what has its tensor */
	expect_words(said.out, "\"scale\": [5.0]");
	expect_words(said.err, "2 of 3 records that the step refuses were left out; the first, partition 0 offset 0: ");
	expect_words(said.err, "needs the tensor `x`, and what is there is `y`");
	said_close(&said);
	said = fit_topic(&mock, "    - scale: {tensor: z, fitted: f}\n", "topic:in", "");
	assert_int_not_equal(said.code, 0);
	expect_words(said.err, "3 of 3 records that the step refuses were left out");
	expect_words(said.err, "nothing to learn from: the step refuses every message");
	said_close(&said);
	mock_write(&mock, "k", TEXTS_ROW("[1]", "[\"50,000\"]"), NULL, NULL);
	said = fit_topic(&mock, "    - scale: {tensor: a, fitted: f}\n", "topic:in", "");
	assert_int_not_equal(said.code, 0);
	expect_words(said.err, "nothing to learn from: the step refuses every message");
	said_close(&said);
	mock_close(&mock);
	mock_open(&mock);
	mock_write(&mock, "k", TEXTS_ROW("[1]", "[\"50,000\"]"), NULL, NULL);
	said = fit_topic(&mock, "    - scale: {tensor: a, fitted: f}\n", "topic:in", "");
	assert_int_not_equal(said.code, 0);
	expect_words(said.err, "partition 0 offset 0: `scale` works on numbers; `a` is BYTES[1], and its element 0 is \"50,000\"");
	said_close(&said);
	mock_close(&mock);
}

static void a_topic_that_teaches_nothing_is_said(void **state)
{
	(void)state;
	struct mock mock;
	mock_open(&mock);
	struct said said = fit_topic(&mock, "    - scale: {tensor: x, fitted: f}\n", "topic:out", "");
	assert_int_not_equal(said.code, 0);
	expect_words(said.err, "topic out has no records: none were written, or its retention has deleted them");
	said_close(&said);
	mock_write(&mock, NULL, "nothing", NULL, NULL);
	said = fit_topic(&mock, "    - scale: {tensor: x, fitted: f}\n", "topic:in", "");
	assert_int_not_equal(said.code, 0);
	expect_words(said.err, "topic in has 1 records, and none of them can be read: ");
	said_close(&said);
	said = fit_topic(&mock, "    - scale: {tensor: x, fitted: f}\n", "topic:in", " --tensor x=a,b");
	assert_int_not_equal(said.code, 0);
	expect_words(said.err, "--tensor combines columns of a CSV");
	said_close(&said);
	mock_close(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_operation_learns_of_what_those_above_make),
		cmocka_unit_test(a_csv_may_have_quotes_and_columns_of_words),
		cmocka_unit_test(which_step_learns_is_said_or_asked_for),
		cmocka_unit_test(a_mark_before_the_text_is_no_part_of_the_first_name),
		cmocka_unit_test(blank_lines_are_no_header_and_no_request),
		cmocka_unit_test(requests_teach_as_they_come),
		cmocka_unit_test(a_request_without_rows_teaches_nothing),
		cmocka_unit_test(events_are_mapped_as_the_pipeline_says),
		cmocka_unit_test(what_cannot_be_learnt_is_said_with_its_place),
		cmocka_unit_test(a_text_where_a_number_is_wanted_is_shown_with_its_place),
		cmocka_unit_test(a_lambda_that_is_kept_within_the_range_of_doubles_is_said),
		cmocka_unit_test(a_text_of_inner_bytes_alone_is_shown_too),
		cmocka_unit_test(a_text_with_a_nul_becomes_no_category),
		cmocka_unit_test(what_a_csv_has_wrong_is_said_where_it_stands),
		cmocka_unit_test(a_header_that_is_none_is_said),
		cmocka_unit_test(a_file_of_another_kind_is_named),
		cmocka_unit_test(true_and_false_are_numbers_and_words_stand_for_what_is_missing),
		cmocka_unit_test(numbers_may_lack_the_digits_before_or_behind_the_point),
		cmocka_unit_test(flags_that_the_pipeline_takes_for_texts_are_texts),
		cmocka_unit_test(what_is_infinite_or_too_large_is_not_learnt_from),
		cmocka_unit_test(every_operation_learns_or_says_why_of_every_column),
		cmocka_unit_test(a_topic_teaches_by_all_that_it_holds),
		cmocka_unit_test(what_the_step_refuses_of_a_topic_is_left_out_and_counted),
		cmocka_unit_test(a_topic_that_teaches_nothing_is_said),
	};
	return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}
