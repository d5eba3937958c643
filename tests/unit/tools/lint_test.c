/* lint_test.c: lint, schema and echo, as they are called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "message/avro/schemas.h"
#include "tests/unit/session.h"
#include "compiler/resources/resource.h"
#include "steps/kinds.h"

#define EVERY "tests/data/spec/every-step-kind.yaml"

static struct said run(const char *line)
{
	return say_with(step_kinds, line);
}

static int code_of(const char *line)
{
	struct said said = run(line);
	int code = said.code;
	said_close(&said);
	return code;
}

static json_t *json_of(const char *line, int code)
{
	struct said said = run(line);
	assert_int_equal(said.code, code);
	json_t *json = json_loads(said.out, 0, NULL);
	assert_non_null(json);
	said_close(&said);
	return json;
}

#define LARGE "build/lint_large.yaml"
#define SECONDS_OF_LARGE 6 /* of processor time; looking for names takes twenty */

/* A pipeline of 10 values beside its steps, of which each is 2. */
static size_t warnings_of_large(size_t steps, const char *beside)
{
	FILE *file = fopen(LARGE, "w");
	assert_non_null(file);
	fprintf(file,
		"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"
		"spec:\n%s  output: {steps: [s0]}\n  steps:\n",
		beside);
	for (size_t i = 0; i < steps; i++)
		fprintf(file, "  - {name: s%zu}\n", i);
	assert_int_equal(fclose(file), 0);
	json_t *faults = json_of("lint -o json " LARGE, EXIT_GOOD);
	size_t count = json_array_size(faults);
	if (count > 0)
		assert_string_equal(json_string_value(json_object_get(json_array_get(faults, 0), "code")), "SL0708");
	json_decref(faults);
	return count;
}

static void a_pipeline_too_large_for_all_checks_is_told_of(void **state)
{
	(void)state;
	assert_int_equal(warnings_of_large(2043, ""), 0);
	assert_int_equal(warnings_of_large(2043, "  allowCycles: false\n"), 1);
}

/* Or their next steps are those of references to steps. */
static void faults_of_alerts_and_metrics_have_codes_of_their_own(void **state)
{
	(void)state;
	static const struct {
		const char *line, *code;
	} cases[] = {
		{"lint -o json tests/lint-own/alert-template-misspelt.yaml", "SL0542"},
		{"lint -o json tests/lint-own/alert-secret-in-the-file.yaml", "SL0543"},
		{"lint -o json tests/lint-own/alert-inhibitor-misspelt.yaml", "SL0544"},
		{"lint -o json tests/lint-own/metric-of-step.yaml", "SL0545"},
		{"lint -o json tests/lint-own/metric-unknown-owner.yaml", "SL0545"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		json_t *faults = json_of(cases[i].line, EXIT_FAULTS);
		assert_string_equal(json_string_value(json_object_get(json_array_get(faults, 0), "code")), cases[i].code);
		json_decref(faults);
	}
}

static void the_exit_code_tells_clean_from_faulty_from_misused(void **state)
{
	(void)state;
	assert_int_equal(code_of("lint tests/lint/ok-plain.yaml"), EXIT_GOOD);
	assert_int_equal(code_of("lint tests/lint/repeat-step.yaml"), EXIT_FAULTS);
	assert_int_equal(code_of("lint tests/lint/ok-plain.yaml tests/lint/repeat-step.yaml"), EXIT_FAULTS);
	assert_int_equal(code_of("lint tests/lint/no-such-file.yaml"), EXIT_MISUSE);
	assert_int_equal(code_of("lint --kind Pipeliine tests/lint/ok-plain.yaml"), EXIT_MISUSE);
	assert_int_equal(code_of("lint tests/unit"), EXIT_MISUSE);
	assert_int_equal(code_of("lint"), EXIT_MISUSE);
}

static void plan_and_echo_are_misused_as_lint_is(void **state)
{
	(void)state;
	static const char *const misused[] = {"tests/lint/no-such-file.yaml", "--kind Pipeliine tests/lint/ok-plain.yaml"};
	for (size_t i = 0; i < sizeof misused / sizeof *misused; i++) {
		char line[128];
		snprintf(line, sizeof line, "plan %s", misused[i]);
		assert_int_equal(code_of(line), EXIT_MISUSE);
		snprintf(line, sizeof line, "echo %s", misused[i]);
		assert_int_equal(code_of(line), EXIT_MISUSE);
	}
	assert_int_equal(code_of("plan tests/lint/repeat-step.yaml"), EXIT_FAULTS);
	assert_int_equal(code_of("plan --models tests/no-such-file.json tests/lint/ok-plain.yaml"), EXIT_MISUSE);
}

static void metadata_with_a_fault_is_a_fault_and_has_its_place(void **state)
{
	(void)state;
	static const struct {
		const char *json;
		const char *says;
	} rows[] = {
		{"{\"wide\": {},\n  \"bad\": {\"inputs\": [{\"name\": \"x\", \"datatype\": \"FP31\"}]}}",
		 ":2:10: model `bad` has a datatype"},
		{"[]", ":1:1: the metadata of models is an object"},
		{"{\n\"a\": }", ":2:6: this is not JSON"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char path[] = "/tmp/sluice-models-XXXXXX", line[128], says[128];
		int file = mkstemp(path);
		assert_int_equal(write(file, rows[i].json, strlen(rows[i].json)), strlen(rows[i].json));
		close(file);
		snprintf(line, sizeof line, "plan --models %s tests/lint/ok-plain.yaml", path);
		snprintf(says, sizeof says, "%s%s", path, rows[i].says);
		struct said said = run(line);
		unlink(path);
		assert_int_equal(said.code, EXIT_FAULTS);
		if (!strstr(said.err, says))
			fail_msg("`%s` does not contain `%s`", said.err, says);
		said_close(&said);
	}
}

static void plan_and_echo_write_faults_as_json_as_lint_does(void **state)
{
	(void)state;
	json_t *linted = json_of("lint -o json tests/lint/repeat-step.yaml", EXIT_FAULTS);
	assert_int_equal(json_array_size(linted), 1);
	static const char *const lines[] = {"plan -o json tests/lint/repeat-step.yaml", "echo -o json tests/lint/repeat-step.yaml"};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct said said = run(lines[i]);
		assert_int_equal(said.code, EXIT_FAULTS);
		assert_string_equal(said.err, "");
		json_t *json = json_loads(said.out, 0, NULL);
		assert_true(json_equal(json, linted));
		json_decref(json);
		said_close(&said);
	}
	json_decref(linted);
	struct said said = run("plan tests/lint/repeat-step.yaml");
	assert_string_equal(said.out, "");
	assert_non_null(strstr(said.err, "repeat-step.yaml:"));
	said_close(&said);
	json_t *schema = json_of("schema -o json Pipeline", EXIT_GOOD);
	json_decref(schema);
}

static void warnings_fail_only_when_asked_to_and_notes_never(void **state)
{
	(void)state;
	assert_int_equal(code_of("lint tests/lint/input-and-trigger-same.yaml"), EXIT_GOOD);
	assert_int_equal(code_of("lint --strict tests/lint/input-and-trigger-same.yaml"), EXIT_FAULTS);
	assert_int_equal(code_of("lint --strict tests/lint/ok-model-all-fields.yaml"), EXIT_GOOD);
	assert_int_equal(code_of("lint --strict tests/lint-own/ok-rollout-stages-beyond-the-outcome-window.yaml"), EXIT_GOOD);
}

static void a_folder_is_all_its_yaml(void **state)
{
	(void)state;
	json_t *faults = json_of("lint -o json tests/lint", EXIT_FAULTS);
	assert_true(json_array_size(faults) > 50);
	json_decref(faults);
}

static void a_folder_without_yaml_is_the_folders_in_it(void **state)
{
	(void)state;
	struct said said = run("lint pipelines");
	assert_int_not_equal(said.code, EXIT_MISUSE);
	said_close(&said);
	said = run("echo pipelines");
	assert_non_null(strstr(said.out, "name: routing"));
	assert_non_null(strstr(said.out, "name: ensemble"));
	said_close(&said);
}

static void two_pipelines_of_one_name_are_not_told_to_share_a_topic_too(void **state)
{
	(void)state;
	struct said said = run("lint tests/cases-own/batch-with-a-deadline tests/cases-own/batch-without-rows");
	assert_non_null(strstr(said.out, "SL0208"));
	assert_null(strstr(said.out, "SL0515"));
	said_close(&said);
}

static void a_resource_that_two_files_have_is_refused_where_they_are_in_force_together(void **state)
{
	(void)state;
	static const char *const kinds[] = {"Model", "Pipeline", "Experiment"};
	static const char *const specs[] = {"{storageUri: \"gs://m\"}",
					    "{steps: [{name: s, expression: {set: {y: x * 2}}}], output: {steps: [s]}}",
					    "{default: m, candidates: [{name: m, weight: 1}, {name: n, weight: 1}]}"};
	for (size_t kind = 0; kind < 3; kind++) {
		char folder[] = "/tmp/lint_test.XXXXXX", line[200], expected[200];
		assert_non_null(mkdtemp(folder));
		for (int i = 1; i <= 3; i++) { /* the third is of another namespace */
			char path[100], text[400];
			snprintf(path, sizeof path, "%s/%d.yaml", folder, i);
			snprintf(text, sizeof text,
				 "apiVersion: mlops.seldon.io/v1alpha1\nkind: %s\nmetadata: {name: a, namespace: %s}\nspec: %s\n",
				 kinds[kind], i == 3 ? "two" : "one", specs[kind]);
			write_file(path, text);
		}
		snprintf(expected, sizeof expected, "the %s `a` is already in %s/1.yaml, line 1", kinds[kind], folder);
		snprintf(line, sizeof line, "lint %s/1.yaml %s/2.yaml", folder, folder);
		struct said said = run(line);
		assert_non_null(strstr(said.out, "SL0208"));
		said_close(&said);
		snprintf(line, sizeof line, "plan %s/1.yaml %s/2.yaml", folder, folder);
		said = run(line);
		assert_int_equal(said.code, EXIT_FAULTS);
		assert_non_null(strstr(said.err, "SL0205"));
		assert_non_null(strstr(said.err, expected));
		assert_null(strstr(said.err, "[SL0208"));
		said_close(&said);
		snprintf(line, sizeof line, "plan %s/1.yaml %s/3.yaml", folder, folder);
		said = run(line);
		assert_null(strstr(said.err, "SL0205"));
		said_close(&said);
		snprintf(line, sizeof line, "rm -r %s", folder);
		assert_int_equal(system(line), 0);
	}
}

/* What lint only warns of is refused by a control plane: it says so. */
static void two_experiments_of_one_default_in_two_files_are_told_to_be_refused(void **state)
{
	(void)state;
	char folder[] = "/tmp/lint_test.XXXXXX", line[200];
	assert_non_null(mkdtemp(folder));
	for (int i = 1; i <= 2; i++) {
		char path[100], text[400];
		snprintf(path, sizeof path, "%s/e%d.yaml", folder, i);
		snprintf(text, sizeof text,
			 "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e%d}\nspec:\n  default: m\n"
			 "  candidates: [{name: m, weight: 1}, {name: n, weight: 1}]\n",
			 i);
		write_file(path, text);
	}
	snprintf(line, sizeof line, "lint %s/e1.yaml %s/e2.yaml", folder, folder);
	struct said said = run(line);
	assert_non_null(strstr(said.out, "SL0208"));
	assert_non_null(strstr(
		said.out, "`m` is the default of the experiment `e1` already; a control plane refuses the two together (SL0402)"));
	said_close(&said);
	snprintf(line, sizeof line, "rm -r %s", folder);
	assert_int_equal(system(line), 0);
}

static void every_fault_of_a_file_is_told_in_one_run(void **state)
{
	(void)state;
	static const char *const places[] = {"4:9",   "5:3",   "7:3",	"8:20",	 "9:12",  "12:14", "12:18", "13:15", "14:21",
					     "15:17", "15:33", "15:38", "16:11", "17:14", "18:11", "19:5",  "19:14", "19:17",
					     "20:19", "20:32", "21:20", "21:24", "22:33", "28:12", "29:34", "29:40", "29:47",
					     "29:52", "29:68", "30:18", "30:30", "31:24", "31:38", "31:57"};
	json_t *faults = json_of("lint -o json tests/data/spec/many-faults.yaml", EXIT_FAULTS), *fault;
	size_t index, errors = 0;
	json_array_foreach(faults, index, fault)
	{
		char place[32];
		if (strcmp(json_string_value(json_object_get(fault, "severity")), "error") != 0)
			continue;
		snprintf(place, sizeof place, "%lld:%lld", json_integer_value(json_object_get(fault, "line")),
			 json_integer_value(json_object_get(fault, "column")));
		assert_true(errors < sizeof places / sizeof *places);
		assert_string_equal(place, places[errors++]);
	}
	assert_int_equal(errors, sizeof places / sizeof *places);
	json_decref(faults);
}

static void what_follows_from_a_value_that_was_refused_is_not_told(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		int column;
	} refused[] = {
		{"lint -o json tests/lint-own/v1-traffic-quoted.yaml", 14},
		{"lint -o json tests/lint-own/v1-traffic-past-hundred.yaml", 14},
		{"lint -o json tests/lint-own/deployment-test-ratio-number.yaml", 42},
	};
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		json_t *faults = json_of(refused[i].line, EXIT_FAULTS);
		assert_int_equal(json_array_size(faults), 1);
		assert_int_equal(json_integer_value(json_object_get(json_array_get(faults, 0), "column")), refused[i].column);
		json_decref(faults);
	}
}

static void both_ways_to_ask_for_json_are_the_same(void **state)
{
	(void)state;
	struct said one = run("lint -o json tests/lint/field-stepjoin.yaml"),
		    other = run("lint -o json tests/lint/field-stepjoin.yaml");
	assert_string_equal(one.out, other.out);
	said_close(&one);
	said_close(&other);
}

/* Which is no error: it may be deployed later. */
static void what_policies_name_in_vain_is_warned_of(void **state)
{
	static const char *const places[] = {
		"idle-policies.yaml:2:31: warning: no pipeline is called `farud`; did you mean `fraud`?",
		"idle-policies.yaml:3:77: warning: the verb `explain` allows nothing here",
		"idle-policies.yaml:4:60: warning: no pipeline or model is in the namespace `nowhere`",
		"     2 | - {subject: anyone, resource: pipeline/farud, verb: infer}", "2 resources: 0 errors, 3 warnings"};
	(void)state;
	struct said said = run("lint tests/data/access/served.yaml --policies tests/data/access/idle-policies.yaml");
	for (size_t i = 0; i < sizeof places / sizeof *places; i++)
		if (!strstr(said.out, places[i]))
			fail_msg("%s", said.out);
	said_close(&said);
	assert_int_equal(code_of("lint tests/data/access/served.yaml --policies tests/data/access/idle-policies.yaml"), EXIT_GOOD);
	assert_int_equal(code_of("lint --strict tests/data/access/served.yaml --policies tests/data/access/idle-policies.yaml"),
			 EXIT_FAULTS);
	assert_int_equal(code_of("lint --strict tests/data/access/served.yaml"), EXIT_GOOD);
	assert_int_equal(code_of("lint tests/data/access/served.yaml --policies tests/data/access/served.yaml"), EXIT_FAULTS);
}

static void every_kind_of_step_is_known(void **state)
{
	(void)state;
	struct said said = run("lint " EVERY);
	if (said.code != EXIT_GOOD)
		fail_msg("%s", said.out);
	said_close(&said);
}

static void a_type_of_explainer_that_there_is_not_has_one_fault(void **state)
{
	(void)state;
	struct said said = run("lint tests/lint-own/v1-explainer-unknown.yaml");
	assert_int_not_equal(said.code, EXIT_GOOD);
	assert_non_null(strstr(said.out, "`type` takes one of the words"));
	assert_null(strstr(said.out, "without `type`"));
	said_close(&said);
}

static void what_is_echoed_has_its_defaults_and_echoes_as_itself(void **state)
{
	(void)state;
	/* What stands behind `echo`; the last ones are a fragment, which has neither kind nor name, and must not get any. */
	static const char *const files[] = {EVERY, "tests/reference/runtime-full.yaml", "tests/reference/experiment-criteria.yaml",
					    "tests/reference/sdep-explainer.yaml",
					    "--kind SeldonDeployment tests/data/spec/fragment.yaml"};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		char line[256], path[] = "/tmp/sluice-echo-XXXXXX";
		snprintf(line, sizeof line, "echo %s", files[i]);
		struct said once = run(line);
		assert_int_equal(once.code, EXIT_GOOD);
		int file = mkstemp(path);
		assert_true(file >= 0);
		assert_int_equal(write(file, once.out, strlen(once.out)), (ssize_t)strlen(once.out));
		const char *kind = strstr(files[i], "--kind ");
		snprintf(line, sizeof line, "echo %s %s", kind ? "--kind SeldonDeployment" : "", path);
		struct said twice = run(line);
		assert_string_equal(twice.out, once.out);
		close(file);
		unlink(path);
		said_close(&once);
		said_close(&twice);
	}
	struct said said = run("echo " EVERY);
	assert_non_null(strstr(said.out, "timeout: 1m30s\n"));
	assert_non_null(strstr(said.out, "joinWindowMs: 60000\n"));
	assert_non_null(strstr(said.out, "- \"no\"\n"));
	said_close(&said);
}

static void what_has_errors_is_not_echoed(void **state)
{
	(void)state;
	struct said said = run("echo tests/lint/field-storageurl.yaml");
	assert_int_equal(said.code, EXIT_FAULTS);
	assert_string_equal(said.out, "");
	assert_non_null(strstr(said.err, "storageURL"));
	said_close(&said);
}

static void echoed_json_holds_numbers_flags_and_texts(void **state)
{
	(void)state;
	json_t *resources = json_of("echo -o json tests/lint/ok-cycle-allowed.yaml", EXIT_GOOD);
	const json_t *spec = json_object_get(json_array_get(resources, 0), "spec");
	assert_true(json_is_true(json_object_get(spec, "allowCycles")));
	assert_int_equal(json_integer_value(json_object_get(spec, "maxStepRevisits")), 4);
	const json_t *step = json_array_get(json_object_get(spec, "steps"), 0);
	assert_string_equal(json_string_value(json_object_get(step, "inputsJoinType")), "any");
	assert_string_equal(json_string_value(json_object_get(step, "triggersJoinType")), "inner");
	json_decref(resources);
}

static void each_kind_has_a_schema(void **state)
{
	(void)state;
	json_t *all = json_of("schema", EXIT_GOOD);
	for (const struct resource_kind *kind = resource_kinds; kind->name; kind++) {
		char line[64];
		snprintf(line, sizeof line, "schema %s", kind->name);
		json_t *one = json_of(line, EXIT_GOOD);
		assert_string_equal(json_string_value(json_object_get(one, "title")), kind->name);
		json_decref(one);
		const json_t *definition = json_object_get(json_object_get(all, "$defs"), kind->name);
		assert_int_equal(definition != NULL, kind->api_version != NULL);
	}
	json_decref(all);
	assert_int_equal(code_of("schema Pipelines"), EXIT_MISUSE);
}

static void each_record_has_an_avro_schema(void **state)
{
	(void)state;
	for (const struct schema *schema = schema_table; schema->name; schema++) {
		char line[64];
		snprintf(line, sizeof line, "schema %s", schema->name);
		json_t *printed = json_of(line, EXIT_GOOD);
		assert_string_equal(json_string_value(json_object_get(printed, "type")), "record");
		json_decref(printed);
	}
	json_t *exposure = json_of("schema exposure", EXIT_GOOD);
	assert_string_equal(json_string_value(json_object_get(exposure, "name")), "Exposure");
	json_decref(exposure);
}

/* What "#/a/b/c" points to. */
static const json_t *pointed(const json_t *root, const char *reference)
{
	const json_t *at = root;
	for (const char *part = reference + 2; at && *part;) {
		size_t length = strcspn(part, "/");
		char name[128];
		snprintf(name, sizeof name, "%.*s", (int)length, part);
		at = json_is_array(at) ? json_array_get(at, (size_t)strtoul(name, NULL, 10)) : json_object_get(at, name);
		part += length + (part[length] == '/');
	}
	return at;
}

static size_t follow_references(const json_t *root, json_t *schema)
{
	size_t count = 0;
	const char *key;
	json_t *value;
	if (json_is_object(schema))
		json_object_foreach(schema, key, value)
		{
			if (strcmp(key, "$ref") == 0 && json_is_string(value)) {
				count++;
				if (!pointed(root, json_string_value(value)))
					fail_msg("%s points nowhere", json_string_value(value));
			}
			count += follow_references(root, value);
		}
	for (size_t i = 0; i < json_array_size(schema); i++)
		count += follow_references(root, json_array_get(schema, i));
	return count;
}

static void references_in_a_schema_point_somewhere(void **state)
{
	(void)state;
	static const char *const lines[] = {"schema", "schema SeldonDeployment"};
	for (size_t i = 0; i < 2; i++) {
		json_t *schema = json_of(lines[i], EXIT_GOOD);
		assert_true(follow_references(schema, schema) > 0);
		json_decref(schema);
	}
}

/* A name that was meant is looked for no longer once the list of faults is full. */
static void a_quarter_of_a_million_unknown_keys_take_little_time(void **state)
{
	(void)state;
	FILE *file = fopen(LARGE, "w");
	assert_non_null(file);
	fputs("apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps: [{name: s}]\n", file);
	for (int i = 0; i < UNIT_REPETITIONS(250000); i++)
		fprintf(file, "  stepz%d: 1\n", i);
	assert_int_equal(fclose(file), 0);
	struct timespec began, ended;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &began);
	assert_int_equal(code_of("lint " LARGE), EXIT_FAULTS);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ended);
	unlink(LARGE);
	assert_in_range(ended.tv_sec - began.tv_sec, 0, SECONDS_OF_LARGE);
}

static void a_pipe_is_refused_and_not_waited_for(void **state)
{
	(void)state;
	char folder[] = "/tmp/sluice-lint-XXXXXX", path[64], line[128];
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/p.yaml", folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	snprintf(line, sizeof line, "lint %s", path);
	struct said said = run(line);
	assert_int_equal(unlink(path) + rmdir(folder), 0);
	assert_int_equal(said.code, EXIT_MISUSE);
	assert_non_null(strstr(said.err, "pipe"));
	said_close(&said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_quarter_of_a_million_unknown_keys_take_little_time),
		cmocka_unit_test(a_pipe_is_refused_and_not_waited_for),
		cmocka_unit_test(a_pipeline_too_large_for_all_checks_is_told_of),
		cmocka_unit_test(faults_of_alerts_and_metrics_have_codes_of_their_own),
		cmocka_unit_test(the_exit_code_tells_clean_from_faulty_from_misused),
		cmocka_unit_test(plan_and_echo_are_misused_as_lint_is),
		cmocka_unit_test(metadata_with_a_fault_is_a_fault_and_has_its_place),
		cmocka_unit_test(plan_and_echo_write_faults_as_json_as_lint_does),
		cmocka_unit_test(warnings_fail_only_when_asked_to_and_notes_never),
		cmocka_unit_test(a_folder_is_all_its_yaml),
		cmocka_unit_test(a_folder_without_yaml_is_the_folders_in_it),
		cmocka_unit_test(two_pipelines_of_one_name_are_not_told_to_share_a_topic_too),
		cmocka_unit_test(a_resource_that_two_files_have_is_refused_where_they_are_in_force_together),
		cmocka_unit_test(two_experiments_of_one_default_in_two_files_are_told_to_be_refused),
		cmocka_unit_test(every_fault_of_a_file_is_told_in_one_run),
		cmocka_unit_test(what_follows_from_a_value_that_was_refused_is_not_told),
		cmocka_unit_test(both_ways_to_ask_for_json_are_the_same),
		cmocka_unit_test(what_policies_name_in_vain_is_warned_of),
		cmocka_unit_test(every_kind_of_step_is_known),
		cmocka_unit_test(a_type_of_explainer_that_there_is_not_has_one_fault),
		cmocka_unit_test(what_is_echoed_has_its_defaults_and_echoes_as_itself),
		cmocka_unit_test(what_has_errors_is_not_echoed),
		cmocka_unit_test(echoed_json_holds_numbers_flags_and_texts),
		cmocka_unit_test(each_kind_has_a_schema),
		cmocka_unit_test(each_record_has_an_avro_schema),
		cmocka_unit_test(references_in_a_schema_point_somewhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
