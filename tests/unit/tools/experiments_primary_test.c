/* experiments_primary_test.c: Tests of `experiments analyze` where the metric that is declared primary has no values. */
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

#define REQUESTS 400
#define FILES " --exposures exposures --feedback feedback"

static char folder[] = "/tmp/sluice-primary-XXXXXX";
static char lines[REQUESTS * 200];

static void exposures_write(void)
{
	size_t length = 0;
	for (int i = 0; i < REQUESTS; i++)
		length += (size_t)snprintf(lines + length, sizeof lines - length,
					   "{\"id\": \"r%d\", \"unit\": \"u%d\", \"time_ms\": %d, \"experiment\": \"e\", "
					   "\"variant\": \"%s\", \"probability\": 0.5, \"latency_ms\": %d}\n",
					   i, i, 1000 * (i + 1), i % 2 ? "new" : "old", 20 + i / 2 % 3 + 50 * (i % 2));
	write_file("exposures", lines);
}

/* The value of one half is one more. */
static void feedback_write(const char *before, const char *behind)
{
	size_t length = 0;
	for (int i = 0; i < REQUESTS; i++)
		length += (size_t)snprintf(lines + length, sizeof lines - length, "{\"id\": \"r%d\", %s%d%s}\n", i, before,
					   10 + i / 2 % 3 + i % 2, behind);
	write_file("feedback", lines);
}

static int set_up(void **state)
{
	static const char yaml[] =
		"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: old\n"
		"  candidates:\n  - {name: new, weight: 50}\n  - {name: old, weight: 50}\n---\n"
		"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
		"  steps: [{name: s, experiment: {name: e}}]\n  output: {steps: [s]}\n"
		"  metrics: [{name: profit, type: gauge, value: answer.y * reward, role: primary}]\n";
	(void)state;
	if (!mkdtemp(folder) || chdir(folder) != 0)
		return 1;
	exposures_write();
	write_file("e.yaml", yaml);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink("exposures");
	(void)unlink("feedback");
	(void)unlink("e.yaml");
	return chdir("/") == 0 ? rmdir(folder) : 1;
}

static void expect_decision(const char *line, const char *decision)
{
	struct said said = say_with(step_kinds, line);
	assert_int_equal(said.code, 0);
	json_t *document = json_loads(said.out, 0, NULL);
	assert_non_null(document);
	assert_string_equal(json_string_value(json_object_get(document, "decision")), decision);
	json_decref(document);
	said_close(&said);
}

/* The reward, which the feedback has, does not decide in its place. */
static void a_primary_metric_without_values_is_waited_for(void **state)
{
	(void)state;
	feedback_write("\"reward\": ", "");
	struct said said = say_with(step_kinds, "experiments analyze e" FILES " -f e.yaml");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "Wait: the primary metric `profit` has no values.");
	expect_words(said.out, "400 times feedback was not judged");
	expect_words(said.out, "another metric that decides (--metric)");
	expect_words(said.err, "none of that id or origin was found");
	assert_null(strstr(said.err, "is missing"));
	said_close(&said);
	said = say_with(step_kinds, "experiments analyze e" FILES " -f e.yaml -o html");
	expect_words(said.out, "Wait: the primary metric `profit` has no values.");
	said_close(&said);
	expect_decision("experiments analyze e" FILES " -f e.yaml -o json", "wait");
	expect_decision("experiments analyze e" FILES " -f e.yaml --metric reward -o json", "ship");
}

/* The reward is not counted in its place. */
static void the_status_says_that_no_unit_has_it(void **state)
{
	(void)state;
	feedback_write("\"reward\": ", "");
	struct said said = say_with(step_kinds, "experiments status e" FILES " -f e.yaml");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "200 units, 50%, none with profit (control)\n");
	expect_words(said.out, "200 units, 50%, none with profit\n");
	expect_words(said.out, "Wait: the primary metric `profit` has no values.");
	assert_null(strstr(said.out, "with latency_ms"));
	assert_null(strstr(said.out, "with reward"));
	said_close(&said);
}

static void expect_status(const char *member, const char *metric, const long long *units)
{
	struct said said = say_with(step_kinds, "experiments status e" FILES " -f e.yaml -o json");
	assert_int_equal(said.code, 0);
	json_t *document = json_loads(said.out, 0, NULL);
	assert_non_null(document);
	assert_string_equal(json_string_value(json_object_get(document, member)), metric);
	const json_t *variants = json_object_get(document, "variants");
	for (size_t arm = 0; arm < json_array_size(variants); arm++)
		assert_int_equal(json_integer_value(json_object_get(json_array_get(variants, arm), "measured")), units[arm]);
	json_decref(document);
	said_close(&said);
}

/* A reward alone is no value of the metric. */
static void the_status_as_json_says_it_too(void **state)
{
	(void)state;
	feedback_write("\"reward\": ", "");
	expect_status("absent", "profit", (const long long[]){0, 0});
	write_file("feedback", "{\"id\": \"r0\", \"metrics\": {\"profit\": 3}}\n");
	expect_status("metric", "profit", (const long long[]){0, 1});
}

static void a_guardrail_stays_beside_it(void **state)
{
	(void)state;
	feedback_write("\"reward\": ", "");
	struct said said = say_with(step_kinds, "experiments analyze e" FILES " -f e.yaml --guardrail latency_ms");
	expect_words(said.out, "Wait: the primary metric `profit` has no values.");
	expect_words(said.out, "guardrail broken");
	said_close(&said);
}

/* Truth alone joins, and no metric can be computed of it. */
static void feedback_that_no_metric_judges_is_no_missing_feedback(void **state)
{
	(void)state;
	feedback_write("\"truth\": {\"y\": ", "}");
	struct said said = say_with(step_kinds, "experiments analyze e" FILES " -f e.yaml");
	expect_words(said.out, "Wait: the primary metric `profit` has no values.");
	expect_words(said.out, "400 times feedback was not judged");
	assert_null(strstr(said.out, "there is no feedback yet"));
	said_close(&said);
}

/* A third of the feedback has the metric by which the experiment learns, another third only a reward. It is as for the learner. */
static void feedback_earns_what_the_learner_takes(void **state)
{
	size_t length = 0;
	(void)state;
	for (int i = 0; i < REQUESTS; i++)
		length += (size_t)snprintf(lines + length, sizeof lines - length, "{\"id\": \"r%d\", %s%d%s}\n", i,
					   i % 3 == 0	? "\"reward\": 1000, \"metrics\": {\"gain\": "
					   : i % 3 == 1 ? "\"reward\": "
							: "\"metrics\": {\"other\": ",
					   10 + i % 7, i % 3 == 1 ? "" : "}");
	write_file("feedback", lines);
	write_file("learns.yaml", "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"
				  "  candidates: [{name: old, weight: 0}, {name: new, weight: 0}]\n"
				  "  bandits: {algorithm: thompson, rewardMetric: gain}\n");
	struct said said = say_with(step_kinds, "experiments analyze e" FILES " -f learns.yaml -o json");
	assert_int_equal(said.code, 0);
	json_t *document = json_loads(said.out, 0, NULL);
	const json_t *metric = json_array_get(json_object_get(document, "metrics"), 0);
	const json_t *variants = json_object_get(metric, "variants");
	assert_string_equal(json_string_value(json_object_get(metric, "name")), "gain");
	json_int_t units = 0;
	for (size_t i = 0; i < 2; i++) {
		const json_t *variant = json_array_get(variants, i);
		units += json_integer_value(json_object_get(variant, "units"));
		assert_true(json_number_value(json_object_get(variant, "mean")) < 17);
	}
	assert_int_equal(units, 267);
	json_decref(document);
	said_close(&said);
	write_file("policy", "{\"always\": \"new\"}");
	said = say_with(step_kinds, "experiments evaluate e" FILES " -f learns.yaml --policy policy -o json");
	assert_int_equal(said.code, 0);
	document = json_loads(said.out, 0, NULL);
	assert_int_equal(json_integer_value(json_object_get(document, "records")), 267);
	json_decref(document);
	said_close(&said);
	(void)unlink("policy");
	(void)unlink("learns.yaml");
}

/* Engines have not computed it of any feedback yet. */
static void a_reward_is_not_what_engines_compute(void **state)
{
	(void)state;
	feedback_write("\"reward\": ", "");
	write_file("learns.yaml", "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"
				  "  candidates: [{name: old, weight: 0}, {name: new, weight: 0}]\n"
				  "  bandits: {algorithm: thompson, rewardMetric: profit}\n---\n"
				  "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
				  "  steps: [{name: s, experiment: {name: e}}]\n  output: {steps: [s]}\n"
				  "  metrics: [{name: profit, type: gauge, value: answer.y * reward}]\n");
	struct said said = say_with(step_kinds, "experiments analyze e" FILES " -f learns.yaml --metric profit");
	assert_int_equal(said.code, 2);
	expect_words(said.err, "the feedback has no metric `profit`");
	said_close(&said);
	(void)unlink("learns.yaml");
}

/* One of all is a typing error: the others decide, and it is named. */
static void a_value_that_is_too_large_is_left_out_and_named(void **state)
{
	size_t length = 0;
	(void)state;
	for (int i = 0; i < REQUESTS; i++)
		length += (size_t)snprintf(lines + length, sizeof lines - length, "{\"id\": \"r%d\", \"reward\": %d%s}\n", i,
					   10 + i / 2 % 3 + i % 2, i == 321 ? "e300" : "");
	write_file("feedback", lines);
	expect_decision("experiments analyze e" FILES " -o json", "ship");
	struct said said = say_with(step_kinds, "experiments analyze e" FILES);
	expect_words(said.out, "  left out, values beyond 1e+50: 1; the first is reward 1.2e+301 of request r321\n");
	assert_null(strstr(said.out, "inf"));
	said_close(&said);
	said = say_with(step_kinds, "experiments analyze e" FILES " -o html");
	expect_words(said.out, "<b>Values too large</b>1 beyond 1e+50 left out; the first is reward 1.2e+301 of request r321</li>");
	said_close(&said);
	write_file("policy", "{\"always\": \"new\"}");
	said = say_with(step_kinds, "experiments evaluate e" FILES " --policy policy");
	expect_words(said.out, " outside of them; 1 value left out\n");
	said_close(&said);
	write_file("learns.yaml", "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"
				  "  candidates: [{name: old, weight: 0}, {name: new, weight: 0}]\n"
				  "  bandits: {algorithm: epsilon-greedy}\n");
	said = say_with(step_kinds, "experiments evaluate e" FILES " -f learns.yaml --dry-run");
	expect_words(said.out, " outside of them; 1 value left out\n");
	expect_words(said.out, "Rewards that the algorithm does not take: 1;");
	said_close(&said);
	(void)unlink("learns.yaml");
	(void)unlink("policy");
	said = say_with(step_kinds, "experiments analyze e" FILES " --metric zzz");
	expect_words(said.err, "the feedback has no metric `zzz`; those that join an exposure are `reward`, `latency_ms`");
	said_close(&said);
}

/* Two calls that each bring as many names as feedback may have: what is named, declared or has a meaning is read all the same. */
static void a_caller_with_many_names_does_not_end_the_analysis(void **state)
{
	size_t length = 0;
	(void)state;
	for (int i = 0; i < 2; i++) {
		length += (size_t)snprintf(lines + length, sizeof lines - length, "{\"id\": \"r%d\", \"metrics\": {", i);
		for (int j = 0; j < 250; j++)
			length +=
				(size_t)snprintf(lines + length, sizeof lines - length, "%s\"m%d\": 1", j ? ", " : "", 250 * i + j);
		length += (size_t)snprintf(lines + length, sizeof lines - length, "}}\n");
	}
	for (int i = 2; i < REQUESTS; i++)
		length += (size_t)snprintf(lines + length, sizeof lines - length,
					   "{\"id\": \"r%d\", \"reward\": %d, \"metrics\": {\"zeal\": %d, \"profit\": %d}}\n", i,
					   10 + i / 2 % 3 + i % 2, i % 3, i % 5);
	write_file("feedback", lines);
	expect_decision("experiments analyze e" FILES " -o json", "ship");
	struct said said = say_with(step_kinds, "experiments analyze e" FILES " -f e.yaml");
	assert_int_equal(said.code, 0);
	expect_words(said.out,
		     "\n  left out, values of more than 256 metrics: 642; the first is of m256: name the metrics that you need "
		     "by --metric and --guardrail, or send fewer names\n"); /* 244 of the second call, and `zeal` */
	expect_words(said.out, "profit");
	said_close(&said);
	said = say_with(step_kinds, "experiments analyze e" FILES " -o html");
	expect_words(said.out, "<b>Too many metrics</b>1040 values of more than 256 left out; the first is of m256: name");
	said_close(&said);
	said = say_with(step_kinds, "experiments analyze e" FILES " -o json");
	expect_words(said.out, "\"values_of_too_many_metrics\":1040,\"first_of_too_many_metrics\":\"m256\"");
	assert_null(strstr(said.out, "zeal"));
	said_close(&said);
	said = say_with(step_kinds, "experiments analyze e" FILES " --metric zeal -o json");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "\"name\":\"zeal\"");
	expect_words(said.out, "\"values_of_too_many_metrics\":0,");
	said_close(&said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_primary_metric_without_values_is_waited_for),
		cmocka_unit_test(the_status_says_that_no_unit_has_it),
		cmocka_unit_test(the_status_as_json_says_it_too),
		cmocka_unit_test(a_guardrail_stays_beside_it),
		cmocka_unit_test(feedback_that_no_metric_judges_is_no_missing_feedback),
		cmocka_unit_test(feedback_earns_what_the_learner_takes),
		cmocka_unit_test(a_reward_is_not_what_engines_compute),
		cmocka_unit_test(a_value_that_is_too_large_is_left_out_and_named),
		cmocka_unit_test(a_caller_with_many_names_does_not_end_the_analysis),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
