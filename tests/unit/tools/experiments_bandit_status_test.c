/* experiments_bandit_status_test.c: Tests of `experiments status` and `analyze` of bandits: what is not learnt is counted. */
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

#include "message/records/outcome.h"
#include "steps/kinds.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/session.h"

#define STATUS "experiments status e --exposures exposures --feedback feedback -f e.yaml"
#define EXPOSURE(id, more)                                                                                                         \
	"{\"id\": \"" id "\", \"unit\": \"" id                                                                                     \
	"\", \"time_ms\": 1000, \"experiment\": \"e\", \"variant\": \"new\", \"probability\": 0.5" more "}\n"

static char folder[] = "/tmp/sluice-bandit-status-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(folder) || chdir(folder) != 0)
		return 1;
	write_file("exposures", EXPOSURE("a", ", \"context\": [{\"name\": \"age\", \"value\": 30}]") EXPOSURE("b", "")
					EXPOSURE("c", "") EXPOSURE("d", ", \"texts\": [{\"name\": \"age\", \"value\": \"old\"}]"));
	write_file("feedback", "{\"id\": \"a\", \"reward\": 5}\n{\"id\": \"b\", \"reward\": -3}\n"
			       "{\"id\": \"c\", \"reward\": 1e60}\n{\"id\": \"d\", \"reward\": 1}\n");
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

static void expect_status(const char *more, const char *form, const char *words)
{
	char yaml[1024], line[256];
	(void)snprintf(yaml, sizeof yaml,
		       "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: old\n"
		       "  candidates: [{name: new, weight: 50}, {name: old, weight: 50}]\n%s---\n"
		       "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
		       "  steps: [{name: s, experiment: {name: e}}]\n  output: {steps: [s]}\n",
		       more);
	write_file("e.yaml", yaml);
	(void)snprintf(line, sizeof line, STATUS " -o %s", form);
	struct said said = say_with(step_kinds, line);
	if (said.code != 0)
		fail_msg("%s", said.err);
	if (*words)
		expect_words(said.out, words);
	else
		assert_null(strstr(said.out, "not learnt"));
	said_close(&said);
}

static void rewards_that_the_algorithm_refuses_are_counted(void **state)
{
	(void)state;
	expect_status("  bandits: {algorithm: thompson}\n", "text",
		      "not learnt: 3 rewards that the algorithm refuses, 0 features that requests lack");
	expect_status("  bandits: {algorithm: ucb1}\n", "json", "\"refused_rewards\": 1, \"missing_features\": 0");
	expect_status("", "text", "");
}

static void features_that_requests_lack_are_counted(void **state)
{
	(void)state;
	expect_status("  bandits: {algorithm: linucb, contextFeatures: [age, city]}\n", "json",
		      "\"refused_rewards\": 1, \"missing_features\": 6");
}

/* From here on other feedback is written. */
static void feedback_that_names_a_unit_alone_is_counted(void **state)
{
	(void)state;
	write_file("feedback", "{\"unit\": \"u\", \"reward\": 1}\n{\"id\": \"d\", \"reward\": 1}\n");
	expect_status("  bandits: {algorithm: ucb1}\n", "json", "\"feedback_by_unit\": 1");
}

static void feedback_that_is_left_out_is_no_missing_feedback(void **state)
{
	(void)state;
	write_file("exposures", EXPOSURE("a", ", \"reason\": \"header\"") EXPOSURE("b", ""));
	write_file("feedback", "{\"id\": \"a\", \"reward\": 1}\n");
	struct said said = say_with(step_kinds, "experiments analyze e --exposures exposures --feedback feedback");
	expect_words(said.out, "Wait: no feedback counts yet.\n");
	expect_words(said.out, "1 times feedback was of a request that chance did not choose, or of a unit that met two variants");
	expect_words(said.out, "  left out, feedback of such requests and of units in two variants: 1\n");
	said_close(&said);
	write_file("feedback", "");
	said = say_with(step_kinds, "experiments analyze e --exposures exposures --feedback feedback");
	expect_words(said.out, "Wait: there is no feedback yet.\n");
	assert_null(strstr(said.out, "feedback of such requests"));
	said_close(&said);
}

#define WEIGHED                                                                                                                    \
	"{\"id\": \"later\", \"unit\": \"b\", \"time_ms\": 5250, \"experiment\": \"e\", \"variant\": \"old\", "                    \
	"\"probability\": 0.5}\n"

/* The time is that of the command's own option. */
static void analyze_says_what_weights_chose_after_a_policy(void **state)
{
	(void)state;
	write_file("exposures", EXPOSURE("a", ", \"reason\": \"policy\"") WEIGHED);
	write_file("feedback", "{\"id\": \"later\", \"reward\": 1}\n");
	struct said said = say_with(step_kinds, "experiments analyze e --exposures exposures --feedback feedback");
	expect_words(said.out, "  Weights chose the last 1 request. To analyse these alone by units, and to test their split, give "
			       "--since 1970-01-01T00:00:05.250Z.\n");
	said_close(&said);
	said = say_with(step_kinds, "experiments analyze e --exposures exposures --feedback feedback -o json");
	expect_words(said.out, "\"weights_exposures\":1,\"weights_from_ms\":5250");
	said_close(&said);
	said = say_with(step_kinds, "experiments analyze e --exposures exposures --feedback feedback -o html");
	expect_words(said.out, "<code>--since 1970-01-01T00:00:05.250Z</code>");
	said_close(&said);
	said = say_with(step_kinds,
			"experiments analyze e --exposures exposures --feedback feedback --since 1970-01-01T00:00:05.250Z -o json");
	expect_words(said.out, "\"adaptive\":false");
	expect_words(said.out, "\"health\":{\"exposures\":1,");
	said_close(&said);
	write_file("exposures", EXPOSURE("a", ", \"reason\": \"policy\""));
	said = say_with(step_kinds, "experiments analyze e --exposures exposures --feedback feedback -o json");
	expect_words(said.out, "\"weights_exposures\":0,\"weights_from_ms\":null");
	said_close(&said);
}

/* A policy chooses for each request: feedback of a unit is for its last one. */
static void analyze_joins_feedback_of_a_unit_with_its_last_request(void **state)
{
	(void)state;
	write_file("exposures", EXPOSURE("a", ", \"reason\": \"policy\"") EXPOSURE("b", ", \"reason\": \"policy\""));
	write_file("feedback", "{\"unit\": \"a\", \"reward\": 1}\n{\"unit\": \"z\", \"reward\": 1}\n");
	struct said said = say_with(step_kinds, "experiments analyze e --exposures exposures --feedback feedback");
	expect_words(said.out, "feedback: late 0, unknown 1, doubled 0");
	expect_words(said.out, "new                               1 unit of 1 request, mean 2");
	said_close(&said);
	write_file(
		"exposures",
		EXPOSURE("a", ", \"reason\": \"policy\"") "{\"id\": \"later\", \"unit\": \"a\", \"time_ms\": 5000, \"experiment\": "
							  "\"e\", "
							  "\"variant\": \"old\", \"probability\": 0.5, \"reason\": \"policy\"}\n");
	write_file("feedback", "{\"unit\": \"a\", \"reward\": 1, \"time_ms\": 4000}\n");
	said = say_with(step_kinds, "experiments analyze e --exposures exposures --feedback feedback");
	expect_words(said.out, "new                               1 unit of 1 request, mean");
	said_close(&said);
	write_file("feedback", "{\"unit\": \"a\", \"reward\": 1, \"time_ms\": 5000}\n");
	said = say_with(step_kinds, "experiments analyze e --exposures exposures --feedback feedback");
	expect_words(said.out, "old                               1 unit of 1 request, mean");
	said_close(&said);
}

#define TRUTH(id) "{\"id\": \"" id "\", \"truth\": {\"price\": [3]}}\n"
#define COMPUTED(id) "{\"id\": \"" id "\", \"metrics\": {\"profit\": 3}, \"feedback_id\": \"sluice-computed\"}\n"

#define EXPOSURES EXPOSURE("a", "") EXPOSURE("b", "") EXPOSURE("c", "") EXPOSURE("d", "")
#define TRUTHS TRUTH("a") TRUTH("b") TRUTH("b")
#define TOPIC(rest) "sluice.default.pipeline.p." rest

/* Of the metric by which bandits learn, engines have computed those of a, c and a request that is not known. */
static void expect_computed(const char *status)
{
	char line[256];
	struct said said = say_with(step_kinds, status);
	if (said.code != 0)
		fail_msg("%s", said.err);
	expect_words(said.out, "4 units, 50%, 3 with profit");
	expect_words(said.out, "feedback 3: late 0, unknown 0, doubled 1");
	expect_words(said.out, "0 features that requests lack, 1 value of profit that no engine has computed");
	expect_words(said.err, "3 times feedback was not judged"); /* of size */
	said_close(&said);
	(void)snprintf(line, sizeof line, "%s -o json", status);
	said = say_with(step_kinds, line);
	expect_words(said.out, "\"uncomputed_rewards\": 1");
	said_close(&said);
}

static void computing_write(void)
{
	write_file(
		"e.yaml",
		"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: old\n"
		"  candidates: [{name: new, weight: 50}, {name: old, weight: 50}]\n"
		"  bandits: {algorithm: ucb1, rewardMetric: profit}\n---\n"
		"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
		"  steps: [{name: s, experiment: {name: e}}]\n  output: {steps: [s]}\n"
		"  metrics: [{name: profit, type: histogram, value: truth.price}, {name: size, type: gauge, value: truth.size}]\n");
}

/* Former engines wrote them as feedback, which nobody has sent. */
static void values_that_engines_have_computed_are_no_feedback_of_the_sender(void **state)
{
	(void)state;
	computing_write();
	write_file("exposures", EXPOSURES);
	write_file("feedback", COMPUTED("a") TRUTHS COMPUTED("a") COMPUTED("c") COMPUTED("gone"));
	expect_computed(STATUS);
}

static void lines_append(const struct mock *mock, const char *topic, const char *lines)
{
	for (const char *end; (end = strchr(lines, '\n')); lines = end + 1)
		mock_append(mock, topic, TEXT("k"), (struct text){lines, (size_t)(end - lines)});
}

static void outcome_append(const struct mock *mock, enum outcome_kind kind, const char *experiment, const char *id,
			   enum outcome_how how, double profit)
{
	const struct outcome_metric metrics[] = {{TEXT("reward"), 7, OUTCOME_SENT}, {TEXT("profit"), profit, how}};
	const struct outcome outcome = {
		.kind = kind,
		.exposure = {.id = text_of(id), .time_ms = 1000, .experiment = text_of(experiment), .variant = TEXT("new")},
		.happened_ms = 2000,
		.written_ms = 3000,
		.weight = 1,
		.metric_count = 2,
		.metrics = metrics};
	struct arena *arena = arena_open((size_t)1 << 20);
	struct error error = {0};
	struct buffer bytes;
	buffer_open(&bytes, 4096);
	assert_true(outcome_encode(&outcome, arena, &bytes, &error));
	mock_append(mock, TOPIC("outcomes"), TEXT("k"), buffer_view(&bytes));
	buffer_close(&bytes);
	arena_close(arena);
}

/* An answer has an outcome of each of its experiments, and one of its own. */
static void values_of_outcomes_are_those_that_engines_have_computed(void **state)
{
	char line[256];
	struct mock mock;
	(void)state;
	computing_write();
	mock_open(&mock);
	lines_append(&mock, TOPIC("exposures"), EXPOSURES);
	lines_append(&mock, TOPIC("feedback"), TRUTHS);
	outcome_append(&mock, OUTCOME_JOINED, "e", "a", OUTCOME_COMPUTED, 3);
	outcome_append(&mock, OUTCOME_JOINED, "", "a", OUTCOME_COMPUTED, 3);
	outcome_append(&mock, OUTCOME_JOINED, "e", "b", OUTCOME_COMPUTED, (double)NAN);
	outcome_append(&mock, OUTCOME_LATE, "e", "b", OUTCOME_COMPUTED, 3);
	outcome_append(&mock, OUTCOME_JOINED, "", "c", OUTCOME_COMPUTED, 3);
	outcome_append(&mock, OUTCOME_JOINED, "f", "d", OUTCOME_COMPUTED, 3);
	outcome_append(&mock, OUTCOME_JOINED, "e", "d", OUTCOME_SENT, 3);
	outcome_append(&mock, OUTCOME_JOINED, "e", "gone", OUTCOME_COMPUTED, 3);
	mock_append(&mock, TOPIC("outcomes"), TEXT("k"), TEXT("of a later version"));
	(void)snprintf(line, sizeof line, "experiments status e -f e.yaml --brokers %s", mock.brokers);
	expect_computed(line);
	mock_close(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rewards_that_the_algorithm_refuses_are_counted),
		cmocka_unit_test(features_that_requests_lack_are_counted),
		cmocka_unit_test(feedback_that_names_a_unit_alone_is_counted),
		cmocka_unit_test(values_that_engines_have_computed_are_no_feedback_of_the_sender),
		cmocka_unit_test(values_of_outcomes_are_those_that_engines_have_computed),
		cmocka_unit_test(feedback_that_is_left_out_is_no_missing_feedback),
		cmocka_unit_test(analyze_says_what_weights_chose_after_a_policy),
		cmocka_unit_test(analyze_joins_feedback_of_a_unit_with_its_last_request),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
