/* rows_test.c: of every kind, every field that there is: misspelt, of the wrong type,
 * and missing where it must not be. Each is found where it stands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/specs.h"
#include "steps/kinds.h"

#define YAML_MAX 4096
#define DEPTH_MAX 14 /* graphs of v1 contain themselves */

/* A document up to the place where a map of `rows` begins, all in its last line. */
struct opened {
	char text[YAML_MAX];
	char closing[64]; /* brackets, innermost first */
	uint32_t line;
	const char *kind; /* --kind */
	size_t depth;
	size_t fields; /* tried so far */
};

static uint32_t column_of(const struct opened *opened)
{
	const char *line = strrchr(opened->text, '\n');
	return (uint32_t)strlen(line ? line + 1 : opened->text) + 1;
}

static bool found(const struct opened *opened, const char *entry, uint32_t column, enum fault_kind kind, const char *contains)
{
	char yaml[YAML_MAX + 256];
	snprintf(yaml, sizeof yaml, "%s%s%s\n", opened->text, entry, opened->closing);
	struct spec spec = spec_of(yaml, opened->kind);
	bool found = false;
	for (size_t i = 0; i < faults_total(spec.faults) && !found; i++) {
		const struct fault *fault = faults_at(spec.faults, i);
		found = fault->code->kind == kind && fault->place.line == opened->line && fault->place.column == column &&
			strstr(fault->message, contains) && fault->code->severity == SEVERITY_ERROR;
	}
	if (!found) {
		struct buffer out;
		buffer_open(&out, (size_t)1 << 20);
		faults_print_text(spec.faults, &out, (struct fault_look){0});
		print_message("%s expected at %u:%u in\n%s\n%.*s", fault_kind_name(kind), opened->line, column, yaml,
			      (int)out.length, out.bytes ? out.bytes : "");
		buffer_close(&out);
	}
	spec_close(&spec);
	return found;
}

static bool is_list(enum option_type type)
{
	return type == OPTION_LIST || type == OPTION_NAMES || type == OPTION_REFERENCES || type == OPTION_NUMBERS ||
	       type == OPTION_OPERATIONS;
}

/* A value that the row cannot take; NULL: it takes anything, or too much. */
static const char *unfit(const struct option *row)
{
	if (row->type == OPTION_NODE)
		return NULL;
	if (row->type != OPTION_MAP)
		return is_list(row->type) ? "{zz: 1}" : "[[1]]";
	for (const struct option *inner = row->rows; inner->type != OPTION_END; inner++)
		if (inner->short_form)
			return NULL;
	return "[1]";
}

static void try_rows(struct opened *opened, const struct option *rows);

static void try_inside(struct opened *opened, const char *name, const char *before, const char *behind, const struct option *rows)
{
	size_t length = strlen(opened->text);
	char closing[sizeof opened->closing];
	strncpy(closing, opened->closing, sizeof closing);
	snprintf(opened->text + length, sizeof opened->text - length, "%s: %s", name, before);
	snprintf(opened->closing, sizeof opened->closing, "%s%s", behind, closing);
	try_rows(opened, rows);
	memcpy(opened->closing, closing, sizeof closing);
	opened->text[length] = '\0';
}

static void try_field(struct opened *opened, const struct option *row)
{
	char entry[256];
	uint32_t column = column_of(opened);
	opened->fields++;
	snprintf(entry, sizeof entry, "{%sQq: 1}", row->name);
	assert_true(found(opened, entry, column + 1, FAULT_UNKNOWN_FIELD, row->name));
	if (unfit(row)) {
		snprintf(entry, sizeof entry, "{%s: %s}", row->name, unfit(row));
		assert_true(found(opened, entry, column + 1 + (uint32_t)strlen(row->name) + 2, FAULT_WRONG_TYPE, row->name));
	}
	if (row->required)
		assert_true(found(opened, "{}", column, FAULT_MISSING_FIELD, row->name));
	char name[128];
	snprintf(name, sizeof name, "{%s", row->name);
	if (row->type == OPTION_MAP)
		try_inside(opened, name, "", "}", row->rows);
	if (row->type == OPTION_LIST)
		try_inside(opened, name, "[", "]}", row->rows);
	if (row->type == OPTION_TABLE)
		try_inside(opened, name, "{k: ", "}}", row->rows);
}

static bool has_names(const struct option *rows)
{
	for (const struct option *row = rows; row->type != OPTION_END; row++)
		if (row->name)
			return true;
	return false;
}

static bool has_free_keys(const struct option *rows)
{
	for (const struct option *row = rows; row->type != OPTION_END; row++)
		if (row->type == OPTION_TABLE && !row->name && !row->short_form)
			return true;
	return false;
}

static void try_rows(struct opened *opened, const struct option *rows)
{
	if (!has_names(rows) || has_free_keys(rows) || opened->depth == DEPTH_MAX)
		return;
	opened->depth++;
	for (const struct option *row = rows; row->type != OPTION_END; row++)
		if (row->name)
			try_field(opened, row);
	opened->depth--;
}

static void every_field_of_every_resource(void **state)
{
	(void)state;
	size_t fields = 0;
	for (const struct resource_kind *kind = resource_kinds; kind->name; kind++) {
		struct opened opened = {.kind = kind->name, .line = 1};
		if (kind->api_version) {
			snprintf(opened.text, sizeof opened.text,
				 "apiVersion: %s\nkind: %s\nmetadata: {name: n}\nspec: ", kind->api_version, kind->name);
			opened.line = 4;
		}
		try_rows(&opened, kind->rows);
		fields += opened.fields;
	}
	assert_true(fields > 300);
}

static void every_field_of_every_step_kind(void **state)
{
	(void)state;
	size_t fields = 0;
	for (size_t i = 0; step_kinds[i]; i++) {
		if (!step_kinds[i]->options)
			continue;
		struct opened opened = {.line = 4, .closing = "}]}"};
		snprintf(opened.text, sizeof opened.text,
			 "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: n}\nspec: {steps: [{name: a, %s: ",
			 step_kinds[i]->name);
		try_rows(&opened, step_kinds[i]->options);
		fields += opened.fields;
	}
	assert_true(fields > 60);
}

static void try_operations(const char *kind, const struct option *operations, size_t *tried)
{
	for (const struct option *row = operations; row->type != OPTION_END; row++, ++*tried) {
		struct opened opened = {.line = 4, .closing = "}]}]}"};
		snprintf(opened.text, sizeof opened.text,
			 "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: n}\nspec: {steps: [{name: a, %s: "
			 "[{%s: ",
			 kind, row->name);
		try_rows(&opened, row->rows);
	}
}

static void every_field_of_every_operation(void **state)
{
	(void)state;
	size_t tried = 0;
	for (size_t i = 0; step_kinds[i]; i++)
		for (const struct option *row = step_kinds[i]->options; row && row->type != OPTION_END; row++)
			if (row->type == OPTION_OPERATIONS)
				try_operations(step_kinds[i]->name, row->rows, &tried);
	assert_true(tried > 20);
}

/* What may be kept nowhere though nothing is said of it: free keys, a fragment's head, and what is read from the
 * tree of the file. */
static bool is_silent_by_right(const char *field)
{
	static const char *const rightful[] = {
		"labels", "annotations", "apiVersion", "kind", "metadata", "transport", "serverType", "env", "parameters",
	};
	for (size_t i = 0; i < sizeof rightful / sizeof *rightful; i++)
		if (strcmp(field, rightful[i]) == 0)
			return true;
	return false;
}

static size_t find_dropped(const char *kind, const struct option *rows, size_t depth)
{
	size_t looked = 0;
	for (const struct option *row = rows; row->type != OPTION_END && depth < DEPTH_MAX; row++) {
		bool map = row->type == OPTION_MAP || row->type == OPTION_LIST;
		if (!row->name || row->effect != EFFECT_HONOURED || is_silent_by_right(row->name))
			continue;
		looked++;
		if (map)
			looked += find_dropped(kind, row->rows, depth + 1);
		else if (row->offset == OPTION_UNSTORED)
			fail_msg("%s: `%s` is kept nowhere, and nothing is said of it", kind, row->name);
	}
	return looked;
}

static void no_field_is_dropped_in_silence(void **state)
{
	(void)state;
	size_t looked = 0;
	for (const struct resource_kind *kind = resource_kinds; kind->name; kind++)
		looked += find_dropped(kind->name, kind->rows, 0);
	assert_true(looked > 150);
}

static void every_row_has_a_sentence_of_help(void **state)
{
	(void)state;
	for (const struct resource_kind *kind = resource_kinds; kind->name; kind++)
		for (const struct option *row = kind->rows; row->type != OPTION_END; row++)
			if (row->name && (!row->help || row->help[strlen(row->help) - 1] != '.'))
				fail_msg("%s of %s has no sentence of help", row->name, kind->name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_of_every_resource),
		cmocka_unit_test(every_field_of_every_step_kind),
		cmocka_unit_test(every_field_of_every_operation),
		cmocka_unit_test(no_field_is_dropped_in_silence),
		cmocka_unit_test(every_row_has_a_sentence_of_help),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
