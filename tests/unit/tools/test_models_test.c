/* test_models_test.c: Tests of `sluice test`: calls of models in a case, with the cache, the batches and the breaker of an
 * engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/session.h"
#include "steps/kinds.h"

#define PATH_BYTES 256
#define HEAD "apiVersion: mlops.seldon.io/v1alpha1\nkind: "
#define MODEL(spec) HEAD "Model\nmetadata: {name: m}\nspec: {" spec "}\n---\n"
#define PIPELINE(settings, step) \
	HEAD "Pipeline\nmetadata: {name: p}\nspec:\n" settings "  steps: [{name: s, model: {name: m" step "}}]\n" \
	     "  output: {steps: [s]}\n"
#define REQUEST(id, repeat, data) \
	"{\"id\": \"" id "\", \"repeat\": " repeat ", \"request\": {\"inputs\": [{\"name\": \"x\", \"datatype\": \"FP32\", " \
	"\"shape\": [1, 2], \"data\": " data "}]}}\n"

static char folder[PATH_BYTES];

static void write_in_folder(const char *name, const char *text)
{
	char path[2 * PATH_BYTES];
	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	write_file(path, text);
}

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof folder, "/tmp/sluice-test-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	char command[2 * PATH_BYTES];
	(void)snprintf(command, sizeof command, "rm -r %s", folder);
	return system(command);
}

static struct said run_case(const char *options, const char *pipeline, const char *requests, const char *expected)
{
	char line[2 * PATH_BYTES];
	write_in_folder("pipeline.yaml", pipeline);
	write_in_folder("in.jsonl", requests);
	write_in_folder("out.jsonl", expected);
	(void)snprintf(line, sizeof line, "test %s %s", options, folder);
	return say_with(step_kinds, line);
}

static void expect_passes(const char *pipeline, const char *requests, const char *expected)
{
	struct said said = run_case("", pipeline, requests, expected);
	if (said.code != EXIT_GOOD)
		fail_msg("%s%s", said.out, said.err);
	said_close(&said);
}

static const char identity[] = MODEL("storageUri: 'stub://identity'");

static void equal_requests_call_a_model_with_a_cache_once(void **state)
{
	(void)state;
	static const char requests[] = REQUEST("a", "5", "[1, 2]") REQUEST("b", "1", "[1, 3]");
	char pipeline[1024];
	(void)snprintf(pipeline, sizeof pipeline, "%s%s", identity, PIPELINE("", ", cache: {ttl: 2s}"));
	expect_passes(pipeline, requests, "{\"calls\": {\"m\": [2, 2]}}\n");
	(void)snprintf(pipeline, sizeof pipeline, "%s%s", identity, PIPELINE("", ""));
	expect_passes(pipeline, requests, "{\"calls\": {\"m\": [6, 6]}}\n");
}

/* What keeps replies in an engine is on another machine, and its password is not known where cases run. */
static void a_cache_in_redis_is_in_memory(void **state)
{
	(void)state;
	static const char performance[] =
		"---\nkind: Performance\nperformance_optimizations:\n"
		"  caching: {enabled: true, backend: redis, ttl: 5m, address: \"nowhere:6379\", login: '${NO_SUCH_LOGIN}'}\n";
	char pipeline[1024];
	(void)snprintf(pipeline, sizeof pipeline, "%s%s%s", identity, PIPELINE("", ""), performance);
	expect_passes(pipeline, REQUEST("a", "5", "[1, 2]"), "{\"calls\": {\"m\": [1, 1]}}\n");
}

/* The stub tells how many rows it is given. */
#define ROWS(id, repeat, rows) \
	"{\"id\": \"" id "\", \"repeat\": " repeat ", \"split\": [{\"response\": {\"outputs\": [{\"name\": \"OUTPUT\", " \
	"\"datatype\": \"INT64\", \"shape\": [1, 1], \"data\": " rows "}]}, \"count\": [" repeat ", " repeat "]}]}\n"

static void requests_of_one_time_are_merged_for_a_model_with_batches(void **state)
{
	(void)state;
	static const char requests[] = REQUEST("a", "8", "[1, 2]");
	expect_passes(MODEL("storageUri: 'stub://rowcount', batchingConfig: {maxBatchSize: 4, maxLatency: 50ms}") PIPELINE("", ""),
		      requests, ROWS("a", "8", "[4]") "{\"calls\": {\"m\": [2, 2]}}\n");
	expect_passes(MODEL("storageUri: 'stub://rowcount'") PIPELINE("", ""), requests,
		      ROWS("a", "8", "[1]") "{\"calls\": {\"m\": [8, 8]}}\n");
}

static void how_calls_are_merged_is_not_compared_on_kafka(void **state)
{
	(void)state;
	static const char pipeline[] =
		MODEL("storageUri: 'stub://rowcount', batchingConfig: {maxBatchSize: 4, maxLatency: 50ms}") PIPELINE("", "");
	struct said said = run_case("--kafka 127.0.0.1:1", pipeline, REQUEST("a", "8", "[1, 2]"),
				    "{\"calls\": {\"m\": [2, 2]}}\n");
	expect_words(said.out, "which calls of the model `m` are merged");
	assert_int_equal(said.code, EXIT_GOOD);
	said_close(&said);
}

static const char failing[] = MODEL("storageUri: 'stub://fail?code=503&text=full'");

/* Sixteen calls are under way when the fifth failure opens the breaker. */
static void a_model_that_only_fails_is_left_alone(void **state)
{
	(void)state;
	char pipeline[1024];
	(void)snprintf(pipeline, sizeof pipeline, "%s%s", failing, PIPELINE("  onOutage: deadletter\n", ""));
	expect_passes(pipeline, REQUEST("a", "40", "[1, 2]"),
		      "{\"id\": \"a\", \"repeat\": 40, \"split\": ["
		      "{\"error\": {\"kind\": \"REMOTE\", \"contains\": \"full; the model is not asked until it is back\"}, "
		      "\"count\": [16, 16]}, "
		      "{\"error\": {\"kind\": \"REMOTE\", \"contains\": \"is unreachable, and is not called until it is back\"}, "
		      "\"count\": [24, 24]}]}\n"
		      "{\"calls\": {\"m\": [16, 24]}}\n");
}

static void calls_wait_for_a_model_that_fails_and_each_is_tried_three_times(void **state)
{
	(void)state;
	char pipeline[1024];
	(void)snprintf(pipeline, sizeof pipeline, "%s%s", failing, PIPELINE("", ""));
	expect_passes(pipeline, REQUEST("a", "40", "[1, 2]"),
		      "{\"id\": \"a\", \"repeat\": 40, \"split\": [{\"error\": {\"kind\": \"REMOTE\", \"contains\": "
		      "\"it was tried 3 times\"}, \"count\": [40, 40]}]}\n{\"calls\": {\"m\": [120, 120]}}\n");
	expect_passes(MODEL("storageUri: 'stub://flaky?fails=2'") PIPELINE("", ""), REQUEST("a", "40", "[1, 2]"),
		      "{\"id\": \"a\", \"repeat\": 40, \"split\": [{\"response\": {\"outputs\": [{\"name\": \"x\", "
		      "\"datatype\": \"FP32\", \"shape\": [1, 2], \"data\": [1, 2]}]}, \"count\": [40, 40]}]}\n"
		      "{\"calls\": {\"m\": [120, 120]}}\n");
}

/* As in an engine: so it is the model's failure that is answered, not the window's end. */
static void the_window_of_a_join_stands_still_while_a_model_does_not_answer(void **state)
{
	(void)state;
	expect_passes(HEAD "Model\nmetadata: {name: m, annotations: {seldon.io/rest-timeout: '300'}}\n"
			   "spec: {storageUri: 'stub://hang'}\n---\n" HEAD "Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
			   "  - {name: identity}\n  - {name: s, model: {name: m}}\n"
			   "  - {name: rowcount, inputs: [identity, s], inputsJoinType: inner, joinWindowMs: 500}\n"
			   "  output: {steps: [rowcount]}\n",
		      REQUEST("a", "1", "[1, 2]"),
		      "{\"id\": \"a\", \"error\": {\"kind\": \"REMOTE\", \"contains\": \"it was tried 3 times\"}}\n");
}

#define SHOWS(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOWS(equal_requests_call_a_model_with_a_cache_once),
		SHOWS(a_cache_in_redis_is_in_memory),
		SHOWS(requests_of_one_time_are_merged_for_a_model_with_batches),
		SHOWS(how_calls_are_merged_is_not_compared_on_kafka),
		SHOWS(a_model_that_only_fails_is_left_alone),
		SHOWS(calls_wait_for_a_model_that_fails_and_each_is_tried_three_times),
		SHOWS(the_window_of_a_join_stands_still_while_a_model_does_not_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
