/* drift_settled_report_test.c: Tests of `sluice drift report` on a topic whose windows have settled: the realised numbers of the
 * drift topic's records, each beside the estimate of its window. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "message/records/drift_score.h"
#include "steps/kinds.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/session.h"

#define YAML                                                                                                                       \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  steps:\n  - {name: m}\n"              \
	"  - {name: watch, inputs: [m], drift: {tensors: [x], reference: ref.json, window: 20, falseAlarms: 0.1 per 1000%s}}\n"    \
	"  output: {steps: [m]}\n"
#define WAITS ", estimate: {probabilities: p, outcomeWindow: 10m}"
#define ROWS 20
#define FIRST_MS 1000000

static char data[100000];

static const char *body(int number, const char *segment)
{
	static char line[400];
	snprintf(line, sizeof line,
		 "{\"id\": \"r-%d\", \"inputs\": [{\"name\": \"x\", \"shape\": [1, 1], \"datatype\": \"FP64\", \"data\": [%d]}, "
		 "{\"name\": \"g\", \"shape\": [1, 1], \"datatype\": \"BYTES\", \"data\": [\"%s\"]}, "
		 "{\"name\": \"p\", \"shape\": [1, 1], \"datatype\": \"FP64\", \"data\": [0.75]}]}\n",
		 number, number * 7 % 13, segment);
	return line;
}

static int reference_make(void **state)
{
	char yaml[1024];
	size_t length = 0;
	const int code = folder_enter(state);
	for (int i = 0; i < 200; i++)
		length += (size_t)snprintf(data + length, sizeof data - length, "%s", body(i, "a"));
	snprintf(yaml, sizeof yaml, YAML, "");
	write_file("p.yaml", yaml);
	write_file("data", data);
	struct said said = say_with(step_kinds, "fit drift data -f p.yaml --out ref.json");
	const bool good = said.code == 0;
	if (!good)
		print_message("%s", said.err);
	said_close(&said);
	return good ? code : 1;
}

/* The topic, with messages of `segments` in turn, one a second. */
static void messages_send(const struct mock *mock, int messages, int segments)
{
	static const char *const names[] = {"a", "b"};
	for (int i = 0; i < messages; i++) {
		const char *line = body(i, names[i % segments]);
		assert_int_equal(rd_kafka_producev(mock->writer, RD_KAFKA_V_TOPIC("in"),
						   RD_KAFKA_V_VALUE((void *)(uintptr_t)line, strlen(line) - 1),
						   RD_KAFKA_V_TIMESTAMP(FIRST_MS + i * 1000),
						   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
				 0);
	}
	assert_int_equal(rd_kafka_flush(mock->writer, MOCK_WAIT_MS), 0);
}

/* The settled record of a window of the messages from that one on, each so many after the last. */
struct settling {
	const char *step, *segment;
	int window, first, stride;
	uint64_t rows, unkept, unfit;
	double value;
	const char *band;
};

static void record_send(const struct mock *mock, const struct settling *settling)
{
	const struct drift_realisation realised[] = {
		{"accuracy", settling->rows, settling->value, 0.75, 0.55, 0.95, settling->band},
		{"auc", settling->rows, 0.625, NAN, NAN, NAN, ""}};
	const struct drift_score score = {.pipeline = "p",
					  .step = settling->step ? settling->step : "watch",
					  .segment = text_of(settling->segment ? settling->segment : ""),
					  .window = (uint64_t)settling->window,
					  .messages = ROWS,
					  .begin_ms = FIRST_MS + settling->first * 1000,
					  .end_ms = FIRST_MS + (settling->first + (ROWS - 1) * settling->stride) * 1000,
					  .score = NAN,
					  .reference = "ref.json",
					  .times = drift_times_unknown(),
					  .settled = true,
					  .truths = settling->rows,
					  .unkept = settling->unkept,
					  .unfit = settling->unfit,
					  .realised_count = settling->rows > 0 ? 2 : 0,
					  .realised = realised};
	struct buffer out;
	struct error error = {0};
	buffer_open(&out, 1 << 12);
	assert_true(drift_score_encode(&score, &out, &error));
	mock_append(mock, "sluice.default.pipeline.p.drift", TEXT("watch"), buffer_view(&out));
	buffer_close(&out);
}

/* A verdict, as it comes before the settled record. */
static void verdict_send(const struct mock *mock)
{
	const struct drift_statistic statistic = {.feature = TEXT("x"), .method = "ks"};
	const struct drift_score score = {.pipeline = "p",
					  .step = "watch",
					  .messages = ROWS,
					  .begin_ms = FIRST_MS,
					  .end_ms = FIRST_MS + (ROWS - 1) * 1000,
					  .verdict = DRIFT_STEADY,
					  .reference = "ref.json",
					  .statistic_count = 1,
					  .statistics = &statistic,
					  .times = drift_times_unknown()};
	struct buffer out;
	struct error error = {0};
	buffer_open(&out, 1 << 12);
	assert_true(drift_score_encode(&score, &out, &error));
	mock_append(mock, "sluice.default.pipeline.p.drift", TEXT("watch"), buffer_view(&out));
	buffer_close(&out);
}

static struct said report(const struct mock *mock, const char *options, const char *more)
{
	char yaml[1024], line[512];
	snprintf(yaml, sizeof yaml, YAML, options);
	write_file("p.yaml", yaml);
	snprintf(line, sizeof line, "drift report topic:in -f p.yaml --brokers %s%s", mock->brokers, more);
	struct said said = say_with(step_kinds, line);
	if (said.code != 0)
		fail_msg("%s", said.err);
	return said;
}

/* The line of that number, from 0; the last one has the sums. */
static json_t *line_of(const char *lines, size_t number)
{
	for (; number > 0; number--)
		lines = strchr(lines, '\n') + 1;
	json_t *line = json_loads(lines, JSON_DISABLE_EOF_CHECK, NULL);
	assert_non_null(line);
	return line;
}

static void expect_number(const json_t *line, const char *name, double number)
{
	const json_t *member = json_object_get(line, name);
	if (isnan(number) ? !json_is_string(member) : !json_is_number(member) || json_number_value(member) != number)
		fail_msg("%s is %g", name, json_number_value(member));
}

/* The records of the windows 0 and 2 of four, which came in another order, one of them twice; and some that are of no window. */
static void records_send(const struct mock *mock)
{
	record_send(mock,
		    &(struct settling){.window = 2, .first = 2 * ROWS, .stride = 1, .rows = 19, .value = 0.5, .band = "left"});
	verdict_send(mock);
	record_send(mock, &(struct settling){.window = 0, .stride = 1, .rows = 18, .value = 0.875, .band = "held"});
	record_send(mock,
		    &(struct settling){.window = 2, .first = 2 * ROWS, .stride = 1, .rows = 19, .value = 0.5, .band = "left"});
	record_send(mock, &(struct settling){.window = 9, .first = 900, .stride = 1, .rows = 17, .value = 0.25, .band = "left"});
	record_send(mock, &(struct settling){
				  .step = "other", .window = 1, .first = ROWS, .stride = 1, .rows = 3, .value = 1, .band = "held"});
	mock_append(mock, "sluice.default.pipeline.p.drift", TEXT("k"), TEXT("\xC3\x01nobody can read that"));
}

static void a_window_has_the_numbers_of_its_settled_record(void **state)
{
	struct mock mock;
	(void)state;
	mock_open(&mock);
	messages_send(&mock, 70, 1);
	records_send(&mock);
	struct said said = report(&mock, WAITS, "");
	expect_words(said.out, "; realised accuracy 0.875 of 18 rows with feedback, within its band of 0.55 to 0.95");
	expect_words(said.out, "; realised accuracy 0.5 of 19 rows with feedback, outside of its band of 0.55 to 0.95");
	expect_words(said.out,
		     "; realised AUC 0.625 of 18 rows with feedback, without a band, since there is no estimate of them\n");
	assert_null(strstr(said.out, "realised accuracy 0.25"));
	expect_words(said.out, "2 of 4 windows have settled; 2 have no settled record yet\n"
			       "realised accuracy: within the band of 95% in 1 of 2 windows\n");
	expect_words(said.err, "1 settled record is of a window that is not in this report, and was left out");
	said_close(&said);
	said = report(&mock, WAITS, " -o json");
	json_t *first = line_of(said.out, 0), *second = line_of(said.out, 1), *third = line_of(said.out, 2);
	json_t *sums = line_of(said.out, 4);
	assert_true(json_is_true(json_object_get(first, "settled")) && json_is_false(json_object_get(second, "settled")));
	expect_number(first, "settled_truths", 18);
	expect_number(first, "realised_rows", 18);
	expect_number(first, "realised_accuracy", 0.875);
	expect_number(first, "realised_band_low", 0.55);
	expect_number(first, "realised_band_high", 0.95);
	assert_true(json_is_true(json_object_get(first, "band_held")) && json_is_false(json_object_get(third, "band_held")));
	expect_number(first, "realised_auc", 0.625);
	expect_number(first, "realised_auc_band_low", NAN);
	assert_true(json_is_null(json_object_get(first, "auc_band_held")));
	expect_number(first, "realised_precision", NAN);
	expect_number(second, "realised_accuracy", NAN);
	expect_number(second, "realised_rows", 0);
	expect_number(sums, "windows_settled", 2);
	expect_number(sums, "windows_not_settled", 2);
	assert_string_equal(json_string_value(json_object_get(sums, "realised_from")), "settled records");
	json_decref(first), json_decref(second), json_decref(third), json_decref(sums);
	said_close(&said);
	mock_close(&mock);
}

static void the_page_has_them_in_its_chart(void **state)
{
	struct mock mock;
	(void)state;
	mock_open(&mock);
	messages_send(&mock, 70, 1);
	records_send(&mock);
	struct said said = report(&mock, WAITS, " -o html");
	expect_words(said.out, "<circle class=\"held\"");
	expect_words(said.out, "<title>window 0: realised 0.875 of 18 rows, within its band; estimated 0.75</title>");
	expect_words(said.out, "<title>window 2: realised 0.5 of 19 rows, outside of its band; estimated 0.75</title>");
	expect_words(said.out, "The realised accuracy was within its band in 1 of 2 windows.");
	expect_words(said.out, "Realised numbers are from the settled records of the drift topic: 2 of 4 windows have settled, of "
			       "which 0 have too few rows for the band; 2 have no settled record yet.");
	said_close(&said);
	mock_close(&mock);
}

/* Feedback that the report itself reads is the only source then. */
static void feedback_is_shown_alone(void **state)
{
	struct mock mock;
	(void)state;
	mock_open(&mock);
	messages_send(&mock, 70, 1);
	records_send(&mock);
	write_file("outcomes", "{\"id\": \"r-0\", \"metrics\": {\"accuracy\": 1}}\n");
	struct said said = report(&mock, WAITS, " --feedback outcomes");
	expect_words(said.out, "; realised accuracy 1 of 1 rows with feedback");
	assert_null(strstr(said.out, "realised accuracy 0."));
	expect_words(said.out,
		     "1 of 70 messages have feedback\nrealised accuracy: within the band of 95% in 0 of 0 windows; 1 more ");
	expect_words(said.out, "2 of 4 windows have settled; 2 have no settled record yet. Their records are not shown, since the "
			       "realised numbers are from --feedback\n");
	said_close(&said);
	said = report(&mock, WAITS, " --feedback outcomes -o json");
	json_t *sums = line_of(said.out, 4);
	assert_string_equal(json_string_value(json_object_get(sums, "realised_from")), "feedback");
	json_decref(sums);
	said_close(&said);
	said = report(&mock, WAITS, " --feedback outcomes -o html");
	expect_words(said.out,
		     "<p>Realised numbers are from --feedback. The drift topic has settled records of 2 of 4 windows, which "
		     "are not shown.</p>");
	assert_null(strstr(said.out, "realised 0.875"));
	said_close(&said);
	mock_close(&mock);
}

/* Windows of the same number are of different segments. */
static void each_segment_has_its_own(void **state)
{
	struct mock mock;
	(void)state;
	mock_open(&mock);
	messages_send(&mock, 4 * ROWS, 2);
	const struct settling records[] = {
		{.segment = "b", .window = 1, .first = 2 * ROWS + 1, .stride = 2, .rows = 20, .value = 0.9, .band = "held"},
		{.segment = "a", .window = 0, .first = 0, .stride = 2, .rows = 20, .value = 0.6, .band = "held"},
		{.segment = "b", .window = 0, .first = 1, .stride = 2, .rows = 0},
		{.segment = "a", .window = 0, .first = 1, .stride = 2, .rows = 20, .value = 0.1, .band = "left"}};
	for (size_t i = 0; i < sizeof records / sizeof *records; i++)
		record_send(&mock, &records[i]);
	struct said said = report(&mock, ", groupBy: g" WAITS, " -o json");
	double found[2][2];
	bool settled[2][2];
	for (size_t i = 0; i < 4; i++) {
		json_t *line = line_of(said.out, i), *realised = json_object_get(line, "realised_accuracy");
		const bool b = strcmp(json_string_value(json_object_get(line, "segment")), "b") == 0;
		const json_int_t window = json_integer_value(json_object_get(line, "window"));
		assert_in_range(window, 0, 1);
		found[b][window] = json_is_number(realised) ? json_number_value(realised) : -1;
		settled[b][window] = json_is_true(json_object_get(line, "settled"));
		json_decref(line);
	}
	assert_true(found[0][0] == 0.6 && settled[0][0] && found[0][1] == -1 && !settled[0][1]);
	assert_true(found[1][0] == -1 && settled[1][0] && found[1][1] == 0.9 && settled[1][1]); /* one without truths */
	said_close(&said);
	mock_close(&mock);
}

/* Of the window 0 two rows did not wait for feedback, of the window 2 three. */
static void rows_that_did_not_wait_are_told(void **state)
{
	struct mock mock;
	(void)state;
	mock_open(&mock);
	messages_send(&mock, 70, 1);
	const struct settling records[] = {{.window = 0, .stride = 1, .rows = 18, .unkept = 2, .value = 0.875, .band = "held"},
					   {.window = 1, .first = ROWS, .stride = 1, .rows = 20, .value = 0.5, .band = "left"},
					   {.window = 2, .first = 2 * ROWS, .stride = 1, .unkept = 3}};
	for (size_t i = 0; i < sizeof records / sizeof *records; i++)
		record_send(&mock, &records[i]);
	struct said said = report(&mock, WAITS, "");
	expect_words(said.out, "; 2 rows did not wait for feedback\nwindow 1, ");
	expect_words(said.out, "; 3 rows did not wait for feedback\nwindow 3, ");
	assert_null(strstr(said.out, "; 0 rows"));
	expect_words(said.out, "5 of their rows did not wait for feedback, since 73728 rows waited, or they have more than 65535 "
			       "classes; choose a shorter window or outcomeWindow, or a smaller share\n");
	said_close(&said);
	said = report(&mock, WAITS, " -o json");
	json_t *first = line_of(said.out, 0), *second = line_of(said.out, 1), *last = line_of(said.out, 3);
	json_t *sums = line_of(said.out, 4);
	expect_number(first, "settled_unkept", 2);
	expect_number(second, "settled_unkept", 0);
	assert_null(json_object_get(last, "settled_unkept")); /* it has not settled */
	expect_number(sums, "settled_unkept", 5);
	json_decref(first), json_decref(second), json_decref(last), json_decref(sums);
	said_close(&said);
	said = report(&mock, WAITS, " -o html");
	expect_words(said.out, "1 have no settled record yet. 5 of their rows did not wait for feedback, as they were beyond the "
			       "limits of outcomeWindow.</p>");
	said_close(&said);
	write_file("outcomes", "{\"id\": \"r-0\", \"metrics\": {\"accuracy\": 1}}\n");
	said = report(&mock, WAITS, " --feedback outcomes"); /* which are of no concern then */
	assert_null(strstr(said.out, "did not wait"));
	said_close(&said);
	mock_close(&mock);
}

/* Of the window 0 two rows, of the window 2 three. */
static void rows_whose_feedback_does_not_fit_are_told(void **state)
{
	struct mock mock;
	(void)state;
	mock_open(&mock);
	messages_send(&mock, 70, 1);
	const struct settling records[] = {{.window = 0, .stride = 1, .rows = 18, .unfit = 2, .value = 0.875, .band = "held"},
					   {.window = 1, .first = ROWS, .stride = 1, .rows = 20, .value = 0.5, .band = "left"},
					   {.window = 2, .first = 2 * ROWS, .stride = 1, .unfit = 3}};
	for (size_t i = 0; i < sizeof records / sizeof *records; i++)
		record_send(&mock, &records[i]);
	struct said said = report(&mock, WAITS, "");
	expect_words(said.out, "; feedback of 2 rows cannot be compared\nwindow 1, ");
	expect_words(said.out, "; feedback of 3 rows cannot be compared\nwindow 3, ");
	assert_null(strstr(said.out, "feedback of 0 rows"));
	expect_words(said.out,
		     "feedback of 5 of their rows cannot be compared: it needs the metric `accuracy` from 0 to 1, or as truth "
		     "one tensor with the number of each row's class\n");
	said_close(&said);
	said = report(&mock, WAITS, " -o json");
	json_t *first = line_of(said.out, 0), *second = line_of(said.out, 1), *sums = line_of(said.out, 4);
	expect_number(first, "settled_unfit", 2);
	expect_number(second, "settled_unfit", 0);
	expect_number(sums, "settled_unfit", 5);
	json_decref(first), json_decref(second), json_decref(sums);
	said_close(&said);
	said = report(&mock, WAITS, " -o html");
	expect_words(said.out, "1 have no settled record yet. Feedback of 5 of their rows cannot be compared.</p>");
	said_close(&said);
	mock_close(&mock);
}

/* Windows of which nothing has settled are not windows without a step that waits. */
static void without_records_no_window_has_settled(void **state)
{
	struct mock mock;
	(void)state;
	mock_open(&mock);
	messages_send(&mock, 70, 1);
	struct said said = report(&mock, WAITS, "");
	expect_words(said.out, "0 of 4 windows have settled; 4 have no settled record yet\n");
	said_close(&said);
	records_send(&mock);
	said = report(&mock, ", estimate: {probabilities: p}", "");
	assert_null(strstr(said.out, "settled"));
	assert_null(strstr(said.out, "realised"));
	said_close(&said);
	mock_close(&mock);
}

/* Each cut of a record is none, and no byte behind it is read. */
static void records_that_are_cut_off_are_none(void **state)
{
	const struct drift_realisation realised = {"accuracy", 30, 0.5, 0.75, 0.55, 0.95, "left"};
	const struct drift_score score = {.pipeline = "p",
					  .step = "watch",
					  .window = 7,
					  .reference = "r",
					  .score = NAN,
					  .times = drift_times_unknown(),
					  .settled = true,
					  .truths = 30,
					  .unkept = 300,
					  .unfit = 200,
					  .realised_count = 1,
					  .realised = &realised};
	struct settled_score read;
	struct buffer out;
	struct error error = {0};
	(void)state;
	buffer_open(&out, 1 << 12);
	assert_true(drift_score_encode(&score, &out, &error));
	const struct text whole = buffer_view(&out);
	struct arena *arena = arena_open(SETTLED_SCORE_BYTES_MAX);
	assert_true(settled_score_decode(whole, arena, &read));
	assert_int_equal(read.window, 7);
	assert_int_equal(read.truths, 30);
	assert_int_equal(read.unkept, 300);
	assert_int_equal(read.unfit, 200);
	assert_int_equal(read.realised_count, 1);
	assert_string_equal(read.realised[0].metric, "accuracy");
	assert_string_equal(read.realised[0].band, "left");
	assert_true(read.realised[0].value == 0.5 && read.realised[0].low == 0.55 && read.realised[0].high == 0.95);
	for (size_t length = 0; length < whole.length; length++)
		assert_false(settled_score_decode((struct text){whole.bytes, length}, arena, &read));
	arena_close(arena);
	buffer_close(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_window_has_the_numbers_of_its_settled_record),
		cmocka_unit_test(the_page_has_them_in_its_chart),
		cmocka_unit_test(feedback_is_shown_alone),
		cmocka_unit_test(each_segment_has_its_own),
		cmocka_unit_test(rows_that_did_not_wait_are_told),
		cmocka_unit_test(rows_whose_feedback_does_not_fit_are_told),
		cmocka_unit_test(without_records_no_window_has_settled),
		cmocka_unit_test(records_that_are_cut_off_are_none),
	};
	return cmocka_run_group_tests(tests, reference_make, folder_leave);
}
