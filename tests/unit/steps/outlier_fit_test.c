/* outlier_fit_test.c: Tests of `sluice fit outlier`: references learnt of rows, and refused rows and files. */
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
#include "methods/predictors/predictor.h"
#include "methods/statistics/distribution.h"
#include "steps/kinds.h"
#include "steps/outlier/outlier_reference.h"
#include "tests/unit/session.h"

#define HEAD "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
#define TAIL "  output: {steps: [odd]}\n"
#define ARENA_BYTES ((size_t)256 << 20)
#define DATA_BYTES 65536

static char data[DATA_BYTES];
static struct arena *arena;
static struct error error;

static int set_up(void **state)
{
	arena = arena_open(ARENA_BYTES);
	return arena ? folder_enter(state) : 1;
}

static int tear_down(void **state)
{
	arena_close(arena);
	return folder_leave(state);
}

/* `rows` rows of a CSV; `pattern` prints one from its number twice. */
static const char *rows_of(const char *head, const char *pattern, int rows)
{
	size_t length = (size_t)snprintf(data, sizeof data, "%s\n", head);
	for (int i = 1; i <= rows; i++) {
		length += (size_t)snprintf(data + length, sizeof data - length, pattern, i, i * i);
		length += (size_t)snprintf(data + length, sizeof data - length, "\n");
	}
	return data;
}

static struct said fit(const char *by, const char *rows, const char *more)
{
	char yaml[512], line[256];
	snprintf(yaml, sizeof yaml, HEAD "  - {name: odd, outlier: {tensor: x, by: %s, reference: none.json}}\n" TAIL, by);
	write_file("p.yaml", yaml);
	write_file("data", rows);
	snprintf(line, sizeof line, "fit outlier data -f p.yaml%s", more);
	return say_with(step_kinds, line);
}

static void expect_learnt(const char *by, const char *rows, const char *words)
{
	struct said said = fit(by, rows, " --tensor x=a,b");
	assert_int_equal(said.code, 0);
	expect_words(said.out, words);
	said_close(&said);
}

static void expect_refused(const char *by, const char *rows, const char *words)
{
	struct said said = fit(by, rows, " --tensor x=a,b");
	assert_int_not_equal(said.code, 0);
	expect_words(said.err, words);
	assert_string_equal(said.out, "");
	said_close(&said);
}

/* ---- learning ---- */

/* Of 1 to 11: the median 6, distances 0 1 1 2 2 3 3 4 4 5 5, so their median 3. */
static void medians_and_spreads_are_learnt(void **state)
{
	(void)state;
	struct said said = fit("modified-z", rows_of("a,b", "%d,7", 11), " --tensor x=a,b");
	assert_int_equal(said.code, 0);
	json_t *file = json_loads(said.out, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(file, "format")), "sluice_outlier/1");
	assert_int_equal(json_integer_value(json_object_get(file, "rows")), 11);
	assert_string_equal(json_string_value(json_array_get(json_object_get(file, "columns"), 1)), "b");
	assert_true(json_number_value(json_array_get(json_object_get(file, "median"), 0)) == 6);
	assert_true(fabs(json_number_value(json_array_get(json_object_get(file, "factor"), 0)) - 0.6744897501960817 / 3) < 1e-15);
	assert_true(json_number_value(json_array_get(json_object_get(file, "factor"), 1)) == 0);
	expect_words(said.err, "1 column does not vary, and is not judged; the first is column 1 (`b`)");
	json_decref(file);
	said_close(&said);
}

/* Of 1 to 12 and their squares: means 6.5 and 650/12, variances 13 and 2318 1/3, covariance 13 * 13. */
static void mean_and_covariance_are_learnt(void **state)
{
	(void)state;
	expect_learnt("mahalanobis", rows_of("a,b", "%d,%d", 12), "\"mean\": [6.5, 54.16666666666666");
	expect_learnt("mahalanobis", rows_of("a,b", "%d,%d", 12), "\"covariance\": [13.0, 169.0, 2318.33333333333");
}

static void rows_with_a_missing_number_are_left_out(void **state)
{
	(void)state;
	static char rows[sizeof data + 16];
	snprintf(rows, sizeof rows, "%s,5\n6,\n", rows_of("a,b", "%d,%d", 12));
	struct said said = fit("mahalanobis", rows, " --tensor x=a,b");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "\"rows\": 12,");
	expect_words(said.out, "\"mean\": [6.5,");
	expect_words(said.err, "2 rows with a missing number were left out");
	said_close(&said);
	expect_learnt("modified-z", rows, "\"median\": [6.0, 36.0]"); /* of 13 numbers each */
}

static void requests_of_several_rows_are_learnt(void **state)
{
	(void)state;
	char rows[4096];
	size_t length = 0;
	for (int i = 1; i <= 12; i += 3)
		length += (size_t)snprintf(rows + length, sizeof rows - length,
					   "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"INT32\",\"shape\":[3,2],"
					   "\"data\":[%d,%d,%d,%d,%d,"
					   "%d]}]}\n",
					   i, i * i, i + 1, (i + 1) * (i + 1), i + 2, (i + 2) * (i + 2));
	struct said said = fit("mahalanobis", rows, "");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "\"rows\": 12, \"width\": 2, \"mean\": [6.5,"); /* without names */
	said_close(&said);
}

static void rows_that_teach_nothing_are_refused_with_the_reason(void **state)
{
	(void)state;
	expect_refused("mahalanobis", "a,b\n1,2\n2,3\n3,5\n", "the reference has 3 rows, and 10 or more are needed");
	expect_refused("isolation-forest", "a,b\n1,2\n2,3\n3,5\n", "the reference has 3 rows");
	expect_refused("mahalanobis", rows_of("a,b", "%d,7", 12), "column 1 (`b`) does not vary in the reference");
	expect_refused("modified-z", rows_of("a,b", "4,7", 12), "no column of the reference varies");
	expect_refused("isolation-forest", rows_of("a,b", "4,7", 12), "no column of the reference varies");
	expect_refused("mahalanobis", rows_of("a,b", "%d,", 12), "0 rows without a missing number (12 with one)");
	expect_refused("modified-z", rows_of("a,b", "%d,", 12), "column 1 (`b`) of the reference has 0 numbers");
	expect_refused("isolation-forest", rows_of("a,b", "%d,", 12), "column 1 (`b`) of the reference has no number");
	expect_refused("mahalanobis", rows_of("a,b", "%1$d,%1$d", 12), "columns of the reference follow from one another");
	expect_refused("mahalanobis", rows_of("a,b", "%d,buy", 12), "column `b` is not all numbers");
	expect_refused("mahalanobis", rows_of("a,b", "%d,1e200", 12), "column 1 (`b`) of row 0 of the reference is 1e+200");
	struct said said = fit("mahalanobis", rows_of("a,b", "%d,%d", 12), "");
	expect_words(said.err, "tensor `x` is missing; send it, or for a CSV name its columns by --tensor");
	said_close(&said);
	said = fit("mahalanobis", "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"BYTES\",\"shape\":[1],\"data\":[\"a\"]}]}\n", "");
	expect_words(said.err, "`x` is BYTES[1], and numbers are needed");
	said_close(&said);
}

/* ---- files ---- */

static bool reference_is_read(const char *content, enum outlier_by by, struct outlier_reference *reference)
{
	const struct name file = {"ref.json", {"p.yaml", 6, 5}};
	error = (struct error){0};
	return outlier_reference_read(&file, text_of(content), by, arena, reference, &error);
}

#define FILE_OF "{\"format\": \"sluice_outlier/1\", "

static void files_that_are_no_reference_are_refused(void **state)
{
	(void)state;
	static const struct {
		enum outlier_by by;
		const char *content, *words;
	} wrong[] = {
		{OUTLIER_MAHALANOBIS, "", "ref.json is empty; make it again"},
		{OUTLIER_MAHALANOBIS, FILE_OF "\"by\": \"mahalanobis\", \"rows\": 12,\n",
		 "ref.json ends after 64 bytes in the middle of its JSON: it was cut short; copy it again, or make it again"},
		{OUTLIER_MAHALANOBIS, FILE_OF "\"by\": \"mahala", "ends after 44 bytes in the middle of its JSON"},
		{OUTLIER_MAHALANOBIS, FILE_OF "\"rows\": 10, \"mean\": [1, 2.", "ends after 57 bytes in the middle of its JSON"},
		{OUTLIER_MAHALANOBIS, FILE_OF "\"mean\": [1, 2}", "ref.json is not JSON: "},
		{OUTLIER_MAHALANOBIS, FILE_OF "\"extra\": [1, 2}", "`extra` is not a key of this file"},
		{OUTLIER_MAHALANOBIS, FILE_OF "\"rows\": 10} 11", "ref.json is not JSON: more follows its end"},
		{OUTLIER_MAHALANOBIS, "[1]", "it is an object with a `format`"},
		{OUTLIER_MAHALANOBIS, "{\"by\": \"mahalanobis\"}", "its `format` is missing"},
		{OUTLIER_MAHALANOBIS, "{\"format\": \"sluice_preprocess/1\", \"operations\": []}",
		 "has the format `sluice_preprocess/1`, and this step reads sluice_outlier/1"},
		{OUTLIER_MAHALANOBIS,
		 FILE_OF "\"by\": \"modified-z\", \"rows\": 10, \"width\": 1, \"median\": [1], \"factor\": "
			 "[1]}",
		 "was made for another method"},
		{OUTLIER_MAHALANOBIS, FILE_OF "\"by\": \"best\"}", "`by` is one of modified-z mahalanobis isolation-forest"},
		{OUTLIER_MAHALANOBIS, FILE_OF "\"extra\": 1}", "`extra` is not a key of this file"},
		{OUTLIER_MODIFIED_Z, FILE_OF "\"by\": \"modified-z\", \"rows\": 9, \"width\": 1}", "`rows` is out of range"},
		{OUTLIER_MODIFIED_Z, FILE_OF "\"by\": \"modified-z\", \"rows\": 10}", "has no `rows` and `width`"},
		{OUTLIER_MODIFIED_Z, FILE_OF "\"by\": \"modified-z\", \"rows\": 10, \"width\": 2, \"columns\": [\"a\"]}",
		 "or other `columns` than these"},
		{OUTLIER_MODIFIED_Z,
		 FILE_OF "\"by\": \"modified-z\", \"rows\": 10, \"width\": 2, \"median\": [1, 2], \"factor\": "
			 "[1]}",
		 "no `median` and `factor` for each column"},
		{OUTLIER_MODIFIED_Z,
		 FILE_OF "\"by\": \"modified-z\", \"rows\": 10, \"width\": 1, \"median\": [\"NaN\"], \"factor\": [1]}",
		 "no `median` and `factor` for each column"},
		{OUTLIER_MAHALANOBIS,
		 FILE_OF "\"by\": \"mahalanobis\", \"rows\": 10, \"width\": 2, \"mean\": [1, 2], \"covariance\": [1, 2]}",
		 "has no `mean` and `covariance` of its columns"},
		{OUTLIER_MAHALANOBIS,
		 FILE_OF "\"by\": \"mahalanobis\", \"rows\": 10, \"width\": 2, \"mean\": [1, 2], \"covariance\": [1, 2, 1]}",
		 "has a `covariance` without an inverse"},
		{OUTLIER_FOREST, FILE_OF "\"by\": \"isolation-forest\", \"rows\": 10, \"width\": 1}", "is no isolation forest"},
		{OUTLIER_FOREST,
		 FILE_OF "\"by\": \"isolation-forest\", \"rows\": 10, \"width\": 1, \"forest\": {\"format\": "
			 "\"sluice_linear/1\", \"kind\": \"identity\", \"coef\": [[1]], \"intercept\": [0]}}",
		 "is a model of the format sluice_linear/1, and no isolation forest"},
	};
	struct outlier_reference reference;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		assert_false(reference_is_read(wrong[i].content, wrong[i].by, &reference));
		expect_words(error.text, wrong[i].words);
		assert_int_equal(error.kind, ERROR_CONFIG);
		assert_int_equal(error.place.line, 6);
	}
}

/* 1 of 1000 rows like the reference exceeds the limit: chi-square's where the reference is large, more where it is small,
 * since its mean and covariance are estimates. */
static void the_limit_knows_how_large_the_reference_was(void **state)
{
	(void)state;
	struct outlier_reference reference;
	char content[256];
	const double rows[] = {20, 200, 1e9};
	double limits[3];
	for (size_t i = 0; i < 3; i++) {
		snprintf(content, sizeof content,
			 FILE_OF "\"by\": \"mahalanobis\", \"rows\": %.0f, \"width\": 2, \"mean\": [0, 0], \"covariance\": [1, 0, "
				 "1]}",
			 rows[i]);
		assert_true(reference_is_read(content, OUTLIER_MAHALANOBIS, &reference));
		limits[i] = reference.limit;
	}
	assert_true(limits[0] > limits[1] + 5 && limits[1] > limits[2]);
	assert_true(fabs(limits[2] - chi_square_critical(0.001, 2)) < 1e-4);
}

static double normal_draw(struct random *chance)
{
	double total = -6;
	for (int i = 0; i < 12; i++)
		total += (double)(random_next(chance) >> 11) * 0x1p-53;
	return total;
}

/* Through the file and back, over 300 references of 60 rows: of 30,000 fresh rows 1 of 1000, within 4 standard deviations. */
static void usual_rows_are_seldom_outliers(void **state)
{
	(void)state;
	struct random chance = {5};
	double rows[60 * 4], row[4], score;
	size_t above = 0;
	for (int trial = 0; trial < 300; trial++) {
		struct outlier_reference reference;
		struct buffer file;
		const char *remark;
		const struct outlier_rows learnt = {.table = {60, 4, rows}};
		for (size_t i = 0; i < 60 * 4; i++)
			rows[i] = 1e6 + 3 * normal_draw(&chance) + (i % 4 ? rows[i - 1] - 1e6 : 0);
		buffer_open(&file, DATA_BYTES);
		assert_true(outlier_reference_learn(OUTLIER_MAHALANOBIS, &learnt, arena, &file, &remark, &error));
		buffer_byte(&file, 0);
		assert_true(reference_is_read(file.bytes, OUTLIER_MAHALANOBIS, &reference));
		for (int i = 0; i < 100; i++) {
			double former = 1e6;
			for (size_t j = 0; j < 4; j++)
				row[j] = former = 1e6 + 3 * normal_draw(&chance) + (former - 1e6);
			assert_true(outlier_reference_score(&reference, row, 4, 1, arena, &score));
			above += score > reference.limit;
		}
		buffer_close(&file);
		arena_reset(arena);
	}
	if (above < 8 || above > 52)
		fail_msg("%zu of 30,000 usual rows are outliers, and 30 were declared", above);
}

/* Rows above the limit, counted by the predictor of the forest in the file: a row's score is its answer with its sign turned. */
static size_t rows_above(const char *file, double limit)
{
	struct arena *own = arena_open((size_t)16 << 20);
	struct error refused = {0};
	json_t *document = json_loads(file, 0, NULL);
	char *forest = json_dumps(json_object_get(document, "forest"), JSON_COMPACT | JSON_REAL_PRECISION(17));
	assert_non_null(forest);
	const struct predictor *predictor = predictor_read(own, text_of(forest), ITERATIONS_BEST, &refused);
	assert_non_null(predictor);
	double *scratch = ARENA_ARRAY(own, double, predictor_scratch(predictor, 1)), margin, answer;
	size_t above = 0;
	for (int i = 1; i <= 12; i++) {
		const double row[] = {i, i * i};
		predictor_margins(predictor, row, 2, 1, &margin, scratch);
		predictor_answers(predictor, &margin, 1, &answer);
		above += -answer > limit;
	}
	free(forest);
	json_decref(document);
	arena_close(own);
	return above;
}

/* So that a limit that marks a good part of what is usual is seen before it runs. */
static void the_share_of_the_reference_above_the_limit_is_told(void **state)
{
	(void)state;
	char words[64];
	struct said said = fit("isolation-forest", rows_of("a,b", "%d,%d", 12), " --tensor x=a,b");
	assert_int_equal(said.code, 0);
	const size_t above = rows_above(said.out, 0.5);
	assert_true(above > 0 && above < 12); /* of equal steps some are more alone than a row drawn anywhere */
	snprintf(words, sizeof words, "%.3g%% of the reference are above the limit 0.5", 100.0 * (double)above / 12);
	expect_words(said.err, words);
	expect_words(said.err, "if most of it is normal, write a higher `limit`");
	said_close(&said);
}

/* A forest learnt from rows is the same each time, and thinks far rows stranger. */
static void forests_are_the_same_each_time(void **state)
{
	(void)state;
	char first[DATA_BYTES] = "";
	struct outlier_reference reference;
	double rows[] = {6, 40, 300, -900}, scores[2];
	for (size_t i = 0; i < 2; i++) {
		struct said said = fit("isolation-forest", rows_of("a,b", "%d,%d", 12), " --tensor x=a,b");
		assert_int_equal(said.code, 0);
		if (i == 0)
			assert_true(snprintf(first, sizeof first, "%s", said.out) < DATA_BYTES);
		assert_string_equal(first, said.out);
		said_close(&said);
	}
	assert_true(reference_is_read(first, OUTLIER_FOREST, &reference));
	assert_int_equal(reference.width, 2);
	assert_false(reference.wider);
	assert_true(outlier_reference_score(&reference, rows, 2, 2, arena, scores));
	assert_true(scores[0] > 0 && scores[0] < scores[1] && scores[1] < 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(medians_and_spreads_are_learnt),
		cmocka_unit_test(mean_and_covariance_are_learnt),
		cmocka_unit_test(rows_with_a_missing_number_are_left_out),
		cmocka_unit_test(requests_of_several_rows_are_learnt),
		cmocka_unit_test(rows_that_teach_nothing_are_refused_with_the_reason),
		cmocka_unit_test(files_that_are_no_reference_are_refused),
		cmocka_unit_test(the_limit_knows_how_large_the_reference_was),
		cmocka_unit_test(usual_rows_are_seldom_outliers),
		cmocka_unit_test(the_share_of_the_reference_above_the_limit_is_told),
		cmocka_unit_test(forests_are_the_same_each_time),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
