/* drift_shares_test.c: Tests of `sluice drift report --feedback`: the estimated and the realised precision and recall of a
 * window. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <math.h>

#include "steps/kinds.h"
#include "tests/unit/session.h"

#define YAML                                                                                                                       \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"                             \
	"  - {name: watch, drift: {tensors: [x], reference: ref.json, window: 100, falseAlarms: 0.1 per 1000, "                    \
	"estimate: {probabilities: p}}}\n  output: {steps: [watch]}\n"

static char messages[100000], outcomes[100000];
static size_t messages_length, outcomes_length;

static void begin(void)
{
	messages_length = outcomes_length = 0;
	messages[0] = outcomes[0] = 0;
}

static void number_message(int number, double positive)
{
	messages_length += (size_t)snprintf(
		messages + messages_length, sizeof messages - messages_length,
		"{\"id\": \"r-%d\", \"inputs\": [{\"name\": \"x\", \"shape\": [1, 1], \"datatype\": \"FP64\", \"data\": [%d]}, "
		"{\"name\": \"p\", \"shape\": [1, 1], \"datatype\": \"FP64\", \"data\": [%.9g]}]}\n",
		number, number * 7 % 13, positive);
}

static void number_outcome(int number, const char *rest)
{
	outcomes_length += (size_t)snprintf(outcomes + outcomes_length, sizeof outcomes - outcomes_length,
					    "{\"id\": \"r-%d\", %s}\n", number, rest);
}

static struct said report(const char *more)
{
	char line[256];
	write_file("data", messages);
	write_file("outcomes", outcomes);
	snprintf(line, sizeof line, "drift report data -f p.yaml --feedback outcomes%s", more);
	return say_with(step_kinds, line);
}

static int reference_make(void **state)
{
	const int code = folder_enter(state);
	begin();
	for (int i = 0; i < 400; i++)
		number_message(i, 0.5);
	write_file("p.yaml", YAML);
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
	const json_t *found = json_object_get(object, name);
	assert_true(json_is_number(found));
	const double number = json_number_value(found);
	json_decref(object);
	return number;
}

/* Of the 60 rows, 30 are positive, and of the 30 that were predicted to be so 24. */
static void a_window_has_its_precision_and_recall(void **state)
{
	(void)state;
	begin();
	for (int i = 0; i < 100; i++) {
		number_message(i, i % 2 ? 0.8 : 0.3);
		if (i < 60)
			number_outcome(i, (i % 2 != 0) == (i < 48) ? "\"truth\": [1]" : "\"truth\": [0]");
		else
			number_outcome(i, "\"metrics\": {\"accuracy\": 0.7}"); /* which says nothing of classes */
	}
	struct said said = report("");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "; estimated precision 0.8 (");
	expect_words(said.out, "; estimated recall 0.727 (");
	expect_words(said.out, "; realised precision 0.8 of 60 rows with feedback, within its band of ");
	expect_words(said.out, "; realised recall 0.8 of 60 rows with feedback, within its band of ");
	expect_words(said.out, "realised precision: within the band of 95% in 1 of 1 windows\n");
	expect_words(said.out, "realised recall: within the band of 95% in 1 of 1 windows\n");
	said_close(&said);
	said = report(" -o json");
	const double reach = (1.959963984540054 * sqrt(50 * 0.8 * 0.2) + 0.5) / 50;
	assert_true(fabs(member(said.out, "estimated_precision_low") - (0.8 - reach)) < 1e-9);
	assert_true(fabs(member(said.out, "estimated_precision_high") - (0.8 + reach)) < 1e-9);
	assert_true(member(said.out, "estimated_recall_low") < 40. / 55 && member(said.out, "estimated_recall_high") > 40. / 55);
	assert_true(member(said.out, "realised_precision_rows") == 60 && member(said.out, "realised_recall_rows") == 60);
	assert_true(fabs(member(said.out, "realised_precision") - 0.8) < 1e-12);
	assert_true(fabs(member(said.out, "realised_recall") - 0.8) < 1e-12);
	const double own = (1.959963984540054 * sqrt(30 * 0.8 * 0.2) + 0.5) / 30; /* of the rows whose class is known */
	assert_true(fabs(member(said.out, "realised_precision_band_low") - (0.8 - own)) < 1e-9);
	expect_words(said.out, "\"precision_band_held\": true");
	expect_words(said.out, "\"recall_band_held\": true");
	said_close(&said);
}

/* Nine rows are too few to hold a share of them against its band. */
static void a_share_of_few_positive_rows_is_not_judged(void **state)
{
	(void)state;
	begin();
	for (int i = 0; i < 100; i++) {
		number_message(i, i < 9 ? 0.8 : 0.3);
		number_outcome(i, i < 8 ? "\"truth\": [1]" : "\"truth\": [0]");
	}
	struct said said = report("");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "realised precision 0.889 of 100 rows with feedback, too few for its band");
	expect_words(said.out,
		     "in 0 of 0 windows; 1 more has fewer than 30 rows with feedback, or 10 that were predicted to be positive");
	expect_words(said.out, "in 0 of 0 windows; 1 more has fewer than 30 rows with feedback, or 10 that are positive");
	said_close(&said);
}

/* Logits are no probabilities, and nothing is said of them but that. */
static void rows_that_are_not_in_the_estimate_are_counted(void **state)
{
	(void)state;
	begin();
	for (int i = 0; i < 200; i++)
		number_message(i, i < 100 ? 3.25 : i < 130 ? -0.5 : 0.8);
	struct said said = report("");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "no drift; 0 of 100 rows are in the estimate: 100 have no probability from 0 to 1 in `p`\n");
	expect_words(said.out, "; 70 of 100 rows are in the estimate: 30 have no probability from 0 to 1 in `p`\n");
	expect_words(said.out, "\n70 of 200 rows are in the estimate: 130 have no probability from 0 to 1 in `p`\n");
	said_close(&said);
	said = report(" -o json");
	assert_true(member(said.out, "estimated_rows") == 0 && member(said.out, "rows_not_estimated") == 100);
	assert_true(member(strchr(said.out, '\n') + 1, "estimated_rows") == 70);
	expect_words(said.out,
		     "\"not_estimated\": \"70 of 200 rows are in the estimate: 130 have no probability from 0 to 1 in `p`\"");
	said_close(&said);
	said = report(" -o html");
	expect_words(said.out, "<p>70 of 200 rows are in the estimate: 130 have no probability from 0 to 1 in `p`.</p>\n");
	said_close(&said);
	begin();
	for (int i = 0; i < 100; i++)
		number_message(i, 0.8);
	said = report("");
	assert_null(strstr(said.out, "in the estimate"));
	said_close(&said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_has_its_precision_and_recall),
		cmocka_unit_test(a_share_of_few_positive_rows_is_not_judged),
		cmocka_unit_test(rows_that_are_not_in_the_estimate_are_counted),
	};
	return cmocka_run_group_tests(tests, reference_make, folder_leave);
}
