/* importance_windows_test.c: records of the importance of features: their schema, what `sluice explain --importance` shows of them,
 * and the shift that `sluice drift report` has beside features. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <avro.h>

#include "message/records/importance_report.h"
#include "message/avro/schemas.h"
#include "steps/kinds.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/session.h"

#define ARENA_BYTES ((size_t)64 << 20)
#define RECORD_BYTES ((size_t)1 << 20)
#define TOPIC "sluice.default.pipeline.p.importance"

/* ---- records ---- */

static void records_are_of_their_schema(void **state)
{
	(void)state;
	const struct importance_feature features[] = {{TEXT("a"), 0.25}, {TEXT("x[b]"), 0.5}};
	const struct importance_report report = {.pipeline = TEXT("p"),
						 .step = TEXT("why"),
						 .explained = TEXT("score"),
						 .method = TEXT("tree"),
						 .output = TEXT("y[0]"),
						 .slice = 7,
						 .window = 3,
						 .begin_ms = -1,
						 .end_ms = 10,
						 .explanations = 500,
						 .late = 1,
						 .left_out = 2,
						 .total = 0.75,
						 .feature_count = 2,
						 .features = features};
	struct buffer record;
	struct error error = {0};
	avro_schema_t schema;
	avro_value_t value;
	char *json;
	buffer_open(&record, RECORD_BYTES);
	assert_true(importance_report_encode(&report, &record, &error));
	const char *source = schema_json("importance");
	assert_int_equal(avro_schema_from_json_length(source, strlen(source), &schema), 0);
	avro_value_iface_t *class = avro_generic_class_from_schema(schema);
	avro_generic_value_new(class, &value);
	avro_reader_t reader = avro_reader_memory(record.bytes + 10, (int64_t)record.length - 10);
	assert_int_equal(avro_value_read(reader, &value), 0);
	assert_int_equal(avro_value_to_json(&value, 1, &json), 0);
	assert_string_equal(json,
			    "{\"pipeline\": \"p\", \"step\": \"why\", \"explained\": \"score\", \"method\": \"tree\", "
			    "\"output\": \"y[0]\", \"slice\": 7, \"window\": 3, \"window_start_ms\": -1, \"window_end_ms\": 10, "
			    "\"explanations\": 500, \"late\": 1, \"left_out\": 2, \"total\": 0.75, \"features\": "
			    "[{\"feature\": \"a\", \"importance\": 0.25}, {\"feature\": \"x[b]\", \"importance\": 0.5}]}");
	struct arena *arena = arena_open(ARENA_BYTES);
	struct importance_report read;
	for (size_t length = 0; length < record.length; length++) /* cut off anywhere */
		assert_false(importance_report_decode((struct text){record.bytes, length}, arena, &read, &error));
	arena_close(arena);
	free(json);
	avro_reader_free(reader);
	avro_value_decref(&value);
	avro_value_iface_decref(class);
	avro_schema_decref(schema);
	buffer_close(&record);
}

/* ---- what is shown ---- */

/* A record of two features. */
static void report_append(const struct mock *mock, struct importance_report report, const char *a, const char *b, double mean_a,
			  double mean_b)
{
	const struct importance_feature features[] = {{text_of(a), mean_a}, {text_of(b), mean_b}};
	struct buffer record;
	struct error error = {0};
	report.pipeline = TEXT("p");
	report.step = TEXT("why");
	report.explained = TEXT("score");
	report.method = TEXT("tree");
	report.output = TEXT("y[0]");
	report.total = mean_a + mean_b;
	report.feature_count = 2;
	report.features = features;
	buffer_open(&record, RECORD_BYTES);
	assert_true(importance_report_encode(&report, &record, &error));
	mock_append(mock, TOPIC, TEXT("why"), buffer_view(&record));
	buffer_close(&record);
}

/* A window of a slice, whose means are given. */
static void window_append(const struct mock *mock, uint64_t slice, uint64_t window, uint64_t explanations, double a, double b)
{
	const struct importance_report report = {.slice = slice,
						 .window = window,
						 .begin_ms = (int64_t)window * 60000,
						 .end_ms = (int64_t)window * 60000 + 59000,
						 .explanations = explanations};
	report_append(mock, report, "x[a]", "x[<b>]", a, b);
}

static void expect_shown(const struct mock *mock, const char *form, const char *words)
{
	char line[256];
	snprintf(line, sizeof line, "explain p --importance --brokers %s -o %s", mock->brokers, form);
	struct said said = say(line);
	expect_words(said.out, words);
	assert_int_equal(said.code, 0);
	said_close(&said);
}

/* Two partitions: of 100 and 300 explanations first, and of 100 each at the end. */
static void windows_of_partitions_merge_by_their_explanations(void **state)
{
	(void)state;
	struct mock mock;
	mock_open(&mock);
	window_append(&mock, 1, 0, 100, 1, 3);
	window_append(&mock, 2, 0, 300, 3, 5);
	window_append(&mock, 1, 1, 100, 50, 50);
	mock_append(&mock, TOPIC, TEXT("why"), TEXT("what nobody can read"));
	window_append(&mock, 1, 2, 100, 4, 2);
	window_append(&mock, 2, 1, 100, 6, 0);
	/* first: a (100 + 900) / 400, b (300 + 1500) / 400; last: a 5, b 1 */
	expect_shown(&mock, "json", "\"shift\": 0.47619047619047");
	expect_shown(&mock, "json",
		     "{\"feature\": \"x[a]\", \"importance\": 5.0, \"share\": 0.8333333333333334, \"first_importance\": 2.5, "
		     "\"first_share\": 0.35714285714285715, \"shift\": 0.476190476190476");
	expect_shown(&mock, "json", "\"last\": {\"explanations\": 200, \"windows\": 2, \"begin_ms\": 60000, \"end_ms\": 179000,");
	expect_shown(&mock, "json", "\"first\": {\"explanations\": 400, \"windows\": 2, \"begin_ms\": 0, \"end_ms\": 59000,");
	expect_shown(&mock, "text", "step `why`, output y[0] by tree: 200 explanations in 2 windows, from 1970-01-01T00:01:00Z to");
	expect_shown(&mock, "text", "  x[a]                              5   83.3%   +47.6  #########################\n");
	expect_shown(&mock, "text", "shift 0.476 from the first windows: 400 explanations in 2 windows");
	expect_shown(&mock, "html",
		     "<td>x[&#60;b&#62;]</td><td class=\"n\">1</td><td class=\"n\">16.7%</td><td class=\"n\">-47.6</td>");
	mock_close(&mock);
}

/* A clock that was set back: windows are in the order of their numbers. */
static void the_first_window_is_the_first_that_closed(void **state)
{
	(void)state;
	struct mock mock;
	mock_open(&mock);
	report_append(&mock, (struct importance_report){.slice = 1, .begin_ms = 9000, .end_ms = 9999, .explanations = 10}, "a", "b",
		      1, 3);
	report_append(&mock, (struct importance_report){.slice = 1, .window = 1, .end_ms = 999, .explanations = 10}, "a", "b", 3,
		      1);
	expect_shown(&mock, "json", "\"importance\": 3.0, \"share\": 0.75, \"first_importance\": 1.0, \"first_share\": 0.25");
	mock_close(&mock);
}

static void before_a_window_has_closed_it_says_so(void **state)
{
	(void)state;
	struct mock mock;
	mock_open(&mock);
	mock_append(&mock, TOPIC, TEXT("why"), TEXT("?"));
	expect_shown(&mock, "text", "p: no window has closed yet\n");
	expect_shown(&mock, "json", "{\"pipeline\": \"p\", \"importance\": []}\n");
	mock_close(&mock);
}

/* ---- beside drift ---- */

static void drift_write(const char *explain)
{
	char yaml[1024];
	snprintf(yaml, sizeof yaml,
		 "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n"
		 "  - {name: watch, drift: {tensors: [x], reference: r.json, window: 100, falseAlarms: 0.1 per 1000}}\n"
		 "  - {name: score, inputs: [watch], model: {local: m.json, input: x}}\n"
		 "  - {name: why, inputs: [score], explain: {%s}}\n  output: {steps: [score]}\n",
		 explain);
	write_file("p.yaml", yaml);
}

/* Two columns, in which no row seems to follow from the one before, as a reference of 100 rows and as requests of 100: in a
 * window of fewer, tests find large changes alone, and a remark says so. */
static void rows_write(struct mock *mock)
{
	FILE *file = fopen("rows.csv", "w");
	char request[2048];
	assert_non_null(file);
	fputs("0,1\n", file);
	for (int i = 0; i < 100; i++)
		fprintf(file, "%d,%d\n", i * 13 % 20, i % 7);
	fclose(file);
	int length = snprintf(request, sizeof request,
			      "{\"inputs\": [{\"name\": \"x\", \"datatype\": \"FP64\", \"shape\": [100, 2], \"data\": [");
	for (int i = 0; i < 100; i++)
		length += snprintf(request + length, sizeof request - (size_t)length, "%s%d,%d", i ? "," : "", i % 20, i % 7);
	snprintf(request + length, sizeof request - (size_t)length, "]}]}");
	for (int i = 0; i < 2; i++)
		mock_write(mock, NULL, request, NULL, NULL);
	struct said said = say_with(step_kinds, "fit drift rows.csv -f p.yaml --tensor x=0,1 --out r.json");
	assert_string_equal(said.err, "");
	said_close(&said);
}

static struct said report_say(const struct mock *mock, const char *form)
{
	char line[256];
	snprintf(line, sizeof line, "drift report topic:in -f p.yaml --brokers %s -o %s", mock->brokers, form);
	struct said said = say_with(step_kinds, line);
	assert_string_equal(said.err, "");
	return said;
}

static void a_report_of_drift_has_the_shift_of_each_feature(void **state)
{
	(void)state;
	struct mock mock;
	mock_open(&mock);
	drift_write("importance: {window: 10}");
	rows_write(&mock);
	struct said said = report_say(&mock, "text"); /* there is no topic of it yet */
	assert_null(strstr(said.out, "importance"));
	said_close(&said);
	report_append(&mock, (struct importance_report){.slice = 1, .end_ms = 999, .explanations = 10}, "x[0]", "x[1]", 1, 3);
	report_append(&mock,
		      (struct importance_report){.slice = 1, .window = 1, .begin_ms = 1001, .end_ms = 3000, .explanations = 10},
		      "x[0]", "x[1]", 0, 1);
	said = report_say(&mock, "text"); /* no window is of the time of the messages, which is 1000 */
	assert_null(strstr(said.out, "importance"));
	said_close(&said);
	report_append(&mock,
		      (struct importance_report){.slice = 1, .window = 2, .begin_ms = 1000, .end_ms = 3000, .explanations = 10},
		      "x[0]", "x[1]", 3, 1);
	said = report_say(&mock, "text"); /* from a quarter to three quarters */
	expect_words(said.out, "; importance of `x.0` +50.0, `x.1` -50.0 points\n");
	said_close(&said);
	said = report_say(&mock, "json");
	expect_words(said.out, "\"importance_shift\": 0.5}");
	expect_words(said.out, "\"importance_shift\": -0.5}");
	said_close(&said);
	said = report_say(&mock, "html");
	expect_words(said.out, "<th scope=\"row\">x.0</th><td>+50.0</td>");
	expect_words(said.out, "<th scope=\"row\">x.1</th><td>-50.0</td>");
	expect_words(said.out, ", from 1970-01-01");
	assert_null(strstr(said.out, "the rows of a file have none"));
	said_close(&said);
	drift_write("share: 1"); /* no step keeps it */
	said = report_say(&mock, "json");
	assert_null(strstr(said.out, "importance"));
	said_close(&said);
	mock_close(&mock);
}

/* The rows of the third record are far from the reference, the last one farthest. */
static void the_page_names_example_requests_by_offset(void **state)
{
	char request[2048];
	(void)state;
	struct mock mock;
	mock_open(&mock);
	drift_write("share: 1");
	rows_write(&mock);
	int length = snprintf(request, sizeof request,
			      "{\"id\": \"<i>\", \"inputs\": [{\"name\": \"x\", \"datatype\": \"FP64\", \"shape\": [100, 2], "
			      "\"data\": [");
	for (int i = 0; i < 100; i++)
		length += snprintf(request + length, sizeof request - (size_t)length, "%s%d,%d", i ? "," : "", 1000 + i, i % 7);
	snprintf(request + length, sizeof request - (size_t)length, "]}]}");
	mock_write(&mock, NULL, request, NULL, NULL);
	struct said said = report_say(&mock, "html");
	const char *at = said.out;
	for (int row = 99; row >= 90; row--) {
		char line[160];
		snprintf(line, sizeof line, "<tr><td class=\"t\">in-0-2</td><td>%d</td><td class=\"t\">&#60;i&#62;</td><td>%d</td>",
			 row, 1000 + row);
		at = strstr(at, line);
		if (!at)
			fail_msg("no %s in %s", line, strstr(said.out, "<h2>Example"));
	}
	expect_words(said.out, "<h2>Shift of importance</h2>\n<p>Not known: ");
	said_close(&said);
	mock_close(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_of_their_schema),
		cmocka_unit_test(windows_of_partitions_merge_by_their_explanations),
		cmocka_unit_test(the_first_window_is_the_first_that_closed),
		cmocka_unit_test(before_a_window_has_closed_it_says_so),
		cmocka_unit_test(a_report_of_drift_has_the_shift_of_each_feature),
		cmocka_unit_test(the_page_names_example_requests_by_offset),
	};
	return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}
