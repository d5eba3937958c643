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

#include "base/random.h"
#include "steps/drift_reference.h"
#include "steps/kinds.h"
#include "tests/unit/session.h"

#define BYTES 10000

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
	static const char *const fields[] = {"N/A", "None", "\"1,5\"", "true", "1_000", "0x10"};
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		struct said said = fit_with("tensors: [a, b], ", fields[i], 1);
		assert_int_not_equal(said.code, 0);
		expect_words(said.err, "data:101:1: column `a` is not all numbers: here it has");
		expect_words(said.err, "or learn from requests, one in each line, if it has texts");
		said_close(&said);
	}
	struct said said = fit_with("tensors: [a, b], ", "N/A", 10);
	assert_int_not_equal(said.code, 0);
	expect_words(said.err,
		     "data:92:1: column `a` is not all numbers: here it has `N/A`; write a number without separators or "
		     "units, like 50000 or 5e4, leave the field empty where it is missing, or learn from requests, one in "
		     "each line, if it has texts");
	said_close(&said);
}

static void a_column_of_numbers_and_texts_is_one_of_texts(void **state)
{
	(void)state;
	struct said said = fit_with("tensors: [a, b], ", "N/A", 11);
	assert_int_equal(said.code, 0);
	said_close(&said);
	said = fit_with("tensors: [b], ", "N/A", 1); /* what is not watched may be anything */
	assert_int_equal(said.code, 0);
	said_close(&said);
	said = fit_with("tensors: [a, b], ", "", 1);
	assert_int_equal(said.code, 0);
	said_close(&said);
}

/* Its column is one of texts then, which the reference has as numbers. */
static void a_field_that_is_no_number_is_named(void **state)
{
	(void)state;
	write_file("p.yaml", "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
			     "  - {name: w, drift: {reference: ref.json, window: 50, falseAlarms: 0.1 per 1000}}\n"
			     "  output: {steps: [w]}\n");
	size_t length = (size_t)snprintf(data, sizeof data, "a,b\n");
	for (int i = 0; i < 200; i++)
		length += (size_t)snprintf(data + length, sizeof data - length, "%d,%d\n", i * 37 % 101, i * 31 % 97);
	write_file("data", data);
	struct said said = say_with(step_kinds, "fit drift data -f p.yaml --out ref.json");
	assert_int_equal(said.code, 0);
	said_close(&said);
	snprintf(data + length, sizeof data - length, "n/x,1\n");
	write_file("data", data);
	said = say_with(step_kinds, "drift report data -f p.yaml");
	assert_int_not_equal(said.code, 0);
	expect_words(said.err, "data:202:1: column `a` is not all numbers: here it has `n/x`");
	said_close(&said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_field_that_is_no_number_in_a_column_of_numbers_refuses_the_reference),
		cmocka_unit_test(a_column_of_numbers_and_texts_is_one_of_texts),
		cmocka_unit_test(a_field_that_is_no_number_is_named),
	};
	return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}
