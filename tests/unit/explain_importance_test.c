/* explain_importance_test.c: running importance of features at a step `explain`: windows by count and by time, what survives an
 * engine, what is left out, and what `sluice explain --importance` shows of the records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <avro.h>
#include <math.h>

#include "base/random.h"
#include "cli/importance_windows.h"
#include "flow/flow.h"
#include "message/importance_report.h"
#include "message/schemas.h"
#include "steps/explain_importance.h"
#include "steps/kinds.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/planning.h"
#include "tests/unit/session.h"

#define expect_near(number, wanted, by) assert_true(fabs((number) - (wanted)) <= (by))
#define STORE_BYTES ((size_t)64 << 20)
#define ARENA_BYTES ((size_t)64 << 20)
#define RECORD_BYTES ((size_t)1 << 20)
#define REPORTS_MAX 64
#define FEATURES 3
#define HOUR_MS 3600000
#define TOPIC "sluice.default.pipeline.p.importance"

/* Contributions of a row are coef * row, since the background is zero. */
static const double coef[FEATURES] = {2, -3, 0.5};

struct weighed {
	struct planning planning;
	struct flow *flow;
	struct store *store;
	struct line *line;
	struct arena *arena, *kept; /* of a message; of the reports */
	int64_t time_ms, sent;
	size_t count;
	struct importance_report reports[REPORTS_MAX];
};

static bool files_read(void *context, const struct name *file, const char *digest, struct text *content, struct error *error)
{
	(void)context, (void)digest, (void)error;
	*content = strcmp(file->text, "m.json") == 0 ? TEXT("{\"format\": \"sluice_linear/1\", \"kind\": \"identity\", \"coef\": "
							    "[[2, -3, 0.5]], \"intercept\": [1]}")
		   : strcmp(file->text, "two.json") == 0 ? TEXT("{\"format\": \"sluice_linear/1\", \"kind\": \"softmax\", "
								"\"coef\": [[1, 0], [0, 1]], \"intercept\": [0, 0]}")
		   : strcmp(file->text, "two.csv") == 0	 ? TEXT("a,b\n0,0\n0,0\n")
							 : TEXT("a,b,c\n0,0,0\n0,0,0\n");
	return true;
}

static const struct file_source files = {.read = files_read};

/* A copy of a report, which is encoded and read as from the topic. */
static void report_take(struct weighed *weighed, const struct importance_report *report)
{
	struct buffer record;
	struct error error = {0};
	assert_true(weighed->count < REPORTS_MAX);
	buffer_open(&record, RECORD_BYTES);
	assert_true(importance_report_encode(report, &record, &error));
	const struct text bytes = {arena_copy(weighed->kept, record.bytes, record.length), record.length};
	assert_true(importance_report_decode(bytes, weighed->kept, &weighed->reports[weighed->count++], &error));
	buffer_close(&record);
}

static void reports_take(struct weighed *weighed, const struct importance_report *report)
{
	if (!report)
		return;
	reports_take(weighed, report->next);
	report_take(weighed, report);
}

static void on_finished(void *context, struct message *message, enum flow_outcome outcome, const struct answer *answer)
{
	struct weighed *weighed = context;
	struct error error = {0};
	(void)outcome;
	if (answer->error)
		fail_msg("%s", answer->error->text);
	reports_take(weighed, message->importances);
	assert_true(store_release(weighed->store, message->writes, &error));
}

static void engine_open(struct weighed *weighed)
{
	struct error error = {0};
	const struct flow_outside outside = {.context = weighed, .finished = on_finished, .files = &files};
	weighed->flow = flow_open(weighed->planning.graph, &outside, &error);
	assert_string_equal(error.text, "");
	if (!weighed->store)
		weighed->store = store_open(flow_scopes(weighed->flow), STORE_BYTES);
	weighed->line = line_open(weighed->flow, weighed->store, &error);
	assert_non_null(weighed->line);
}

static void engine_close(struct weighed *weighed)
{
	flow_close(weighed->flow);
	line_close(weighed->line);
}

static void pipeline_open(struct weighed *weighed, const char *model, const char *options)
{
	char steps[1024];
	snprintf(steps, sizeof steps,
		 "  - {name: score, model: {local: %s.json, input: x, output: y}}\n"
		 "  - {name: why, inputs: [score], explain: {background: %s.csv, %s}}\n"
		 "  output: {steps: [score]}\n",
		 model, model, options);
	planning_open_steps(&weighed->planning, steps);
	assert_int_equal(planning_errors(&weighed->planning), 0);
}

static void weighed_open(struct weighed *weighed, const char *options)
{
	*weighed = (struct weighed){.time_ms = 1000 * (int64_t)HOUR_MS};
	weighed->arena = arena_open(ARENA_BYTES);
	weighed->kept = arena_open(ARENA_BYTES);
	pipeline_open(weighed, "m", options);
	engine_open(weighed);
}

/* Another version of the pipeline, with the state of the former. */
static void weighed_become(struct weighed *weighed, const char *model, const char *options)
{
	engine_close(weighed);
	planning_close(&weighed->planning);
	pipeline_open(weighed, model, options);
	engine_open(weighed);
}

static void weighed_close(struct weighed *weighed)
{
	engine_close(weighed);
	store_close(weighed->store);
	arena_close(weighed->arena);
	arena_close(weighed->kept);
	planning_close(&weighed->planning);
}

static void rows_send(struct weighed *weighed, const double *rows, size_t count, size_t features)
{
	const int64_t shape[] = {(int64_t)count, (int64_t)features};
	const struct tensor tensor = {
		.name = TEXT("x"), .datatype = DATATYPE_FP64, .shape = shape, .rank = 2, .data = rows, .count = count * features};
	const struct tensor *items[] = {&tensor};
	struct error error = {0};
	char id[24];
	snprintf(id, sizeof id, "%lld", (long long)weighed->sent);
	struct message message = {.arena = weighed->arena,
				  .id = text_of(id),
				  .origin = {TEXT("in"), 0, weighed->sent++},
				  .time_ms = weighed->time_ms,
				  .payload = {.tensors = {1, items}},
				  .line = weighed->line};
	assert_true(flow_enter(weighed->flow, &message, 0, &error));
	arena_reset(weighed->arena);
}

static void row_send(struct weighed *weighed, double a, double b, double c)
{
	const double row[FEATURES] = {a, b, c};
	rows_send(weighed, row, 1, FEATURES);
}

static void rows_draw(struct random *chance, double (*rows)[FEATURES], size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < FEATURES; j++)
			rows[i][j] = (double)random_below(chance, 2001) / 100 - 10;
}

/* The means of a report are those of its rows. */
static void expect_means(const struct importance_report *report, double (*rows)[FEATURES], size_t count)
{
	const double rows_count = (double)count;
	double total = 0;
	assert_int_equal(report->explanations, count);
	assert_int_equal(report->feature_count, FEATURES);
	for (size_t j = 0; j < FEATURES; j++) {
		double sum = 0;
		for (size_t i = 0; i < count; i++)
			sum += fabs(coef[j] * rows[i][j]);
		total += sum / rows_count;
		expect_near(report->features[j].mean, sum / rows_count, 1e-12);
	}
	expect_near(report->total, total, 1e-12);
}

/* ---- windows ---- */

static void a_window_by_count_has_the_means_of_its_rows(void **state)
{
	(void)state;
	struct weighed weighed;
	struct random chance = {3};
	double rows[100][FEATURES];
	weighed_open(&weighed, "importance: {window: 40}");
	rows_draw(&chance, rows, 100);
	rows_send(&weighed, rows[0], 39, FEATURES);
	assert_int_equal(weighed.count, 0);
	weighed.time_ms += 5;
	rows_send(&weighed, rows[39], 61, FEATURES);
	assert_int_equal(weighed.count, 2);
	expect_means(&weighed.reports[0], rows, 40);
	expect_means(&weighed.reports[1], rows + 40, 40);
	assert_int_equal(weighed.reports[0].window, 0);
	assert_int_equal(weighed.reports[1].window, 1);
	assert_true(weighed.reports[0].slice == weighed.reports[1].slice);
	assert_int_equal(weighed.reports[0].end_ms - weighed.reports[0].begin_ms, 5);
	assert_int_equal(weighed.reports[1].begin_ms, weighed.time_ms);
	assert_true(text_is(weighed.reports[0].output, "y[0]"));
	assert_true(text_is(weighed.reports[0].step, "why") && text_is(weighed.reports[0].explained, "score"));
	assert_true(text_is(weighed.reports[0].method, "linear"));
	assert_true(text_is(weighed.reports[0].features[1].name, "b"));
	weighed_close(&weighed);
}

static void a_window_by_time_has_what_is_of_its_time(void **state)
{
	(void)state;
	struct weighed weighed;
	weighed_open(&weighed, "importance: {window: 1h}");
	weighed.time_ms += 10;
	row_send(&weighed, 1, 0, 0);
	weighed.time_ms += HOUR_MS - 11;
	row_send(&weighed, 2, 0, 0);
	assert_int_equal(weighed.count, 0);
	weighed.time_ms++;
	row_send(&weighed, 5, 0, 0); /* of the next hour */
	assert_int_equal(weighed.count, 1);
	expect_near(weighed.reports[0].features[0].mean, 3, 0);
	assert_int_equal(weighed.reports[0].begin_ms, 1000 * (int64_t)HOUR_MS + 10);
	assert_int_equal(weighed.reports[0].end_ms, 1001 * (int64_t)HOUR_MS - 1);
	weighed.time_ms -= 5;
	row_send(&weighed, 1, 0, 0); /* late */
	weighed.time_ms += 3 * HOUR_MS;
	row_send(&weighed, 0, 0, 0);
	assert_int_equal(weighed.count, 2);
	assert_int_equal(weighed.reports[1].explanations, 2);
	assert_int_equal(weighed.reports[1].late, 1);
	expect_near(weighed.reports[1].features[0].mean, 6, 0);
	weighed_close(&weighed);
}

/* One time that is far ahead opens a window that none closes, until the clock is known to have been set back. */
static void a_clock_that_was_ahead_ends(void **state)
{
	(void)state;
	struct weighed weighed;
	weighed_open(&weighed, "importance: {window: 1h}");
	row_send(&weighed, 1, 0, 0);
	weighed.time_ms += 1000 * (int64_t)HOUR_MS;
	row_send(&weighed, 1, 0, 0);
	weighed.time_ms -= 1000 * (int64_t)HOUR_MS;
	weighed.count = 0;
	for (int i = 0; i < IMPORTANCE_LATE; i++)
		row_send(&weighed, 1, 0, 0);
	assert_int_equal(weighed.count, 0);
	row_send(&weighed, 1, 0, 0);
	assert_int_equal(weighed.count, 1);
	assert_int_equal(weighed.reports[0].explanations, 1 + IMPORTANCE_LATE);
	assert_int_equal(weighed.reports[0].late, IMPORTANCE_LATE);
	weighed.time_ms += HOUR_MS;
	row_send(&weighed, 1, 0, 0);
	assert_int_equal(weighed.count, 2);
	assert_int_equal(weighed.reports[1].explanations, 1);
	assert_int_equal(weighed.reports[1].late, 0);
	weighed_close(&weighed);
}

/* ---- state ---- */

static void an_engine_that_takes_over_goes_on(void **state)
{
	(void)state;
	struct weighed weighed;
	struct random chance = {5};
	double rows[60][FEATURES];
	weighed_open(&weighed, "importance: {window: 30}");
	rows_draw(&chance, rows, 60);
	for (size_t i = 0; i < 60; i++) {
		rows_send(&weighed, rows[i], 1, FEATURES);
		engine_close(&weighed);
		engine_open(&weighed);
	}
	assert_int_equal(weighed.count, 2);
	expect_means(&weighed.reports[0], rows, 30);
	expect_means(&weighed.reports[1], rows + 30, 30);
	weighed_close(&weighed);
}

static void other_features_report_what_is_open_and_begin_anew(void **state)
{
	(void)state;
	static const double two[4][2] = {{1, 2}, {3, 4}, {5, 6}, {7, 8}};
	struct weighed weighed;
	weighed_open(&weighed, "importance: {window: 4}");
	row_send(&weighed, 1, 1, 1);
	row_send(&weighed, 1, 3, 1);
	weighed_become(&weighed, "two", "importance: {window: 4}, by: gradients");
	rows_send(&weighed, two[0], 4, 2);
	assert_int_equal(weighed.count, 3);
	assert_int_equal(weighed.reports[0].explanations, 2);
	assert_int_equal(weighed.reports[0].feature_count, 3);
	expect_near(weighed.reports[0].features[1].mean, 6, 0);
	for (size_t output = 0; output < 2; output++) {
		const struct importance_report *report = &weighed.reports[1 + output];
		assert_int_equal(report->window, 1);
		assert_int_equal(report->explanations, 4);
		assert_int_equal(report->feature_count, 2);
		assert_true(text_is(report->output, output ? "y[1]" : "y[0]"));
		assert_true(report->slice == weighed.reports[0].slice);
	}
	weighed_close(&weighed);
}

/* ---- what is not in it ---- */

static void what_is_not_finite_is_left_out_and_counted(void **state)
{
	(void)state;
	struct weighed weighed;
	weighed_open(&weighed, "importance: {window: 2}");
	row_send(&weighed, 1, 0, 0);
	row_send(&weighed, 1e308, 1e308, 0);
	row_send(&weighed, 3, 0, 0);
	assert_int_equal(weighed.count, 1);
	assert_int_equal(weighed.reports[0].explanations, 2);
	assert_int_equal(weighed.reports[0].left_out, 1);
	expect_near(weighed.reports[0].features[0].mean, 4, 0);
	weighed_close(&weighed);
}

static void a_share_of_requests_is_explained_and_only_that_counts(void **state)
{
	(void)state;
	struct weighed weighed;
	weighed_open(&weighed, "share: 0, importance: {window: 2}");
	for (int i = 0; i < 10; i++)
		row_send(&weighed, 1, 0, 0);
	assert_int_equal(weighed.count, 0);
	weighed_close(&weighed);
}

/* ---- plans ---- */

static void expect_fault(const char *options, const char *words)
{
	struct planning planning;
	char steps[512];
	snprintf(steps, sizeof steps,
		 "  - {name: score, model: {local: m.json, input: x}}\n"
		 "  - {name: why, inputs: [score], explain: {%s}}\n  output: {steps: [score]}\n",
		 options);
	planning_open_steps(&planning, steps);
	assert_int_equal(planning_errors(&planning), 1);
	expect_words(faults_at(planning.spec.faults, 0)->message, words);
	planning_close(&planning);
}

static void what_cannot_be_kept_is_a_fault(void **state)
{
	(void)state;
	expect_fault("deliver: inline, importance: {window: 10}", "`importance` is kept beside the answer");
	expect_fault("deliver: on-request, importance: {window: 10}", "`importance` is kept beside the answer");
	expect_fault("by: anchors, importance: {window: 10}", "anchors have no contributions");
	expect_fault("importance: {window: 1000001}", "a window has at most 1000000 explanations");
}

static const struct topic *topic_of(const struct plan *plan, enum topic_role role)
{
	for (size_t i = 0; i < plan->pipelines[0].topic_count; i++)
		if (plan->pipelines[0].topics[i].role == role)
			return &plan->pipelines[0].topics[i];
	return NULL;
}

static void a_step_without_it_has_no_state_and_no_topic(void **state)
{
	(void)state;
	struct weighed weighed = {0};
	struct plan plan;
	pipeline_open(&weighed, "m", "share: 1");
	planning_plan(&weighed.planning, NULL, &plan);
	assert_null(topic_of(&plan, TOPIC_IMPORTANCE));
	assert_null(topic_of(&plan, TOPIC_STATE));
	planning_close(&weighed.planning);
	pipeline_open(&weighed, "m", "importance: {}");
	planning_plan(&weighed.planning, NULL, &plan);
	assert_string_equal(topic_of(&plan, TOPIC_IMPORTANCE)->name, TOPIC);
	assert_non_null(topic_of(&plan, TOPIC_STATE));
	planning_close(&weighed.planning);
}

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
		 "  - {name: watch, drift: {tensors: [x], reference: r.json, window: 20, falseAlarms: 0.1 per 1000}}\n"
		 "  - {name: score, inputs: [watch], model: {local: m.json, input: x}}\n"
		 "  - {name: why, inputs: [score], explain: {%s}}\n  output: {steps: [score]}\n",
		 explain);
	write_file("p.yaml", yaml);
}

/* Two columns, the second of which is constant, as a reference of 100 rows and as a request of 20. */
static void rows_write(struct mock *mock)
{
	FILE *file = fopen("rows.csv", "w");
	char request[2048];
	assert_non_null(file);
	fputs("0,1\n", file);
	for (int i = 0; i < 100; i++)
		fprintf(file, "%d,%d\n", i % 20, i % 7);
	fclose(file);
	int length = snprintf(request, sizeof request,
			      "{\"inputs\": [{\"name\": \"x\", \"datatype\": \"FP64\", \"shape\": [20, 2], \"data\": [");
	for (int i = 0; i < 20; i++)
		length += snprintf(request + length, sizeof request - (size_t)length, "%s%d,%d", i ? "," : "", i, i % 7);
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
	drift_write("share: 1"); /* no step keeps it */
	said = report_say(&mock, "json");
	assert_null(strstr(said.out, "importance"));
	said_close(&said);
	mock_close(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_by_count_has_the_means_of_its_rows),
		cmocka_unit_test(a_window_by_time_has_what_is_of_its_time),
		cmocka_unit_test(a_clock_that_was_ahead_ends),
		cmocka_unit_test(an_engine_that_takes_over_goes_on),
		cmocka_unit_test(other_features_report_what_is_open_and_begin_anew),
		cmocka_unit_test(what_is_not_finite_is_left_out_and_counted),
		cmocka_unit_test(a_share_of_requests_is_explained_and_only_that_counts),
		cmocka_unit_test(what_cannot_be_kept_is_a_fault),
		cmocka_unit_test(a_step_without_it_has_no_state_and_no_topic),
		cmocka_unit_test(records_are_of_their_schema),
		cmocka_unit_test(windows_of_partitions_merge_by_their_explanations),
		cmocka_unit_test(before_a_window_has_closed_it_says_so),
		cmocka_unit_test(a_report_of_drift_has_the_shift_of_each_feature),
	};
	return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}
