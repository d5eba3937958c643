/* drift_report_file_test.c: Tests of `sluice drift report` on files: infinite numbers of a CSV, references with few values, and a
 * window and a rate that are given instead of the step's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "steps/kinds.h"
#include "tests/unit/session.h"

#define YAML                                                                                                                       \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"                             \
	"  - {name: watch, drift: {tensors: [x], reference: ref.json, %s}}\n  output: {steps: [watch]}\n"
#define USUAL "window: 100, falseAlarms: 0.1 per 1000"

static char data[10000];

static struct said run(const char *command, const char *options, const char *more)
{
	char yaml[1024], line[256];
	snprintf(yaml, sizeof yaml, YAML, options);
	write_file("p.yaml", yaml);
	write_file("data", data);
	snprintf(line, sizeof line, "%s data -f p.yaml --tensor x=a,b%s", command, more);
	return say_with(step_kinds, line);
}

/* Rows of two columns, which repeat. */
static void reference_learn(void)
{
	size_t length = (size_t)snprintf(data, sizeof data, "a,b\n");
	for (int i = 0; i < 300; i++)
		length += (size_t)snprintf(data + length, sizeof data - length, "%d,%d\n", i * 7 % 13, i * 5 % 11);
	struct said said = run("fit drift", USUAL, " --out ref.json");
	assert_int_equal(said.code, 0);
	said_close(&said);
}

static void expect_refused(const char *command, const char *words)
{
	struct said said = run(command, USUAL, "");
	assert_int_not_equal(said.code, 0);
	expect_words(said.err, words);
	said_close(&said);
}

/* A column of 298 missing values, 1 and 2: what fit promises of it is what is done. */
static void a_reference_of_too_few_values_is_judged_by_missing_values(void **state)
{
	(void)state;
	static const char yaml[] = "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
				   "  - {name: watch, drift: {tensors: [a], reference: ref.json, " USUAL "}}\n"
				   "  output: {steps: [watch]}\n";
	size_t length = (size_t)snprintf(data, sizeof data, "a\n");
	for (int i = 0; i < 300; i++)
		length += (size_t)snprintf(data + length, sizeof data - length, "%s\n", i < 298 ? "nan" : i % 2 ? "2" : "1");
	write_file("p.yaml", yaml);
	write_file("data", data);
	struct said said = say_with(step_kinds, "fit drift data -f p.yaml --out ref.json");
	assert_int_equal(said.code, 0);
	expect_words(said.err, "1 of 1 features have fewer than 50 values in the reference: only their missing values are judged");
	said_close(&said);
	said = say_with(step_kinds, "lint p.yaml");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "1 of 1 features have fewer than 50 values in the reference: only their missing values are judged");
	said_close(&said);
	length = (size_t)snprintf(data, sizeof data, "a\n"); /* what two values say is not what is usual */
	for (int i = 0; i < 200; i++)
		length += (size_t)snprintf(data + length, sizeof data - length, "%s\n", i < 100 ? "nan" : "5");
	write_file("data", data);
	said = say_with(step_kinds, "drift report data -f p.yaml");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "window 0, 100 rows: not judged, since the reference has too few values\n");
	expect_words(said.out, "window 1, 100 rows: not judged, since the reference has too few values\n");
	expect_words(said.out, "2 windows: 0 with drift, 0 with data out of the bounds of quality");
	said_close(&said);
	said = say_with(step_kinds, "drift report data -f p.yaml -o json");
	expect_words(said.out, "\"judged\": false, \"not_judged\": \"every feature has fewer than 50 values there, so only missing "
			       "values are judged\"");
	said_close(&said);
}

/* As of a message with FP64: no reference is learnt from it, and it is out of the range of one. */
static void an_infinite_number_of_a_csv_is_a_number(void **state)
{
	(void)state;
	static const char *const fields[] = {"inf", "-inf", "Infinity", "+Inf", "1e999", "-1e999"};
	reference_learn();
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		size_t length = (size_t)snprintf(data, sizeof data, "a,b\n");
		for (int row = 0; row < 100; row++)
			length += (size_t)snprintf(data + length, sizeof data - length, "%s,%d\n", row < 50 ? fields[i] : "0.5",
						   row % 7);
		struct said said = run("drift report", USUAL, "");
		assert_int_equal(said.code, 0);
		expect_words(said.out, "x.a: 50 values outside of the range");
		assert_null(strstr(said.out, "of another type"));
		said_close(&said);
		expect_refused("fit drift", "inf, which is too large to learn from; leave the message out, or the field empty");
		expect_refused("fit drift", "in the row of line 2");
	}
}

/* The rate has blanks, so this line is a list of words. */
static struct said report_with(const char *window, const char *false_alarms)
{
	const char *words[] = {"sluice", "drift",    "report", "data",		 "-f",	      "p.yaml", "--tensor",
			       "x=a,b",	 "--window", window,   "--false-alarms", false_alarms};
	struct said said = {0};
	size_t out_length, err_length;
	struct session session = {
		.out = open_memstream(&said.out, &out_length), .err = open_memstream(&said.err, &err_length), .kinds = step_kinds,
		.commands = command_table};
	said.code = command_main(&session, sizeof words / sizeof *words, words);
	fclose(session.out);
	fclose(session.err);
	return said;
}

/* A step as it runs by default, on a file. */
static void a_window_and_a_rate_may_be_given_instead_of_the_steps(void **state)
{
	(void)state;
	reference_learn();
	struct said said = run("drift report", "window: 5m", "");
	assert_int_not_equal(said.code, 0);
	expect_words(said.err, "--window");
	said_close(&said);
	said = report_with("100", "0.1 per 1000");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "window 2, 100 rows: ");
	struct said by_step = run("drift report", USUAL, "");
	assert_string_equal(said.out, by_step.out);
	said_close(&by_step);
	said_close(&said);
	said = report_with("100", "often");
	assert_int_not_equal(said.code, 0);
	expect_words(said.err, "`falseAlarms` is `often`");
	said_close(&said);
	said = report_with("3", "0.1 per 1000");
	assert_int_not_equal(said.code, 0);
	expect_words(said.err, "--window");
	said_close(&said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reference_of_too_few_values_is_judged_by_missing_values),
		cmocka_unit_test(an_infinite_number_of_a_csv_is_a_number),
		cmocka_unit_test(a_window_and_a_rate_may_be_given_instead_of_the_steps),
	};
	return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}
