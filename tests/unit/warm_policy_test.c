/* warm_policy_test.c: Tests of policies in force before any learner has written one: those of experiments with a warm start. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "planning.h"
#include "runtime/warm_policy.h"

#define YAML_BYTES 1024
#define WARM ", warmStart: {old: {plays: 10, mean: 0.25}, new: {plays: 30, mean: 0.5}}"

static struct planning planning;
static struct policy_board *board;
static struct policy_entry *entry;

static void begin(const char *bandits)
{
	char yaml[YAML_BYTES];
	struct plan plan;
	struct error error = {0};
	(void)snprintf(yaml, sizeof yaml,
		       "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"
		       "  candidates: [{name: old, weight: 90}, {name: new, weight: 10}]\n  bandits: {%s}\n"
		       "---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"
		       "spec:\n  output: {steps: [s]}\n  steps: [{name: s, experiment: {name: e}}]\n",
		       bandits);
	planning_open(&planning, yaml);
	assert_int_equal(planning_errors(&planning), 0);
	planning_plan(&planning, NULL, &plan);
	if (!warm_policies_begin(&plan, board, &error))
		fail_msg("%s", error.text);
	planning_close(&planning);
}

static int board_open(void **state)
{
	(void)state;
	board = policy_board_open();
	entry = policy_board_entry(board, "p", "e");
	return entry ? 0 : -1;
}

static int board_close(void **state)
{
	(void)state;
	policy_board_close(board);
	return 0;
}

static double share_of_new(void)
{
	double chances[2];
	const struct policy_in_force *force = policy_entry_hold(entry);
	assert_non_null(force);
	policy_probabilities(force->policy, NULL, chances);
	policy_entry_release(entry);
	return chances[1];
}

/* Greedy but for epsilon 0.1 and explore 0.02, whatever the weights are. */
static void the_first_request_is_drawn_by_the_warm_start(void **state)
{
	(void)state;
	begin("algorithm: epsilon-greedy" WARM);
	assert_true(fabs(share_of_new() - (0.98 * 0.95 + 0.01)) < 1e-12);
	assert_int_equal(policy_entry_state(entry).version, 0);
	assert_int_equal(policy_entry_state(entry).rewards, 40);
}

static void a_policy_that_was_learnt_stays_in_force(void **state)
{
	(void)state;
	begin("algorithm: epsilon-greedy" WARM);
	begin("algorithm: epsilon-greedy, warmStart: {old: {plays: 1, mean: 1}}");
	assert_true(share_of_new() > 0.9);
}

static void without_a_warm_start_weights_decide(void **state)
{
	(void)state;
	begin("algorithm: epsilon-greedy");
	begin("algorithm: epsilon-greedy, warmStart: {}");
	begin("algorithm: linucb, contextFeatures: [x]" WARM); /* the scale of x is not known yet */
	assert_int_equal(policy_entry_state(entry).version, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_first_request_is_drawn_by_the_warm_start, board_open, board_close),
		cmocka_unit_test_setup_teardown(a_policy_that_was_learnt_stays_in_force, board_open, board_close),
		cmocka_unit_test_setup_teardown(without_a_warm_start_weights_decide, board_open, board_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
