/* drift_report_fields_test.c: Tests of `sluice drift report` of a CSV with a field that is no number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <math.h>

#include "base/number/random.h"
#include "steps/drift/drift_reference.h"
#include "steps/kinds.h"
#include "tests/unit/session.h"

#define BYTES 20000

static char data[BYTES];

#define HEAD "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"

/* A reference of 100 rows, of which the last `others` have that field in the first column. */
static struct said fit_with(const char *tensors, const char *field, int others)
{
	char yaml[512];
	(void)snprintf(yaml, sizeof yaml,
		       HEAD "  - {name: w, drift: {%sreference: ref.json, window: 50, falseAlarms: 0.1 per 1000}}\n"
			    "  output: {steps: [w]}\n",
		       tensors);
	write_file("p.yaml", yaml);
	size_t length = (size_t)snprintf(data, sizeof data, "a,b\n");
	for (int i = 0; i < 100 - others; i++)
		length += (size_t)snprintf(data + length, sizeof data - length, "%d,%d\n", i * 37 % 101, i * 31 % 97);
	for (int i = 0; i < others; i++)
		length += (size_t)snprintf(data + length, sizeof data - length, "%s,%d\n", field, i);
	write_file("data", data);
	return say_with(step_kinds, "fit drift data -f p.yaml --out ref.json");
}

static void a_field_that_is_no_number_in_a_column_of_numbers_refuses_the_reference(void **state)
{
	(void)state;
	static const char *const fields[] = {"n.a.", "unknown", "\"1,5\"", "true", "1_000", "0x10"};
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		struct said said = fit_with("tensors: [a, b], ", fields[i], 1);
		assert_int_not_equal(said.code, 0);
		expect_words(said.err, "data:101:1: column `a` is not all numbers: here it has");
		expect_words(said.err, "or learn from requests, one in each line, if it has texts");
		said_close(&said);
	}
	struct said said = fit_with("tensors: [a, b], ", "unknown", 10);
	assert_int_not_equal(said.code, 0);
	expect_words(said.err,
		     "data:92:1: column `a` is not all numbers: here it has `unknown`; write a number without separators or "
		     "units, like 50000 or 5e4, leave the field empty where it is missing, or learn from requests, one in "
		     "each line, if it has texts");
	said_close(&said);
}

static void a_column_of_formatted_numbers_is_named_with_one_of_them(void **state)
{
	(void)state;
	static const struct {
		const char *field, *shown;
	} numbers[] = {{"$5", "$5"},
		       {"-$3.20", "-$3.20"},
		       {"$-3.20", "$-3.20"},
		       {"12%", "12%"},
		       {"5 \xE2\x82\xAC", "5 \xE2\x82\xAC"},
		       {"\"1,5\"", "1,5"},
		       {"\"1,234.50\"", "1,234.50"},
		       {"\"1.234,50\"", "1.234,50"}};
	char words[160];
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		struct said said = fit_with("", numbers[i].field, 100);
		assert_int_equal(said.code, 0);
		(void)snprintf(
			words, sizeof words,
			"`a` is not watched: data:2:1: column `a` is not all numbers: here it has `%s`; write a number without",
			numbers[i].shown);
		expect_words(said.err, words);
		said_close(&said);
		said = fit_with("tensors: [a], ", numbers[i].field, 90);
		assert_int_not_equal(said.code, 0);
		expect_words(said.err, "data:12:1: column `a` is not all numbers: here it has");
		said_close(&said);
	}
	static const char *const texts[] = {"3rd", "2024-01-02", "10.0.0.1", "\"1,2,3\"", "\"Rome, 5\"",
					    "%",   "$",		 "\"5,\"",   "\",5\""};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct said said = fit_with("", texts[i], 100);
		assert_int_equal(said.code, 0);
		assert_null(strstr(said.err, "is not all numbers"));
		said_close(&said);
	}
}

/* Where the column is named it is one of texts, as that of a loan's term, which has categories. */
static void a_column_of_numbers_with_units_is_named_with_one_of_them(void **state)
{
	(void)state;
	static const char *const numbers[] = {"5 EUR", "1.5 kg", "-1.5kg", "36 months", "\"1,234.50 USD\"", "20 \xC2\xB0\x43"};
	char words[256];
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		const bool is_quoted = numbers[i][0] == '"';
		struct said said = fit_with("", numbers[i], 100);
		assert_int_equal(said.code, 0);
		(void)snprintf(words, sizeof words,
			       "`a` is not watched: data:2:1: column `a` is not all numbers: here it has `%.*s`; write a number "
			       "without separators or units, like 50000 or 5e4, leave the field empty where it is missing, or name "
			       "it by `tensors` if it has texts",
			       (int)strlen(numbers[i]) - 2 * is_quoted, numbers[i] + is_quoted);
		expect_words(said.err, words);
		said_close(&said);
		said = fit_with("tensors: [a], ", numbers[i], 100);
		assert_int_equal(said.code, 0);
		said_close(&said);
		said = fit_with("tensors: [a, b], ", numbers[i], 1); /* a mistake among numbers */
		assert_int_not_equal(said.code, 0);
		expect_words(said.err, "data:101:1: column `a` is not all numbers: here it has");
		said_close(&said);
	}
	static const char *const texts[] = {"3rd", "5a", "kg", "5 Elm Street", "infinity war", "10:30 am", "1.2.3 beta", "a 5"};
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		struct said said = fit_with("", texts[i], 100);
		assert_int_equal(said.code, 0);
		assert_null(strstr(said.err, "is not all numbers"));
		said_close(&said);
	}
}

static void formatted_numbers_are_named_where_no_column_is_left_to_watch(void **state)
{
	(void)state;
	write_file("p.yaml", HEAD "  - {name: w, drift: {reference: ref.json}}\n  output: {steps: [w]}\n");
	size_t length = (size_t)snprintf(data, sizeof data, "a,b\nunknown,12%%\n");
	for (int i = 0; i < 20; i++)
		length += (size_t)snprintf(data + length, sizeof data - length, "$%d,12%%\n", 5 + i);
	write_file("data", data);
	struct said said = say_with(step_kinds, "fit drift data -f p.yaml --out ref.json");
	assert_int_not_equal(said.code, 0);
	expect_words(said.err, "data:3:1: column `a` is not all numbers: here it has `$5`; write");
	expect_words(said.err, "data:2:9: column `b` is not all numbers: here it has `12%`; write");
	expect_words(said.err, "has no numeric tensor");
	said_close(&said);
}

static void a_column_of_numbers_and_texts_is_one_of_texts(void **state)
{
	(void)state;
	struct said said = fit_with("tensors: [a, b], ", "unknown", 11);
	assert_int_equal(said.code, 0);
	said_close(&said);
	said = fit_with("tensors: [b], ", "unknown", 1); /* what is not watched may be anything */
	assert_int_equal(said.code, 0);
	said_close(&said);
	said = fit_with("tensors: [a, b], ", "", 1);
	assert_int_equal(said.code, 0);
	said_close(&said);
}

#define LIVE 100

/* Rows whose first field is `other` in every third row, as a CSV or as requests, where it is a text; else a number, unless `texts`.
 */
static void live_write(const char *other, bool texts, bool csv)
{
	size_t length = csv ? (size_t)snprintf(data, sizeof data, "a,b\n") : 0;
	for (int i = 0; i < LIVE; i++) {
		char field[16];
		const bool is_other = i % 3 == 0;
		if (is_other)
			(void)snprintf(field, sizeof field, "%s", other);
		else
			(void)snprintf(field, sizeof field, "%d", i * 37 % 101);
		const char *quote = is_other || texts ? "\"" : "", *type = is_other || texts ? "BYTES" : "FP64";
		length +=
			(size_t)(csv ? snprintf(data + length, sizeof data - length, "%s,%d\n", field, i % 97)
				     : snprintf(data + length, sizeof data - length,
						"{\"inputs\":[{\"name\":\"a\",\"shape\":[1],\"datatype\":\"%s\",\"data\":[%s%s%s]},"
						"{\"name\":\"b\",\"shape\":[1],\"datatype\":\"FP64\",\"data\":[%d]}]}\n",
						type, quote, field, quote, i % 97));
	}
	write_file("data", data);
}

static void expect_one_report(const char *other, bool texts, const char *words)
{
	live_write(other, texts, true);
	struct said of_csv = say_with(step_kinds, "drift report data -f p.yaml");
	live_write(other, texts, false);
	struct said of_lines = say_with(step_kinds, "drift report data -f p.yaml");
	assert_int_equal(of_csv.code, 0);
	assert_int_equal(of_lines.code, 0);
	assert_string_equal(of_csv.out, of_lines.out);
	expect_words(of_csv.out, words);
	said_close(&of_csv);
	said_close(&of_lines);
}

/* Also where the first row has one. */
static void a_field_that_is_no_number_is_of_another_type_in_a_report(void **state)
{
	(void)state;
	struct said said = fit_with("tensors: [a, b], ", "5", 1);
	assert_int_equal(said.code, 0);
	said_close(&said);
	expect_one_report("n/x", false, "; a: 17 values of another type");
}

static void a_column_of_numbers_is_compared_with_texts_as_texts(void **state)
{
	(void)state;
	struct said said = fit_with("tensors: [a, b], ", "u", 90);
	assert_int_equal(said.code, 0);
	said_close(&said);
	expect_one_report("7", true, "2 windows: ");
}

static void a_csv_without_a_column_of_the_reference_is_refused(void **state)
{
	(void)state;
	struct said said = fit_with("tensors: [a, b], ", "5", 1);
	assert_int_equal(said.code, 0);
	said_close(&said);
	write_file("data", "a,c\n1,2\nn/x,2\n");
	said = say_with(step_kinds, "drift report data -f p.yaml");
	assert_int_not_equal(said.code, 0);
	expect_words(said.err, "tensor `b` is missing");
	said_close(&said);
}

/* Requests of which some lack `b`, the first one too. */
static void requests_lacking_write(int rows)
{
	FILE *file = fopen("data", "we");
	assert_non_null(file);
	for (int i = 0; i < rows; i++) {
		fprintf(file, "{\"inputs\":[{\"name\":\"a\",\"shape\":[1],\"datatype\":\"FP64\",\"data\":[%d]}", i * 37 % 101);
		if (i % 30 != 0)
			fprintf(file, ",{\"name\":\"b\",\"shape\":[1],\"datatype\":\"FP64\",\"data\":[%d]}", i * 31 % 97);
		fputs("]}\n", file);
	}
	assert_int_equal(fclose(file), 0);
}

static void messages_that_lack_a_tensor_are_learnt_as_they_are_compared(void **state)
{
	(void)state;
	struct said said = fit_with("tensors: [a, b], ", "5", 1);
	said_close(&said);
	requests_lacking_write(300);
	said = say_with(step_kinds, "fit drift data -f p.yaml --out ref.json");
	assert_int_equal(said.code, 0);
	said_close(&said);
	json_t *reference = json_load_file("ref.json", 0, NULL), *features = json_object_get(reference, "features");
	assert_int_equal(json_integer_value(json_object_get(reference, "rows")), 300);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(features, 0), "missing")), 0);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(features, 1), "missing")), 10);
	json_decref(reference);
	said = say_with(step_kinds, "drift report data -f p.yaml");
	assert_int_equal(said.code, 0);
	assert_null(strstr(said.out, "b: "));
	expect_words(said.out, "6 windows: 0 with drift, 0 with data out of the bounds of quality");
	said_close(&said);
	write_file("data", "{\"inputs\":[{\"name\":\"a\",\"shape\":[1],\"datatype\":\"FP64\",\"data\":[1]}]}\n");
	said = say_with(step_kinds, "fit drift data -f p.yaml --out ref.json");
	assert_int_not_equal(said.code, 0);
	expect_words(said.err, "data:1:1: tensor `b` is missing; send it");
	said_close(&said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_field_that_is_no_number_in_a_column_of_numbers_refuses_the_reference),
		cmocka_unit_test(a_column_of_formatted_numbers_is_named_with_one_of_them),
		cmocka_unit_test(a_column_of_numbers_with_units_is_named_with_one_of_them),
		cmocka_unit_test(formatted_numbers_are_named_where_no_column_is_left_to_watch),
		cmocka_unit_test(a_column_of_numbers_and_texts_is_one_of_texts),
		cmocka_unit_test(a_field_that_is_no_number_is_of_another_type_in_a_report),
		cmocka_unit_test(a_column_of_numbers_is_compared_with_texts_as_texts),
		cmocka_unit_test(a_csv_without_a_column_of_the_reference_is_refused),
		cmocka_unit_test(messages_that_lack_a_tensor_are_learnt_as_they_are_compared),
	};
	return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}
