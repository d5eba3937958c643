/* fault_test.c: faults come in the order of the files, once each, and are printed so
 * that people find the place and programs can read them. */
#include "compiler/yaml/fault.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <jansson.h>

#include "compiler/yaml/fault_codes.h"

struct fixture {
	struct arena *arena;
	struct faults *faults;
	struct buffer out;
};

static const char *const first = "first.yaml", *const second = "second.yaml";

static struct fixture fixture_open(const char *first_text, const char *second_text)
{
	struct fixture fixture = {.arena = arena_open((size_t)64 << 20)};
	assert_non_null(fixture.arena);
	fixture.faults = faults_open(fixture.arena);
	assert_non_null(fixture.faults);
	faults_know(fixture.faults, first, text_of(first_text));
	faults_know(fixture.faults, second, text_of(second_text));
	buffer_open(&fixture.out, (size_t)64 << 20);
	return fixture;
}

static void fixture_close(struct fixture *fixture)
{
	buffer_close(&fixture->out);
	arena_close(fixture->arena);
}

static const char *printed(struct fixture *fixture)
{
	faults_print_text(fixture->faults, &fixture->out, (struct fault_look){0});
	buffer_byte(&fixture->out, '\0');
	assert_false(buffer_failed(&fixture->out));
	return fixture->out.bytes;
}

static void they_come_by_file_and_place(void **state)
{
	(void)state;
	struct fixture fixture = fixture_open("a: 1\nb: 2\n", "c: 3\n");
	fault_add(fixture.faults, CODE_WRONG_TYPE, (struct place){second, 1, 1}, NULL, "five");
	fault_add(fixture.faults, CODE_WRONG_TYPE, (struct place){first, 2, 4}, NULL, "three");
	fault_add(fixture.faults, CODE_WRONG_TYPE, (struct place){first, 1, 4}, NULL, "one");
	fault_add(fixture.faults, CODE_WRONG_TYPE, (struct place){first, 2, 4}, NULL, "four");
	fault_add(fixture.faults, CODE_WRONG_TYPE, (struct place){first, 2, 1}, NULL, "two");
	static const char *const order[] = {"one", "two", "three", "four", "five"};
	assert_int_equal(faults_total(fixture.faults), 5);
	for (size_t i = 0; i < 5; i++)
		assert_string_equal(faults_at(fixture.faults, i)->message, order[i]);
	fixture_close(&fixture);
}

static void the_same_is_not_said_twice(void **state)
{
	(void)state;
	struct fixture fixture = fixture_open("a: 1\n", "");
	for (int i = 0; i < 3; i++)
		fault_add(fixture.faults, CODE_WRONG_TYPE, (struct place){first, 1, 4}, NULL, "wrong");
	fault_add(fixture.faults, CODE_UNKNOWN_FIELD, (struct place){first, 1, 4}, NULL, "wrong");
	fault_add(fixture.faults, CODE_NO_EFFECT, (struct place){first, 1, 1}, NULL, "none");
	assert_int_equal(faults_count(fixture.faults, SEVERITY_ERROR), 2);
	assert_int_equal(faults_count(fixture.faults, SEVERITY_NOTE), 1);
	assert_int_equal(faults_count(fixture.faults, SEVERITY_WARNING), 0);
	fixture_close(&fixture);
}

static void the_caret_stands_below_what_is_meant(void **state)
{
	(void)state;
	static const struct {
		const char *line;
		uint32_t column;
		const char *caret;
	} rows[] = {
		{"ü: \"a \\\" b\" # c", 4, "       |    ^~~~~~~~\n"},
		{"a: [some thing, b]", 5, "       |     ^~~~~~~~~~\n"},
		{"a: {b: c}", 5, "       |     ^\n"},
		{"a: {b: c}", 4, "       |    ^\n"},
		{"a: two words  # why", 4, "       |    ^~~~~~~~~\n"},
		{"inputs:", 1, "       | ^~~~~~\n"},
		{"a: http://b:1", 4, "       |    ^~~~~~~~~~\n"},
		{"a:", 3, "       |   ^\n"},
		{"\ta: b", 2, "       |  ^\n"},
		{"a: 'it''s", 4, "       |    ^~~~\n"},
	};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fixture fixture = fixture_open(rows[i].line, "");
		fault_add(fixture.faults, CODE_WRONG_TYPE, (struct place){first, 1, rows[i].column}, NULL, "wrong");
		const char *text = printed(&fixture);
		if (!strstr(text, rows[i].caret))
			fail_msg("`%s` gives\n%s", rows[i].line, text);
		fixture_close(&fixture);
	}
}

static void people_read_place_line_suggestion_and_help(void **state)
{
	(void)state;
	struct fixture fixture = fixture_open("a: 1\r\nspce: 2\r\n", "");
	fault_add(fixture.faults, CODE_UNKNOWN_FIELD, (struct place){first, 2, 1}, "spec", "`%s` is no field", "spce");
	const char *text = printed(&fixture);
	assert_non_null(strstr(text, "first.yaml:2:1: error: `spce` is no field [SL0301 unknown-field]\n"
				     "     2 | spce: 2\n"
				     "       | ^~~~\n"
				     "         did you mean `spec`?\n"));
	assert_non_null(strstr(text, fault_code_find("sl0301")->help));
	fixture_close(&fixture);
}

static void a_line_without_end_is_shown_around_its_fault(void **state)
{
	(void)state;
	char line[5001];
	memset(line, '[', sizeof line - 1);
	line[sizeof line - 1] = '\0';
	struct fixture fixture = fixture_open(line, "");
	fault_add(fixture.faults, CODE_TOO_LARGE, (struct place){first, 1, 3000}, NULL, "deep");
	assert_true(strlen(printed(&fixture)) < 600);
	fixture_close(&fixture);
}

static void assert_fits(struct text shown, size_t columns)
{
	for (size_t at = 0; at < shown.length;) {
		const char *end = memchr(shown.bytes + at, '\n', shown.length - at);
		assert_non_null(end);
		const struct text line = {shown.bytes + at, (size_t)(end - shown.bytes) - at};
		if (text_characters(line) > columns)
			fail_msg("%zu columns: " TEXT_FORMAT, columns, TEXT_ARGUMENTS(line));
		at += line.length + 1;
	}
}

static void on_a_terminal_every_line_fits(void **state)
{
	(void)state;
	static const struct {
		size_t columns;
		uint32_t column; /* of the fault */
		const char *caret;
	} rows[] = {
		{80, 3, "     1 | a: bbbb and"},	/* the line is longer: from its beginning */
		{80, 150, "                                   ^"}, /* and around the fault */
		{40, 150, "               ^"},
		{200, 120, "       |                                                             ^"},
	};
	char source[300];
	memset(source, 'c', sizeof source - 1);
	memcpy(source, "a: bbbb and", 11);
	source[sizeof source - 1] = '\0';
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct fixture fixture = fixture_open(source, "");
		fault_add(fixture.faults, CODE_UNKNOWN_FIELD, (struct place){first, 1, rows[i].column}, "spec",
			  "`%s` is no field of this resource, whose fields are many, and all of them are words", "spce");
		faults_print_text(fixture.faults, &fixture.out, (struct fault_look){.colour = false, .columns = rows[i].columns});
		assert_fits(buffer_view(&fixture.out), rows[i].columns);
		buffer_byte(&fixture.out, 0);
		if (!strstr(fixture.out.bytes, rows[i].caret))
			fail_msg("%s", fixture.out.bytes);
		fixture_close(&fixture);
	}
}

static void a_line_that_fits_is_shown_from_its_beginning(void **state)
{
	(void)state;
	struct fixture fixture = fixture_open("- {name: prepare, expression: {set: {level: average(x)}}}\n", "");
	fault_add(fixture.faults, CODE_UNKNOWN_FIELD, (struct place){first, 1, 50}, NULL, "wrong");
	faults_print_text(fixture.faults, &fixture.out, (struct fault_look){.colour = false, .columns = 80});
	buffer_byte(&fixture.out, 0);
	assert_non_null(strstr(fixture.out.bytes, "     1 | - {name: prepare, expression"));
	fixture_close(&fixture);
}

static void programs_read_one_array(void **state)
{
	(void)state;
	struct fixture fixture = fixture_open("a: \"x\"\n", "");
	faults_print_json(fixture.faults, &fixture.out);
	assert_true(text_is(buffer_view(&fixture.out), "[]\n"));
	buffer_clear(&fixture.out);
	fault_add(fixture.faults, CODE_WRONG_TYPE, (struct place){first, 1, 4}, "\"y\"", "a \"quoted\"\nüword\x01 \xFF");
	faults_print_json(fixture.faults, &fixture.out);
	json_t *array = json_loadb(fixture.out.bytes, fixture.out.length, 0, NULL);
	assert_int_equal(json_array_size(array), 1);
	const json_t *fault = json_array_get(array, 0);
	assert_int_equal(json_object_size(fault), 9);
	assert_string_equal(json_string_value(json_object_get(fault, "file")), "first.yaml");
	assert_int_equal(json_integer_value(json_object_get(fault, "line")), 1);
	assert_int_equal(json_integer_value(json_object_get(fault, "column")), 4);
	assert_string_equal(json_string_value(json_object_get(fault, "kind")), "wrong-type");
	assert_string_equal(json_string_value(json_object_get(fault, "severity")), "error");
	assert_string_equal(json_string_value(json_object_get(fault, "code")), "SL0303");
	assert_string_equal(json_string_value(json_object_get(fault, "message")), "a \"quoted\"\nüword\x01 \xEF\xBF\xBD");
	assert_string_equal(json_string_value(json_object_get(fault, "suggest")), "\"y\"");
	assert_true(json_is_string(json_object_get(fault, "help")));
	json_decref(array);
	fixture_close(&fixture);
}

static void the_list_has_an_end(void **state)
{
	(void)state;
	struct fixture fixture = fixture_open("", "");
	for (uint32_t i = 1; i < FAULTS_MAX + 100; i++)
		fault_add(fixture.faults, CODE_WRONG_TYPE, (struct place){first, i, 1}, NULL, "wrong");
	assert_int_equal(faults_total(fixture.faults), FAULTS_MAX);
	assert_int_equal(faults_count(fixture.faults, SEVERITY_WARNING), 1);
	fixture_close(&fixture);
}

static void every_code_is_explained_with_an_example(void **state)
{
	(void)state;
	for (const struct fault_code *code = fault_codes; code->code; code++) {
		assert_ptr_equal(fault_code_find(code->code), code);
		assert_true(code->title && code->help && code->example);
		assert_int_equal(code->help[strlen(code->help) - 1], '.');
	}
	assert_null(fault_code_find("SL9999"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_come_by_file_and_place),
		cmocka_unit_test(the_same_is_not_said_twice),
		cmocka_unit_test(the_caret_stands_below_what_is_meant),
		cmocka_unit_test(people_read_place_line_suggestion_and_help),
		cmocka_unit_test(a_line_without_end_is_shown_around_its_fault),
		cmocka_unit_test(on_a_terminal_every_line_fits),
		cmocka_unit_test(a_line_that_fits_is_shown_from_its_beginning),
		cmocka_unit_test(programs_read_one_array),
		cmocka_unit_test(the_list_has_an_end),
		cmocka_unit_test(every_code_is_explained_with_an_example),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
