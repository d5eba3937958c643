/* test_test.c: Tests of `sluice test`: its runs of cases, and its reports of differences. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <jansson.h>

#include "tests/unit/session.h"
#include "steps/kinds.h"
#include "tests/unit/tally.h"

#define PATH_MAX_BYTES 256

static char folder[PATH_MAX_BYTES];

static void write_in_folder(const char *name, const char *text)
{
	char path[2 * PATH_MAX_BYTES];
	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	write_file(path, text);
}

static void read_file(const char *name, char *text, size_t size)
{
	char path[2 * PATH_MAX_BYTES];
	(void)snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	text[fread(text, 1, size - 1, file)] = '\0';
	fclose(file);
}

static int make_folder(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof folder, "/tmp/sluice-test-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	write_in_folder("pipeline.yaml", "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
				    "  steps: [{name: add10}]\n  output: {steps: [add10]}\n");
	write_in_folder("in.jsonl", "{\"id\": \"a\", \"request\": {\"inputs\": [{\"name\": \"INPUT\", \"datatype\": \"FP32\", "
			       "\"shape\": [2], \"fill\": {\"start\": 1, \"step\": 1}}]}}\n");
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	char command[2 * PATH_MAX_BYTES];
	(void)snprintf(command, sizeof command, "rm -r %s", folder);
	return system(command);
}

static struct said run_cases(const char *options)
{
	char line[2 * PATH_MAX_BYTES];
	(void)snprintf(line, sizeof line, "test %s %s", options, folder);
	return say_with(step_kinds, line);
}

#define OUTPUT(data)                                                                                                               \
	"{\"id\": \"a\", \"response\": {\"outputs\": [{\"name\": \"OUTPUT\", \"datatype\": \"FP32\", \"shape\": [2], "             \
	"\"data\": " data "}]}}\n"

static void expect_said(struct said *said, int code, const char *contains)
{
	if (!strstr(said->out, contains))
		fail_msg("`%s` does not contain `%s`", said->out, contains);
	assert_int_equal(said->code, code);
	said_close(said);
}

static void a_case_that_holds_passes(void **state)
{
	(void)state;
	write_in_folder("out.jsonl", OUTPUT("[11, 12]") "{\"calls\": {\"add10\": [1, 1]}}\n");
	struct said said = run_cases("");
	expect_said(&said, EXIT_GOOD, "1 passed, 0 failed, 0 skipped");
}

static void a_case_that_does_not_shows_the_difference(void **state)
{
	(void)state;
	write_in_folder("out.jsonl", OUTPUT("[11, 13]"));
	struct said said = run_cases("");
	expect_said(&said, EXIT_FAULTS,
		    "tensor `OUTPUT` differs\n      expected FP32[2] 11.0, 13.0\n      got      FP32[2] 11.0, 12.0\n");
}

static void what_nobody_expected_is_not_there(void **state)
{
	(void)state;
	write_in_folder("out.jsonl", "{\"id\": \"b\", \"error\": {\"kind\": \"INPUT\", \"contains\": \"x\"}}\n"
				"{\"id\": \"a\", \"absent\": true}\n");
	struct said said = run_cases("");
	assert_non_null(strstr(said.out, "b: nothing came"));
	expect_said(&said, EXIT_FAULTS, "a: came, and none was expected");
}

static void update_writes_what_came_and_keeps_what_held(void **state)
{
	(void)state;
	static const char calls[] = "{\"calls\": {\"add10\": [1, 9]}}\n";
	char text[1024];
	snprintf(text, sizeof text, "%s%s", OUTPUT("[1, 2]"), calls);
	write_in_folder("out.jsonl", text);
	struct said said = run_cases("--update");
	expect_said(&said, EXIT_GOOD, "out.jsonl now has the actual answers");
	read_file("out.jsonl", text, sizeof text);
	assert_non_null(strstr(text, "[11.0,12.0]"));
	assert_non_null(strstr(text, calls));
	said = run_cases("");
	expect_said(&said, EXIT_GOOD, "1 passed");
}

static void a_case_finds_the_pipeline_above_it(void **state)
{
	(void)state;
	char path[2 * PATH_MAX_BYTES], in[1024];
	(void)snprintf(path, sizeof path, "%s/tests", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	(void)snprintf(path, sizeof path, "%s/tests/one", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	read_file("in.jsonl", in, sizeof in);
	write_in_folder("tests/one/in.jsonl", in);
	write_in_folder("tests/one/out.jsonl", OUTPUT("[11, 12]"));
	(void)snprintf(path, sizeof path, "%s/in.jsonl", folder);
	assert_int_equal(remove(path), 0);
	struct said said = run_cases("");
	expect_said(&said, EXIT_GOOD, "1 passed");
}

static void an_alert_that_is_not_judged_fails_its_line(void **state)
{
	(void)state;
	write_in_folder("out.jsonl", "{\"id\": \"r1\", \"alert\": \"slow\", \"fired\": true}\n");
	struct said said = run_cases("");
	assert_non_null(strstr(said.out, "the alert `slow` is not judged: there is none of that name"));
	expect_said(&said, EXIT_FAULTS, "0 passed, 1 failed");
}

static void a_tensor_is_filled_up_to_a_limit(void **state)
{
	(void)state;
	write_in_folder("in.jsonl", "{\"id\": \"a\", \"request\": {\"inputs\": [{\"name\": \"x\", \"datatype\": \"FP32\", "
			       "\"shape\": [4096, 4097], \"fill\": {\"start\": 0, \"step\": 1}}]}}\n");
	write_in_folder("out.jsonl", "");
	struct said said = run_cases("");
	expect_said(&said, EXIT_FAULTS, "in.jsonl:1: `fill` makes at most 16777216 elements");
}

static void a_line_of_requests_that_cannot_be_sent_is_named(void **state)
{
	(void)state;
	static const struct {
		const char *line, *said;
	} rows[] = {
		{"{\"id\": \"a\", \"repeat\": -1, \"body\": \"{}\"}\n", "in.jsonl:1: `repeat` is a whole number from 1 to 1000"},
		{"{\"id\": \"a\", \"repeat\": 1000001, \"body\": \"{}\"}\n", "in.jsonl:1: `repeat` is a whole number from 1 to"},
		{"\n{\"id\": \"a\", \"protocol\": \"v9\", \"body\": \"{}\"}\n",
		 "in.jsonl:2: there is no protocol `v9`; write v2, v1 or seldon"},
		{"{\"id\": \"a\", \"body_b64\": \"!!\"}\n", "in.jsonl:1: `body_b64` is not base64"},
		{"{\"body\": \"{}\"}\n", "in.jsonl:1: a request needs an `id`"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		write_in_folder("in.jsonl", rows[i].line);
		struct said said = run_cases("");
		expect_said(&said, EXIT_FAULTS, rows[i].said);
	}
}

static void an_update_leaves_counts_to_judgement_and_says_so(void **state)
{
	(void)state;
	write_in_folder("out.jsonl", "{\"id\": \"a\", \"absent\": true}\n{\"calls\": {\"nobody\": [1, 2]}}\n");
	struct said said = run_cases("--update");
	assert_non_null(strstr(said.out, "out.jsonl now has the actual answers"));
	expect_said(&said, EXIT_FAULTS, "except counts and splits, which are unchanged");
}

static void a_step_that_cannot_run_is_named(void **state)
{
	(void)state;
	write_in_folder("pipeline.yaml", "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
				    "  steps: [{name: ab, outlier: {tensor: x, reference: {topic: t}}}]\n"
				    "  output: {steps: [ab]}\n");
	write_in_folder("in.jsonl", "{\"id\": \"a\", \"request\": {\"inputs\": []}}\n");
	write_in_folder("out.jsonl", "");
	struct said said = run_cases("--print");
	assert_non_null(strstr(said.out, "cannot run with such a reference yet"));
	expect_said(&said, EXIT_GOOD, "\"kind\": \"CONFIG\"");
}

static void a_pipeline_with_a_fault_answers_with_it(void **state)
{
	(void)state;
	write_in_folder("pipeline.yaml", "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
				    "  steps: [{name: add10, inputs: [nobody]}]\n  output: {steps: [add10]}\n");
	write_in_folder("out.jsonl", "{\"id\": \"a\", \"error\": {\"kind\": \"CONFIG\", \"contains\": \"nobody\"}}\n");
	struct said said = run_cases("");
	expect_said(&said, EXIT_GOOD, "1 passed");
}

static void an_empty_folder_is_a_misuse(void **state)
{
	(void)state;
	char path[2 * PATH_MAX_BYTES];
	(void)snprintf(path, sizeof path, "%s/in.jsonl", folder);
	assert_int_equal(remove(path), 0);
	struct said said = run_cases("");
	assert_non_null(strstr(said.err, "there is no case in"));
	expect_said(&said, EXIT_MISUSE, "");
}

/* None of these gets as far as Kafka: no port 1 answers. */
#define NO_KAFKA "--kafka 127.0.0.1:1"

static void what_kafka_cannot_show_is_skipped_with_its_reason(void **state)
{
	(void)state;
	struct said said;
	write_in_folder("in.jsonl", "{\"id\": \"a\", \"target\": \"models/add10\", \"request\": {\"inputs\": []}}\n");
	write_in_folder("out.jsonl", "{\"id\": \"a\", \"error\": {\"kind\": \"INPUT\"}}\n");
	said = run_cases(NO_KAFKA);
	expect_said(&said, EXIT_GOOD, "a request has no pipeline as its target");
	said = run_cases(NO_KAFKA);
	expect_said(&said, EXIT_GOOD, "0 passed, 0 failed, 1 skipped");
}

static void what_takes_minutes_by_a_real_clock_is_skipped(void **state)
{
	(void)state;
	write_in_folder("stubs.json", "{\"add10\": \"stub://hang\"}");
	write_in_folder("out.jsonl", "{\"id\": \"a\", \"error\": {\"kind\": \"REMOTE\"}}\n");
	struct said said = run_cases(NO_KAFKA);
	expect_said(&said, EXIT_GOOD, "s on a real clock");
}

/* Its clock is virtual. */
static void what_takes_minutes_passes_at_once(void **state)
{
	(void)state;
	write_in_folder("stubs.json", "{\"add10\": \"stub://hang\"}");
	write_in_folder("out.jsonl",
			"{\"id\": \"a\", \"error\": {\"kind\": \"REMOTE\", \"contains\": \"no answer within 30000 ms\"}}\n"
			"{\"calls\": {\"add10\": [3, 3]}}\n");
	struct said said = run_cases("");
	expect_said(&said, EXIT_GOOD, "1 passed, 0 failed, 0 skipped");
}

/* Three attempts of 20.5 days each. */
static void a_case_that_takes_months_does_not_end(void **state)
{
	(void)state;
	write_in_folder("pipeline.yaml", "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
					 "  steps: [{name: add10, timeout: 492h}]\n  output: {steps: [add10]}\n");
	write_in_folder("stubs.json", "{\"add10\": \"stub://hang\"}");
	write_in_folder("out.jsonl", "{\"id\": \"a\", \"error\": {\"kind\": \"REMOTE\"}}\n");
	struct said said = run_cases("");
	expect_said(&said, EXIT_FAULTS, "does not end");
}

/* Each stage has a topic: the steps with state have keys of their own. */
static void workers_run_a_pipeline_by_its_stages(void **state)
{
	(void)state;
	write_in_folder("pipeline.yaml",
			"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
			"  - {name: one, features: {key: user, set: {n: count(x over 10)}}}\n"
			"  - {name: two, inputs: [one, p], features: {key: shop, set: {m: sum(n over 3)}}}\n"
			"  output: {steps: [two.outputs.m]}\n");
	char in[1024];
	static const char tensors[] =
		"{\"name\": \"x\", \"datatype\": \"FP64\", \"shape\": [1], \"data\": [5]}, "
		"{\"name\": \"user\", \"datatype\": \"BYTES\", \"shape\": [1], \"data\": [\"u\"]}, "
		"{\"name\": \"shop\", \"datatype\": \"BYTES\", \"shape\": [1], \"data\": [\"s\"]}";
	int length = 0;
	for (int i = 0; i < 3; i++)
		length += snprintf(in + length, sizeof in - (size_t)length,
				   "{\"id\": \"r%d\", \"key\": \"k\", \"request\": {\"inputs\": [%s]}}\n", i, tensors);
	write_in_folder("in.jsonl", in);
	write_in_folder("out.jsonl", "{\"id\": \"r2\", \"response\": {\"outputs\": [{\"name\": \"m\", "
				"\"datatype\": \"FP64\", \"shape\": [1], \"data\": [6]}]}}\n");
	struct said said = run_cases("");
	expect_said(&said, EXIT_GOOD, "1 passed, 0 failed, 0 skipped");
}

#define IN(id, target) "{\"id\": \"" id "\", \"target\": \"" target "\", \"request\": {\"inputs\": [" TENSOR("INPUT", "1") "]}}\n"
#define TENSOR(name, data) "{\"name\": \"" name "\", \"datatype\": \"FP32\", \"shape\": [1], \"data\": [" data "]}"
#define OUT(id, name, data) "{\"id\": \"" id "\", \"response\": {\"outputs\": [" TENSOR(name, data) "]}}\n"
#define PIPELINE "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
#define MODEL_ADD10 \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: m}\nspec: {storageUri: 'stub://add10'}\n"

/* An engine gives a Model that a pipeline names no topic; the case's does. What has no target is answered by who sends it. */
static void workers_serve_models_by_their_names(void **state)
{
	(void)state;
	write_in_folder("pipeline.yaml", PIPELINE "  steps: [{name: m}]\n  output: {steps: [m]}\n" MODEL_ADD10);
	write_in_folder("in.jsonl", IN("a", "models/m") IN("b", "pipelines/p") IN("c", "models/n"));
	write_in_folder("out.jsonl", OUT("a", "OUTPUT", "11") OUT("b", "OUTPUT", "11")
				     "{\"id\": \"c\", \"error\": {\"kind\": \"INPUT\", \"contains\": \"models/m\"}}\n"
				     "{\"calls\": {\"m\": [2, 2]}}\n");
	struct said said = run_cases("");
	expect_said(&said, EXIT_GOOD, "1 passed, 0 failed, 0 skipped");
}

#define MODEL_CONST(name, value) \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: " name "}\n" \
	"spec: {storageUri: 'stub://const?value=" value "'}\n"

/* Requests without a key are split by where they stand in their topic. */
static void workers_give_the_same_each_time(void **state)
{
	char in[4096], first[4096] = "";
	int length = 0;
	(void)state;
	write_in_folder("pipeline.yaml", "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\n"
					 "spec: {candidates: [{name: one, weight: 50}, {name: two, weight: 50}]}\n"
					 MODEL_CONST("one", "1") MODEL_CONST("two", "2"));
	for (int i = 0; i < 16; i++)
		length += snprintf(in + length, sizeof in - (size_t)length,
				   "{\"id\": \"r%d\", \"request\": {\"inputs\": [" TENSOR("x", "1") "]}}\n", i);
	write_in_folder("in.jsonl", in);
	write_in_folder("out.jsonl", "{\"calls\": {\"one\": [99, 99], \"two\": [99, 99]}}\n");
	for (int i = 0; i < 3; i++) {
		struct said said = run_cases("");
		assert_int_equal(said.code, EXIT_FAULTS);
		if (i == 0)
			(void)snprintf(first, sizeof first, "%s", said.out);
		assert_string_equal(said.out, first);
		said_close(&said);
	}
}

static void workers_judge_alerts_of_each_request(void **state)
{
	(void)state;
	write_in_folder("pipeline.yaml", PIPELINE "  steps: [{name: m}]\n  output: {steps: [m]}\n"
						  "  alerts: [{name: high, condition: OUTPUT > 20}]\n" MODEL_ADD10);
	write_in_folder("in.jsonl", "{\"id\": \"a\", \"request\": {\"inputs\": [" TENSOR("INPUT", "1") "]}}\n"
				    "{\"id\": \"b\", \"request\": {\"inputs\": [" TENSOR("INPUT", "11") "]}}\n");
	write_in_folder("out.jsonl", "{\"id\": \"a\", \"alert\": \"high\", \"fired\": false}\n"
				     "{\"id\": \"b\", \"alert\": \"high\", \"fired\": true}\n");
	struct said said = run_cases("");
	expect_said(&said, EXIT_GOOD, "1 passed, 0 failed, 0 skipped");
}

static void workers_that_cannot_start_answer_why(void **state)
{
	(void)state;
	write_in_folder("usual.csv", "x\nhigh\n");
	write_in_folder("pipeline.yaml", PIPELINE "  steps: [{name: s, model: {local: usual.csv}}]\n  output: {steps: [s]}\n");
	write_in_folder("out.jsonl", "{\"id\": \"a\", \"error\": {\"kind\": \"CONFIG\", \"contains\": \"usual.csv\"}}\n");
	struct said said = run_cases("");
	expect_said(&said, EXIT_GOOD, "1 passed, 0 failed, 0 skipped");
}

#define MUTE PIPELINE "  steps: [{name: m}]\n" \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: m}\n" \
	"spec: {storageUri: 'stub://fail?code=400&text=no'}\n"

/* What it cannot read is refused by who sends it; what fails later has nobody who waits for it. */
static void without_output_the_errors_topic_tells(void **state)
{
	(void)state;
	write_in_folder("pipeline.yaml", MUTE);
	write_in_folder("in.jsonl", IN("a", "pipelines/p") "{\"id\": \"b\", \"request\": {\"inputs\": 1}}\n");
	write_in_folder("out.jsonl", "{\"id\": \"a\", \"absent\": true}\n"
				     "{\"id\": \"a\", \"at\": \"p.errors\", "
				     "\"error\": {\"kind\": \"INPUT\", \"contains\": \"m : no\"}}\n"
				     "{\"id\": \"b\", \"error\": {\"kind\": \"INPUT\", \"contains\": \"inputs\"}}\n"
				     "{\"id\": \"b\", \"at\": \"p.outputs\", \"absent\": true}\n");
	struct said said = run_cases("");
	expect_said(&said, EXIT_GOOD, "1 passed, 0 failed, 0 skipped");
	said = run_cases("--print");
	expect_words(said.out, "\"at\": \"p.errors\", \"error\": {\"kind\": \"INPUT\", \"message\": \"m : no\"}}");
	said_close(&said);
}

/* With `errors: false` they leave in no answer; who waits for one still gets it. */
static void errors_that_leave_in_no_answer_are_replies(void **state)
{
	(void)state;
	write_in_folder("pipeline.yaml", PIPELINE "  steps: [{name: m}]\n  output: {steps: [m], errors: false}\n" MODEL_ADD10);
	write_in_folder("in.jsonl", IN("a", "pipelines/p") "{\"id\": \"b\", \"request\": {\"inputs\": 1}}\n");
	write_in_folder("out.jsonl", OUT("a", "OUTPUT", "11") "{\"id\": \"b\", \"error\": {\"kind\": \"INPUT\"}}\n"
							      "{\"id\": \"b\", \"at\": \"p.outputs\", \"absent\": true}\n");
	struct said said = run_cases("");
	expect_said(&said, EXIT_GOOD, "1 passed, 0 failed, 0 skipped");
}

/* Even one that reaches no step: nothing held of it. */
static void an_alert_did_not_fire_for_a_request_that_reached_no_output(void **state)
{
	(void)state;
	write_in_folder("pipeline.yaml", PIPELINE "  steps: [{name: m}]\n  output: {steps: [m]}\n"
						  "  alerts: [{name: high, condition: OUTPUT > 20}]\n" MODEL_ADD10);
	write_in_folder("in.jsonl", "{\"id\": \"a\", \"request\": {\"inputs\": 1}}\n");
	write_in_folder("out.jsonl", "{\"id\": \"a\", \"alert\": \"high\", \"fired\": false}\n");
	struct said said = run_cases("");
	expect_said(&said, EXIT_GOOD, "1 passed");
	write_in_folder("out.jsonl", "{\"id\": \"a\", \"alert\": \"high\", \"fired\": true}\n");
	said = run_cases("");
	expect_said(&said, EXIT_FAULTS, "the alert `high` did not fire");
}

/* Results of one request leave their pipeline together: no window, however short, ends between them. */
static void results_of_one_stage_leave_together(void **state)
{
	(void)state;
	write_in_folder("pipeline.yaml",
			PIPELINE "  steps: [{name: m}, {name: late}]\n  output: {steps: [m]}\n"
				 "---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: q}\nspec:\n"
				 "  input: {externalInputs: [p.step.m.outputs, p.step.late.outputs], joinType: outer, "
				 "joinWindowMs: 20}\n"
				 "  steps: [{name: t, model: {name: sum}}]\n  output: {steps: [t]}\n" MODEL_ADD10);
	write_in_folder("stubs.json", "{\"late\": \"stub://slow?ms=60&then=mul10\"}");
	write_in_folder("in.jsonl", IN("a", "pipelines/p"));
	write_in_folder("out.jsonl", "{\"id\": \"a\", \"at\": \"q.outputs\", \"response\": {\"outputs\": [{\"name\": \"OUTPUT\", "
				     "\"datatype\": \"FP64\", \"shape\": [1], \"data\": [21]}]}}\n");
	struct said said = run_cases("");
	expect_said(&said, EXIT_GOOD, "1 passed");
}

/* Without expectations nothing says when all has come: the run waits longer than the window of any join. */
static void what_is_printed_is_all_that_comes(void **state)
{
	(void)state;
	write_in_folder("pipeline.yaml",
			PIPELINE "  steps: [{name: m}, {name: g, model: {storageUri: 'stub://gate?min=50'}}]\n"
				 "  output: {steps: [m]}\n"
				 "---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: q}\nspec:\n"
				 "  input: {externalInputs: [p.step.m.outputs, p.step.g.outputs], joinType: outer, "
				 "joinWindowMs: 90000}\n"
				 "  steps: [{name: t, model: {name: sum}}]\n  output: {steps: [t]}\n" MODEL_ADD10);
	write_in_folder("in.jsonl", IN("a", "pipelines/p"));
	struct said said = run_cases("--print");
	expect_words(said.out, "{\"id\": \"a\", \"response\"");
	expect_words(said.out, "{\"id\": \"a\", \"at\": \"q.outputs\", \"response\"");
	said_close(&said);
}

static void what_fails_in_memory_is_not_tried_on_kafka(void **state)
{
	(void)state;
	write_in_folder("out.jsonl", OUTPUT("[11, 13]"));
	struct said said = run_cases(NO_KAFKA);
	expect_said(&said, EXIT_FAULTS, "and this in memory too");
}

static void nothing_is_written_down_of_what_kafka_gave(void **state)
{
	(void)state;
	struct said said = run_cases(NO_KAFKA " --update");
	expect_words(said.err, "leave out --print and --update");
	assert_int_equal(said.code, EXIT_MISUSE);
	said_close(&said);
}

static void json_counts_and_says_why(void **state)
{
	(void)state;
	write_in_folder("out.jsonl", OUTPUT("[11, 13]"));
	struct said said = run_cases("-o json");
	assert_non_null(strstr(said.out, "\"verdict\": \"failed\""));
	expect_said(&said, EXIT_FAULTS, "{\"passed\": 0, \"failed\": 1, \"skipped\": 0");
}

static void a_case_remembers_from_request_to_request_in_their_order(void **state)
{
	(void)state;
	write_in_folder("pipeline.yaml", "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
				    "  steps:\n"
				    "  - {name: late, when: 'id == \"a\"', model: {storageUri: 'stub://slow?ms=500'}}\n"
				    "  - {name: soon, when: 'id != \"a\"'}\n"
				    "  - {name: n, inputs: [late, soon], inputsJoinType: any, tally: {}}\n"
				    "  output: {steps: [n.outputs.count]}\n"
				    "---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: soon}\n"
				    "spec: {storageUri: 'stub://identity'}\n");
	const char *request =
		"\"request\": {\"inputs\": [{\"name\": \"x\", \"datatype\": \"FP32\", \"shape\": [1], \"data\": [1]}]}}\n";
	const char *response =
		"\"response\": {\"outputs\": [{\"name\": \"count\", \"datatype\": \"INT64\", \"shape\": [1], \"data\": ";
	char text[2048];
	snprintf(text, sizeof text,
		 "{\"id\": \"a\", \"key\": \"k\", %s{\"id\": \"b\", \"key\": \"k\", %s{\"id\": \"c\", \"key\": \"other\", %s"
		 "{\"id\": \"d\", \"key\": \"k\", %s",
		 request, request, request, request);
	write_in_folder("in.jsonl", text);
	snprintf(text, sizeof text,
		 "{\"id\": \"a\", %s[1]}]}}\n{\"id\": \"b\", %s[2]}]}}\n{\"id\": \"c\", %s[1]}]}}\n{\"id\": \"d\", %s[3]}]}}\n",
		 response, response, response, response);
	write_in_folder("out.jsonl", text);
	char line[2 * PATH_MAX_BYTES];
	(void)snprintf(line, sizeof line, "test %s", folder);
	struct said said = say_with(tally_kinds, line);
	expect_said(&said, EXIT_GOOD, "1 passed, 0 failed, 0 skipped");
}

#define SHOWS(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

#define ADD10(output)                                                                                                              \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"                                       \
	"  steps: [{name: add10}]\n"                                                                                               \
	"  output: {steps: [add10]" output "}\n"

/* What leaves is V1, whatever the request was; so a response of OIP does not hold. */
static void answers_leave_in_the_format_of_the_pipeline(void **state)
{
	(void)state;
	write_in_folder("pipeline.yaml", ADD10(", format: v1"));
	struct said said = run_cases("--print");
	expect_words(said.out, "{\"id\": \"a\", \"response\": {\"predictions\"");
	said_close(&said);
	write_in_folder("out.jsonl", "{\"id\": \"a\", \"response\": {\"predictions\": [11, 12]}}\n");
	said = run_cases("");
	expect_said(&said, EXIT_GOOD, "1 passed");
	write_in_folder("out.jsonl", "{\"id\": \"a\", \"response\": {\"predictions\": [11, 13]}}\n");
	said = run_cases("");
	expect_said(&said, EXIT_FAULTS, "1 failed");
	write_in_folder("pipeline.yaml", ADD10(""));
}

static void what_is_printed_is_json_in_every_format(void **state)
{
	(void)state;
	static const char *const formats[] = {ADD10(", format: avro"), ADD10(", format: oip-protobuf")};
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
		write_in_folder("pipeline.yaml", formats[i]);
		struct said said = run_cases("--print");
		assert_int_equal(said.code, EXIT_GOOD);
		for (const char *line = said.out; *line; line += strcspn(line, "\n") + 1) {
			json_t *whole = json_loadb(line, strcspn(line, "\n"), 0, NULL);
			if (!whole)
				fail_msg("this is not JSON: %s", line);
			json_decref(whole);
		}
		said_close(&said);
		write_in_folder("out.jsonl", OUTPUT("[11, 12]"));
		said = run_cases("");
		expect_said(&said, EXIT_GOOD, "1 passed");
	}
	write_in_folder("pipeline.yaml", ADD10(""));
}

/* An out.jsonl that would hold of anything, and one that awaits the refusal. */
static void a_case_whose_files_lint_refuses_does_not_pass(void **state)
{
	(void)state;
	static const char *const refused[] = {
		ADD10(", format: nonsense"),
		ADD10("") "  unknown: 1\n",
		("apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
		 "  steps: [{name: a, expression: {set: {y: '1 + \"x\"'}}}]\n  output: {steps: [a]}\n"),
	};
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		write_in_folder("pipeline.yaml", refused[i]);
		write_in_folder("out.jsonl", "");
		struct said said = run_cases("");
		expect_words(said.out, "`sluice lint` refuses its pipeline");
		expect_said(&said, EXIT_FAULTS, "1 failed");
		write_in_folder("out.jsonl", "{\"id\": \"a\", \"error\": {\"kind\": \"CONFIG\"}}\n");
		said = run_cases("");
		expect_said(&said, EXIT_GOOD, "1 passed");
	}
	write_in_folder("pipeline.yaml", ADD10(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SHOWS(a_case_that_holds_passes),
		SHOWS(answers_leave_in_the_format_of_the_pipeline),
		SHOWS(what_is_printed_is_json_in_every_format),
		SHOWS(a_case_whose_files_lint_refuses_does_not_pass),
		SHOWS(a_case_remembers_from_request_to_request_in_their_order),
		SHOWS(a_case_that_does_not_shows_the_difference),
		SHOWS(what_nobody_expected_is_not_there),
		SHOWS(update_writes_what_came_and_keeps_what_held),
		SHOWS(a_case_finds_the_pipeline_above_it),
		SHOWS(an_alert_that_is_not_judged_fails_its_line),
		SHOWS(a_step_that_cannot_run_is_named),
		SHOWS(a_tensor_is_filled_up_to_a_limit),
		SHOWS(a_line_of_requests_that_cannot_be_sent_is_named),
		SHOWS(an_update_leaves_counts_to_judgement_and_says_so),
		SHOWS(a_pipeline_with_a_fault_answers_with_it),
		SHOWS(an_empty_folder_is_a_misuse),
		SHOWS(what_kafka_cannot_show_is_skipped_with_its_reason),
		SHOWS(what_takes_minutes_by_a_real_clock_is_skipped),
		SHOWS(what_takes_minutes_passes_at_once),
		SHOWS(a_case_that_takes_months_does_not_end),
		SHOWS(workers_run_a_pipeline_by_its_stages),
		SHOWS(workers_serve_models_by_their_names),
		SHOWS(workers_give_the_same_each_time),
		SHOWS(workers_judge_alerts_of_each_request),
		SHOWS(workers_that_cannot_start_answer_why),
		SHOWS(without_output_the_errors_topic_tells),
		SHOWS(errors_that_leave_in_no_answer_are_replies),
		SHOWS(an_alert_did_not_fire_for_a_request_that_reached_no_output),
		SHOWS(results_of_one_stage_leave_together),
		SHOWS(what_is_printed_is_all_that_comes),
		SHOWS(what_fails_in_memory_is_not_tried_on_kafka),
		SHOWS(nothing_is_written_down_of_what_kafka_gave),
		SHOWS(json_counts_and_says_why),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
