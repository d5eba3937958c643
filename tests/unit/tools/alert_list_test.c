/* alert_list_test.c: Tests of `sluice alerts list`: what it says of the conditions of alerts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "base/network.h"
#include "tools/client/control/alert_list_view.h"
#include "observe/status.h"
#include "compiler/yaml/fault_codes.h"
#include "steps/kinds.h"
#include "tests/unit/mock_broker.h"
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

#define DETECTOR                                                                                                                   \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n  - name: detector\n"         \
	"    model:\n      name: monitor\n      modelSettings: {parameters: [{name: reference_window, value: \"7d\"},\n"           \
	"                                     {name: detection_threshold, value: \"0.05\"}]}\n"                                    \
	"  metrics: [{name: depth, type: gauge, value: \"1\"}]\n  alerts:\n"                                                       \
	"  - {name: moved, condition: drift_score > 0.05, over: 10m, actions: [{type: topic}]}\n"                                  \
	"  - {name: deep, condition: depth > 5, over: 10m, actions: [{type: topic}]}\n"

/* Where it is built in, its score is of a window of its own; where a model offers it, the score is in each message. */
static void the_score_of_a_detector_and_latest_values_have_no_over(void **state)
{
	(void)state;
	static const char *const files[] = {DETECTOR, DETECTOR
					    "---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Model\nmetadata: {name: monitor}\n"
					    "spec: {storageUri: \"http://localhost:8080\", requirements: [sklearn]}\n"};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		write_file("p.yaml", files[i]);
		struct said said = say_with(step_kinds, "alerts list -f p.yaml");
		assert_int_equal(said.code, 0);
		expect_words(said.out, "p: moved\n  when drift_score > 0.05 resolves after");
		expect_words(said.out, "p: deep\n  when depth > 5 resolves after");
		said_close(&said);
		said = say_with(step_kinds, "alerts list -f p.yaml -o json");
		expect_words(said.out, "\"condition\": \"drift_score > 0.05\", \"resolveAfter\"");
		said_close(&said);
	}
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

static void expect_no_words(const char *text, const char *words)
{
	if (strstr(text, words))
		fail_msg("%s has `%s`", text, words);
}

/* The path of a webhook of Slack is all that it takes to write there. */
static void what_may_be_secret_of_a_receiver_is_not_shown(void **state)
{
	(void)state;
	static const char *const commands[] = {"alerts list -f u.yaml", "alerts list -f u.yaml -o json", "alerts test -f u.yaml",
					       "alerts test -f u.yaml -o json"};
	write_file(
		"u.yaml",
		"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
		"  - {name: a, expression: {set: {y: x * 2}}}\n  output: {steps: [a]}\n  alerts:\n"
		"  - {name: large, condition: y > 10, actions: [{type: webhook, url: \"http://127.0.0.1:9/secret?key=secret\"},\n"
		"     {type: webhook, url: \"http://127.0.0.2:9\"}, {type: webhook, url: \"http://127.0.0.3:9?secret\"}]}\n");
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		struct said said = say_with(step_kinds, commands[i]);
		expect_words(said.out, "http://127.0.0.1:9/...");
		expect_words(said.out, i % 2 == 1 ? "\"http://127.0.0.2:9\"" : " http://127.0.0.2:9");
		expect_no_words(said.out, "127.0.0.2:9/");
		expect_words(said.out, "http://127.0.0.3:9/...");
		expect_no_words(said.out, "secret");
		said_close(&said);
	}
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

/* On call there is often no file at hand: `list` and `silence` need none. */
static void a_test_without_files_asks_for_kafka_as_a_list_does(void **state)
{
	(void)state;
	struct said said = say_with(step_kinds, "alerts test");
	assert_int_equal(said.code, 2);
	expect_words(said.err, "sluice alerts test: the address of Kafka is missing: give --brokers HOST:PORT");
	said_close(&said);
}

static void status_append(const struct mock *mock, const char *engine, const char *firing, const char *drift,
			  const char *receivers, int64_t age_ms, bool stopped)
{
	struct buffer out;
	const struct status status = {.instance = text_of(engine),
				      .pipeline = TEXT("p"),
				      .at_ms = time_of_day_ms() - age_ms,
				      .stopped = stopped,
				      .firing = text_of(firing),
				      .drift = text_of(drift),
				      .receivers = text_of(receivers)};
	buffer_open(&out, 4096);
	status_write(&status, &out);
	mock_append(mock, "out", text_of(engine), buffer_view(&out));
	buffer_close(&out);
}

static void what_fires_and_receivers_that_take_no_notices_are_named_as_engines_report_them(void **state)
{
	(void)state;
	struct mock mock;
	struct buffer out;
	struct error error = {0};
	struct arena *arena = arena_open((size_t)1 << 20);
	struct pipeline_spec spec = {0};
	const struct resource resource = {.name.text = "p", .spec = &spec};
	const struct alert_spec alert = {.name.text = "x", .absent.text = "p for 5m"};
	mock_open(&mock);
	struct listed_alert listed = {.resource = &resource, .spec = &alert};
	struct alert_list list = {.control.target = {.kafka.brokers = mock.brokers, .status = "out", .kafka.consumer = mock_quick},
				  .count = 1,
				  .items = &listed};
	mock_append(&mock, "out", TEXT("x"), TEXT("no status"));
	status_append(&mock, "e1", "", "", "the webhook at h has taken no notice", 2000, false);
	status_append(&mock, "e2", "the alert x has fired", "", "the webhook at i has taken no notice", 1000, false);
	status_append(&mock, "e2", "", "", "", 0, false); /* which is over */
	status_append(&mock, "e3", "the alert x has fired", "", "the webhook at j has taken no notice", 60000, false);
	status_append(&mock, "e4", "the alert x has fired", "", "the webhook at k has taken no notice", 0, true);
	status_append(&mock, "e5", "the alert x has fired since T", "", "", 0, false);
	status_append(&mock, "e6", "the alert x has fired since U", "step w has found drift", "", 0, false);
	if (!alert_list_read_reports(&list, arena, &error))
		fail_msg("%s", error.text);
	buffer_open(&out, 1 << 16);
	alert_list_print(&list, arena, &out);
	buffer_byte(&out, '\0');
	assert_non_null(strstr(out.bytes, "\np: says the engine e5: the alert x has fired since T\n"));
	assert_non_null(strstr(out.bytes, "\np: says the engine e6: the alert x has fired since U\n"));
	assert_non_null(strstr(out.bytes, "\np: says the engine e6: step w has found drift\n"));
	assert_non_null(
		strstr(out.bytes, "\np: notices are not delivered, says the engine e1: the webhook at h has taken no notice\n"));
	assert_null(strstr(out.bytes, "e2"));
	assert_null(strstr(out.bytes, "e3"));
	assert_null(strstr(out.bytes, "e4"));
	buffer_clear(&out);
	alert_list_print_json(&list, arena, &out);
	buffer_byte(&out, '\0');
	assert_non_null(strstr(
		out.bytes,
		", \"firing\": [{\"engine\": \"e6\", \"alerts\": \"the alert x has fired since U\"}, {\"engine\": \"e5\", "
		"\"alerts\": \"the alert x has fired since T\"}], \"drift\": [{\"engine\": \"e6\", \"steps\": "
		"\"step w has found drift\"}], \"undelivered\": [{\"engine\": \"e1\", "
		"\"receivers\": \"the webhook at h has taken no notice\"}]}"));
	buffer_close(&out);
	arena_close(arena);
	mock_close(&mock);
}

static const char private_receivers[] =
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
	"  - {name: a, expression: {set: {y: x * 2}}}\n  output: {steps: [a]}\n  alerts:\n"
	"  - {name: large, condition: y > 10, actions: [{type: webhook, url: \"http://127.0.0.1:9/x\"},\n"
	"     {type: webhook, url: \"http://localhost:9/x\"}, {type: webhook, url: \"http://10.1.2.3/x\"}]}\n";

static size_t private_notes(const char *allowed)
{
	struct spec spec;
	struct network network;
	struct error error = {0};
	const struct spec_options options = {.kinds = step_kinds};
	size_t count = 0;
	assert_true(spec_open(&spec, &error));
	assert_true(spec_read_text(&spec, "p.yaml", text_of(private_receivers), &options, &error));
	if (allowed) {
		assert_true(network_read(text_of(allowed), &network));
		receivers_allow(spec.faults, &network, 1);
	}
	for (size_t i = 0; i < faults_total(spec.faults); i++)
		count += strcmp(faults_at(spec.faults, i)->code->code, "SL0607") == 0;
	assert_int_equal(faults_count(spec.faults, SEVERITY_NOTE), count);
	spec_close(&spec);
	return count;
}

static void no_note_is_made_of_a_receiver_that_is_allowed(void **state)
{
	(void)state;
	assert_int_equal(private_notes(NULL), 3);
	assert_int_equal(private_notes("127.0.0.1"), 1);
	assert_int_equal(private_notes("10.0.0.0/8"), 2);
	assert_int_equal(private_notes("192.168.0.0/16"), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_may_be_secret_of_a_receiver_is_not_shown),
		cmocka_unit_test(a_test_does_not_fail_for_actions_that_it_does_not_test),
		cmocka_unit_test(a_test_without_files_asks_for_kafka_as_a_list_does),
		cmocka_unit_test(a_list_says_what_inhibits_an_alert_and_over_which_time_it_looks),
		cmocka_unit_test(the_score_of_a_detector_and_latest_values_have_no_over),
		cmocka_unit_test(the_silence_of_an_alert_itself_is_shown),
		cmocka_unit_test(what_fires_and_receivers_that_take_no_notices_are_named_as_engines_report_them),
		cmocka_unit_test(no_note_is_made_of_a_receiver_that_is_allowed),
		cmocka_unit_test(the_advice_on_an_address_is_not_of_another_kind_of_address),
	};
	return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}
