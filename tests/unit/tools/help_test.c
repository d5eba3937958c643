/* help_test.c: Tests of what `sluice help NAME` finds: every name of every table, all things of one name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/session.h"
#include "steps/kinds.h"

/* Asks for help; `parts` have to stand on the page in that order, ended by NULL. */
static void page_has(const char *line, const char *const *parts)
{
	struct said said = say_with(step_kinds, line);
	const char *at = said.out;
	if (said.code != EXIT_GOOD)
		fail_msg("`sluice %s` ended with %d: %s", line, said.code, said.err);
	for (; *parts; parts++) {
		const char *found = strstr(at, *parts);
		if (!found)
			fail_msg("`sluice %s` lacks `%s`, or has it too early: %s", line, *parts, said.out);
		at = found + strlen(*parts);
	}
	said_close(&said);
}

#define PAGE_HAS(line, ...) page_has(line, (const char *const[]){__VA_ARGS__, NULL})

static void refused(const char *line, const char *words)
{
	struct said said = say_with(step_kinds, line);
	assert_int_equal(said.code, EXIT_MISUSE);
	assert_string_equal(said.out, "");
	expect_words(said.err, words);
	said_close(&said);
}

static void names_of_every_table_are_found(void **state)
{
	(void)state;
	PAGE_HAS("help lint", "sluice lint", "Checks YAML");
	PAGE_HAS("help filter", "filter: step kind");
	PAGE_HAS("help bucketize", "bucketize: operation", "preprocess[].bucketize", "edges");
	PAGE_HAS("help like", "like: function", "like(x, \"eu-*\")");
	PAGE_HAS("help joinWindowMs", "joinWindowMs: field", "Pipeline spec.steps[].joinWindowMs");
	PAGE_HAS("help creationTimestamp", "creationTimestamp: field", "metadata.creationTimestamp");
	PAGE_HAS("help kafka-setting", "option of a command", "--kafka-setting");
	PAGE_HAS("help exactly-once", "exactly-once: value of a field", "Pipeline spec.delivery");
	PAGE_HAS("help REMOTE", "REMOTE: kind of error", "replay");
	PAGE_HAS("help SL0301", "SL0301: fault", "A field that does not exist");
	PAGE_HAS("help avro", "avro: format", "application/avro");
	PAGE_HAS("help BF16", "BF16: datatype", "2 bytes an element");
	PAGE_HAS("help mul10", "mul10: stub model");
	PAGE_HAS("help linger.ms", "linger.ms: setting of librdkafka");
	PAGE_HAS("help NO_COLOR", "NO_COLOR: setting", "in the environment");
	PAGE_HAS("help Experiment", "Experiment: kind of resource", "candidates");
}

static void each_command_has_a_page_for_man(void **state)
{
	(void)state;
	PAGE_HAS("help -o man errors replay", ".TH sluice\\-errors\\-replay 1", ".SH NAME\nsluice\\-errors\\-replay \\- Sends",
		 ".SH SYNOPSIS", "sluice errors replay [OPTION]... PIPELINE", ".SH DESCRIPTION", "marks them as replayed",
		 ".SH OPTIONS", "\\-\\-edit", ".SH EXAMPLES", "replay hello", ".SH EXIT STATUS", ".SH SEE ALSO", ".BR sluice (1)",
		 ".BR sluice\\-errors\\-show (1)");
	PAGE_HAS("help -o man completion", ".SH EXAMPLES\n.PP\nFor the running shell", "eval");
	PAGE_HAS("help -o man", ".TH SLUICE 1", ".SH COMMANDS", ".SH SEE ALSO", ".BR sluice\\-lint (1)");
}

static void a_name_of_several_things_shows_each_under_its_heading(void **state)
{
	(void)state;
	PAGE_HAS("help keep", "keep: operation", "Keeps only these tensors", "keep: field", "spec.steps[].expression.keep",
		 "spec.steps[].filter.keep");
	PAGE_HAS("help median", "median: function", "median(x)", "median: value of a field", "impute.by");
	PAGE_HAS("help errors", "errors replay", "errors: field", "spec.output.errors");
	PAGE_HAS("help hash", "hash: operation", "hash: function");
	PAGE_HAS("help format", "Formats", "format: field", "Pipeline spec.output.format", "format: option of a command");
}

static void what_several_places_say_alike_is_said_once(void **state)
{
	(void)state;
	struct said said = say_with(step_kinds, "help brokers");
	expect_words(said.out, "run, produce, gateway, infer");
	const char *option = strstr(said.out, "--brokers HOST:PORT");
	assert_non_null(option);
	assert_null(strstr(option + 1, "--brokers HOST:PORT"));
	said_close(&said);
}

static void a_topic_and_a_name_show_that_one_alone(void **state)
{
	(void)state;
	struct said said = say_with(step_kinds, "help functions hash");
	assert_int_equal(said.code, EXIT_GOOD);
	expect_words(said.out, "hash: function");
	assert_null(strstr(said.out, "operation"));
	said_close(&said);
	said = say_with(step_kinds, "help topics formats"); /* as the reference pages are printed */
	assert_null(strstr(said.out, "spec.output.format"));
	said_close(&said);
	refused("help steps hash", "no help on `hash`");
	refused("help topics nothing", "no help on `nothing`");
	refused("help avg", "there is no help on `avg`; in an expression write mean(x); ");
	refused("help AVG(x)", "in an expression write mean(x); ");
	refused("help xor", "in an expression write a != b for two conditions; ");
	refused("help None", "in an expression write has(x) to ask");
}

static void a_field_is_found_by_the_end_of_its_path(void **state)
{
	(void)state;
	PAGE_HAS("help output.format", "Pipeline spec.output.format");
	PAGE_HAS("help spec.steps[].batch.size", "Pipeline spec.steps[].batch.size");
	refused("help put.format", "no help on `put.format`"); /* whole parts alone */
	struct said said = say_with(step_kinds, "help filter.keep");
	assert_null(strstr(said.out, "expression.keep"));
	said_close(&said);
}

static void a_code_and_a_kind_are_found_whatever_their_case(void **state)
{
	(void)state;
	PAGE_HAS("help sl0301", "A field that does not exist");
	PAGE_HAS("help pipeline", "kind of resource");
}

static void lists_of_names_can_be_read(void **state)
{
	(void)state;
	PAGE_HAS("help functions", "Functions", "abs(x)", "rsi(");
	PAGE_HAS("help operations", "Operations", "Of preprocess", "bucketize", "Of postprocess", "threshold");
	PAGE_HAS("help fields", "Fields", "metadata.name", "Pipeline spec.steps[].filter.keep", "Model spec.storageUri");
	PAGE_HAS("help kinds", "Kinds", "Pipeline", "filter", "INPUT");
	PAGE_HAS("help faults", "Faults", "SL0101");
	PAGE_HAS("help options", "Options", "brokers (run)");
	PAGE_HAS("help words", "Words", "exactly-once (Pipeline spec.delivery)");
}

static void search_looks_at_names_and_at_their_line(void **state)
{
	(void)state;
	PAGE_HAS("help -k LOGARITHM", "Found: LOGARITHM", "log (function)", "Natural logarithm", "log10 (function)");
	PAGE_HAS("help -k exactly-", "exactly-once");
	PAGE_HAS("help -k bucketiz", "bucketize (operation");
	refused("help -k qqqq", "no help on `qqqq`");
	refused("help -k rate lint", "leave `lint` out");
}

static void an_unknown_name_gets_the_nearest_ones(void **state)
{
	(void)state;
	refused("help exactly-onc", "did you mean `exactly-once`?");
	refused("help lag1", "did you mean `lag`?");
	refused("help FP33", "did you mean `FP32`?");
	refused("help add30", "did you mean `add10` or `add20`?");
	refused("help zzzzzzzz", "`sluice help topics` lists the topics, and `sluice help -k WORD` searches them");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_every_table_are_found),
		cmocka_unit_test(each_command_has_a_page_for_man),
		cmocka_unit_test(a_name_of_several_things_shows_each_under_its_heading),
		cmocka_unit_test(what_several_places_say_alike_is_said_once),
		cmocka_unit_test(a_topic_and_a_name_show_that_one_alone),
		cmocka_unit_test(a_field_is_found_by_the_end_of_its_path),
		cmocka_unit_test(a_code_and_a_kind_are_found_whatever_their_case),
		cmocka_unit_test(lists_of_names_can_be_read),
		cmocka_unit_test(search_looks_at_names_and_at_their_line),
		cmocka_unit_test(an_unknown_name_gets_the_nearest_ones),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
