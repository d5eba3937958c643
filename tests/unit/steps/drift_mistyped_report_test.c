/* drift_mistyped_report_test.c: Tests of what `sluice drift report` says of features that come in another type than the
 * reference's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/number/random.h"
#include "steps/kinds.h"
#include "tests/unit/session.h"

#define ROWS 200
#define YAML                                                                                                                       \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n  - {name: m}\n"              \
	"  - {name: watch, inputs: [m], drift: {tensors: [x, y], reference: ref.json, window: 100, falseAlarms: 0.1 per 1000}}\n"  \
	"  output: {steps: [m]}\n"

/* Requests of two numbers; from `from` on `x` is a text. */
static void requests_write(const char *name, int from)
{
	static char lines[ROWS * 256];
	struct random chance = {5};
	size_t length = 0;
	for (int i = 0; i < ROWS; i++) {
		const unsigned x = (unsigned)random_below(&chance, 1000), y = (unsigned)random_below(&chance, 1000);
		length += (size_t)snprintf(
			lines + length, sizeof lines - length,
			i < from ? "{\"inputs\": [{\"name\": \"x\", \"shape\": [1], \"datatype\": \"FP64\", \"data\": [%u]}, "
				   "{\"name\": \"y\", \"shape\": [1], \"datatype\": \"FP64\", \"data\": [%u]}]}\n"
				 : "{\"inputs\": [{\"name\": \"x\", \"shape\": [1], \"datatype\": \"BYTES\", \"data\": [\"%u\"]}, "
				   "{\"name\": \"y\", \"shape\": [1], \"datatype\": \"FP64\", \"data\": [%u]}]}\n",
			x, y);
	}
	write_file(name, lines);
}

static void expect_report(const char *line, const char *first, const char *second)
{
	write_file("p.yaml", YAML);
	requests_write("usual.jsonl", ROWS);
	struct said said = say_with(step_kinds, "fit drift usual.jsonl -f p.yaml --out ref.json");
	assert_int_equal(said.code, 0);
	said_close(&said);
	requests_write("today.jsonl", 100);
	said = say_with(step_kinds, line);
	assert_int_equal(said.code, 0);
	expect_words(said.out, first);
	expect_words(said.out, second);
	said_close(&said);
}

static void the_line_says_how_many(void **state)
{
	(void)state;
	expect_report("drift report today.jsonl -f p.yaml", "window 1, 100 rows: no drift; x: 100 values of another type\n",
		      "2 windows: 0 with drift, 1 with data out of the bounds of quality\n");
}

static void the_json_has_it_by_feature(void **state)
{
	(void)state;
	expect_report("drift report today.jsonl -f p.yaml -o json",
		      "\"unseen\": 0, \"mistyped\": 0, \"still\": false, \"quality_alarm\": false",
		      "{\"name\": \"x\", \"values\": 0, \"missing\": 0, \"outside\": 0, \"unseen\": 0, \"mistyped\": 100, "
		      "\"still\": false, \"quality_alarm\": true");
}

/* A column with a mistake is not watched, if no tensors are named; the field is shown. */
static void a_mistake_in_a_column_of_numbers_is_shown_where_it_is(void **state)
{
	(void)state;
	static char rows[ROWS * 40];
	struct random chance = {5};
	size_t length = (size_t)snprintf(rows, sizeof rows, "x,city,y\n");
	for (int i = 0; i < ROWS; i++)
		length += (size_t)snprintf(rows + length, sizeof rows - length, "%u,%s,%s\n", (unsigned)random_below(&chance, 1000),
					   i % 2 ? "Rome" : "Oslo", i == 100 ? "7 EUR" : "7");
	write_file("rows.csv", rows);
	write_file("p.yaml",
		   "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
		   "  - {name: m}\n  - {name: watch, inputs: [m], drift: {reference: ref.json}}\n  output: {steps: [m]}\n");
	struct said said = say_with(step_kinds, "fit drift rows.csv -f p.yaml --out ref.json");
	assert_int_equal(said.code, 0);
	expect_words(said.err, "`y` is not watched: rows.csv:102:");
	expect_words(said.err, ": column `y` is not all numbers: here it has `7 EUR`; ");
	expect_words(said.err, "here 2: the first is `city`");
	assert_null(strstr(said.err, "`city` is not watched"));
	said_close(&said);
}

/* Where no tensors are named, they are those of the first message. */
static void a_tensor_that_comes_later_is_not_watched_and_that_is_said(void **state)
{
	(void)state;
	static char lines[ROWS * 256];
	struct random chance = {5};
	size_t length = 0;
	for (int i = 0; i < ROWS; i++)
		length += (size_t)snprintf(
			lines + length, sizeof lines - length,
			"{\"inputs\": [{\"name\": \"x\", \"shape\": [1], \"datatype\": \"FP64\", \"data\": [%u]}%s]}\n",
			(unsigned)random_below(&chance, 1000),
			i < 20 ? "" : ", {\"name\": \"z\", \"shape\": [1], \"datatype\": \"FP64\", \"data\": [1]}");
	write_file("usual.jsonl", lines);
	write_file("p.yaml",
		   "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
		   "  - {name: m}\n  - {name: watch, inputs: [m], drift: {reference: ref.json}}\n  output: {steps: [m]}\n");
	struct said said = say_with(step_kinds, "fit drift usual.jsonl -f p.yaml --out ref.json");
	assert_int_equal(said.code, 0);
	expect_words(said.err,
		     "`z` is not watched, as the first message lacks it, and 180 have it; name what is watched by `tensors`");
	said_close(&said);
	write_file("p.yaml",
		   "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n  - {name: m}\n"
		   "  - {name: watch, inputs: [m], drift: {reference: ref.json, tensors: [x, z]}}\n  output: {steps: [m]}\n");
	said = say_with(step_kinds, "fit drift usual.jsonl -f p.yaml");
	expect_words(said.out, "\"name\": \"z\", \"kind\": \"numbers\", \"missing\": 20");
	assert_null(strstr(said.err, "is not watched"));
	said_close(&said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_line_says_how_many),
		cmocka_unit_test(the_json_has_it_by_feature),
		cmocka_unit_test(a_tensor_that_comes_later_is_not_watched_and_that_is_said),
		cmocka_unit_test(a_mistake_in_a_column_of_numbers_is_shown_where_it_is),
	};
	return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}
