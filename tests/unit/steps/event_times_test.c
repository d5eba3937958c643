/* event_times_test.c: Tests that `sluice fit drift` and `sluice drift report` use the time that the pipeline maps, as the
 * observer does: of events in a topic, in lines, and of a CSV with that column. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/number/random.h"
#include "tests/unit/mock_broker.h"
#include "steps/kinds.h"
#include "tests/unit/session.h"

#define YAML                                                                                                                       \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"                                       \
	"  input:\n    topic: in\n    time: %s\n    tensors:\n      x: {path: x, datatype: FP64}\n"                                \
	"  steps:\n  - {name: watch, drift: {%sreference: ref.json, window: 10s, falseAlarms: 1 per 30d}}\n"                       \
	"  output: {steps: [watch]}\n"
#define BEGIN_MS INT64_C(1700000000000)
#define STEP_MS 200 /* 50 rows in a window of 10 s */
#define ROWS 300
#define DATA_BYTES 100000

static char data[DATA_BYTES];

static double value_of(struct random *chance)
{
	double value = 0;
	for (int j = 0; j < 6; j++)
		value += (double)random_below(chance, 1000) / 1000 - 0.5;
	return value;
}

/* The rows of the second half come first, as one partition after the other. */
static int place_of(int i)
{
	return (i + ROWS / 2) % ROWS;
}

/* A row in each line, by the form of a line: its value, and then its time. */
static const char *rows_write(const char *head, const char *form)
{
	struct random chance = {9};
	size_t length = (size_t)snprintf(data, sizeof data, "%s", head);
	for (int i = 0; i < ROWS; i++)
		length += (size_t)snprintf(data + length, sizeof data - length, form, value_of(&chance),
					   (long long)(BEGIN_MS + place_of(i) * STEP_MS));
	return data;
}

static void pipeline_write(const char *time, const char *options)
{
	char yaml[1024];
	snprintf(yaml, sizeof yaml, YAML, time, options);
	write_file("p.yaml", yaml);
}

static struct said run(const char *command)
{
	struct said said = say_with(step_kinds, command);
	if (said.code != 0)
		print_message("%s\n", said.err);
	return said;
}

/* A reference with the times of the events, in their order. */
static void expect_reference(void)
{
	struct said said = run("fit drift data -f p.yaml");
	assert_int_equal(said.code, 0);
	json_t *file = json_loads(said.out, 0, NULL), *times = json_object_get(file, "times_ms");
	assert_non_null(file);
	assert_true(json_number_value(json_array_get(times, 0)) == (double)BEGIN_MS);
	assert_true(json_number_value(json_array_get(times, json_array_size(times) - 1)) ==
		    (double)(BEGIN_MS + (ROWS - 1) * STEP_MS));
	assert_int_equal(json_array_size(json_object_get(file, "features")), 1);
	struct random chance = {9};
	const json_t *values = json_object_get(json_array_get(json_object_get(file, "features"), 0), "values");
	for (int i = 0; i < ROWS; i++) {
		const double off = value_of(&chance) - json_number_value(json_array_get(values, (size_t)place_of(i)));
		assert_true(off < 1e-4 && off > -1e-4);
	}
	json_decref(file);
	said_close(&said);
}

/* The windows of the observer: 10 s of event time, whatever the order of the rows. */
static void expect_windows(const char *command)
{
	struct said said = run(command);
	assert_int_equal(said.code, 0);
	size_t windows = 0;
	for (const char *line = said.out; line && *line; line = strchr(line, '\n'), line += line != NULL) {
		json_t *window = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
		if (!json_object_get(window, "window")) {
			json_decref(window);
			continue;
		}
		assert_int_equal(json_integer_value(json_object_get(window, "begin_ms")), BEGIN_MS + 10000 * (int64_t)windows);
		assert_int_equal(json_integer_value(json_object_get(window, "rows")), 50);
		assert_int_equal(json_integer_value(json_object_get(window, "late")), 0);
		json_decref(window);
		windows++;
	}
	assert_int_equal(windows, ROWS * STEP_MS / 10000);
	said_close(&said);
}

static void reference_write(void)
{
	struct said said = run("fit drift data -f p.yaml --out ref.json");
	assert_int_equal(said.code, 0);
	said_close(&said);
}

static void lines_have_the_time_that_the_pipeline_maps(void **state)
{
	(void)state;
	pipeline_write("event_ms", "tensors: [x], ");
	write_file("data", rows_write("", "{\"x\": %.4f, \"event_ms\": %lld}\n"));
	expect_reference();
	reference_write();
	expect_windows("drift report data -f p.yaml -o json");
}

/* The column of the time is no feature, though all numbers are watched. */
static void a_csv_with_that_column_has_its_times(void **state)
{
	(void)state;
	pipeline_write("event_ms", "");
	write_file("data", rows_write("x,event_ms\n", "%.4f,%lld\n"));
	expect_reference();
	reference_write();
	expect_windows("drift report data -f p.yaml -o json");
}

/* A reference whose only feature has these values, in that order, over and over. */
static void expect_values(const double *values, size_t count)
{
	struct said said = run("fit drift data -f p.yaml");
	assert_int_equal(said.code, 0);
	json_t *file = json_loads(said.out, 0, NULL), *features = json_object_get(file, "features");
	const json_t *found = json_object_get(json_array_get(features, 0), "values");
	assert_int_equal(json_array_size(features), 1);
	assert_int_equal(json_array_size(found), 100);
	for (size_t i = 0; i < 100; i++)
		assert_true(json_number_value(json_array_get(found, i)) == values[i % count]);
	json_decref(file);
	said_close(&said);
}

/* 50 pairs of rows, the later one of each first, in a CSV whose times have that form. */
static void pairs_write(const char *form)
{
	size_t length = (size_t)snprintf(data, sizeof data, "x,at\n");
	for (int i = 0; i < 50; i++)
		for (int j = 1; j >= 0; j--)
			length += (size_t)snprintf(data + length, sizeof data - length, form, j ? 7 : 3, i, j);
	write_file("data", data);
}

static void times_of_a_csv_may_be_seconds_or_iso_8601(void **state)
{
	(void)state;
	static const double values[] = {3, 7};
	pipeline_write("{field: at, unit: s}", "tensors: [x], ");
	pairs_write("%d,17000000%02d.%d\n");
	expect_values(values, 2);
	pipeline_write("{field: at, unit: iso8601}", "tensors: [x], ");
	pairs_write("%d,2026-01-31T09:%02d:0%dZ\n");
	expect_values(values, 2);
	pairs_write("%d,\" 2026-01-31T09:%02d:0%d.250+02:00\"\n");
	expect_values(values, 2);
}

/* A row that is jumped to begins behind them, and a row without a fault keeps the lines right for the row that has one. */
static void fields_of_several_lines_are_jumped_over(void **state)
{
	(void)state;
	static const double values[] = {3, 7};
	size_t length = (size_t)snprintf(data, sizeof data, "x,event_ms,note\n");
	pipeline_write("event_ms", "tensors: [x], ");
	for (int i = 0; i < 50; i++)
		length += (size_t)snprintf(data + length, sizeof data - length,
					   "7,%lld,\"one\ntwo \"\"2\"\"\n\nfour\"\n\n3,%lld,\"five\nsix\"\n",
					   (long long)(BEGIN_MS + 2 * i + 1), (long long)(BEGIN_MS + 2 * i));
	write_file("data", data);
	expect_values(values, 2);
	snprintf(data + length, sizeof data - length, "1e200,%lld,\n", (long long)BEGIN_MS - 1); /* which comes first */
	write_file("data", data);
	struct said said = say_with(step_kinds, "fit drift data -f p.yaml");
	assert_int_not_equal(said.code, 0);
	expect_words(said.err, "in the row of line 352: "); /* seven lines of each pair, behind the header */
	said_close(&said);
}

static void rows_of_one_time_keep_their_order(void **state)
{
	(void)state;
	double values[100];
	size_t length = (size_t)snprintf(data, sizeof data, "x,event_ms\n");
	pipeline_write("event_ms", "tensors: [x], ");
	for (int i = 0; i < 100; i++) { /* the rows of the second half come first */
		values[(i + 50) % 100] = i * 37 % 101;
		length += (size_t)snprintf(data + length, sizeof data - length, "%d,%lld\n", i * 37 % 101,
					   (long long)(BEGIN_MS + (i < 50 ? STEP_MS : 0)));
	}
	write_file("data", data);
	expect_values(values, 100);
}

static void a_field_that_is_no_time_is_said_with_its_place(void **state)
{
	(void)state;
	pipeline_write("event_ms", "");
	write_file("data", "x,event_ms\n1,1700000000000\n2,soon\n");
	struct said said = say_with(step_kinds, "fit drift data -f p.yaml");
	assert_int_not_equal(said.code, 0);
	expect_words(said.err, "data:3:3: ");
	expect_words(said.err, "the row has \"soon\" at `event_ms`, and the time is a whole number of milliseconds since 1970");
	said_close(&said);
}

/* As numbers may have. */
static void spaces_around_a_time_are_no_part_of_it(void **state)
{
	(void)state;
	pipeline_write("event_ms", "");
	write_file("data", rows_write("x,event_ms\n", "%.4f, %lld \n"));
	expect_reference();
}

/* What does not use times reads rows without them, in the order of the file. */
static void only_drift_needs_times(void **state)
{
	(void)state;
	static const char *const steps[] = {"out, outlier: {tensor: x, reference: o.json}",
					    "pre, preprocess: [{impute: {tensor: x, by: median, fitted: s.json}}]"};
	static const char *const commands[] = {"fit outlier data -f q.yaml", "fit preprocess data -f q.yaml"};
	write_file("data", rows_write("x,event_ms\n-3,\n", "%.4f,%lld\n"));
	for (size_t i = 0; i < 2; i++) {
		char yaml[1024];
		snprintf(yaml, sizeof yaml,
			 "apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"
			 "  input: {topic: in, time: event_ms, tensors: {x: {path: x, datatype: FP64}}}\n"
			 "  steps:\n  - {name: %s}\n  output: {steps: [%.3s]}\n",
			 steps[i], steps[i]);
		write_file("q.yaml", yaml);
		struct said said = run(commands[i]);
		assert_int_equal(said.code, 0);
		said_close(&said);
	}
	pipeline_write("event_ms", "");
	struct said said = say_with(step_kinds, "fit drift data -f p.yaml");
	assert_int_not_equal(said.code, 0);
	expect_words(said.err, "data:2:4: ");
	expect_words(said.err, "the row has ");
	said_close(&said);
}

static void records_have_the_times_of_their_events(void **state)
{
	(void)state;
	struct mock mock;
	char line[512];
	mock_open(&mock); /* all records have one time */
	pipeline_write("event_ms", "tensors: [x], ");
	write_file("data", rows_write("", "{\"x\": %.4f, \"event_ms\": %lld}\n"));
	reference_write();
	struct random chance = {9};
	for (int i = 0; i < ROWS; i++) {
		snprintf(line, sizeof line, "{\"x\": %.4f, \"event_ms\": %lld}", value_of(&chance),
			 (long long)(BEGIN_MS + place_of(i) * STEP_MS));
		mock_write(&mock, NULL, line, NULL, NULL);
	}
	snprintf(line, sizeof line, "drift report topic:in -f p.yaml --brokers %s -o json", mock.brokers);
	expect_windows(line);
	mock_close(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_have_the_time_that_the_pipeline_maps),
		cmocka_unit_test(a_csv_with_that_column_has_its_times),
		cmocka_unit_test(times_of_a_csv_may_be_seconds_or_iso_8601),
		cmocka_unit_test(fields_of_several_lines_are_jumped_over),
		cmocka_unit_test(rows_of_one_time_keep_their_order),
		cmocka_unit_test(a_field_that_is_no_time_is_said_with_its_place),
		cmocka_unit_test(spaces_around_a_time_are_no_part_of_it),
		cmocka_unit_test(only_drift_needs_times),
		cmocka_unit_test(records_have_the_times_of_their_events),
	};
	return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}
