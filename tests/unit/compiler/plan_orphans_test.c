/* plan_orphans_test.c: Tests of `sluice plan --orphans` on the embedded broker: topics that no pipeline has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/session.h"
#include "steps/kinds.h"
#include "tests/unit/mock_broker.h"

#define PIPELINE(name)                                                                                                             \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: " name "}\n"                                       \
	"spec:\n  steps: [{name: s, expression: {set: {y: x * 2}}}]\n  output: {steps: [s]}\n---\n"

static struct mock mock;

static int broker_set_up(void **state)
{
	static const char *const topics[] = {
		"sluice.default.pipeline.p.inputs", "sluice.default.pipeline.p.outputs", "sluice.default.pipeline.p.errors",
		"sluice.default.pipeline.gone.inputs", "sluice.default.model.gone.outputs", "sluice.default.status",
		"sluice.default.control", "sluice.other.pipeline.gone.inputs", "users.topic"};
	(void)state;
	mock_open(&mock);
	for (size_t i = 0; i < sizeof topics / sizeof *topics; i++) {
		usleep(1000); /* as in follow_stand.c */
		rd_kafka_mock_topic_create(mock.cluster, topics[i], 1, 1);
	}
	return 0;
}

static int broker_tear_down(void **state)
{
	(void)state;
	mock_close(&mock);
	return 0;
}

static struct said said_of(const char *yaml, const char *options)
{
	char line[200];
	write_file("p.yaml", yaml);
	snprintf(line, sizeof line, "plan --orphans --brokers %s %s p.yaml", mock.brokers, options);
	return say_with(step_kinds, line);
}

static void topics_of_pipelines_that_are_gone_are_listed_and_no_others(void **state)
{
	(void)state;
	struct said said = said_of(PIPELINE("p"), "");
	assert_int_equal(said.code, EXIT_GOOD);
	assert_string_equal(said.out, "sluice.default.pipeline.gone.inputs\nsluice.default.model.gone.outputs\n");
	expect_words(said.err, "2 topics have no pipeline in these files");
	said_close(&said);
	said = said_of(PIPELINE("p"), "-o json");
	assert_string_equal(said.out,
			    "{\"orphans\": [\"sluice.default.pipeline.gone.inputs\",\"sluice.default.model.gone.outputs\"]}\n");
	said_close(&said);
	said = said_of(PIPELINE("p"), "-n other");
	assert_string_equal(said.out, "sluice.other.pipeline.gone.inputs\n");
	said_close(&said);
}

static void without_orphans_it_says_so(void **state)
{
	(void)state;
	struct said said = said_of(PIPELINE("p"), "-n calm");
	assert_string_equal(said.out, "no topic is without a pipeline\n");
	said_close(&said);
}

/* Else every topic of the namespace would be one. */
static void files_without_pipelines_are_refused(void **state)
{
	(void)state;
	struct said said =
		said_of("apiVersion: mlops.seldon.io/v1alpha1\nkind: SeldonRuntime\nmetadata: {name: r}\nspec: {}\n", "");
	assert_int_not_equal(said.code, EXIT_GOOD);
	expect_words(said.err, "the files have no pipelines");
	said_close(&said);
}

static void it_answers_one_question(void **state)
{
	(void)state;
	struct said said = said_of(PIPELINE("p"), "--diff p.yaml");
	assert_int_equal(said.code, EXIT_MISUSE);
	said_close(&said);
	said = said_of(PIPELINE("p"), "-o dot");
	assert_int_equal(said.code, EXIT_MISUSE);
	said_close(&said);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, broker_set_up, broker_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(topics_of_pipelines_that_are_gone_are_listed_and_no_others),
		TEST(without_orphans_it_says_so),
		TEST(files_without_pipelines_are_refused),
		TEST(it_answers_one_question),
	};
	return cmocka_run_group_tests(tests, folder_enter, folder_leave);
}
