/* resource_files_test.c: Tests of the values of documents that name files: those that `sluice apply` sends along. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>

#include "compiler/resources/normal_form.h"
#include "tests/unit/specs.h"
#include "steps/kinds.h"
#include "tests/unit/arena_fixture.h"

#define CASES "tests/cases-own"

#define PIPELINE(steps)                                                                                                            \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n" steps
#define MODEL "apiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: m}\nspec: {storageUri: 'file:model.json'}\n"

static void add_files(const struct spec *spec, struct buffer *out)
{
	for (size_t i = 0; i < spec->count; i++) {
		struct name_list files;
		assert_true(resource_files(spec->resources[i], step_kinds, arena, &files));
		for (size_t j = 0; j < files.count; j++)
			buffer_print(out, "%s@%u:%u ", files.items[j].text, files.items[j].place.line, files.items[j].place.column);
	}
	buffer_byte(out, '\0');
}

static void expect_files(const char *yaml, const char *expected)
{
	struct spec spec = spec_of(yaml, NULL);
	struct buffer found;
	buffer_open(&found, (size_t)1 << 20);
	add_files(&spec, &found);
	assert_string_equal(found.bytes, expected);
	buffer_close(&found);
	spec_close(&spec);
}

static void each_value_that_names_a_file_is_found_with_its_place(void **state)
{
	(void)state;
	expect_files(PIPELINE("  - {name: a, model: {local: trees.json}}\n"), "trees.json@6:30 ");
	expect_files(PIPELINE("  - {name: a, drift: {tensors: [x], reference: usual.json, window: 50}}\n"), "usual.json@6:48 ");
	expect_files(PIPELINE("  - name: a\n    outlier: {tensor: x, by: knn, reference: {file: near.json}}\n"), "near.json@7:53 ");
	expect_files(
		PIPELINE("  - name: a\n    preprocess:\n    - fitted: all.json\n    - scale: {tensor: x, fitted: one.json}\n"
			 "    postprocess: [{calibrate: {tensor: y, table: points.json}}]\n    model: {local: 'file:m.json'}\n"),
		"all.json@8:15 one.json@9:34 points.json@10:50 file:m.json@11:20 ");
}

static void a_short_form_is_found_once(void **state)
{
	(void)state;
	expect_files(
		PIPELINE("  - {name: m, model: {local: m.json}}\n  - {name: a, inputs: [m], explain: {background: rows.csv}}\n"),
		"m.json@6:30 rows.csv@7:50 ");
	expect_files(
		PIPELINE("  - {name: m, model: {local: m.json}}\n"
			 "  - {name: a, inputs: [m], explain: {background: {rows: 100}}}\n"),
		"m.json@6:30 ");
}

/* A server reads the file of a storageUri, and secrets stay where they are. */
static void files_of_servers_and_secrets_are_not_among_them(void **state)
{
	(void)state;
	expect_files(MODEL, "");
	expect_files(PIPELINE("  - {name: a, model: {storageUri: 'file:m.json'}}\n"), "");
	expect_files("apiVersion: mlops.seldon.io/v1alpha1\nkind: Server\nmetadata: {name: s}\n"
		     "spec: {endpoints: ['https://h:1'], tls: {authorities: ca.pem, certificate: c.pem, key: k.pem}}\n",
		     "");
}

static bool is_of_the_case(const char *name)
{
	static const char *const others[] = {"pipeline.yaml", "in.jsonl", "out.jsonl", "README"};
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (strcmp(name, others[i]) == 0)
			return true;
	return name[0] == '.';
}

/* The other files of a case's folder that its pipelines name. Returns how many. */
static size_t case_check(const char *folder)
{
	char path[512];
	const char *const paths[] = {path};
	const struct spec_options options = {.kinds = step_kinds};
	struct spec spec;
	struct error error = {0};
	struct buffer found;
	size_t count = 0;
	(void)snprintf(path, sizeof path, CASES "/%s/pipeline.yaml", folder);
	assert_true(spec_open(&spec, &error));
	if (!spec_read(&spec, paths, 1, &options, &error) || spec.count == 0) {
		spec_close(&spec);
		return 0;
	}
	buffer_open(&found, (size_t)1 << 20);
	add_files(&spec, &found);
	struct text yaml = {0};
	for (uint32_t i = 1; i < 400; i++) {
		struct text line = faults_line(spec.faults, (struct place){.file = spec.resources[0]->place.file, .line = i});
		if (i == 1)
			yaml = line;
		if (line.bytes)
			yaml.length = (size_t)(line.bytes + line.length - yaml.bytes);
	}
	path[strlen(path) - strlen("/pipeline.yaml")] = '\0';
	DIR *listing = opendir(path);
	for (struct dirent *entry; listing && (entry = readdir(listing));) {
		size_t length = strlen(entry->d_name);
		if (is_of_the_case(entry->d_name) || !memmem(yaml.bytes, yaml.length, entry->d_name, length))
			continue;
		if (!strstr(found.bytes, entry->d_name))
			fail_msg("%s names %s, and it is not found: %s", path, entry->d_name, found.bytes);
		count++;
	}
	if (listing)
		closedir(listing);
	buffer_close(&found);
	spec_close(&spec);
	return count;
}

/* A row that names a file and does not say so would be found here: the cases of the steps name all kinds of files. */
static void no_file_of_a_case_is_overlooked(void **state)
{
	size_t count = 0;
	(void)state;
	DIR *cases = opendir(CASES);
	assert_non_null(cases);
	for (struct dirent *entry; (entry = readdir(cases));)
		if (entry->d_name[0] != '.') {
			count += case_check(entry->d_name);
			arena_reset(arena);
		}
	closedir(cases);
	assert_true(count > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_value_that_names_a_file_is_found_with_its_place, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(a_short_form_is_found_once, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(files_of_servers_and_secrets_are_not_among_them, arena_begin, arena_end),
		cmocka_unit_test_setup_teardown(no_file_of_a_case_is_overlooked, arena_begin, arena_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
