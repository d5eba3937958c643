/* init_test.c: Tests of what `sluice init` leaves in a folder. */
#include "tests/unit/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#define TEXT_MAX 4096

static char folder[] = "/tmp/sluice-init-XXXXXX";

static int open_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	char command[128];
	snprintf(command, sizeof command, "rm -rf %s", folder);
	return system(command);
}

static struct said init(const char *name)
{
	char line[256];
	snprintf(line, sizeof line, "init %s/%s", folder, name);
	return say(line);
}

static const char *read_back(const char *name)
{
	static char text[TEXT_MAX];
	char path[256];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "r");
	if (!file)
		fail_msg("%s is not there", path);
	text[fread(text, 1, sizeof text - 1, file)] = '\0';
	fclose(file);
	return text;
}

static void it_writes_a_pipeline_of_ten_lines_named_as_its_folder(void **state)
{
	(void)state;
	struct said said = init("deep/down/trading-2/");
	assert_int_equal(said.code, EXIT_GOOD);
	assert_non_null(strstr(said.out, " lint "));
	said_close(&said);
	const char *text = read_back("deep/down/trading-2/pipeline.yaml");
	assert_non_null(strstr(text, "metadata: {name: trading-2}\n"));
	size_t lines = 0;
	for (; *text; text++)
		lines += *text == '\n';
	assert_int_equal(lines, 11); /* ten, and the line for editors */
}

static void editors_find_the_schema_beside_the_yaml(void **state)
{
	(void)state;
	static const char line[] = "# yaml-language-server: $schema=";
	struct said said = init("edited"), schema = say("schema");
	assert_int_equal(said.code, EXIT_GOOD);
	const char *text = read_back("edited/pipeline.yaml");
	assert_int_equal(strncmp(text, line, strlen(line)), 0);
	char command[256];
	snprintf(command, sizeof command, "mv %s/edited/%.*s %s/schema.json", folder,
		 (int)strcspn(text + strlen(line), "\n"), text + strlen(line), folder);
	assert_int_equal(system(command), 0);
	char path[256];
	json_error_t why;
	snprintf(path, sizeof path, "%s/schema.json", folder);
	json_t *written = json_load_file(path, 0, &why), *printed = json_loads(schema.out, 0, NULL);
	assert_non_null(written);
	assert_true(json_equal(written, printed));
	json_decref(written);
	json_decref(printed);
	said_close(&said);
	said_close(&schema);
}

static void with_a_model_the_pipeline_calls_it_and_its_test_needs_no_server(void **state)
{
	(void)state;
	struct said said = init("churn --model leaves");
	assert_int_equal(said.code, EXIT_GOOD);
	said_close(&said);
	const char *text = read_back("churn/pipeline.yaml");
	expect_words(text, "kind: Pipeline\nmetadata: {name: churn}\n");
	expect_words(text, "  - name: leaves ");
	expect_words(text, "inputs: [leaves]\n");
	expect_words(text, "kind: Model\nmetadata: {name: leaves}\n");
	expect_words(read_back("churn/tests/decides/stubs.json"), "{\"leaves\": {\"predict_proba\": ");
}

static void a_model_whose_name_does_not_fit_is_refused_before_anything_is_written(void **state)
{
	(void)state;
	static const char *const lines[] = {"wrong --model My_Model", "wrong --model -x", "wrong --model decide",
					    "wrong --model wrong", "Wrong --model hello"};
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct said said = init(lines[i]);
		assert_int_equal(said.code, EXIT_MISUSE);
		said_close(&said);
	}
	char path[256];
	snprintf(path, sizeof path, "%s/wrong", folder);
	assert_int_equal(access(path, F_OK), -1);
}

static void a_folder_whose_name_cannot_name_a_pipeline_holds_hello(void **state)
{
	(void)state;
	static const char *const names[] = {"My_Pipe", "-x", "prepare"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct said said = init(names[i]);
		assert_int_equal(said.code, EXIT_GOOD);
		said_close(&said);
		char path[64];
		snprintf(path, sizeof path, "%s/pipeline.yaml", names[i]);
		assert_non_null(strstr(read_back(path), "metadata: {name: hello}\n"));
	}
}

static void it_writes_a_request_and_a_test_beside_it(void **state)
{
	(void)state;
	struct said said = init("tested");
	assert_int_equal(said.code, EXIT_GOOD);
	said_close(&said);
	assert_non_null(strstr(read_back("tested/tests/decides/in.jsonl"), "\"high\""));
	assert_non_null(strstr(read_back("tested/tests/decides/out.jsonl"), "\"buy\""));
	assert_non_null(strstr(read_back("tested/request.json"), "\"inputs\""));
}

static void what_was_written_can_be_read_by_a_program(void **state)
{
	(void)state;
	struct said said = init("listed -o json");
	assert_int_equal(said.code, EXIT_GOOD);
	json_t *json = json_loads(said.out, 0, NULL);
	const json_t *files = json_object_get(json, "files");
	assert_non_null(strstr(json_string_value(json_object_get(json, "folder")), "/listed"));
	assert_int_equal(json_array_size(files), 5);
	assert_string_equal(json_string_value(json_array_get(files, 0)), "pipeline.yaml");
	json_decref(json);
	said_close(&said);
}

static void it_never_overwrites_and_then_writes_nothing(void **state)
{
	(void)state;
	char path[256];
	snprintf(path, sizeof path, "mkdir %s/mine && echo kept >%s/mine/request.json", folder, folder);
	assert_int_equal(system(path), 0);
	struct said said = init("mine");
	assert_int_equal(said.code, EXIT_FAULTS);
	assert_non_null(strstr(said.err, "mine/request.json is already there, so nothing was written"));
	said_close(&said);
	assert_string_equal(read_back("mine/request.json"), "kept\n");
	snprintf(path, sizeof path, "%s/mine/pipeline.yaml", folder);
	assert_int_equal(access(path, F_OK), -1);
}

static void a_folder_that_cannot_be_made_is_named(void **state)
{
	(void)state;
	struct said said = say("init /dev/null/x");
	assert_int_equal(said.code, EXIT_FAULTS);
	assert_non_null(strstr(said.err, "/dev/null/x cannot be made: Not a directory"));
	said_close(&said);
}

static void what_it_says_can_be_pasted_whatever_the_folder_is_called(void **state)
{
	(void)state;
	static const char *const words[] = {"sluice", "init", "a folder's"};
	char *said = NULL;
	size_t length = 0;
	char *before = getcwd(NULL, 0);
	assert_int_equal(chdir(folder), 0);
	static const struct step_kind *const none[] = {NULL};
	struct session session = {.out = open_memstream(&said, &length),
				  .err = fopen("/dev/null", "w"),
				  .kinds = none,
				  .commands = command_table};
	assert_int_equal(command_main(&session, 3, words), EXIT_GOOD);
	assert_int_equal(command_main(&session, 3, (const char *const[]){"sluice", "init", "-dash"}), EXIT_MISUSE);
	assert_int_equal(command_main(&session, 4, (const char *const[]){"sluice", "init", "--", "-dash"}), EXIT_GOOD);
	assert_int_equal(command_main(&session, 3, (const char *const[]){"sluice", "init", ""}), EXIT_MISUSE);
	fclose(session.out);
	fclose(session.err);
	assert_int_equal(chdir(before), 0);
	expect_words(said, " lint 'a folder'\\''s' && ");
	expect_words(said, " lint ./-dash && ");
	free(before);
	free(said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_writes_a_pipeline_of_ten_lines_named_as_its_folder),
		cmocka_unit_test(editors_find_the_schema_beside_the_yaml),
		cmocka_unit_test(with_a_model_the_pipeline_calls_it_and_its_test_needs_no_server),
		cmocka_unit_test(a_model_whose_name_does_not_fit_is_refused_before_anything_is_written),
		cmocka_unit_test(a_folder_whose_name_cannot_name_a_pipeline_holds_hello),
		cmocka_unit_test(it_writes_a_request_and_a_test_beside_it),
		cmocka_unit_test(what_was_written_can_be_read_by_a_program),
		cmocka_unit_test(it_never_overwrites_and_then_writes_nothing),
		cmocka_unit_test(a_folder_that_cannot_be_made_is_named),
		cmocka_unit_test(what_it_says_can_be_pasted_whatever_the_folder_is_called),
	};
	return cmocka_run_group_tests(tests, open_folder, remove_folder);
}
