/* warm_policy_test.c: Tests of policies in force before any learner has written one: those of experiments with a warm start. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/planning.h"
#include "engine/learn/warm_policy.h"

#define YAML_BYTES 1024
#define POLICY_BYTES 4096
#define WARM ", warmStart: {old: {plays: 10, mean: 0.25}, new: {plays: 30, mean: 0.5}}"

static struct planning planning;
static struct policy_board *board;
static struct policy_entry *entry;

#define TWO "[{name: old, weight: 90}, {name: new, weight: 10}]"

static void begin_among(const char *candidates, const char *bandits)
{
	char yaml[YAML_BYTES];
	struct plan plan;
	struct error error = {0};
	(void)snprintf(yaml, sizeof yaml,
		       "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"
		       "  candidates: %s\n  bandits: {%s}\n"
		       "---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"
		       "spec:\n  output: {steps: [s]}\n  steps: [{name: s, experiment: {name: e}}]\n",
		       candidates, bandits);
	planning_open(&planning, yaml);
	assert_int_equal(planning_errors(&planning), 0);
	planning_plan(&planning, NULL, &plan);
	if (!warm_policies_begin(&plan, board, &error))
		fail_msg("%s", error.text);
	warm_policies_end(&plan, board);
	planning_close(&planning);
}

static void begin(const char *bandits)
{
	begin_among(TWO, bandits);
}

/* A record of a learner of two candidates, of which the second one has that share. */
static void learn(double share, int64_t version)
{
	static const struct text arms[] = {{"old", 3}, {"new", 3}};
	double chances[] = {1 - share, share};
	const struct policy policy = {.seed = 5, .version = (uint64_t)version, .arms = 2, .chances = chances};
	struct error error = {0};
	struct buffer bytes;
	buffer_open(&bytes, POLICY_BYTES);
	policy_write(&policy, &bytes);
	const struct policy_record record = {.experiment = TEXT("e"),
					     .version = version,
					     .rewards = 100,
					     .arm_count = 2,
					     .arms = arms,
					     .policy = buffer_view(&bytes)};
	assert_true(policy_entry_set(entry, &record, 1, &error));
	buffer_close(&bytes);
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
	learn(0.3, 7);
	begin("algorithm: epsilon-greedy" WARM);
	assert_true(share_of_new() == 0.3);
	assert_int_equal(policy_entry_state(entry).version, 7);
}

/* Nothing was learnt yet by which it would be without effect. */
static void a_warm_start_that_is_corrected_is_in_force(void **state)
{
	(void)state;
	begin("algorithm: epsilon-greedy" WARM);
	begin("algorithm: epsilon-greedy, warmStart: {old: {plays: 7, mean: 1}}");
	assert_true(share_of_new() < 0.1);
	assert_int_equal(policy_entry_state(entry).rewards, 7);
}

/* The weights decide again, until a learner has written a policy; what it has written stays. */
static void a_warm_start_that_is_removed_ends(void **state)
{
	(void)state;
	begin("algorithm: epsilon-greedy" WARM);
	begin("algorithm: epsilon-greedy");
	assert_null(policy_entry_hold(entry));
	policy_entry_release(entry);
	assert_int_equal(policy_entry_state(entry).version, -1);
	begin("algorithm: epsilon-greedy" WARM);
	assert_int_equal(policy_entry_state(entry).version, 0);
	begin("algorithm: linucb, contextFeatures: [age]" WARM);
	assert_int_equal(policy_entry_state(entry).version, -1);
	learn(0.3, 7);
	begin("algorithm: epsilon-greedy");
	assert_true(share_of_new() == 0.3);
	assert_int_equal(policy_entry_state(entry).version, 7);
}

/* Without it weights would choose until the learner has learnt again. */
static void a_candidate_that_a_reload_adds_starts_warm(void **state)
{
	(void)state;
	learn(0.3, 7);
	begin_among("[{name: old, weight: 90}, {name: new, weight: 10}, {name: newer, weight: 0}]",
		    "algorithm: epsilon-greedy, warmStart: {newer: {plays: 30, mean: 0.5}}");
	double chances[3];
	const struct policy_in_force *force = policy_entry_hold(entry);
	assert_int_equal(force->policy->arms, 3);
	policy_probabilities(force->policy, NULL, chances);
	policy_entry_release(entry);
	assert_true(chances[2] > 0.9);
	assert_int_equal(policy_entry_state(entry).version, 0);
}

static uint64_t number_in_force(void)
{
	const struct policy_in_force *force = policy_entry_hold(entry);
	const uint64_t number = force->policy->version;
	policy_entry_release(entry);
	return number;
}

/* An analysis takes the choices of one number for those of one table. No record of a learner is to be found by it. */
static void each_warm_start_has_a_number_of_its_own_in_exposures(void **state)
{
	static const char other[] = "algorithm: epsilon-greedy, warmStart: {old: {plays: 1, mean: 1}}";
	uint64_t numbers[4];
	(void)state;
	begin("algorithm: epsilon-greedy" WARM);
	numbers[0] = number_in_force();
	begin(other);
	numbers[1] = number_in_force();
	begin_among("[{name: old, weight: 90}, {name: newer, weight: 10}]", other); /* with the same probabilities */
	numbers[2] = number_in_force();
	begin("algorithm: epsilon-greedy" WARM);
	numbers[3] = number_in_force();
	assert_true(numbers[0] == numbers[3]);
	for (int i = 0; i < 3; i++) {
		assert_true(numbers[i] > INT64_MAX);
		assert_true(numbers[i] != numbers[(i + 1) % 3]);
	}
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
		cmocka_unit_test_setup_teardown(a_warm_start_that_is_corrected_is_in_force, board_open, board_close),
		cmocka_unit_test_setup_teardown(a_warm_start_that_is_removed_ends, board_open, board_close),
		cmocka_unit_test_setup_teardown(a_candidate_that_a_reload_adds_starts_warm, board_open, board_close),
		cmocka_unit_test_setup_teardown(each_warm_start_has_a_number_of_its_own_in_exposures, board_open, board_close),
		cmocka_unit_test_setup_teardown(without_a_warm_start_weights_decide, board_open, board_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
