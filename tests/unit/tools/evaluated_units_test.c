/* evaluated_units_test.c: Tests of `sluice experiments evaluate` by the units of requests: those without one, those that return,
 * and those whose recorded probabilities are not true. */
#include <math.h>
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

#include "steps/kinds.h"
#include "tests/unit/session.h"

#define REQUESTS 3000

static char folder[] = "/tmp/evaluated_units_XXXXXX";
static char lines[REQUESTS * 300];

static bool is_new(int i)
{
	return i % 4 == 0;
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : 1;
}

static int tear_down(void **state)
{
	static const char *const files[] = {"exposures", "feedback", "policy"};
	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		(void)unlink(files[i]);
	return chdir("/") == 0 ? rmdir(folder) : 1;
}

static json_t *said_json(const char *line)
{
	struct said said = say_with(step_kinds, line);
	if (said.code != 0)
		fail_msg("%s: %s", line, said.err);
	json_t *document = json_loads(said.out, 0, NULL);
	assert_non_null(document);
	said_close(&said);
	return document;
}

static double number_of(const json_t *document, const char *name)
{
	const json_t *number = json_object_get(document, name);
	assert_true(json_is_number(number));
	return json_number_value(number);
}

static void expect_null(const json_t *document, const char *name)
{
	assert_true(json_is_null(json_object_get(document, name)));
}

/* The rewards are those that a model of each variant expects, so its estimates have hardly an error. */
static void a_policy_is_estimated_where_requests_have_no_unit(void **state)
{
	(void)state;
	size_t exposed = 0;
	for (int i = 0; i < REQUESTS; i++)
		exposed += (size_t)snprintf(lines + exposed, sizeof lines - exposed,
					    "{\"id\": \"r%d\", \"time_ms\": %d, \"experiment\": \"e\", \"variant\": \"%s\", "
					    "\"probability\": %g}\n",
					    i, 1000 * (i + 1), is_new(i) ? "new" : "old", is_new(i) ? 0.25 : 0.75);
	write_file("exposures", lines);
	size_t heard = 0;
	for (int i = 0; i < REQUESTS; i++)
		heard += (size_t)snprintf(lines + heard, sizeof lines - heard, "{\"id\": \"r%d\", \"reward\": %d}\n", i,
					  is_new(i) ? 30 : 10);
	write_file("feedback", lines);
	write_file("policy", "{\"probabilities\": {\"old\": 0.5, \"new\": 0.5}}");
	json_t *document = said_json("experiments evaluate e --policy policy --exposures exposures --feedback feedback -o json");
	assert_true(fabs(number_of(document, "direct_method") - 20) < 0.5);
	assert_true(fabs(number_of(document, "doubly_robust") - 20) < 0.1);
	/* How wrong the model is follows from no number of the model's. */
	expect_null(document, "direct_method_standard_error");
	expect_null(document, "direct_method_low");
	expect_null(document, "direct_method_high");
	assert_true(number_of(document, "doubly_robust_high") >= number_of(document, "doubly_robust_low"));
	assert_true(10 * number_of(document, "doubly_robust_standard_error") < number_of(document, "ips_standard_error"));
	json_decref(document);
}

/* A quarter of the requests got `new`, by a chance of a quarter: their weights are 4. */
static void it_is_said_which_share_of_the_weights_was_clipped(void **state)
{
	static const char *const line = "experiments evaluate e --policy policy --exposures exposures --feedback feedback";
	char with_clip[256];
	(void)state;
	write_file("policy", "{\"always\": \"new\"}");
	for (int clip = 3; clip <= 4; clip++) {
		(void)snprintf(with_clip, sizeof with_clip, "%s --clip %d", line, clip);
		struct said said = say_with(step_kinds, with_clip);
		const char *words =
			"\n25% of the records have a weight above 3, and count by 3 in clipped IPS. So it is biased, and ";
		assert_int_equal(said.code, 0);
		assert_true(clip == 3 ? strstr(said.out, words) != NULL : !strstr(said.out, "biased"));
		said_close(&said);
		(void)snprintf(with_clip, sizeof with_clip, "%s --clip %d -o json", line, clip);
		json_t *document = said_json(with_clip);
		assert_true(number_of(document, "clip") == clip);
		assert_true(number_of(document, "clipped_share") == (clip == 3 ? 0.25 : 0));
		assert_true((number_of(document, "clipped_ips") == number_of(document, "ips")) == (clip == 4));
		json_decref(document);
	}
}

/* A quarter of the units got `new`, with probabilities that say something else. */
static void probabilities_that_are_not_true_are_no_recommendation(void **state)
{
	static const struct {
		const char *old_recorded, *new_recorded, *refused, *words;
	} rows[] = {
		{"0.75", "0.25", NULL, "The policy earns"},
		{"0.5", "0.5", "recorded_probabilities",
		 "No recommendation: the recorded probabilities are not true. 750 of 3000 units got `new` (25%), and the mean "
		 "of its recorded probabilities is 0.5; a chance below 0.001. Record the probability by which each variant was "
		 "chosen, in its exposure, and evaluate records from then on."},
		{"0.75", "1", "recorded_probabilities", "got `new` (25%), and the mean of its recorded probabilities is 1;"},
		{"1e-9", "1e-9", "recorded_probabilities", "got `old` (75%), and the mean of its recorded probabilities is 1e-09;"},
		/* As a policy without chance records them: what the other variant earns there is not known. */
		{"1", "1", "outside_support", "variants that the records never chose, or could not choose"},
	};
	(void)state;
	write_file("policy", "{\"always\": \"new\"}");
	for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
		size_t exposed = 0, heard = 0;
		for (int i = 0; i < REQUESTS; i++)
			exposed += (size_t)snprintf(lines + exposed, sizeof lines - exposed,
						    "{\"id\": \"r%d\", \"unit\": \"u%d\", \"time_ms\": %d, \"experiment\": \"e\", "
						    "\"variant\": \"%s\", \"probability\": %s}\n",
						    i, i, 1000 * (i + 1), is_new(i) ? "new" : "old",
						    is_new(i) ? rows[row].new_recorded : rows[row].old_recorded);
		write_file("exposures", lines);
		for (int i = 0; i < REQUESTS; i++)
			heard += (size_t)snprintf(lines + heard, sizeof lines - heard, "{\"id\": \"r%d\", \"reward\": %d}\n", i,
						  i % 5);
		write_file("feedback", lines);
		json_t *document =
			said_json("experiments evaluate e --policy policy --exposures exposures --feedback feedback -o json");
		const char *refused = json_string_value(json_array_get(json_object_get(document, "refused"), 0));
		if (rows[row].refused ? !refused || strcmp(refused, rows[row].refused) != 0 : refused != NULL)
			fail_msg("row %zu: %s", row, refused ? refused : "not refused");
		if (!strstr(json_string_value(json_object_get(document, "sentence")), rows[row].words))
			fail_msg("row %zu: %s", row, json_string_value(json_object_get(document, "sentence")));
		json_decref(document);
	}
}

#define EXPOSED(id, unit, variant, more)                                                                                           \
	"{\"id\": \"" id "\", \"unit\": \"" unit "\", \"time_ms\": 1000, \"experiment\": \"e\", "                                  \
	"\"variant\": \"" variant "\", \"probability\": 0.5" more "}\n"

/* Feedback of a unit that met two variants joins neither. */
static void units_in_two_variants_are_named_as_the_reason(void **state)
{
	(void)state;
	write_file("policy", "{\"always\": \"new\"}");
	write_file("exposures", "{\"id\": \"r0\", \"unit\": \"u\", \"time_ms\": 1000, \"experiment\": \"e\", \"variant\": \"new\", "
				"\"probability\": 0.5}\n"
				"{\"id\": \"r1\", \"unit\": \"u\", \"time_ms\": 2000, \"experiment\": \"e\", \"variant\": \"old\", "
				"\"probability\": 0.5}\n");
	write_file("feedback", "{\"id\": \"r0\", \"reward\": 1}\n");
	struct said said = say_with(step_kinds, "experiments evaluate e --policy policy --exposures exposures --feedback feedback");
	assert_int_equal(said.code, 2);
	if (!strstr(said.err, "1 unit got two variants, and its feedback is left out"))
		fail_msg("%s", said.err);
	said_close(&said);
}

/* Beside others that count. */
static void feedback_that_does_not_count_is_counted(void **state)
{
	static const char *const names[] = {"feedback", "feedback_left_out", "units_in_two_variants", "unknown", "late", "early"};
	static const int wanted[] = {4, 2, 1, 1, 0, 0};
	(void)state;
	write_file("policy", "{\"always\": \"new\"}");
	write_file("exposures", EXPOSED("r0", "u", "new", "") EXPOSED("r1", "u", "old", "") EXPOSED("r2", "v", "new", "")
				   EXPOSED("r3", "w", "old", ", \"reason\": \"header\""));
	write_file("feedback", "{\"id\": \"r0\", \"reward\": 1}\n{\"id\": \"r2\", \"reward\": 1}\n"
			       "{\"id\": \"r3\", \"reward\": 1}\n{\"id\": \"r9\", \"reward\": 1}\n");
	struct said said = say_with(step_kinds, "experiments evaluate e --policy policy --exposures exposures --feedback feedback");
	expect_words(said.out, "\nleft out: feedback 2 times, of requests that chance did not choose, or of units in two variants "
			       "(1)\nfeedback: unknown 1, late 0, early 0\n");
	said_close(&said);
	json_t *document = said_json("experiments evaluate e --policy policy --exposures exposures --feedback feedback -o json");
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		assert_int_equal(json_integer_value(json_object_get(document, names[i])), wanted[i]);
	json_decref(document);
	write_file("feedback", "{\"id\": \"r2\", \"reward\": 1}\n");
	said = say_with(step_kinds, "experiments evaluate e --policy policy --exposures exposures --feedback feedback");
	assert_null(strstr(said.out, "left out: feedback"));
	assert_null(strstr(said.out, "feedback: unknown"));
	said_close(&said);
}

/* The error of IPS where five requests of each unit, one after the other, have its variant and its reward, and if a policy
 * chose, another version of it. */
static double error_of_returning(bool has_units, bool by_policy)
{
	size_t exposed = 0, heard = 0;
	for (int i = 0; i < REQUESTS; i++) {
		char unit[32] = "", choice[64] = "";
		if (has_units)
			(void)snprintf(unit, sizeof unit, "\"unit\": \"u%d\", ", i / 5);
		if (by_policy)
			(void)snprintf(choice, sizeof choice, "\"reason\": \"policy\", \"table\": \"%d\", ", i % 5);
		exposed += (size_t)snprintf(lines + exposed, sizeof lines - exposed,
					    "{\"id\": \"r%d\", %s%s\"time_ms\": %d, \"experiment\": \"e\", \"variant\": \"%s\", "
					    "\"probability\": %g}\n",
					    i, unit, choice, 1000 * (i + 1), is_new(i / 5) ? "new" : "old",
					    is_new(i / 5) ? 0.25 : 0.75);
	}
	write_file("exposures", lines);
	for (int i = 0; i < REQUESTS; i++)
		heard += (size_t)snprintf(lines + heard, sizeof lines - heard, "{\"id\": \"r%d\", \"reward\": %d}\n", i, i / 5 % 7);
	write_file("feedback", lines);
	write_file("policy", "{\"probabilities\": {\"old\": 0.5, \"new\": 0.5}}");
	json_t *document = said_json("experiments evaluate e --policy policy --exposures exposures --feedback feedback -o json");
	const double found = number_of(document, "ips_standard_error");
	json_decref(document);
	return found;
}

static void requests_of_a_unit_are_no_more_evidence_than_one(void **state)
{
	(void)state;
	assert_true(fabs(error_of_returning(true, false) / error_of_returning(false, false) - sqrt(5)) < 0.01);
}

/* A policy chooses anew with each version, but the level of a unit's rewards stays. */
static void requests_of_a_unit_depend_on_each_other_over_the_versions_of_a_policy(void **state)
{
	(void)state;
	assert_true(fabs(error_of_returning(true, true) / error_of_returning(false, true) - sqrt(5)) < 0.01);
}

/* A policy chooses for each request, so what is of a unit is of its last one. */
static void feedback_of_a_unit_alone_counts_where_a_policy_chose(void **state)
{
	(void)state;
	write_file("exposures",
		   "{\"id\": \"r1\", \"unit\": \"u1\", \"time_ms\": 1000, \"experiment\": \"e\", \"variant\": \"new\", "
		   "\"probability\": 0.5, \"reason\": \"policy\"}\n"
		   "{\"id\": \"r2\", \"unit\": \"u2\", \"time_ms\": 1000, \"experiment\": \"e\", \"variant\": \"old\", "
		   "\"probability\": 0.5, \"reason\": \"policy\"}\n");
	write_file("feedback", "{\"unit\": \"u1\", \"reward\": 1, \"time_ms\": 1500}\n"
			       "{\"unit\": \"u2\", \"reward\": 1, \"time_ms\": 1500}\n"
			       "{\"id\": \"r3\", \"reward\": 1, \"time_ms\": 1500}\n");
	write_file("policy", "{\"probabilities\": {\"old\": 0.5, \"new\": 0.5}}");
	json_t *document = said_json("experiments evaluate e --policy policy --exposures exposures --feedback feedback -o json");
	assert_int_equal(json_integer_value(json_object_get(document, "records")), 2);
	assert_int_equal(json_integer_value(json_object_get(document, "left_out")), 0);
	json_decref(document);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_is_estimated_where_requests_have_no_unit),
		cmocka_unit_test(it_is_said_which_share_of_the_weights_was_clipped),
		cmocka_unit_test(probabilities_that_are_not_true_are_no_recommendation),
		cmocka_unit_test(units_in_two_variants_are_named_as_the_reason),
		cmocka_unit_test(feedback_that_does_not_count_is_counted),
		cmocka_unit_test(requests_of_a_unit_are_no_more_evidence_than_one),
		cmocka_unit_test(requests_of_a_unit_depend_on_each_other_over_the_versions_of_a_policy),
		cmocka_unit_test(feedback_of_a_unit_alone_counts_where_a_policy_chose),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
