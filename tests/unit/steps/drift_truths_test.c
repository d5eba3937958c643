/* drift_truths_test.c: Tests of `sluice drift report --feedback`: the realised accuracy of a window beside its estimate, and what
 * feedback counts. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/number/random.h"
#include "steps/drift/drift_estimates.h"
#include "steps/kinds.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/session.h"

#define YAML                                                                                                                       \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n  - {name: m}\n"              \
	"  - {name: watch, inputs: [m], drift: {tensors: [x], reference: ref.json, %s}}\n  output: {steps: [m]}\n"
#define USUAL "window: 100, falseAlarms: 0.1 per 1000"
#define ESTIMATES USUAL ", estimate: {probabilities: p}"
#define DATA_BYTES 4000000

static char messages[DATA_BYTES], outcomes[DATA_BYTES];
static size_t messages_length, outcomes_length;
static struct random chance;

static double uniform(void)
{
	return (double)random_below(&chance, 1000000) / 1000000;
}

static void begin(uint64_t seed)
{
	chance = (struct random){seed};
	messages_length = outcomes_length = 0;
	messages[0] = outcomes[0] = 0;
}

/* A message of one row, with probabilities as JSON. */
static void message_write(const char *id, size_t classes, const char *chances)
{
	messages_length += (size_t)snprintf(
		messages + messages_length, sizeof messages - messages_length,
		"{\"id\": \"%s\", \"inputs\": [{\"name\": \"x\", \"shape\": [1, 1], \"datatype\": \"FP64\", \"data\": [%.6f]}, "
		"{\"name\": \"p\", \"shape\": [1, %zu], \"datatype\": \"FP64\", \"data\": [%s]}]}\n",
		id, uniform(), classes, chances);
}

static void outcome_write(const char *id, const char *rest)
{
	outcomes_length += (size_t)snprintf(outcomes + outcomes_length, sizeof outcomes - outcomes_length,
					    "{\"id\": \"%s\", %s}\n", id, rest);
}

static void number_message(int number, double positive)
{
	char id[32], chances[32];
	snprintf(id, sizeof id, "r-%d", number);
	snprintf(chances, sizeof chances, "%.9g", positive);
	message_write(id, 1, chances);
}

static void number_outcome(int number, const char *rest)
{
	char id[32];
	snprintf(id, sizeof id, "r-%d", number);
	outcome_write(id, rest);
}

static struct said report(const char *options, const char *more)
{
	char yaml[1024], line[256];
	snprintf(yaml, sizeof yaml, YAML, options);
	write_file("p.yaml", yaml);
	write_file("data", messages);
	write_file("outcomes", outcomes);
	snprintf(line, sizeof line, "drift report data -f p.yaml --feedback outcomes%s", more);
	return say_with(step_kinds, line);
}

static int reference_make(void **state)
{
	char yaml[1024];
	const int code = folder_enter(state);
	begin(3);
	for (int i = 0; i < 400; i++)
		number_message(i, 0.5);
	snprintf(yaml, sizeof yaml, YAML, USUAL);
	write_file("p.yaml", yaml);
	write_file("data", messages);
	struct said said = say_with(step_kinds, "fit drift data -f p.yaml --out ref.json");
	const bool good = said.code == 0;
	said_close(&said);
	return good ? code : 1;
}

static double member(const char *line, const char *name)
{
	json_t *object = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
	assert_non_null(object);
	const double number = json_number_value(json_object_get(object, name));
	json_decref(object);
	return number;
}

/* ---- what is said ---- */

/* 60 of the 100 rows have feedback, and the model was right in 48 of them. */
static void a_window_has_its_realised_accuracy(void **state)
{
	(void)state;
	begin(5);
	for (int i = 0; i < 100; i++) {
		number_message(i, i % 2 ? 0.8 : 0.3);
		if (i < 60) /* the class that was predicted, or the other */
			number_outcome(i, (i % 2 != 0) == (i < 48) ? "\"truth\": [1]" : "\"truth\": [0]");
	}
	struct said said = report(ESTIMATES, "");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "estimated accuracy 0.75 ("); /* 50 of 0.8, 50 of 0.7 */
	expect_words(said.out, "; realised accuracy 0.8 of 60 rows with feedback, within its band of 0.633 to 0.867");
	expect_words(said.out, "60 of 100 messages have feedback\n");
	expect_words(said.out, "realised accuracy: within the band of 95% in 1 of 1 windows\n");
	said_close(&said);
	said = report(ESTIMATES, " -o json");
	assert_true(member(said.out, "realised_rows") == 60);
	assert_true(fabs(member(said.out, "realised_accuracy") - 0.8) < 1e-12);
	/* Of the 60 rows alone, with half a row more: counts are whole. */
	const double reach = (1.959963984540054 * sqrt(30 * (0.8 * 0.2 + 0.7 * 0.3)) + 0.5) / 60;
	assert_true(fabs(member(said.out, "realised_band_low") - (0.75 - reach)) < 1e-9);
	assert_true(fabs(member(said.out, "realised_band_high") - (0.75 + reach)) < 1e-9);
	expect_words(said.out, "\"band_held\": true");
	said_close(&said);
}

/* The same inputs mean something else: the estimate cannot know, the feedback does. */
static void concept_drift_shows(void **state)
{
	(void)state;
	begin(6);
	for (int i = 0; i < 200; i++) {
		number_message(i, 0.9);
		number_outcome(i, i < 100 && i % 10 ? "\"truth\": [1]" : "\"truth\": [0]");
	}
	struct said said = report(ESTIMATES, "");
	expect_words(said.out, "realised accuracy 0.9 of 100 rows with feedback, within its band");
	expect_words(said.out, "realised accuracy 0 of 100 rows with feedback, outside of its band");
	expect_words(said.out, "within the band of 95% in 1 of 2 windows\n");
	said_close(&said);
}

/* Calibrated probabilities under covariate shift: each window has others. */
static void the_band_holds_as_often_as_declared(void **state)
{
	(void)state;
	unsigned long held = 0, windows = 0;
	begin(7);
	for (int i = 0; i < 20000; i++) {
		const int hundreds = i / 100;
		const double centre = (double)hundreds / 200, positive = 0.05 + 0.9 * (0.7 * centre + 0.3 * uniform());
		number_message(i, positive);
		number_outcome(i, uniform() < positive ? "\"truth\": [1]" : "\"truth\": [0]");
	}
	struct said said = report(ESTIMATES, "");
	const char *line = strstr(said.out, "within the band of 95% in ");
	assert_non_null(line);
	assert_int_equal(sscanf(line, "within the band of 95%% in %lu of %lu windows", &held, &windows), 2);
	assert_int_equal(windows, 200);
	assert_in_range(held, 180, 199); /* 190 are expected, 3 standard deviations are 9 */
	said_close(&said);
}

static void windows_of_few_rows_are_not_held_against_the_band(void **state)
{
	(void)state;
	begin(8);
	for (int i = 0; i < 200; i++) {
		number_message(i, 0.9);
		if (i < REALISED_ROWS_MIN - 1 || (i >= 100 && i < 100 + REALISED_ROWS_MIN))
			number_outcome(i, "\"truth\": [1]");
	}
	struct said said = report(ESTIMATES, "");
	expect_words(said.out, "realised accuracy 1 of 29 rows with feedback, too few for its band");
	expect_words(said.out, "realised accuracy 1 of 30 rows with feedback, within its band"); /* of 0.9 in 30, 1 is not far */
	expect_words(said.out, "in 1 of 1 windows; 1 more has fewer than 30 rows with feedback\n");
	said_close(&said);
	said = report(ESTIMATES, " -o json");
	expect_words(said.out, "\"realised_rows\": 29");
	expect_words(said.out, "\"band_held\": null");
	said_close(&said);
}

static void segments_have_their_own(void **state)
{
	(void)state;
	begin(9);
	for (int i = 0; i < 200; i++) {
		number_message(i, i % 2 ? 0.9 : 0.1);
		number_outcome(i, i % 2 ? "\"truth\": [1]" : i % 4 ? "\"truth\": [0]" : "\"truth\": [1]");
	}
	struct said said = report(ESTIMATES ", groupBy: \"where(p > 0.5, 'sure', 'not')\"", "");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "window 0 of segment sure, 100 rows: ");
	expect_words(said.out, "realised accuracy 1 of 100 rows");
	expect_words(said.out, "realised accuracy 0.5 of 100 rows");
	said_close(&said);
}

/* ---- the area under the ROC curve ---- */

/* Of 40 rows with 0.8 and 40 with 0.4, 30 and 10 are positive. */
static void a_window_has_its_realised_area(void **state)
{
	(void)state;
	begin(15);
	for (int i = 0; i < 100; i++) {
		number_message(i, i < 50 ? 0.8 : 0.4);
		if (i % 50 < 40)
			number_outcome(i, i % 50 < (i < 50 ? 30 : 10) ? "\"truth\": [1]" : "\"truth\": [0]");
		else
			number_outcome(i, "\"metrics\": {\"accuracy\": 0.7}"); /* which says nothing of classes */
	}
	const double ordered = 30 * 30 + (30 * 10 + 10 * 30) / 2.0, pairs = 40 * 40;
	struct said said = report(ESTIMATES, "");
	expect_words(said.out, "; estimated AUC ");
	expect_words(said.out, "; realised AUC 0.75 of 80 rows with feedback, within its band of ");
	expect_words(said.out, "realised accuracy: within the band of 95% in 1 of 1 windows\n");
	expect_words(said.out, "realised AUC: within the band of 95% in 1 of 1 windows\n");
	said_close(&said);
	said = report(ESTIMATES, " -o json");
	assert_true(fabs(member(said.out, "realised_auc") - ordered / pairs) < 1e-12);
	assert_true(member(said.out, "realised_auc_rows") == 80 && member(said.out, "realised_rows") == 100);
	const double estimated = 40 * 0.8 * 40 * 0.6, turned = 40 * 0.4 * 40 * 0.2; /* of the 80 rows alone */
	const double equal = 40 * 39 * (0.8 * 0.2 + 0.4 * 0.6);
	const double middle = (member(said.out, "realised_auc_band_low") + member(said.out, "realised_auc_band_high")) / 2;
	assert_true(fabs(middle - (estimated + equal / 2) / (estimated + turned + equal)) < 1e-9);
	expect_words(said.out, "\"auc_band_held\": true");
	assert_true(member(said.out, "estimated_auc") > member(said.out, "estimated_auc_low"));
	assert_true(member(said.out, "estimated_auc") < member(said.out, "estimated_auc_high"));
	said_close(&said);
}

/* Of 50 rows with 0.9 and of 50 with 0.6, one in ten and four in ten are wrong; then four in ten and one in ten. As many are right,
 * so the accuracy alone shows nothing. */
static void an_order_that_is_turned_shows(void **state)
{
	static const char *const found[] = {"realised AUC: within the band of 95% in 1 of 1 windows\n",
					    "realised AUC: within the band of 95% in 0 of 1 windows\n"};
	(void)state;
	for (int turned = 0; turned <= 1; turned++) {
		begin(16);
		for (int i = 0; i < 100; i++) {
			const bool wrong = i % 2 == turned ? i % 10 < 4 : i % 20 < 2;
			number_message(i, i % 2 ? 0.9 : 0.6);
			number_outcome(i, wrong ? "\"truth\": [0]" : "\"truth\": [1]");
		}
		struct said said = report(ESTIMATES, "");
		expect_words(said.out, "realised accuracy: within the band of 95% in 1 of 1 windows\n");
		expect_words(said.out, found[turned]);
		said_close(&said);
	}
}

static void areas_of_few_rows_of_a_class_are_not_held_against_the_band(void **state)
{
	(void)state;
	begin(17);
	for (int i = 0; i < 200; i++) {
		number_message(i, i % 2 ? 0.9 : 0.6);
		const bool wrong = i % 2 == 0 && i % 100 < 2 * (REALISED_CLASS_MIN - (i < 100));
		number_outcome(i, wrong ? "\"truth\": [0]" : "\"truth\": [1]");
	}
	struct said said = report(ESTIMATES, "");
	expect_words(said.out,
		     "realised AUC: within the band of 95% in 1 of 1 windows; 1 more has fewer than 30 rows with feedback, "
		     "or 10 of a class, or too many probabilities within 2.7e-9 of 0 or 1\n");
	said_close(&said);
}

/* Probabilities of 1e-9 times 1 to 2 are not told apart before the truth, so no band is held against it. Of the 50 * 50 pairs a
 * positive row, which is each even one, is above the odd ones before it: 0 + 1 + ... + 49 of them. */
static void an_area_without_an_estimate_has_no_band(void **state)
{
	(void)state;
	begin(20);
	for (int i = 0; i < 100; i++) {
		number_message(i, 1e-9 * (1 + i / 100.0));
		number_outcome(i, i % 2 ? "\"truth\": [0]" : "\"truth\": [1]");
	}
	struct said said = report(ESTIMATES, "");
	assert_null(strstr(said.out, "estimated AUC"));
	expect_words(said.out,
		     "realised AUC: within the band of 95% in 0 of 0 windows; 1 more has fewer than 30 rows with feedback, "
		     "or 10 of a class, or too many probabilities within 2.7e-9 of 0 or 1\n");
	said_close(&said);
	said = report(ESTIMATES, " -o json");
	expect_words(said.out, "\"estimated_auc\": \"NaN\"");
	assert_true(fabs(member(said.out, "realised_auc") - 1225.0 / 2500) < 1e-12);
	expect_words(said.out, "\"auc_band_held\": null");
	said_close(&said);
}

/* In two windows after each other, of probabilities from 0.49 to 0.51: the truth follows their order, but for each fifth row. */
static void a_realised_area_is_that_of_all_pairs_of_rows(void **state)
{
	double probabilities[200], ordered[2] = {0}, pairs[2] = {0};
	bool positive[200];
	(void)state;
	begin(21);
	for (int i = 0; i < 200; i++) {
		probabilities[i] = (double)(int)(490000 + 20000 * uniform()) / 1e6;
		positive[i] = (probabilities[i] > 0.5) != (i % 5 == 0);
		number_message(i, probabilities[i]);
		number_outcome(i, positive[i] ? "\"truth\": [1]" : "\"truth\": [0]");
	}
	for (int i = 0; i < 200; i++)
		for (int j = i / 100 * 100; j < i / 100 * 100 + 100; j++)
			if (positive[i] && !positive[j]) {
				pairs[i / 100]++;
				ordered[i / 100] += probabilities[i] > probabilities[j]	   ? 1
						    : probabilities[i] == probabilities[j] ? 0.5
											   : 0;
			}
	struct said said = report(ESTIMATES, " -o json");
	const char *second = strchr(said.out, '\n');
	assert_non_null(second);
	assert_true(fabs(member(said.out, "realised_auc") - ordered[0] / pairs[0]) < 1e-12);
	assert_true(fabs(member(second + 1, "realised_auc") - ordered[1] / pairs[1]) < 1e-12);
	said_close(&said);
}

/* Calibrated probabilities under covariate shift: each window has others. */
static void the_area_is_in_its_band_as_often_as_declared(void **state)
{
	(void)state;
	unsigned long held = 0, windows = 0;
	begin(18);
	for (int i = 0; i < 20000; i++) {
		const int hundreds = i / 100;
		const double logit = 3 * (double)hundreds / 200 - 1.5 + 6 * (uniform() - 0.5), positive = 1 / (1 + exp(-logit));
		number_message(i, positive);
		number_outcome(i, uniform() < positive ? "\"truth\": [1]" : "\"truth\": [0]");
	}
	struct said said = report(ESTIMATES, "");
	const char *line = strstr(said.out, "realised AUC: within the band of 95% in ");
	assert_non_null(line);
	assert_int_equal(sscanf(line, "realised AUC: within the band of 95%% in %lu of %lu windows", &held, &windows), 2);
	assert_int_equal(windows, 200);
	assert_in_range(held, 180, 199); /* 190 are expected, 3 standard deviations are 9 */
	said_close(&said);
}

/* ---- regressors ---- */

#define ERRORS USUAL ", estimateError: {expected: p, prediction: x}"

/* A row with a prediction, an expected absolute error, and what was right. */
static void regressor_write(int number, double prediction, double expected, double right)
{
	char truth[64];
	messages_length += (size_t)snprintf(
		messages + messages_length, sizeof messages - messages_length,
		"{\"id\": \"r-%d\", \"inputs\": [{\"name\": \"x\", \"shape\": [1, 1], \"datatype\": \"FP64\", \"data\": [%.9f]}, "
		"{\"name\": \"p\", \"shape\": [1, 1], \"datatype\": \"FP64\", \"data\": [%.9f]}]}\n",
		number, prediction, expected);
	snprintf(truth, sizeof truth, "\"truth\": [%.9f]", right);
	number_outcome(number, truth);
}

static void a_window_has_its_realised_error(void **state)
{
	(void)state;
	begin(19);
	for (int i = 0; i < 100; i++)
		regressor_write(i, 0.5, i % 2 ? 1 : 3, i % 2 ? 1.5 : -2); /* errors of 1 and 2.5 */
	struct said said = report(ERRORS, "");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "; estimated absolute error 2 (");
	expect_words(said.out, "; realised absolute error 1.75 of 100 rows with feedback, within its band of 1.56");
	expect_words(said.out, "100 of 100 messages have feedback\n");
	expect_words(said.out, "realised absolute error: within the band of 95% in 1 of 1 windows\n");
	assert_null(strstr(said.out, "AUC"));
	assert_null(strstr(said.out, "accuracy"));
	said_close(&said);
	said = report(ERRORS, " -o json");
	const double reach = 1.959963984540054 * sqrt(50 * (1 + 9)) / 100;
	assert_true(member(said.out, "estimated_error") == 2);
	assert_true(fabs(member(said.out, "estimated_error_low") - (2 - reach)) < 1e-9);
	assert_true(member(said.out, "realised_error_rows") == 100);
	assert_true(fabs(member(said.out, "realised_error") - 1.75) < 1e-9);
	assert_true(fabs(member(said.out, "realised_error_band_high") - (2 + reach)) < 1e-9);
	expect_words(said.out, "\"error_band_held\": true");
	assert_null(strstr(said.out, "estimated_accuracy"));
	said_close(&said);
}

/* Errors of Laplace's law, of which as much is expected as there is, under covariate shift; then twice as much comes. */
static void the_error_is_in_its_band_as_often_as_declared(void **state)
{
	(void)state;
	for (int times = 1; times <= 2; times++) {
		unsigned long held = 0, windows = 0;
		begin(20);
		for (int i = 0; i < 20000; i++) {
			const int hundred = i / 100;
			const double expected = 0.1 + 3 * (double)hundred / 200 + uniform(), error = -log(uniform() + 1e-9);
			regressor_write(i, 0.5, expected, 0.5 + (i % 2 ? 1 : -1) * times * expected * error);
		}
		struct said said = report(ERRORS, "");
		const char *line = strstr(said.out, "realised absolute error: within the band of 95% in ");
		assert_non_null(line);
		assert_int_equal(
			sscanf(line, "realised absolute error: within the band of 95%% in %lu of %lu windows", &held, &windows), 2);
		assert_int_equal(windows, 200);
		if (times == 1)
			assert_in_range(held, 180, 199); /* 190 are expected, 3 standard deviations are 9 */
		else
			assert_in_range(held, 0, 2);
		said_close(&said);
	}
}

static void numbers_that_a_regressor_cannot_be_compared_with_are_counted(void **state)
{
	static const char *const outcomes_of[] = {"\"truth\": [\"yes\"]", "\"truth\": [1, 1]",
						  "\"truth\": {\"a\": [1], \"b\": [1]}", "\"metrics\": {\"accuracy\": 1}"};
	(void)state;
	for (size_t i = 0; i < sizeof outcomes_of / sizeof *outcomes_of; i++) {
		begin(21);
		for (int j = 0; j < 100; j++) {
			number_message(j, 1);
			number_outcome(j, outcomes_of[i]);
		}
		struct said said = report(ERRORS, "");
		expect_words(said.out, "that of 100 cannot be compared: it needs as truth one tensor with a number for each row\n");
		said_close(&said);
	}
}

static void without_predictions_nothing_can_be_compared(void **state)
{
	(void)state;
	begin(22);
	for (int i = 0; i < 100; i++)
		regressor_write(i, 0.5, 1, 0);
	struct said said = report(USUAL ", estimateError: {expected: p, prediction: y}", "");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "that of 100 cannot be compared");
	said_close(&said);
}

/* ---- what counts ---- */

static struct said report_of(size_t classes, const char *chances, const char *outcome)
{
	begin(11);
	for (int i = 0; i < 100; i++) {
		char id[32];
		snprintf(id, sizeof id, "r-%d", i);
		message_write(id, classes, chances);
		outcome_write(id, outcome);
	}
	return report(ESTIMATES, "");
}

static void expect_report(size_t classes, const char *chances, const char *outcome, const char *words)
{
	struct said said = report_of(classes, chances, outcome);
	assert_int_equal(said.code, 0);
	expect_words(said.out, words);
	said_close(&said);
}

static void classes_and_accuracies_count(void **state)
{
	(void)state;
	expect_report(3, "0.2, 0.7, 0.1", "\"truth\": [1]", "realised accuracy 1 of 100 rows");
	expect_report(3, "0.2, 0.7, 0.1", "\"truth\": [2]", "realised accuracy 0 of 100 rows");
	expect_report(3, "0.4, 0.4, 0.2", "\"truth\": [0]", "realised accuracy 1 of 100 rows"); /* the first of equals */
	expect_report(2, "0.25, 0.75", "\"truth\": [1]", "realised accuracy 1 of 100 rows");
	expect_report(2, "0.5, 0.5", "\"truth\": [1]", "realised accuracy 1 of 100 rows"); /* the threshold is predicted */
	expect_report(1, "0.75", "\"metrics\": {\"accuracy\": 0.7}", "realised accuracy 0.7 of 100 rows");
	expect_report(1, "0.75", "\"metrics\": {\"accuracy\": 0}, \"truth\": [1]", "realised accuracy 0 of 100 rows");
}

static void what_cannot_be_compared_is_counted(void **state)
{
	(void)state;
	const char *const words = "100 of 100 messages have feedback; that of 100 cannot be compared";
	expect_report(1, "0.75", "\"truth\": [2]", words);
	expect_report(3, "0.2, 0.7, 0.1", "\"truth\": [3]", words);
	expect_report(1, "0.75", "\"truth\": [-1]", words);
	expect_report(1, "0.75", "\"truth\": [0.5]", words);
	expect_report(1, "0.75", "\"truth\": [\"yes\"]", words);
	expect_report(1, "0.75", "\"truth\": [1, 1]", words);
	expect_report(1, "0.75", "\"truth\": {\"a\": [1], \"b\": [1]}", words);
	expect_report(1, "0.75", "\"metrics\": {\"accuracy\": 1.5}", words);
	expect_report(1, "0.75", "\"metrics\": {\"profit\": 1}", "0 of 100 messages have feedback\n");
	expect_report(1, "0.75", "\"reward\": 1", "0 of 100 messages have feedback\n");
	expect_report(1, "1.75", "\"truth\": [1]", "in 0 of 0 windows\n"); /* no probability */
}

static void rows_without_a_probability_do_not_count(void **state)
{
	(void)state;
	begin(14);
	for (int i = 0; i < 100; i++) {
		number_message(i, i % 2 ? 0.75 : 1.75);
		number_outcome(i, i % 4 == 1 ? "\"truth\": [0]" : "\"truth\": [1]");
	}
	struct said said = report(ESTIMATES, "");
	expect_words(said.out, "realised accuracy 0.5 of 50 rows");
	said_close(&said);
}

static void of_several_records_the_first_counts(void **state)
{
	(void)state;
	begin(12);
	/* of no request */
	outcomes_length = (size_t)snprintf(outcomes, sizeof outcomes, "{\"unit\": \"r-1\", \"truth\": [0]}\n\n");
	for (int i = 99; i >= 0; i--) {
		number_message(i, 0.75);
		number_outcome(i, "\"reward\": 4"); /* says nothing of the accuracy */
		number_outcome(i, "\"truth\": [1]");
		number_outcome(i, "\"truth\": [0]");
	}
	struct said said = report(ESTIMATES, "");
	expect_words(said.out, "realised accuracy 1 of 100 rows");
	expect_words(said.out, "100 of 100 messages have feedback\n");
	said_close(&said);
}

/* ---- topics ---- */

#define BODY(id) "{" id "\"inputs\": [{\"name\": \"x\", \"shape\": [1, 1], \"datatype\": \"FP64\", \"data\": [0.5]}, " \
	"{\"name\": \"p\", \"shape\": [1, 1], \"datatype\": \"FP64\", \"data\": [0.75]}]}"

static void feedback_write(const struct mock *mock, const char *json)
{
	mock_append(mock, "sluice.default.pipeline.p.feedback", TEXT("k"), text_of(json));
}

static struct said topic_report(const struct mock *mock, const char *feedback)
{
	char yaml[1024], line[512];
	snprintf(yaml, sizeof yaml, YAML, ESTIMATES);
	write_file("p.yaml", yaml);
	snprintf(line, sizeof line, "drift report topic:in -f p.yaml --feedback %s --brokers %s", feedback, mock->brokers);
	return say_with(step_kinds, line);
}

/* A message has the id that an engine gives to it: of the header, else its own, else of the gateway, else its origin. */
static void messages_of_topics_are_found_by_their_names(void **state)
{
	static const char *const bodies[][3] = {{BODY("\"id\": \"own\", "), "x-request-id", "header"},
						{BODY("\"id\": \"own\", "), "sluice-id", "gateway"},
						{BODY(""), "sluice-id", "gateway"},
						{BODY(""), NULL, NULL},
						{BODY("\"id\": \"named\", "), NULL, NULL},
						{BODY("\"id\": \"nobody\", "), NULL, NULL}};
	struct mock mock;
	(void)state;
	mock_open(&mock);
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
		mock_write(&mock, "k", bodies[i][0], bodies[i][1], bodies[i][2]);
	feedback_write(&mock, "{\"id\": \"header\", \"metrics\": {\"accuracy\": 0.5}}");
	feedback_write(&mock, "nobody can read that");
	feedback_write(&mock, "{\"id\": \"own\", \"metrics\": {\"accuracy\": 0.25}}");
	feedback_write(&mock, "{\"id\": \"gateway\", \"metrics\": {\"accuracy\": 0.125}}");
	feedback_write(&mock, "{\"origin\": \"in-0-3\", \"metrics\": {\"accuracy\": 0.0625}}");
	feedback_write(&mock, "{\"origin\": {\"topic\": \"in\", \"partition\": 0, \"offset\": 4}, \"metrics\": {\"accuracy\": 1}}");
	struct said said = topic_report(&mock, "topic:");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "5 of 6 messages have feedback\n");
	expect_words(said.out, "realised accuracy 0.388 of 5 rows with feedback"); /* 1.9375 / 5 */
	expect_words(said.err, "1 record of feedback that cannot be read was left out; the first: ");
	said_close(&said);
	said = topic_report(&mock, "topic:sluice.default.pipeline.p.feedback");
	expect_words(said.out, "5 of 6 messages have feedback\n");
	said_close(&said);
	mock_close(&mock);
}

/* ---- what is refused ---- */

static void expect_refused(struct said said, const char *words)
{
	assert_int_not_equal(said.code, 0);
	expect_words(said.err, words);
	said_close(&said);
}

static void what_gives_no_comparison_is_refused(void **state)
{
	(void)state;
	begin(13);
	number_message(0, 0.5);
	number_outcome(0, "\"truth\": [1]");
	expect_refused(report(USUAL, ""), "step `watch` has no `estimate`");
	expect_refused(report(USUAL ", estimateError: p", ""), "`estimateError` does not name them");
	outcomes_length += (size_t)snprintf(outcomes + outcomes_length, sizeof outcomes - outcomes_length, "{\"ide\": 1}\n");
	expect_refused(report(ESTIMATES, ""), "outcomes:2:1");
	outcomes[0] = 0;
	expect_refused(report(ESTIMATES, " --feedback nowhere"), "nowhere");
	struct said said = report(ESTIMATES, "");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "0 of 1 messages have feedback\n");
	said_close(&said);
	snprintf(messages, sizeof messages, "x,p\n0.5,0.5\n");
	expect_refused(report(ESTIMATES, ""), "the rows of a CSV have no ids");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_has_its_realised_accuracy),
		cmocka_unit_test(concept_drift_shows),
		cmocka_unit_test(the_band_holds_as_often_as_declared),
		cmocka_unit_test(windows_of_few_rows_are_not_held_against_the_band),
		cmocka_unit_test(segments_have_their_own),
		cmocka_unit_test(a_window_has_its_realised_area),
		cmocka_unit_test(an_order_that_is_turned_shows),
		cmocka_unit_test(areas_of_few_rows_of_a_class_are_not_held_against_the_band),
		cmocka_unit_test(an_area_without_an_estimate_has_no_band),
		cmocka_unit_test(a_realised_area_is_that_of_all_pairs_of_rows),
		cmocka_unit_test(the_area_is_in_its_band_as_often_as_declared),
		cmocka_unit_test(a_window_has_its_realised_error),
		cmocka_unit_test(the_error_is_in_its_band_as_often_as_declared),
		cmocka_unit_test(numbers_that_a_regressor_cannot_be_compared_with_are_counted),
		cmocka_unit_test(without_predictions_nothing_can_be_compared),
		cmocka_unit_test(classes_and_accuracies_count),
		cmocka_unit_test(what_cannot_be_compared_is_counted),
		cmocka_unit_test(rows_without_a_probability_do_not_count),
		cmocka_unit_test(of_several_records_the_first_counts),
		cmocka_unit_test(messages_of_topics_are_found_by_their_names),
		cmocka_unit_test(what_gives_no_comparison_is_refused),
	};
	return cmocka_run_group_tests(tests, reference_make, folder_leave);
}
