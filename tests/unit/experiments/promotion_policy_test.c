/* promotion_policy_test.c: Tests of the moves of a rollout by a promotion policy: when it promotes, what it waits for, and what the
 * probability of a better candidate decides. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include "experiments/rollouts/rollout.h"
#include "tests/unit/planning.h"

#include <cmocka.h>

#define HEAD                                                                                                                       \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"                                    \
	"  default: old\n  candidates: [{name: old, weight: 1}, {name: new, weight: 1}]\n"
#define MINUTE_MS 60000

static struct planning planning;
static struct rollout_plan plan;
static struct rollout_state rollout;
static struct rollout_move move;
static struct rollout_look look;

static void plan_take(const char *yaml)
{
	struct error error = {0};
	planning_open(&planning, yaml);
	assert_int_equal(planning_errors(&planning), 0);
	if (!rollout_plan_make(planning.spec.resources[0]->spec, &plan, &error))
		fail_msg("%s", error.text);
	planning_close(&planning);
}

/* ---- looks ---- */

static void rollout_start(const char *yaml)
{
	struct error error = {0};
	plan_take(yaml);
	rollout = rollout_begin(&plan);
	look = (struct rollout_look){.time_ms = MINUTE_MS};
	assert_true(rollout_percent(&plan, &rollout) == 0);
	assert_true(rollout_look(&plan, &rollout, &look, &move, &error));
	assert_int_equal(rollout.phase, ROLLOUT_RUNNING);
	assert_int_equal(move.reason, REASON_STARTED);
}

/* A minute with requests of all variants, and a look. */
static void minute_pass(uint64_t requests, uint64_t errors)
{
	struct error error = {0};
	if (look.epoch != rollout.epoch)
		look = (struct rollout_look){.time_ms = look.time_ms, .epoch = rollout.epoch};
	look.time_ms += MINUTE_MS;
	look.control.requests += requests;
	for (size_t i = 0; i < plan.candidates; i++) {
		look.candidates[i].requests += requests;
		look.candidates[i].errors += errors;
	}
	if (!rollout_look(&plan, &rollout, &look, &move, &error))
		fail_msg("%s", error.text);
}

static void minutes_pass(unsigned minutes, uint64_t requests, uint64_t errors)
{
	for (unsigned i = 0; i < minutes; i++)
		minute_pass(requests, errors);
}

static struct moments units(uint64_t count, double mean)
{
	return (struct moments){count, mean, (double)count * mean * (1 - mean)};
}

static void expect_move(uint64_t number, enum rollout_phase to, uint32_t stage, enum rollout_reason reason)
{
	assert_int_equal(move.number, number);
	assert_int_equal(move.to, to);
	assert_int_equal(move.to_stage, stage);
	assert_int_equal(move.reason, reason);
	assert_int_equal(rollout.phase, to);
	assert_int_equal(rollout.moves, number);
}

#define POLICY HEAD "  successCriteria: [{metricName: error_rate, threshold: 0.02, operator: \"<\"}]\n  promotionPolicy: "

/* A minute in which the default has errors too. */
static void minute_compare(uint64_t requests, uint64_t of_default, uint64_t of_candidate)
{
	look.epoch = rollout.epoch;
	look.control.errors += of_default;
	minute_pass(requests, of_candidate);
}

static void a_policy_promotes_only_at_the_end_of_an_interval(void **state)
{
	(void)state;
	rollout_start(POLICY "{automatic: true, interval: 10m}\n");
	assert_true(fabs(rollout_percent(&plan, &rollout) - 50) < 1e-9);
	minutes_pass(9, 1000, 0);
	assert_int_equal(rollout.moves, 1);
	minute_pass(1000, 0);
	expect_move(2, ROLLOUT_PROMOTED, 0, REASON_HELD);
	rollout_start(POLICY "{automatic: true, interval: 10m}\n");
	minutes_pass(10, 1, 0);
	minutes_pass(9, 1000, 0);
	assert_int_equal(rollout.moves, 1); /* it holds since the twelfth minute */
	minute_pass(1000, 0);
	expect_move(2, ROLLOUT_PROMOTED, 0, REASON_HELD);
	rollout_start(POLICY "{automatic: true, interval: 10m}\n");
	minutes_pass(20, 1, 0);
	expect_move(2, ROLLOUT_INCONCLUSIVE, 0, REASON_OPEN);
}

static void a_policy_that_is_not_automatic_waits_and_still_rolls_back(void **state)
{
	(void)state;
	rollout_start(POLICY "{interval: 10m}\n");
	minutes_pass(10, 1000, 0);
	expect_move(2, ROLLOUT_PAUSED, 0, REASON_APPROVAL);
	assert_true(rollout.waiting);
	minute_pass(1000, 500);
	expect_move(3, ROLLOUT_ROLLED_BACK, 0, REASON_CHANGED);
}

static void a_candidate_that_is_not_better_by_the_threshold_is_not_promoted(void **state)
{
	(void)state;
	rollout_start(POLICY "{automatic: true, interval: 10m, promotionThreshold: 0.95}\n");
	for (unsigned i = 0; i < 20; i++)
		minute_compare(1000, 1, 1);
	expect_move(2, ROLLOUT_INCONCLUSIVE, 0, REASON_OPEN);
	const struct rollout_judgement *cause = &move.evidence.items[move.cause];
	assert_int_equal(plan.stages[0].rules[cause->rule].kind, RULE_BETTER);
	assert_true(fabs(cause->estimate - 0.5) < 1e-6);
	rollout_start(POLICY "{automatic: true, interval: 10m, promotionThreshold: 0.95}\n");
	for (unsigned i = 0; i < 10; i++)
		minute_compare(1000, 4, 1);
	expect_move(2, ROLLOUT_PROMOTED, 0, REASON_HELD);
}

/* Errors of 1.5% are below the limit, and are not shown to be by so few requests. */
static void a_threshold_alone_promotes_what_criteria_leave_open_and_not_what_they_refuse(void **state)
{
	const char *alone = HEAD "  successCriteria: [{metricName: error_rate, threshold: 0.02, operator: \"<\"}]\n"
				 "  progressiveDeployment: {rollback: {errorRate: \">5%\"}}\n"
				 "  promotionPolicy: {automatic: true, interval: 10m, promotionThreshold: 0.95, gate: threshold}\n";
	(void)state;
	rollout_start(alone);
	for (unsigned i = 0; i < 10; i++)
		minute_compare(40, 4, i % 2);
	expect_move(2, ROLLOUT_PROMOTED, 0, REASON_HELD);
	assert_int_equal(move.evidence.items[0].verdict, VERDICT_OPEN);
	rollout_start(alone);
	for (unsigned i = 0; i < 10 && rollout.phase == ROLLOUT_RUNNING; i++)
		minute_compare(1000, 400, 40);
	expect_move(2, ROLLOUT_ROLLED_BACK, 0, REASON_BROKEN);
}

static void a_probability_needs_enough_of_both(void **state)
{
	(void)state;
	rollout_start(POLICY "{automatic: true, interval: 10m, promotionThreshold: 0.6, gate: threshold}\n");
	for (unsigned i = 0; i < 10; i++)
		minute_compare(i == 0 ? 18 : 9, 1, 0);
	assert_int_equal(rollout.moves, 1); /* 99 requests of each */
	for (unsigned i = 0; i < 10; i++)
		minute_compare(i == 0, 0, 0);
	expect_move(2, ROLLOUT_PROMOTED, 0, REASON_HELD);
}

static void a_probability_needs_enough_of_the_default_too(void **state)
{
	(void)state;
	rollout_start(POLICY "{automatic: true, interval: 10m, promotionThreshold: 0.6, gate: threshold}\n");
	look.epoch = rollout.epoch;
	look.candidates[0].requests = 1000;
	minute_compare(99, 9, 0);
	assert_int_equal(move.evidence.items[move.evidence.count - 1].verdict, VERDICT_OPEN);
	minute_compare(1, 0, 0);
	assert_int_equal(move.evidence.items[move.evidence.count - 1].verdict, VERDICT_HOLDS);
}

static void a_probability_of_accuracies_is_that_of_their_means(void **state)
{
	(void)state;
	rollout_start(HEAD "  promotionPolicy: {automatic: true, interval: 10m, promotionThreshold: 0.9}\n");
	look.epoch = rollout.epoch;
	look.control.accuracy = units(1000, 0.70);
	look.candidates[0].accuracy = units(1000, 0.72);
	minute_pass(1000, 0);
	const struct rollout_judgement *better = &move.evidence.items[3];
	assert_true(fabs(better->estimate - 0.8378) < 1e-4); /* .02 / sqrt((.21 + .2016) / 999) = .9853 */
	assert_int_equal(better->verdict, VERDICT_OPEN);
	assert_int_equal(better->trials, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy_promotes_only_at_the_end_of_an_interval),
		cmocka_unit_test(a_policy_that_is_not_automatic_waits_and_still_rolls_back),
		cmocka_unit_test(a_candidate_that_is_not_better_by_the_threshold_is_not_promoted),
		cmocka_unit_test(a_threshold_alone_promotes_what_criteria_leave_open_and_not_what_they_refuse),
		cmocka_unit_test(a_probability_needs_enough_of_both),
		cmocka_unit_test(a_probability_needs_enough_of_the_default_too),
		cmocka_unit_test(a_probability_of_accuracies_is_that_of_their_means),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
