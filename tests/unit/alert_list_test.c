/* alert_list_test.c: Tests of `sluice alerts list`: what it says of the conditions of alerts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "steps/kinds.h"
#include "tests/unit/session.h"

static const char yaml[] =
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
	"  - {name: a, expression: {set: {y: x * 2}}}\n  output: {steps: [a]}\n  alerts:\n"
	"  - {name: large, condition: y > 10, actions: [{type: topic}]}\n"
	"  - {name: failing, condition: error_rate > 0.1, inhibitedBy: [large, away], actions: [{type: topic}]}\n"
	"  - {name: away, absent: p for 5m, actions: [{type: topic}]}\n";

static void a_list_says_what_inhibits_an_alert_and_over_which_time_it_looks(void **state)
{
	(void)state;
	write_file("p.yaml", yaml);
	struct said said = say_with(step_kinds, "alerts list -f p.yaml");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "p: large\n  when y > 10 resolves after"); /* it is judged by each message */
	expect_words(said.out, "p: failing\n  when error_rate > 0.1 over 1m resolves after");
	expect_words(said.out, "\n  inhibited by large, away\n");
	said_close(&said);
	said = say_with(step_kinds, "alerts list -f p.yaml -o json");
	expect_words(said.out, "\"condition\": \"y > 10\", \"resolveAfter\"");
	expect_words(said.out, "\"condition\": \"error_rate > 0.1\", \"over\": \"1m\"");
	expect_words(said.out, "\"inhibitedBy\": [\"large\", \"away\"], \"actions\"");
	said_close(&said);
}

static void the_silence_of_an_alert_itself_is_shown(void **state)
{
	(void)state;
	write_file("s.yaml",
		   "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
		   "  - {name: a, expression: {set: {y: x * 2}}}\n  output: {steps: [a]}\n  alerts:\n"
		   "  - {name: large, condition: y > 10, silence: {until: \"2100-01-02T00:00:00Z\", reason: rebuilding},\n"
		   "     actions: [{type: topic}]}\n"
		   "  - {name: small, condition: y < 1, silence: {until: \"2020-01-02T00:00:00Z\"}, actions: [{type: topic}]}\n"
		   "---\napiVersion: sluice.io/v1alpha1\nkind: Silence\nmetadata: {name: s}\n"
		   "spec: {alert: large, until: \"2100-01-03T00:00:00Z\", reason: moving}\n");
	struct said said = say_with(step_kinds, "alerts list -f s.yaml");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "\n  silenced until 2100-01-02T00:00:00Z: rebuilding\n"
			       "  silenced until 2100-01-03T00:00:00Z: moving\n");
	expect_words(said.out, "\n  was silenced until 2020-01-02T00:00:00Z\n");
	said_close(&said);
	said = say_with(step_kinds, "alerts list -f s.yaml -o json");
	expect_words(said.out,
		     "\"silences\": [{\"until\": \"2100-01-02T00:00:00Z\", \"reason\": \"rebuilding\", \"in_force\": true}, "
		     "{\"until\": \"2100-01-03T00:00:00Z\", \"reason\": \"moving\", \"in_force\": true}]");
	expect_words(said.out, "\"silences\": [{\"until\": \"2020-01-02T00:00:00Z\", \"in_force\": false}]");
	said_close(&said);
}

static void the_advice_on_an_address_is_not_of_another_kind_of_address(void **state)
{
	(void)state;
	write_file("p.yaml", "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
			     "  - {name: a, expression: {set: {y: x * 2}}}\n  output: {steps: [a]}\n  alerts:\n"
			     "  - {name: large, condition: y > 10, actions: [{type: webhook, url: \"ftp://a.example.com/x\"}]}\n");
	struct said said = say_with(step_kinds, "lint p.yaml");
	assert_int_not_equal(said.code, 0);
	expect_words(said.out, "of a webhook as https://alerts.example.com/sluice");
	said_close(&said);
}

/* Or the command would fail for each alert that also writes to a topic. */
static void a_test_does_not_fail_for_actions_that_it_does_not_test(void **state)
{
	(void)state;
	write_file("p.yaml", yaml);
	struct said said = say_with(step_kinds, "alerts test large -f p.yaml");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "p: large: topic alerts: not tested: an engine writes to the topic");
	said_close(&said);
	said = say_with(step_kinds, "alerts test large -f p.yaml -o json");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "\"delivered\": null, \"why\": \"an engine writes to the topic");
	said_close(&said);
	write_file(
		"w.yaml",
		"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
		"  - {name: a, expression: {set: {y: x * 2}}}\n  output: {steps: [a]}\n  alerts:\n"
		"  - {name: large, condition: y > 10, actions: [{type: topic}, {type: webhook, url: \"http://127.0.0.1:9/\"}]}\n");
	said = say_with(step_kinds, "alerts test -f w.yaml");
	assert_int_equal(said.code, 1);
	expect_words(said.out, "p: large: webhook http://127.0.0.1:9/: the receiver is at 127.0.0.1");
	said_close(&said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_test_does_not_fail_for_actions_that_it_does_not_test),
		cmocka_unit_test(a_list_says_what_inhibits_an_alert_and_over_which_time_it_looks),
		cmocka_unit_test(the_silence_of_an_alert_itself_is_shown),
		cmocka_unit_test(the_advice_on_an_address_is_not_of_another_kind_of_address),
	};
	return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}
