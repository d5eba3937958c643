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
		cmocka_unit_test(a_field_that_is_no_number_is_named),
	};
	return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}
