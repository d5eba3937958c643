/* files_test.c: Tests of files in options: what steps get that name files in their options, and what is said when they
 * get nothing. */
#include "models/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/session.h"
#include "steps/kinds.h"

#define DIGEST_OF_ONE                                                                                                              \
	"7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed" /* sha256sum of the three letters "one"                 \
									    */

static char folder[] = "/tmp/sluice-files-XXXXXX";
static char yaml[64], path[64];
static struct files *files;
static struct error error;

static int set_up(void **state)
{
	(void)state;
	error = (struct error){0};
	if (!mkdtemp(folder))
		return 1;
	(void)snprintf(yaml, sizeof yaml, "%s/pipeline.yaml", folder);
	(void)snprintf(path, sizeof path, "%s/model", folder);
	write_file(path, "one");
	files = files_open(&error);
	return files ? 0 : 1;
}

static int tear_down(void **state)
{
	(void)state;
	files_close(files);
	(void)unlink(path);
	(void)rmdir(folder);
	memcpy(strrchr(folder, '-') + 1, "XXXXXX", 6);
	return 0;
}

static struct name named(const char *text)
{
	return (struct name){text, {.file = yaml, .line = 7, .column = 3}};
}

static bool read_as(const char *text, const char *digest, struct text *content)
{
	const struct step step = {.name = "s", .files = files_source(files)};
	const struct name file = named(text);
	error = (struct error){0};
	return step_file(&step, &file, digest, content, &error);
}

static void expect_refused(const char *text, const char *digest, const char *words)
{
	struct text content;
	assert_false(read_as(text, digest, &content));
	assert_int_equal(error.kind, ERROR_CONFIG);
	assert_string_equal(error.place.file, yaml);
	assert_int_equal(error.place.line, 7);
	expect_words(error.text, words);
}

static void a_name_is_relative_to_the_yaml_that_it_stands_in(void **state)
{
	(void)state;
	struct text content;
	assert_true(read_as("model", NULL, &content));
	assert_true(text_is(content, "one"));
	assert_true(read_as(path, NULL, &content));
	assert_true(text_is(content, "one"));
}

static void what_was_read_once_stays_as_it_was(void **state)
{
	(void)state;
	struct text before, after;
	assert_true(read_as("model", NULL, &before));
	write_file(path, "two");
	assert_true(read_as("model", NULL, &after));
	assert_ptr_equal(before.bytes, after.bytes);
	assert_true(text_is(after, "one"));
}

static void a_file_that_is_missing_is_said_at_the_line_that_names_it(void **state)
{
	(void)state;
	expect_refused("nothing", NULL, "/nothing cannot be read: No such file");
}

static void a_digest_tells_another_file_from_the_one_that_was_meant(void **state)
{
	(void)state;
	struct text content;
	assert_true(read_as("model", DIGEST_OF_ONE, &content));
	assert_true(read_as("model", "sha256:" DIGEST_OF_ONE, &content));
	expect_refused("model", "sha256:0692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed",
		       "is not the expected file");
	expect_refused("model", "sha256:7692", "is not a digest");
	expect_refused("model", "md5", "is not a digest");
}

static void a_view_knows_by_their_bytes_which_files_were_read_through_it(void **state)
{
	(void)state;
	struct files_view none, once, twice, other;
	struct files *later = files_open(&error);
	const struct name file = named("model");
	struct text content;
	files_view_begin(&none, files);
	files_view_begin(&once, files);
	files_view_begin(&twice, files);
	files_view_begin(&other, later);
	assert_true(once.source.read(once.source.context, &file, NULL, &content, &error));
	for (int i = 0; i < 2; i++)
		assert_true(twice.source.read(twice.source.context, &file, NULL, &content, &error));
	write_file(path, "two");
	assert_true(other.source.read(other.source.context, &file, NULL, &content, &error));
	assert_int_equal(files_view_content(&once), files_view_content(&twice));
	assert_int_not_equal(files_view_content(&once), files_view_content(&none));
	assert_int_not_equal(files_view_content(&once), files_view_content(&other));
	files_close(later);
}

static void a_step_that_is_given_no_files_says_so(void **state)
{
	(void)state;
	const struct step step = {.name = "s"};
	const struct name file = named("model");
	struct text content;
	assert_false(step_file(&step, &file, NULL, &content, &error));
	assert_int_equal(error.kind, ERROR_CONFIG);
	expect_words(error.text, "no files can be read here");
}

/* ---- what `sluice plan` says of them ---- */

#define MODEL "{\"format\":\"sluice_linear/1\",\"kind\":\"logistic\",\"coef\":[[1,2]],\"intercept\":[0]}"

static void expect_plan(const char *paths, const char *model, const char *out, const char *err)
{
	char text[1024], line[128];
	(void)snprintf(text, sizeof text,
		       "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
		       "  input: {tensors: {x: {paths: [%s], datatype: FP32}}}\n  steps:\n  - name: m\n    model: {%s}\n"
		       "  output: {steps: [m]}\n",
		       paths, model);
	write_file(yaml, text);
	(void)snprintf(line, sizeof line, "plan %s", yaml);
	struct said said = say_with(step_kinds, line);
	expect_words(said.out, out);
	expect_words(said.err, err);
	said_close(&said);
	(void)unlink(yaml);
}

#define STUMP "{\"left_children\":[-1],\"right_children\":[-1],\"split_indices\":[0],\"split_conditions\":[1],\"default_left\":[0]}"
#define STOPPED                                                                                                                    \
	"{\"learner\":{\"attributes\":{\"best_iteration\":\"0\"},\"learner_model_param\":{\"base_score\":\"0\",\"num_feature\":"   \
	"\"2\"},\"objective\":{\"name\":\"reg:squarederror\"},\"gradient_booster\":{\"name\":\"gbtree\",\"model\":{\"trees\":"     \
	"[" STUMP "," STUMP "," STUMP "],\"tree_info\":[0,0,0]}}}}"

static void a_plan_says_how_much_of_a_model_is_used_that_was_stopped_early(void **state)
{
	(void)state;
	write_file(path, STOPPED);
	expect_plan("a, b", "local: model", "uses   1 of the 3 iterations of its file, up to its best_iteration", "");
	expect_plan("a, b", "local: model, iterations: all", "uses   3 of the 3 iterations of its file, as `iterations: all`", "");
	expect_plan("a, b", "name: n, iterations: all", "", "`iterations` need a file; name it with `local`");
}

static void a_plan_knows_what_a_models_file_takes_and_gives(void **state)
{
	(void)state;
	write_file(path, MODEL);
	expect_plan("a, b", "local: model, labels: [down, up]", "predict FP64[1,2], label BYTES[1]", "");
	expect_plan("a, b", "local: model, output: p", "gives  p FP64[1,2]", "");
	expect_plan("a, b, c", "local: model", "", "takes 2 numbers a row, and `x` has 3");
	expect_plan("a, b", "local: model, input: y", "", "takes the tensor `y`, which never comes");
	expect_plan("a, b", "local: model, labels: [one]", "", "`labels` has 1 names, and the model has 2 classes");
	expect_plan("a, b", "local: gone", "", "/gone cannot be read");
	expect_plan("a, b", "local: model, server: s", "", "has no server");
	write_file(path, "nonsense");
	expect_plan("a, b", "local: model", "", ":8:20: error: step `m`: model is no model that can run here");
}

/* The name of a document that came without a folder is its key. */
static void an_alias_is_read_in_place_of_the_file_that_is_named(void **state)
{
	const struct file_alias aliases[] = {{"Pipeline/p@2", "models/m.json", path, DIGEST_OF_ONE},
					     {"Pipeline/q@1", "models/m.json", "/no/such/file", DIGEST_OF_ONE}};
	struct name file = {"models/m.json", {.file = "Pipeline/p@2", .line = 7, .column = 3}};
	const struct step step = {.name = "s", .files = files_source(files)};
	struct text content;
	(void)state;
	assert_true(files_alias(files, aliases, 2, &error));
	assert_true(step_file(&step, &file, DIGEST_OF_ONE, &content, &error));
	assert_true(text_is(content, "one"));
	file.place.file = "Pipeline/q@1";
	assert_false(step_file(&step, &file, NULL, &content, &error));
	error = (struct error){0};
	file.place.file = "Pipeline/p@1"; /* another version has no such file */
	assert_false(step_file(&step, &file, NULL, &content, &error));
	assert_true(read_as("model", NULL, &content)); /* what has no alias is read where it is */
}

static void an_alias_with_another_digest_is_not_read(void **state)
{
	const struct file_alias alias = {"Pipeline/p@2", "m.json", path, DIGEST_OF_ONE};
	const struct name file = {"m.json", {.file = "Pipeline/p@2", .line = 7, .column = 3}};
	const struct step step = {.name = "s", .files = files_source(files)};
	struct text content;
	(void)state;
	write_file(path, "two");
	assert_true(files_alias(files, &alias, 1, &error));
	assert_false(step_file(&step, &file, NULL, &content, &error));
	assert_int_equal(error.place.line, 7);
	assert_non_null(strstr(error.text, "which is the applied `m.json`, has the SHA-256 "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_name_is_relative_to_the_yaml_that_it_stands_in, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_was_read_once_stays_as_it_was, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_file_that_is_missing_is_said_at_the_line_that_names_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_digest_tells_another_file_from_the_one_that_was_meant, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_view_knows_by_their_bytes_which_files_were_read_through_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_alias_is_read_in_place_of_the_file_that_is_named, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_alias_with_another_digest_is_not_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_step_that_is_given_no_files_says_so, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_plan_knows_what_a_models_file_takes_and_gives, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_plan_says_how_much_of_a_model_is_used_that_was_stopped_early, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
