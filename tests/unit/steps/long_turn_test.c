/* long_turn_test.c: Tests of turns of virtual time that take an hour: a worker reports each of its deadlines as due, and a case
 * waits for what such a turn ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "steps/kinds.h"
#include "tests/unit/session.h"

#define HEAD "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
#define MODEL(name, uri)                                                                                                           \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: " name "}\nspec: {storageUri: \"" uri "\"}\n"
#define REQUEST                                                                                                                    \
	"{\"id\": \"a\", \"request\": {\"inputs\": [{\"name\": \"x\", \"datatype\": \"FP64\", \"shape\": [1, 2], "          \
	"\"data\": [1, 2]}]}}\n"

static void case_passes(const char *pipeline, const char *answer)
{
	write_file("pipeline.yaml", pipeline);
	write_file("in.jsonl", REQUEST);
	write_file("out.jsonl", answer);
	struct said said = say_with(step_kinds, "test .");
	expect_words(said.out, "1 passed, 0 failed");
	said_close(&said);
}

/* The call of a member that never answers ends after three attempts of 30 s. */
static void a_window_ends_though_a_member_never_answers(void **state)
{
	(void)state;
	case_passes(HEAD "  - {name: one}\n  - {name: sick}\n  - {name: mute}\n"
			 "  - {name: all, inputs: [one, sick, mute], joinWindowMs: 1000, combine: {tensor: predict, need: 2, "
			 "within: 50ms}}\n  output: {steps: [all]}\n" MODEL("one", "stub://linear?w=1,1")
				 MODEL("sick", "stub://fail?code=400&text=unwell") MODEL("mute", "stub://hang"),
		    "{\"id\": \"a\", \"error\": {\"kind\": \"LIMIT\", \"contains\": \"`mute` had not come\"}}\n");
}

/* What is there after 50 ms is enough. */
static void a_result_is_given_within_its_time(void **state)
{
	(void)state;
	case_passes(HEAD "  - {name: one}\n  - {name: mute}\n"
			 "  - {name: all, inputs: [one, mute], combine: {tensor: predict, need: 1, within: 50ms}}\n"
			 "  output: {steps: [all]}\n" MODEL("one", "stub://linear?w=1,1") MODEL("mute", "stub://hang"),
		    "{\"id\": \"a\", \"response\": {\"outputs\": [{\"name\": \"predict\", \"datatype\": \"FP64\", \"shape\": [1], "
		    "\"data\": [3]}]}}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_ends_though_a_member_never_answers),
		cmocka_unit_test(a_result_is_given_within_its_time),
	};
	return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}
