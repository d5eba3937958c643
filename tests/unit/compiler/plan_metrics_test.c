/* plan_metrics_test.c: Tests of the plan of metrics that need feedback: the topics of the pipeline's feedback, and their number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "tests/unit/planning.h"
#include "compiler/yaml/fault_codes.h"

#define PIPELINE                                                                                                                   \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"                                      \
	"  steps: [{name: a, inputs: [p], expression: {set: {y: x * 2}}}]\n  output: {steps: [a]}\n  metrics:\n"

static void metrics_of_truth_or_reward_need_topics_of_feedback_and_outcomes(void **state)
{
	static const struct {
		const char *metric;
		bool needs;
	} rows[] = {
		{"value: y", false},
		{"value: truth.y - y", true},
		{"value: reward", true},
		{"value: y, labels: {right: truth.y == y}", true},
		{"value: 'where(has(truth.y), 1, 0)'", true},
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char yaml[512];
		struct planning planning;
		struct plan plan;
		(void)snprintf(yaml, sizeof yaml, PIPELINE "  - {name: m, type: counter, %s}\n", rows[i].metric);
		planning_open(&planning, yaml);
		planning_plan(&planning, NULL, &plan);
		assert_int_equal(planning_errors(&planning), 0);
		const char *feedback = plan_topic_of(&plan.pipelines[0], TOPIC_FEEDBACK);
		const char *outcomes = plan_topic_of(&plan.pipelines[0], TOPIC_OUTCOMES);
		if ((feedback != NULL) != rows[i].needs || (outcomes != NULL) != rows[i].needs)
			fail_msg("%s", rows[i].metric);
		if (rows[i].needs) {
			assert_string_equal(feedback, "sluice.default.pipeline.p.feedback");
			assert_string_equal(outcomes, "sluice.default.pipeline.p.outcomes");
		}
		planning_close(&planning);
	}
}

/* An answer that waits for feedback has a bit for each. */
static void the_eighth_of_them_is_warned_of(void **state)
{
	static const struct plan_options options = {0};
	char yaml[2048] = PIPELINE;
	struct planning planning;
	struct plan plan;
	(void)state;
	for (size_t i = 0; i <= FEEDBACK_METRICS_COUNTED; i++)
		(void)snprintf(yaml + strlen(yaml), sizeof yaml - strlen(yaml), "  - {name: m%zu, type: counter, value: reward}\n",
			       i);
	planning_open(&planning, yaml);
	planning_plan(&planning, &options, &plan);
	assert_int_equal(planning_errors(&planning), 0);
	const struct fault *fault = planning_fault(&planning, CODE_IGNORED_SETTING);
	assert_non_null(strstr(fault->message, "at most 7 metrics of truth and reward"));
	assert_non_null(strstr(fault->message, "`m7`"));
	planning_close(&planning);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metrics_of_truth_or_reward_need_topics_of_feedback_and_outcomes),
		cmocka_unit_test(the_eighth_of_them_is_warned_of),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
