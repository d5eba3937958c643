/* command_test.c: from a line to a command, and what the table of commands promises. */
#include "tools/cli/arguments.h"
#include "tests/unit/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static void says(const char *line, int code, const char *out, const char *err)
{
	struct said said = say(line);
	if (said.code != code || !strstr(said.out, out) || !strstr(said.err, err))
		fail_msg("`sluice %s` ended with %d and said `%s` and `%s`", line, said.code, said.out, said.err);
	said_close(&said);
}

static void without_a_command_it_is_misused(void **state)
{
	(void)state;
	says("", EXIT_MISUSE, "", "`sluice help` lists the commands");
}

static void help_is_an_answer_and_goes_to_the_output(void **state)
{
	(void)state;
	says("help", EXIT_GOOD, "sluice COMMAND", "");
	says("--help", EXIT_GOOD, "sluice COMMAND", "");
	says("help help", EXIT_GOOD, "sluice help [OPTION]... [COMMAND|TOPIC|CODE]...", "");
	says("help --help", EXIT_GOOD, "sluice help [OPTION]... [COMMAND|TOPIC|CODE]...", "");
}

static void the_version_is_one_line(void **state)
{
	(void)state;
	says("--version", EXIT_GOOD, "sluice 0.", "");
}

static void a_misspelt_command_names_the_one_that_was_meant(void **state)
{
	(void)state;
	says("hlep", EXIT_MISUSE, "", "there is no command `hlep`; did you mean `help`?");
	says("xyzzy", EXIT_MISUSE, "", "there is no command `xyzzy`\n");
	says("version", EXIT_MISUSE, "", "did you mean `--version`?");
	says("eval -1", EXIT_MISUSE, "", "there is no option -1; write an argument that begins with a dash after --");
	says("eval -2^2", EXIT_MISUSE, "", "after --, as in `sluice eval -- '-2^2'`");
	says("eval -mean(x)", EXIT_MISUSE, "", "as in `sluice eval -- '-mean(x)'`");
	says("eval -x", EXIT_MISUSE, "", "there is no option -x\n");
	says("eval -- -2^2", EXIT_GOOD, "-4", "");
	says("tail p --count 0", EXIT_MISUSE, "", "from 1 to");
	says("--format json", EXIT_MISUSE, "", "the command comes first");
}

static void what_help_does_not_know_is_misuse_with_the_nearest_it_knows(void **state)
{
	(void)state;
	says("help fp32", EXIT_MISUSE, "", "did you mean `FP32`?");
	says("help datatype", EXIT_GOOD, "UINT64", "");
	says("help datatypes BF16", EXIT_GOOD, "BF16", "");
	says("help steps nothing", EXIT_MISUSE, "", "there is no help on `nothing`");
}

static void an_output_that_cannot_be_written_is_not_good(void **state)
{
	(void)state;
	static const struct step_kind *const none[] = {NULL};
	const char *const words[] = {"sluice", "help"};
	char *said = NULL;
	size_t length;
	struct session session = {
		.out = fopen("/dev/full", "w"), .err = open_memstream(&said, &length), .kinds = none, .commands = command_table};
	assert_int_equal(command_main(&session, 2, words), EXIT_FAULTS);
	fclose(session.out);
	fclose(session.err);
	assert_non_null(strstr(said, "could not be written"));
	free(said);
}

/* The types of options that a command line gives a value. */
static bool type_is_read(enum option_type type)
{
	switch (type) {
	case OPTION_FLAG:
	case OPTION_TEXT:
	case OPTION_NAME:
	case OPTION_NAMES:
	case OPTION_INTEGER:
	case OPTION_NUMBER:
	case OPTION_QUANTITY:
	case OPTION_DURATION:
	case OPTION_CHOICE:
		return true;
	default:
		return false;
	}
}

static void every_command_can_be_parsed_listed_and_explained(void **state)
{
	(void)state;
	struct said overview = say("help");
	for (const struct command *const *command = command_table; *command; command++) {
		assert_non_null((*command)->summary);
		assert_non_null((*command)->run);
		if (!strstr(overview.out, (*command)->summary))
			fail_msg("`sluice help` does not show %s; is its group known?", (*command)->name);
		for (const struct option *row = (*command)->options; row && row->type != OPTION_END; row++) {
			if (!row->name || !row->help || !type_is_read(row->type))
				fail_msg("a row of %s cannot stand in a command", (*command)->name);
			assert_int_not_equal(row->letter, 'h');
			assert_true(row->argument || row->offset < (*command)->options_size);
		}
	}
	said_close(&overview);
}

static void every_command_with_a_result_writes_it_as_text_and_as_json(void **state)
{
	(void)state;
	for (const struct command *const *command = command_table; *command; command++) {
		const struct option *row = (*command)->options;
		while (row && row->type != OPTION_END && row->letter != 'o')
			row++;
		bool form = row && row->type == OPTION_CHOICE && strcmp(row->name, "format") == 0;
		if (!form || strncmp(row->choices, "text json", 9) != 0)
			fail_msg("sluice %s takes no -o text and -o json", (*command)->name);
	}
}

static json_t *only_json(const char *text)
{
	json_error_t wrong;
	json_t *value = json_loads(text, 0, &wrong);
	if (!value)
		fail_msg("no JSON: %s: %s", wrong.text, text);
	return value;
}

static void what_goes_wrong_is_said_as_json_where_the_result_would_be(void **state)
{
	(void)state;
	static const struct {
		const char *line, *kind, *message;
		int code;
	} cases[] = {
		{"lint -o json /nowhere/at-all.yaml", "MISUSE", "/nowhere/at-all.yaml cannot be read", EXIT_MISUSE},
		{"plan -ojson --nonsense", "MISUSE", "there is no option --nonsense", EXIT_MISUSE},
		{"gateway -ojson --server m=http://x:1", "MISUSE", "there is no option --server: engines call the models",
		 EXIT_MISUSE},
		{"eval -o json 1+", "CONFIG", "the expression ends here", EXIT_FAULTS},
		{"run -o json", "MISUSE", "the pipelines are missing", EXIT_MISUSE},
		{"run -o json --control p.yaml", "MISUSE", "files and --control at once", EXIT_MISUSE},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct said said = say(cases[i].line);
		json_t *value = only_json(said.err);
		const json_t *error = json_object_get(value, "error");
		assert_int_equal(said.code, cases[i].code);
		assert_string_equal(said.out, "");
		assert_string_equal(json_string_value(json_object_get(error, "kind")), cases[i].kind);
		expect_words(json_string_value(json_object_get(error, "message")), cases[i].message);
		json_decref(value);
		said_close(&said);
	}
}

static void what_a_command_does_is_said_in_the_third_person(void **state)
{
	(void)state;
	for (const struct command *const *command = command_table; *command; command++) {
		size_t verb = strcspn((*command)->summary, " :");
		if (verb < 2 || (*command)->summary[verb - 1] != 's')
			fail_msg("sluice %s: `%s`", (*command)->name, (*command)->summary);
	}
}

static void help_names_the_value_of_an_option(void **state)
{
	(void)state;
	says("help test", EXIT_GOOD, "--only PREFIX ", "");
	says("help plan", EXIT_GOOD, "--server NAME=URL ", "");
	says("help plan", EXIT_GOOD, "--rate RATE ", "");
}

static void a_completion_as_json_is_the_script_that_is_printed_else(void **state)
{
	(void)state;
	struct said plain = say("completion zsh"), wrapped = say("completion zsh -o json");
	assert_int_equal(wrapped.code, EXIT_GOOD);
	json_t *json = json_loads(wrapped.out, 0, NULL);
	assert_string_equal(json_string_value(json_object_get(json, "shell")), "zsh");
	assert_string_equal(json_string_value(json_object_get(json, "script")), plain.out);
	json_decref(json);
	said_close(&plain);
	said_close(&wrapped);
}

static void a_step_kind_is_explained_from_its_rows(void **state)
{
	(void)state;
	static const struct option rows[] = {
		{.name = "keep", .type = OPTION_EXPRESSION, .required = true, .help = "What stays."},
		{.name = "how", .type = OPTION_CHOICE, .choices = "well badly", .fallback = "well", .help = "How it sieves."},
		{0},
	};
	static const struct step_kind sieve = {
		.name = "sieve", .summary = "Keeps some.", .example = "sieve: {keep: x > 0}\n", .options = rows};
	static const struct step_kind *const kinds[] = {&sieve, NULL};
	struct said said = say_with(kinds, "help sieve");
	assert_int_equal(said.code, EXIT_GOOD);
	assert_non_null(strstr(said.out, "Keeps some."));
	assert_non_null(strstr(said.out, "  sieve: {keep: x > 0}\n"));
	assert_non_null(strstr(said.out, "an expression, required. What stays."));
	assert_non_null(strstr(said.out, "one word: well badly, default well. How it sieves."));
	said_close(&said);
	struct said page = say_with(kinds, "help steps -o markdown");
	assert_non_null(strstr(
		page.out, "## sieve\n\nKeeps some.\n\n```yaml\nsieve: {keep: x > 0}\n```\n\n- `keep`: an expression, required."));
	said_close(&page);
}

static void the_man_page_keeps_roff_from_reading_our_words(void **state)
{
	(void)state;
	struct said said = say("help -o man");
	assert_non_null(strstr(said.out, ".TH SLUICE 1"));
	assert_non_null(strstr(said.out, "\\fB\\-o, \\-\\-format text|json|markdown|man\\fR"));
	assert_null(strstr(said.out, "`"));
	said_close(&said);
	said = say("help -o man help"); /* of one command, for `man -l -` */
	assert_ptr_equal(strstr(said.out, ".TH sluice\\-help 1"), said.out);
	said_close(&said);
}

static void every_shell_is_told_of_every_command_and_option(void **state)
{
	(void)state;
	static const char *const shells[] = {"completion bash", "completion zsh", "completion fish"};
	for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
		struct said said = say(shells[i]);
		assert_int_equal(said.code, EXIT_GOOD);
		for (const struct command *const *command = command_table; *command; command++) {
			const char *verb = strchr((*command)->name, ' '); /* fish says noun and verb apart */
			assert_non_null(strstr(said.out, verb ? verb + 1 : (*command)->name));
			for (const struct option *row = (*command)->options; row && row->type != OPTION_END; row++)
				if (!strstr(said.out, row->name) || (row->type == OPTION_CHOICE && !strstr(said.out, row->choices)))
					fail_msg("`%s` leaves out --%s of %s", shells[i], row->name, (*command)->name);
		}
		said_close(&said);
	}
	says("completion csh", EXIT_MISUSE, "", "it is one of: bash zsh fish");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_command_it_is_misused),
		cmocka_unit_test(help_is_an_answer_and_goes_to_the_output),
		cmocka_unit_test(the_version_is_one_line),
		cmocka_unit_test(a_misspelt_command_names_the_one_that_was_meant),
		cmocka_unit_test(what_help_does_not_know_is_misuse_with_the_nearest_it_knows),
		cmocka_unit_test(an_output_that_cannot_be_written_is_not_good),
		cmocka_unit_test(every_command_can_be_parsed_listed_and_explained),
		cmocka_unit_test(every_command_with_a_result_writes_it_as_text_and_as_json),
		cmocka_unit_test(what_goes_wrong_is_said_as_json_where_the_result_would_be),
		cmocka_unit_test(what_a_command_does_is_said_in_the_third_person),
		cmocka_unit_test(help_names_the_value_of_an_option),
		cmocka_unit_test(a_completion_as_json_is_the_script_that_is_printed_else),
		cmocka_unit_test(a_step_kind_is_explained_from_its_rows),
		cmocka_unit_test(every_shell_is_told_of_every_command_and_option),
		cmocka_unit_test(the_man_page_keeps_roff_from_reading_our_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
