/* thin_exposures_test.c: Tests of `sluice experiments analyze` on exposures that answers carry: the table is that of exposures in a
 * topic, and answers without them are reported. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "steps/kinds.h"
#include "tests/unit/mock_broker.h"
#include "tests/unit/session.h"

static char folder[] = "/tmp/sluice-thin-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : 1;
}

static int tear_down(void **state)
{
	(void)state;
	(void)unlink("full.yaml");
	(void)unlink("thin.yaml");
	return chdir("/") == 0 ? rmdir(folder) : 1;
}

#define SHOPPERS 400
#define OF_ANOTHER "{\"id\":\"a\",\"experiment\":\"other\",\"variant\":\"a\"}"

static void answer_append(const struct mock *mock, const char *topic, const char *exposure)
{
	rd_kafka_resp_err_t code = rd_kafka_producev(
		mock->writer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_VALUE((void *)(uintptr_t) "{}", 2),
		RD_KAFKA_V_HEADER("content-type", "application/json", -1), RD_KAFKA_V_HEADER("sluice-exposure", exposure, -1),
		RD_KAFKA_V_HEADER("sluice-exposure", OF_ANOTHER, -1), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
	assert_int_equal(code, RD_KAFKA_RESP_ERR_NO_ERROR);
}

/* The same traffic twice: `full` has a topic of exposures, `thin` has answers that carry them. */
static void shoppers_write(const struct mock *mock)
{
	char line[512], reward[128];
	for (int i = 0; i < SHOPPERS; i++) {
		const bool is_new = i % 4 == 0;
		(void)snprintf(
			line, sizeof line,
			"{\"id\":\"r%d\",\"unit\":\"u%d\",\"time_ms\":%d,\"experiment\":\"e\",\"variant\":\"%s\",\"probability\":"
			"%g,\"table\":\"00000000000000a%d\",\"latency_ms\":%d,\"reason\":\"%s\"}",
			i, i % 390, 1000 * (i + 1), is_new ? "new" : "old", is_new ? 0.25 : 0.75, i / 200, 5 + i % 7,
			i % 50 == 3 ? "route" : "weight");
		(void)snprintf(reward, sizeof reward, "{\"id\":\"r%d\",\"reward\":%d}", i, i % 5 + is_new);
		mock_append(mock, "sluice.default.pipeline.full.exposures", TEXT("k"), text_of(line));
		mock_append(mock, "sluice.default.pipeline.full.exposures", TEXT("k"), TEXT(OF_ANOTHER));
		answer_append(mock, "sluice.default.pipeline.thin.outputs", line);
		mock_append(mock, "sluice.default.pipeline.full.feedback", TEXT("k"), text_of(reward));
		mock_append(mock, "sluice.default.pipeline.thin.feedback", TEXT("k"), text_of(reward));
	}
	assert_int_equal(rd_kafka_flush(mock->writer, MOCK_WAIT_MS), 0);
}

static void exposures_in_answers_give_the_table_of_those_in_a_topic(void **state)
{
#define EXPERIMENT_OF(pipeline, exposures)                                                                                         \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n  exposures: " exposures "\n"         \
	"  default: old\n  candidates: [{name: old, weight: 3}, {name: new, weight: 1}]\n---\n"                                    \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: " pipeline "}\nspec:\n  steps:\n"                  \
	"  - {name: s, experiment: {name: e}}\n  output: {steps: [s]}\n"
	static const char *const ways[] = {"--pipeline full", "--pipeline thin", "-f full.yaml", "-f thin.yaml"};
	struct mock mock;
	char line[256];
	struct said said[4];
	(void)state;
	static const char *const of_experiment[] = {"exposures", "outputs", "feedback"}; /* whose own pipeline was asked nothing */
	mock_open(&mock);
	for (size_t i = 0; i < 3; i++) {
		(void)snprintf(line, sizeof line, "sluice.default.pipeline.e.%s", of_experiment[i]);
		assert_int_equal(rd_kafka_mock_topic_create(mock.cluster, line, 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
	}
	shoppers_write(&mock);
	write_file("full.yaml", EXPERIMENT_OF("full", "full"));
	write_file("thin.yaml", EXPERIMENT_OF("thin", "thin"));
	for (size_t i = 0; i < 4; i++) {
		(void)snprintf(line, sizeof line, "experiments analyze e %s --brokers %s -o json", ways[i], mock.brokers);
		said[i] = say_with(step_kinds, line);
		if (said[i].code != 0)
			fail_msg("%s", said[i].err);
		assert_string_equal(said[i].err, "");
	}
	assert_non_null(strstr(said[0].out, "\"exposures\":400"));
	assert_string_equal(said[0].out, said[1].out);
	assert_string_equal(said[2].out, said[3].out);
	for (size_t i = 0; i < 4; i++)
		said_close(&said[i]);
	mock_close(&mock);
}

/* Its exposures were in a topic once. Without its file only the topics can tell. */
static void exposures_in_a_topic_do_not_hide_those_in_answers(void **state)
{
	static const char once[] = "{\"id\":\"once\",\"unit\":\"once\",\"time_ms\":1,\"experiment\":\"e\",\"variant\":\"old\","
				   "\"probability\":0.75,\"table\":\"00000000000000a0\",\"reason\":\"weight\"}";
	struct mock mock;
	char line[256];
	(void)state;
	mock_open(&mock);
	shoppers_write(&mock);
	mock_append(&mock, "sluice.default.pipeline.thin.exposures", TEXT("k"), text_of(once));
	assert_int_equal(rd_kafka_flush(mock.writer, MOCK_WAIT_MS), 0);
	(void)snprintf(line, sizeof line, "experiments analyze e --brokers %s --pipeline thin -o json", mock.brokers);
	struct said said = say_with(step_kinds, line);
	expect_words(said.out, "\"exposures\":401");
	said_close(&said);
	mock_close(&mock);
}

/* Answers of before, and of a stage that did not choose. */
static void answers_without_exposures_are_reported_with_what_to_do(void **state)
{
	struct mock mock;
	char line[256];
	(void)state;
	mock_open(&mock);
	mock_append(&mock, "sluice.default.pipeline.thin.outputs", TEXT("k"), TEXT("{}"));
	write_file("thin.yaml", EXPERIMENT_OF("thin", "thin"));
	(void)snprintf(line, sizeof line, "experiments analyze e -f thin.yaml --brokers %s", mock.brokers);
	struct said said = say_with(step_kinds, line);
	expect_words(said.err, "no record has an exposure of experiment `e`");
	expect_words(said.err, "Set `exposures: full` in the Experiment, and analyse the requests that come from then on");
	said_close(&said);
	mock_close(&mock);
}

static void exposures_that_are_off_are_the_cause_where_there_are_none(void **state)
{
	struct mock mock;
	char line[256];
	(void)state;
	mock_open(&mock);
	mock_append(&mock, "sluice.default.pipeline.off.outputs", TEXT("k"), TEXT("{}"));
	write_file("thin.yaml", EXPERIMENT_OF("off", "off"));
	(void)snprintf(line, sizeof line, "experiments analyze e -f thin.yaml --brokers %s", mock.brokers);
	struct said said = say_with(step_kinds, line);
	assert_int_not_equal(said.code, 0);
	expect_words(said.err, "experiment `e` has `exposures: off`, so who got which variant is not recorded");
	said_close(&said);
	mock_close(&mock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exposures_in_answers_give_the_table_of_those_in_a_topic),
		cmocka_unit_test(exposures_in_a_topic_do_not_hide_those_in_answers),
		cmocka_unit_test(answers_without_exposures_are_reported_with_what_to_do),
		cmocka_unit_test(exposures_that_are_off_are_the_cause_where_there_are_none),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
