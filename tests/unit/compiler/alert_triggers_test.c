/* alert_triggers_test.c: Tests of alerts that a rollout names as triggers: they get the action `rollback`. */
#include "tests/unit/planning.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "compiler/yaml/fault_codes.h"

#define HEAD "apiVersion: mlops.seldon.io/v1alpha1\nkind: "
#define PIPELINE(alerts)                                                                                                           \
	HEAD "Pipeline\nmetadata: {name: p}\nspec:\n  steps: [{name: s, experiment: {name: e}}]\n  output: {steps: [s]}\n"        \
	     "  alerts:\n" alerts
#define EXPERIMENT(fields)                                                                                                         \
	"---\n" HEAD "Experiment\nmetadata: {name: e}\nspec:\n  candidates: [{name: a, weight: 1}, {name: b, weight: 1}]\n" fields
#define ROLLOUT "  default: a\n  progressiveDeployment: {schedule: [20], every: 5m, rollback: {alerts: [slow, wrong]}}\n"
#define MAIL "{type: email, recipients: [a@b.example]}"
#define MAILS MAIL "," MAIL "," MAIL "," MAIL "," MAIL "," MAIL "," MAIL "," MAIL

static const struct alert_spec *alerts_of(const struct planning *planning, size_t count)
{
	assert_non_null(planning->graph);
	assert_int_equal(planning->graph->spec->alerts.count, count);
	return planning->graph->spec->alerts.items;
}

static void a_named_alert_rolls_back_beside_its_own_actions(void **state)
{
	struct planning p;
	(void)state;
	planning_open(&p, PIPELINE("  - {name: slow, condition: latency_p95 > 200, actions: [" MAIL "]}\n"
				   "  - {name: other, condition: error_rate > 0.1, actions: [" MAIL "]}\n"
				   "  - {name: wrong, condition: error_rate > 0.2}\n") EXPERIMENT(ROLLOUT));
	assert_int_equal(planning_errors(&p), 0);
	const struct alert_spec *alerts = alerts_of(&p, 3);
	const struct alert_action *slow = alerts[0].actions.items, *wrong = alerts[2].actions.items;
	assert_int_equal(alerts[0].actions.count, 2);
	assert_true(slow[0].type == ALERT_EMAIL && slow[0].recipients.count == 1);
	assert_true(slow[1].type == ALERT_ROLLBACK && strcmp(slow[1].experiment.text, "e") == 0);
	assert_int_equal(alerts[1].actions.count, 1);
	assert_int_equal(alerts[2].actions.count, 1);
	assert_int_equal(wrong[0].type, ALERT_ROLLBACK);
	const struct pipeline_spec *written = p.graph->resource->spec;
	assert_int_equal(((const struct alert_spec *)written->alerts.items)[0].actions.count, 1); /* as it was read */
	planning_close(&p);
}

static void an_action_that_is_written_is_not_doubled(void **state)
{
	struct planning p;
	(void)state;
	planning_open(&p, PIPELINE("  - {name: slow, condition: latency_p95 > 200, actions: [{type: rollback, experiment: e}]}\n"
				   "  - {name: wrong, condition: error_rate > 0.2}\n") EXPERIMENT(ROLLOUT));
	assert_int_equal(alerts_of(&p, 2)[0].actions.count, 1);
	planning_close(&p);
}

/* Without a default nothing can be rolled back to. */
static void without_a_rollout_nothing_is_added(void **state)
{
	struct planning p;
	(void)state;
	planning_open(&p, PIPELINE("  - {name: slow, condition: latency_p95 > 200}\n")
				  EXPERIMENT("  progressiveDeployment: {schedule: [20], rollback: {alerts: [slow]}}\n"));
	assert_int_equal(alerts_of(&p, 1)[0].actions.count, 0);
	planning_close(&p);
}

static void an_alert_with_all_the_actions_is_refused(void **state)
{
	struct planning p;
	(void)state;
	planning_open(&p, PIPELINE("  - {name: slow, condition: latency_p95 > 200, actions: [" MAILS "," MAILS "]}\n")
				  EXPERIMENT(ROLLOUT));
	const struct fault *fault = planning_fault(&p, CODE_OUT_OF_RANGE);
	assert_non_null(strstr(fault->message, "the alert `slow` has 16 actions already"));
	planning_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_named_alert_rolls_back_beside_its_own_actions),
		cmocka_unit_test(an_action_that_is_written_is_not_doubled),
		cmocka_unit_test(without_a_rollout_nothing_is_added),
		cmocka_unit_test(an_alert_with_all_the_actions_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
