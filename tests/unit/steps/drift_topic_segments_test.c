/* drift_topic_segments_test.c: Tests of segments of `sluice drift report` by keys and headers: of a topic's records, and of lines.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "steps/kinds.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/session.h"

#define ROWS 100

static void pipeline_write(const char *group)
{
	char yaml[512];
	(void)snprintf(
		yaml, sizeof yaml,
		"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
		"  - {name: w, drift: {tensors: [x], reference: r.json, window: 50, groupBy: '%s', falseAlarms: 0.1 per 1000}}\n"
		"  output: {steps: [w]}\n",
		group);
	write_file("p.yaml", yaml);
}

static void reference_write(void)
{
	char text[ROWS * 8 + 8] = "x\n";
	for (int i = 0; i < ROWS; i++)
		(void)snprintf(text + strlen(text), sizeof text - strlen(text), "%d\n", i * 37 % 101);
	write_file("rows.csv", text);
	struct said said = say_with(step_kinds, "fit drift rows.csv -f p.yaml --out r.json");
	assert_int_equal(said.code, 0);
	said_close(&said);
}

static void a_topic_s_keys_and_headers_are_segments(void **state)
{
	(void)state;
	static const char *const groups[] = {"key", "header(\"venue\")"};
	struct mock mock;
	mock_open(&mock);
	for (int i = 0; i < ROWS; i++) {
		char request[128];
		(void)snprintf(request, sizeof request,
			       "{\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"FP64\",\"data\":[%d]}]}", i * 37 % 101);
		mock_write(&mock, i % 2 ? "XPAR" : "XNYS", request, "venue", i % 2 ? "XPAR" : "XNYS");
	}
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
		char line[128];
		pipeline_write(groups[i]);
		reference_write();
		(void)snprintf(line, sizeof line, "drift report topic:in -f p.yaml --brokers %s", mock.brokers);
		struct said said = say_with(step_kinds, line);
		assert_string_equal(said.err, "");
		assert_int_equal(said.code, 0);
		expect_words(said.out, "XNYS");
		expect_words(said.out, "XPAR");
		expect_words(said.out, "2 windows: ");
		said_close(&said);
	}
	mock_close(&mock);
}

static void lines_of_requests_have_them_too(void **state)
{
	(void)state;
	static const char *const groups[] = {"key", "header(\"venue\")", "id"};
	char text[ROWS * 200] = "";
	for (int i = 0; i < ROWS; i++) {
		const char *venue = i % 2 ? "XPAR" : "XNYS";
		const size_t length = strlen(text);
		(void)snprintf(text + length, sizeof text - length,
			       "{\"id\":\"%s\",\"key\":\"%s\",\"headers\":{\"a\":1,\"venue\":\"%s\"},\"request\":{\"inputs\":[{"
			       "\"name\":\"x\","
			       "\"shape\":[1],\"datatype\":\"FP64\",\"data\":[%d]}]}}\n",
			       venue, venue, venue, i * 37 % 101);
	}
	write_file("lines", text);
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
		pipeline_write(groups[i]);
		reference_write();
		struct said said = say_with(step_kinds, "drift report lines -f p.yaml");
		assert_string_equal(said.err, "");
		assert_int_equal(said.code, 0);
		expect_words(said.out, "XNYS");
		expect_words(said.out, "XPAR");
		expect_words(said.out, "2 windows: ");
		said_close(&said);
	}
}

static void lines_without_a_key_may_be_of_the_segment_without_a_name(void **state)
{
	(void)state;
	char text[ROWS * 100] = "";
	for (int i = 0; i < ROWS; i++) {
		const size_t length = strlen(text);
		(void)snprintf(text + length, sizeof text - length,
			       "{\"inputs\":[{\"name\":\"x\",\"shape\":[1],\"datatype\":\"FP64\",\"data\":[%d]}]}\n", i * 37 % 101);
	}
	write_file("lines", text);
	pipeline_write("key ?? \"\"");
	reference_write();
	struct said said = say_with(step_kinds, "drift report lines -f p.yaml");
	assert_int_equal(said.code, 0);
	expect_words(said.out, "window 0 of the segment without a name, 50 rows: ");
	said_close(&said);
}

static void a_csv_has_neither_and_the_error_says_what_has(void **state)
{
	(void)state;
	pipeline_write("key");
	reference_write();
	struct said said = say_with(step_kinds, "drift report rows.csv -f p.yaml");
	assert_int_not_equal(said.code, 0);
	expect_words(said.err,
		     "Leave `groupBy` out of the file that the report reads, or let it use tensors, which are all that a CSV "
		     "has; requests have keys and headers");
	said_close(&said);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_topic_s_keys_and_headers_are_segments),
		cmocka_unit_test(lines_of_requests_have_them_too),
		cmocka_unit_test(lines_without_a_key_may_be_of_the_segment_without_a_name),
		cmocka_unit_test(a_csv_has_neither_and_the_error_says_what_has),
	};
	return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}
