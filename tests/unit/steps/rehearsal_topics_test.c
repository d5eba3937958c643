/* rehearsal_topics_test.c: Tests of `sluice experiments rollout --dry-run` on topics that are deleted, empty, or have records that
 * nobody can read: each has its words, and what can be read counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "steps/kinds.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/session.h"

#define EXPERIMENT                                                                                                                 \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  default: old\n"                     \
	"  candidates: [{name: old, weight: 50}, {name: new, weight: 50}]\n"                                                       \
	"  progressiveDeployment: {schedule: [50], every: 10s, checkEvery: 1s, outcomeWindow: 1s}\n"
#define PIPELINE                                                                                                                   \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: shop}\nspec:\n"                               \
	"  steps: [{name: s, experiment: {name: e}}]\n  output: {steps: [s]}\n"
#define FILE_TEXT EXPERIMENT PIPELINE
#define JUDGED_BY_PROFIT(per_unit)                                                                                                 \
	EXPERIMENT "  successCriteria: [{metricName: profit, threshold: 50, operator: \"<\"}]\n" PIPELINE                          \
		   "  metrics: [{name: profit, type: gauge, value: reward, perUnit: " per_unit "}]\n"
#define TOPIC(rest) "sluice.default.pipeline.shop." rest
#define BEGIN_MS INT64_C(1769938200000)
#define REQUESTS 20
#define LINE_BYTES 512

static char path[] = "/tmp/sluice-rehearsal-XXXXXX";
static struct mock mock;

static int file_make(void **state)
{
	(void)state;
	const int file = mkstemp(path);
	if (file < 0 || close(file) != 0)
		return 1;
	write_file(path, FILE_TEXT);
	return 0;
}

static int file_remove(void **state)
{
	(void)state;
	return unlink(path);
}

static int broker_start(void **state)
{
	(void)state;
	mock_open(&mock);
	return 0;
}

static int broker_stop(void **state)
{
	(void)state;
	mock_close(&mock);
	return 0;
}

static void topics_make(void)
{
	static const char *const topics[] = {TOPIC("exposures"), TOPIC("feedback"), TOPIC("outputs"), TOPIC("errors")};
	for (size_t i = 0; i < sizeof topics / sizeof *topics; i++)
		rd_kafka_mock_topic_create(mock.cluster, topics[i], 1, 1);
}

static struct said rehearse(const char *form)
{
	char line[LINE_BYTES];
	(void)snprintf(line, sizeof line, "experiments rollout e -f %s --dry-run --brokers %s -o %s", path, mock.brokers, form);
	return say_with(step_kinds, line);
}

/* In both forms; nothing is printed as a result. */
static void expect_refused(const char *words)
{
	static const char *const forms[] = {"text", "json"};
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		struct said said = rehearse(forms[i]);
		assert_int_not_equal(said.code, 0);
		if (!strstr(said.err, words))
			fail_msg("%s: %s", words, said.err);
		assert_string_equal(said.out, "");
		said_close(&said);
	}
}

static void rubbish_write(const char *topic)
{
	static const struct text rubbish[] = {
		{"nobody can read this", 20}, {"{\"id\": 7}", 9}, {"\xC3\x01\0\0\0\0\0\0\0\0\xFF", 11}, {"", 0}, {NULL, 0}};
	for (size_t i = 0; i < sizeof rubbish / sizeof *rubbish; i++)
		mock_append(&mock, topic, TEXT("k"), rubbish[i]);
}

static void requests_write(void)
{
	char line[LINE_BYTES];
	for (int i = 0; i < REQUESTS; i++) {
		(void)snprintf(line, sizeof line,
			       "{\"id\":\"r%d\",\"time_ms\":%lld,\"experiment\":\"e\",\"variant\":\"%s\",\"probability\":0.5,"
			       "\"reason\":\"stage\"}",
			       i, (long long)(BEGIN_MS + i), i % 2 ? "new" : "old");
		mock_append(&mock, TOPIC("exposures"), TEXT("k"), text_of(line));
	}
}

static void topic_delete(const char *topic, rd_kafka_resp_err_t error)
{
	rd_kafka_mock_topic_set_error(mock.cluster, topic, error);
}

/* Feedback may never have come, so its topic need not exist. */
static void topics_that_were_deleted_are_named(void **state)
{
	static const struct {
		const char *topic;
		bool needed;
	} rows[] = {{TOPIC("exposures"), true}, {TOPIC("feedback"), false}, {TOPIC("outputs"), true}, {TOPIC("errors"), true}};
	(void)state;
	if (mock_error_of_topic_crashes())
		skip();
	topics_make();
	requests_write();
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char words[LINE_BYTES];
		(void)snprintf(words, sizeof words, "topic %s cannot be read: ", rows[i].topic);
		topic_delete(rows[i].topic, RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
		if (rows[i].needed) {
			expect_refused(words);
		} else {
			struct said said = rehearse("json");
			assert_int_equal(said.code, 0);
			assert_non_null(strstr(said.err, words));
			said_close(&said);
		}
		topic_delete(rows[i].topic, RD_KAFKA_RESP_ERR_NO_ERROR);
	}
}

static void empty_topics_have_nothing_to_rehearse(void **state)
{
	(void)state;
	topics_make();
	expect_refused("there is no exposure of experiment `e`; set `exposures: full` in it, and check its name and the time");
}

static void records_that_cannot_be_read_are_counted(void **state)
{
	static const char *const topics[] = {TOPIC("exposures"), TOPIC("feedback"), TOPIC("outputs"), TOPIC("errors")};
	(void)state;
	topics_make();
	for (size_t i = 0; i < sizeof topics / sizeof *topics; i++)
		rubbish_write(topics[i]);
	expect_refused("there is no exposure of experiment `e`");
	requests_write();
	struct said said = rehearse("json");
	if (said.code != 0)
		fail_msg("%s", said.err);
	assert_non_null(strstr(said.err, "records that cannot be read were left out; the first: "));
	json_t *document = json_loads(said.out, 0, NULL);
	assert_non_null(document);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(document, "requests"), "old")), REQUESTS / 2);
	assert_int_equal(json_integer_value(json_object_get(document, "unanswered")), REQUESTS);
	json_decref(document);
	said_close(&said);
}

static void a_sum_of_a_unit_is_no_criterion(void **state)
{
	(void)state;
	topics_make();
	requests_write();
	write_file(path, JUDGED_BY_PROFIT("sum"));
	expect_refused("cannot judge by `profit` as sums of units: a sum grows while a stage lasts");
	write_file(path, FILE_TEXT);
}

/* Every second request is of one user and has a profit of 1; others are of users who come once, and have 3. */
static void profits_write(void)
{
	char line[LINE_BYTES];
	for (int i = 0; i < 500; i++) {
		(void)snprintf(line, sizeof line,
			       "{\"id\":\"r%d\",\"time_ms\":%lld,\"experiment\":\"e\",\"variant\":\"new\",\"unit\":\"u%d\","
			       "\"probability\":0.5,\"reason\":\"stage\"}",
			       i, (long long)(BEGIN_MS + 50 * i), i % 2 ? i : 0);
		mock_send(&mock, TOPIC("exposures"), TEXT("k"), text_of(line));
		(void)snprintf(line, sizeof line, "{\"id\":\"r%d\",\"time_ms\":%lld,\"metrics\":{\"profit\":%d}}", i,
			       (long long)(BEGIN_MS + 50 * i + 1), i % 2 ? 3 : 1);
		mock_send(&mock, TOPIC("feedback"), TEXT("k"), text_of(line));
	}
	assert_int_equal(rd_kafka_flush(mock.writer, MOCK_WAIT_MS), 0);
}

static double profit_judged(void)
{
	struct said said = rehearse("json");
	if (said.code != 0)
		fail_msg("%s", said.err);
	json_t *document = json_loads(said.out, 0, NULL), *item;
	json_t *move = json_array_get(json_object_get(document, "moves"), 1);
	double estimate = 0;
	size_t i;
	json_array_foreach(json_object_get(move, "evidence"), i, item) if (json_object_get(item, "metric")) estimate =
		json_number_value(json_object_get(item, "estimate"));
	json_decref(document);
	said_close(&said);
	return estimate;
}

static void a_ratio_is_judged_as_the_pipeline_declares_it(void **state)
{
	(void)state;
	topics_make();
	profits_write();
	write_file(path, JUDGED_BY_PROFIT("ratio"));
	const double ratio = profit_judged();
	write_file(path, JUDGED_BY_PROFIT("mean"));
	const double mean = profit_judged();
	write_file(path, FILE_TEXT);
	assert_true(ratio > 1.95 && ratio < 2.05);
	assert_true(mean > 2.9 && mean < 3);
}

int main(void)
{
#define ON_BROKER(test) cmocka_unit_test_setup_teardown(test, broker_start, broker_stop)
	const struct CMUnitTest tests[] = {
		ON_BROKER(topics_that_were_deleted_are_named),
		ON_BROKER(empty_topics_have_nothing_to_rehearse),
		ON_BROKER(records_that_cannot_be_read_are_counted),
		ON_BROKER(a_sum_of_a_unit_is_no_criterion),
		ON_BROKER(a_ratio_is_judged_as_the_pipeline_declares_it),
	};
	return cmocka_run_group_tests(tests, file_make, file_remove);
}
