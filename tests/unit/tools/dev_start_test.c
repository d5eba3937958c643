/* dev_start_test.c: The first lines of `sluice dev`: commands with a request that the pipeline takes, as far as that is known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/planning.h"
#include "tools/view/dev_start.h"

#define PIPELINE(name, spec)                                                                                                       \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: " name "}\nspec:\n" spec "  output: {steps: "      \
	"[s]}\n"
#define PLAIN "  steps: [{name: s, expression: {set: {y: 1}}}]\n"
#define FORM "'{\"inputs\": [{\"name\": \"x\", \"datatype\": \"FP64\", \"shape\": [1], \"data\": [1]}]}'"
#define CURL "curl        curl http://127.0.0.1:80/v2/pipelines/"

static struct buffer written;

static const char *start_of(const char *yaml, bool as_json)
{
	struct planning planning;
	struct plan plan;
	planning_open(&planning, yaml);
	planning_plan(&planning, NULL, &plan);
	const struct dev_addresses at = {
		.arena = planning.arena, .brokers = "b:1", .models = "grpc://m", .has_gateway = true, .http_port = 80};
	buffer_clear(&written);
	(as_json ? dev_start_json : dev_start_text)(&at, &plan.pipelines[0], &written);
	buffer_byte(&written, '\0');
	planning_close(&planning);
	return written.bytes;
}

static void assert_has(const char *text, const char *words)
{
	if (!strstr(text, words))
		assert_string_equal(text, words);
}

static void a_request_has_what_the_tensors_of_the_input_name(void **state)
{
	(void)state;
	const char *start = start_of(PIPELINE("p", "  input:\n    key: who.name\n    tensors:\n"
						   "      px: {path: 'bids[*].px', datatype: FP32, shape: [2]}\n"
						   "      qty: {path: 'bids[*].qty', shape: [2]}\n"
						   "      ok: {path: flags.ok, datatype: BOOL}\n"
						   "      name: {path: 'people[1].name', datatype: BYTES}\n"
						   "      two: {paths: [a.x, a.y]}\n"
						   "      list: {path: list, shape: [1, 3], datatype: INT64}\n" PLAIN),
				     false);
	assert_has(start,
		   CURL "p/infer -d '{\"bids\": [{\"px\": 1, \"qty\": 1}, {\"px\": 1, \"qty\": 1}], \"flags\": {\"ok\": true}, "
			"\"people\": [null, {\"name\": \"1\"}], \"a\": {\"x\": 1, \"y\": 1}, \"list\": [1, 1, 1], \"who\": "
			"{\"name\": \"1\"}}'\n");
	assert_has(start, "try         echo '{\"bids\": [");
	assert_null(strstr(start, "note"));
}

static void a_request_of_which_nothing_is_known_is_said_to_be_an_example(void **state)
{
	(void)state;
	const char *start = start_of(PIPELINE("p", PLAIN), false);
	assert_has(start, CURL "p/infer -d " FORM "\n");
	assert_has(start,
		   "\nnote        the request is only an example, which the pipeline may refuse: the plan knows no tensor that the "
		   "pipeline takes\nedit        ");
	start = start_of(PIPELINE("p", "  input: {tensors: {x: {path: x, shape: [3, 1000]}}}\n" PLAIN), false);
	assert_has(start, CURL "p/infer -d " FORM "\n");
	assert_has(start, "an event of its input.tensors is too long for a line\n");
	static const char *const tensors[] = {"a: {path: 'x.y[2000]'}, b: {path: b}", "b: {path: b}, a: {path: 'x[1].y[2000]'}"};
	for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
		char yaml[512];
		(void)snprintf(yaml, sizeof yaml, PIPELINE("p", "  input: {tensors: {%s}}\n" PLAIN), tensors[i]);
		start = start_of(yaml, false);
		assert_has(start, CURL "p/infer -d " FORM "\n");
		assert_has(start, "its input.tensors have paths without an example\n");
	}
	start = start_of(PIPELINE("p", PLAIN), true);
	assert_has(start, "\"note\":\"the request is only an example");
}

/* A call that waits would be 409. */
static void a_pipeline_that_answers_otherwise_is_submitted_to(void **state)
{
	(void)state;
	const char *start = start_of(PIPELINE("w", "  input: {tensors: {x: {path: x}}}\n  steps:\n"
						   "  - {name: s, aggregate: {key: x, window: {count: 3}, set: {n: sum(x)}}}\n"),
				     false);
	assert_has(start, CURL "w/infer -H 'Prefer: respond-async' -d '{\"x\": 1}'\n");
	assert_has(start,
		   "\nnote        pipeline w takes submitted requests alone, and answers in its topic of outputs: its step `s` "
		   "(aggregate) ");
}

static int written_open(void **state)
{
	(void)state;
	buffer_open(&written, (size_t)1 << 20);
	return 0;
}

static int written_close(void **state)
{
	(void)state;
	buffer_close(&written);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_has_what_the_tensors_of_the_input_name),
		cmocka_unit_test(a_request_of_which_nothing_is_known_is_said_to_be_an_example),
		cmocka_unit_test(a_pipeline_that_answers_otherwise_is_submitted_to),
	};
	return cmocka_run_group_tests(tests, written_open, written_close);
}
