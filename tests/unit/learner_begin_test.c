/* learner_begin_test.c: Tests of the beginning of a learner's term with a mock broker: one that cannot go on from a record begins
 * with what the topics have, and does not let an interval pass first; one that starts warm does so once. */
#include "engine/learn/warm_policy.h"
#include "tests/unit/learner_stand.h"

static void retell_by_others(const char *id)
{
	char line[LINE_BYTES];
	(void)snprintf(line, sizeof line,
		       "{\"id\":\"%s\",\"time_ms\":%lld,\"experiment\":\"e\",\"variant\":\"old\",\"probability\":0.5}", id,
		       (long long)time_of_day_ms());
	append("exposures", 0, time_of_day_ms(), line);
	reward(id, time_of_day_ms());
}

/* Other candidates, and deploys that come more often than the policy is updated: what the topics have is learnt at once. */
static void a_learner_that_begins_anew_writes_its_first_policy_when_it_has_read_the_topics(void **state)
{
	(void)state;
	service_start();
	earn("a", 1);
	retell_by_others("b");
	expect_rewards(2);
	learner_service_close(service);
	planning_close(&planning);
	planning_open(&planning, "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"
				 "  candidates: [{name: old, weight: 0}, {name: newer, weight: 0}]\n"
				 "  bandits: {algorithm: epsilon-greedy, updateInterval: 1h, outcomeWindow: 1m}\n"
				 "---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"
				 "spec:\n  output: {steps: [s]}\n  steps: [{name: s, experiment: {name: e}}]\n");
	said[0] = '\0';
	service_start();
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; policy_entry_state(entry).rewards != 1; nap())
		if (clock_ms() > until_ms)
			fail_msg("no policy of the candidates that there are now; %s", said);
	learner_service_close(service);
}

/* An empty policy topic takes the same path, also while exposures go on to come. */
static void a_first_policy_does_not_wait_for_another_interval(void **state)
{
	(void)state;
	planning_close(&planning);
	planning_open(&planning, YAML_OF("1h"));
	service_start();
	expose("a", 0, time_of_day_ms());
	reward("a", time_of_day_ms());
	learner_service_close(service);
	service_start();
	for (int64_t until_ms = clock_ms() + MOCK_WAIT_MS; policy_entry_state(entry).rewards < 1; nap()) {
		if (clock_ms() > until_ms)
			fail_msg("no policy; %s", said);
		expose("later", 0, time_of_day_ms());
	}
	learner_service_close(service);
}

/* The first record has it; whoever leads next goes on from there. */
static void a_warm_start_is_learnt_once(void **state)
{
	(void)state;
	planning_close(&planning);
	planning_open(&planning, "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"
				 "  candidates: [{name: old, weight: 0}, {name: new, weight: 0}]\n"
				 "  bandits: {algorithm: epsilon-greedy, updateInterval: 100ms, outcomeWindow: 1m,\n"
				 "    warmStart: {old: {plays: 10, mean: 0.25}, new: {plays: 30, mean: 0.5}}}\n"
				 "---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"
				 "spec:\n  output: {steps: [s]}\n  steps: [{name: s, experiment: {name: e}}]\n");
	service_start();
	expect_rewards(40);
	learner_service_close(service);
	for (int64_t rewards = 41; rewards <= 42; rewards++) {
		service_start();
		earn(rewards == 41 ? "a" : "b", rewards);
		learner_service_close(service);
	}
	assert_int_equal(policy_entry_state(entry).version, 3);
	assert_int_equal(said_times("learned again"), 0);
}

static void warm_plan(const char *candidates)
{
	char yaml[2 * LINE_BYTES];
	struct plan plan;
	struct error error = {0};
	(void)snprintf(yaml, sizeof yaml,
		       "apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: e}\nspec:\n"
		       "  candidates: [%s]\n  bandits: {algorithm: epsilon-greedy, warmStart: {old: {plays: 10, mean: 0.25}}}\n"
		       "---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\n"
		       "spec:\n  output: {steps: [s]}\n  steps: [{name: s, experiment: {name: e}}]\n",
		       candidates);
	planning_close(&planning);
	planning_open(&planning, yaml);
	planning_plan(&planning, NULL, &plan);
	if (!warm_policies_begin(&plan, board, &error))
		fail_msg("%s", error.text);
}

/* As an engine does that does not lead. */
static void policies_read(void)
{
	struct error error = {0};
	struct learning learning = {.experiment = planning.graph->reachable[0], .entry = entry, .interval_ms = 1000};
	struct learner_service follower = {
		.config = {.brokers = mock.brokers, .consumer = mock_quick, .policy = "policy", .log = &sink},
		.learnings = &learning,
		.count = 1,
		.arena = arena_open(1 << 20)};
	do {
		if (!policies_follow(&follower, &error))
			fail_msg("%s", error.text);
	} while (!reader_has_caught_up(follower.policies));
	reader_close(follower.policies);
	buffer_close(&learning.arrived);
	arena_close(follower.arena);
}

/* After a restart, or a reload: the topic has a policy of the candidates before. */
static void a_warm_start_gives_way_to_a_policy_of_its_candidates_alone(void **state)
{
	(void)state;
	service_start();
	earn("a", 1);
	learner_service_close(service);
	warm_plan("{name: old, weight: 0}, {name: newer, weight: 0}");
	policies_read();
	assert_int_equal(policy_entry_state(entry).version, 0);
	assert_int_equal(said_times("goes on to choose by its warmStart: version 1 of its policy is of other candidates"), 1);
	warm_plan("{name: new, weight: 0}, {name: old, weight: 0}");
	assert_int_equal(policy_entry_state(entry).version, 0);
	policies_read();
	assert_int_equal(policy_entry_state(entry).version, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_learner_that_begins_anew_writes_its_first_policy_when_it_has_read_the_topics,
						stand_open, stand_close),
		cmocka_unit_test_setup_teardown(a_first_policy_does_not_wait_for_another_interval, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(a_warm_start_is_learnt_once, stand_open, stand_close),
		cmocka_unit_test_setup_teardown(a_warm_start_gives_way_to_a_policy_of_its_candidates_alone, stand_open,
						stand_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
