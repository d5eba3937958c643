/* fit_learn_test.c: Tests of what `sluice fit` learns is what scikit-learn has learnt of the same columns, of twelve shapes and of
 * scales from 1e-6 to 1e12. tests/sklearn_learn.py has recorded columns and constants (tests/data/fit). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>
#include <math.h>

#include "steps/kinds.h"
#include "tests/unit/session.h"

#define NEAR 1e-8	 /* of the largest constant of a column */
#define LAMBDA_NEAR 1e-3 /* likelihoods near the best one are alike */
#define COLUMNS_MAX 60

static char folder[] = "/tmp/sluice-fit-learn-XXXXXX";
static char yaml_path[64], csv_path[64];

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return 1;
	snprintf(yaml_path, sizeof yaml_path, "%s/p.yaml", folder);
	snprintf(csv_path, sizeof csv_path, "%s/data.csv", folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink(yaml_path);
	(void)unlink(csv_path);
	return rmdir(folder);
}

/* What is printed for one operation on the tensor x of `count` columns c0, c1, ... */
static struct said fit(const char *operation, const char *fields, const char *csv, size_t count)
{
	char yaml[512], line[1024];
	snprintf(yaml, sizeof yaml,
		 "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n  - name: clean\n"
		 "    preprocess:\n    - %s: {tensor: x, %s%sfitted: f}\n  output: {steps: [clean]}\n",
		 operation, fields, *fields ? ", " : "");
	write_file(yaml_path, yaml);
	int length = snprintf(line, sizeof line, "fit preprocess %s -f %s --tensor x=", csv, yaml_path);
	for (size_t i = 0; i < count; i++)
		length += snprintf(line + length, sizeof line - (size_t)length, "%sc%zu", i ? "," : "", i);
	return say_with(step_kinds, line);
}

static double largest_of(const json_t *values)
{
	double largest = fabs(json_number_value(values));
	for (size_t i = 0; i < json_array_size(values); i++)
		largest = fmax(largest, fabs(json_number_value(json_array_get(values, i))));
	return largest;
}

/* Of one column: a number, numbers, or texts. */
static void expect_near(const json_t *learnt, const json_t *expected, double distance, const char *where, size_t column)
{
	if (json_is_array(expected)) {
		assert_int_equal(json_array_size(learnt), json_array_size(expected));
		for (size_t i = 0; i < json_array_size(expected); i++)
			expect_near(json_array_get(learnt, i), json_array_get(expected, i), distance, where, column);
		return;
	}
	const double number = json_is_string(learnt) ? strtod(json_string_value(learnt), NULL) : json_number_value(learnt);
	if (!(fabs(number - json_number_value(expected)) <= distance))
		fail_msg("%s of column %zu: %.17g, and scikit-learn's is %.17g", where, column, number,
			 json_number_value(expected));
}

static void constants_are_those_of_scikit_learn(void **state)
{
	(void)state;
	json_t *recorded = json_load_file("tests/data/fit/learnt.json", 0, NULL);
	const char *name, *field;
	json_t *one, *constants;
	assert_non_null(recorded);
	assert_int_equal(json_object_size(recorded), 15);
	json_object_foreach(recorded, name, one)
	{
		const char *operation = json_string_value(json_object_get(one, "operation"));
		json_t *learnt = json_object_get(one, "learnt");
		char csv[64];
		snprintf(csv, sizeof csv, "tests/data/fit/%s.csv", json_string_value(json_object_get(one, "columns")));
		const size_t columns = json_array_size(json_object_iter_value(json_object_iter(learnt)));
		assert_in_range(columns, 20, COLUMNS_MAX);
		struct said said = fit(operation, json_string_value(json_object_get(one, "fields")), csv, columns);
		assert_string_equal(said.err, "");
		json_t *made = json_loads(said.out, 0, NULL);
		const json_t *ours = json_object_get(json_array_get(json_object_get(made, "operations"), 0), operation);
		json_object_foreach(learnt, field, constants) for (size_t i = 0; i < columns; i++)
		{
			const json_t *expected = json_array_get(constants, i);
			const double size = largest_of(expected);
			const double distance = strcmp(field, "lambdas") == 0 ? LAMBDA_NEAR * fmax(size, 1) : NEAR * size;
			expect_near(json_array_get(json_object_get(ours, field), i), expected, distance, name, i);
		}
		json_decref(made);
		said_close(&said);
	}
	json_decref(recorded);
}

static void prices_get_the_lambda_that_they_have_in_any_unit(void **state)
{
	(void)state;
	static const double prices[] = {950, 1010, 1043, 987, 1100, 905, 1021, 999};
	for (int exponent = -6; exponent <= 12; exponent += 3) {
		char text[512];
		int length = snprintf(text, sizeof text, "c0\n");
		for (size_t i = 0; i < sizeof prices / sizeof *prices; i++)
			length += snprintf(text + length, sizeof text - (size_t)length, "%.17g\n", prices[i] * pow(10, exponent));
		write_file(csv_path, text);
		struct said said = fit("power", "by: box-cox", csv_path, 1);
		const char *found = strstr(said.out, "\"lambdas\": [");
		assert_non_null(found);
		const double lambda = strtod(found + strlen("\"lambdas\": ["), NULL);
		assert_true(fabs(lambda - 1.114192) < 1e-5); /* of scikit-learn 1.9.1, for the prices as they are */
		said_close(&said);
	}
}

static void a_power_that_makes_one_number_of_all_is_refused(void **state)
{
	(void)state;
	write_file(csv_path, "c0\n1000000000001\n1000000000002\n1000000000003\n1000000000009\n");
	struct said said = fit("power", "", csv_path, 1);
	assert_int_not_equal(said.code, 0);
	expect_words(said.err, "`power` cannot learn from column 0: the most likely lambda, ");
	expect_words(said.err, "makes one number of all from 1e+12 to 1e+12; put `scale: {by: min-max, range: [1, 2]}` before it");
	said_close(&said);
	write_file(csv_path, "c0\n7\n7\n7\n"); /* what does not vary stays as it is */
	said = fit("power", "", csv_path, 1);
	expect_words(said.out, "\"lambdas\": [1.0]");
	said_close(&said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constants_are_those_of_scikit_learn),
		cmocka_unit_test(prices_get_the_lambda_that_they_have_in_any_unit),
		cmocka_unit_test(a_power_that_makes_one_number_of_all_is_refused),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
