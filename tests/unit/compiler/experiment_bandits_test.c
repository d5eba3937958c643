/* experiment_bandits_test.c: Tests of what commands show of an experiment whose candidates bandits choose: the shares of its
 * policy, and what was learnt of each candidate, with a control plane and without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "methods/bandits/policy.h"
#include "base/clock.h"
#include "message/records/policy_record.h"
#include "message/rows.h"
#include "steps/kinds.h"
#include "tests/unit/apply_stand.h"
#include "tests/unit/session.h"

#define SHARED(name, a, b)                                                                                                         \
	"apiVersion: mlops.seldon.io/v1alpha1\nkind: Experiment\nmetadata: {name: " name "}\nspec:\n"                              \
	"  candidates: [{name: a, weight: " a "}, {name: b, weight: " b "}]\n"
#define BANDITS SHARED("e", "0", "0")
#define PIPELINE                                                                                                                   \
	"---\napiVersion: mlops.seldon.io/v1alpha1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n"                                  \
	"  steps: [{name: s, experiment: {name: e}}]\n  output: {steps: [s]}\n"
#define POLICY_TOPIC "sluice.default.pipeline.p.policy"

/* Rewards 1, 1 and 0 of the second arm alone; with features in a context of which the second number is 2. */
static void learner_teach(struct bandit *bandit)
{
	static const double rewards[] = {1, 1, 0}, x[] = {1, 2};
	struct error error = {0};
	for (size_t i = 0; i < 3; i++) {
		const struct bandit_reward reward = {
			.arm = 1, .x = bandit_options(bandit)->features > 0 ? x : NULL, .reward = rewards[i], .probability = 0.5};
		assert_true(bandit_reward(bandit, &reward, &error));
	}
}

/* A policy of a bandit that has rewarded the second arm alone. */
static void policy_append(enum bandit_kind kind, size_t features)
{
	static const struct text arms[] = {{"a", 1}, {"b", 1}};
	struct bandit_options options = bandit_defaults(kind, 2, features);
	struct policy *policy = policy_open(apply_stand.arena, &options, 1);
	struct buffer bytes, out, learner;
	struct error error = {0};
	assert_non_null(policy);
	policy->version = 7;
	if (features == 0) {
		policy->chances[0] = 0.01;
		policy->chances[1] = 0.99;
	}
	buffer_open(&bytes, POLICY_RECORD_BYTES_MAX);
	buffer_open(&out, POLICY_RECORD_BYTES_MAX);
	policy_write(policy, &bytes);
	buffer_open(&learner, POLICY_RECORD_BYTES_MAX);
	struct bandit *bandit = bandit_open(apply_stand.arena, &options, &error);
	learner_teach(bandit);
	bandit_write(bandit, &learner);
	const struct policy_feature age = {.name = TEXT("age"), .width = 1};
	const struct policy_record record = {.experiment = TEXT("e"),
					     .version = 7,
					     .time_ms = time_of_day_ms() - 2000,
					     .rewards = 40,
					     .arm_count = 2,
					     .arms = arms,
					     .feature_count = features > 0,
					     .features = &age,
					     .policy = buffer_view(&bytes),
					     .learner = buffer_view(&learner)};
	assert_true(policy_record_encode(&record, &out, &error));
	assert_int_equal(rd_kafka_producev(apply_stand.mock.writer, RD_KAFKA_V_TOPIC(POLICY_TOPIC), RD_KAFKA_V_PARTITION(0),
					   RD_KAFKA_V_VALUE(out.bytes, out.length), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
					   RD_KAFKA_V_END),
			 RD_KAFKA_RESP_ERR_NO_ERROR);
	assert_int_equal(rd_kafka_flush(apply_stand.mock.writer, MOCK_WAIT_MS), 0);
	buffer_close(&bytes);
	buffer_close(&learner);
	buffer_close(&out);
}

/* Their table is of even shares, and no engine chooses by it once there is a policy. */
static void bandits_have_the_shares_of_their_policy(void **state)
{
	(void)state;
	rd_kafka_mock_topic_create(apply_stand.mock.cluster, POLICY_TOPIC, 1, 1);
	apply_file("e.yaml", BANDITS "  bandits: {algorithm: thompson}\n" PIPELINE);
	apply_runs(EXIT_GOOD, "Experiment/e version 1 accepted", "apply %s", apply_stand.folder);
	apply_runs(EXIT_GOOD, "is active", "wait experiment/e --for active");
	apply_runs(EXIT_GOOD, "no policy of these candidates yet: shares are even", "experiments status e");
	policy_append(BANDIT_THOMPSON_BETA, 0);
	apply_runs(EXIT_GOOD, "e: bandits (thompson) of an Experiment, version 1 since ", "experiments status e");
	apply_runs(EXIT_GOOD, " s old, learnt from 40 rewards\n", "experiments status e");
	apply_runs(EXIT_GOOD, "  b                                  99.00%  3 plays with a reward, mean 0.6667\n",
		   "experiments status e");
	apply_runs(EXIT_GOOD, "\"policies\": [{\"pipeline\": \"p\", \"version\": 7", "experiments status e -o json");
	apply_runs(EXIT_GOOD, "e: bandits (thompson), a 1%, b 99%, policy 7 of pipeline p, version 1 of an Experiment\n",
		   "experiments list");
	apply_runs(EXIT_GOOD, "  b                                  99.00%  3 plays with a reward, mean 0.6667\n",
		   "experiments weights e");
	apply_runs(EXIT_GOOD, "{\"name\": \"b\", \"percent\": 99.0, \"plays\": 3, \"waiting\": 0, \"mean\": 0.666",
		   "experiments weights e -o json");
	apply_runs(EXIT_GOOD, "bandits (thompson) of a, b (active)", "experiments history e");
	apply_runs(EXIT_GOOD, "\"by\": \"thompson\", \"candidates\": [\"a\", \"b\"]}", "experiments history e -o json");
	apply_runs(EXIT_FAULTS, "bandits choose the candidates of the Experiment, so it has no traffic to move; apply it without",
		   "experiments pause e");
	apply_runs(EXIT_FAULTS, "bandits choose the candidates of the Experiment", "experiments resume e");
}

static void expect_unread(const char *words, const char *command)
{
	char line[256];
	(void)snprintf(line, sizeof line, "%s --brokers %s", command, apply_stand.mock.brokers);
	struct said said = say_with(step_kinds, line);
	expect_words(said.out, words);
	assert_string_equal(said.err, "");
	said_close(&said);
}

/* The topics of others may be long: nobody reads them who does not need them. */
static void policy_topics_of_others_are_not_read(void **state)
{
	(void)state;
	rd_kafka_mock_topic_create(apply_stand.mock.cluster, POLICY_TOPIC, 1, 1);
	rd_kafka_mock_topic_set_error(apply_stand.mock.cluster, POLICY_TOPIC, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED);
	apply_file("e.yaml", SHARED("e", "50", "50") PIPELINE);
	apply_runs(EXIT_GOOD, "Experiment/e version 1 accepted", "apply %s", apply_stand.folder);
	apply_runs(EXIT_GOOD, "is active", "wait experiment/e --for active");
	expect_unread("e: a 50%, b 50%", "experiments list");
	expect_unread("  b                                  50.00%", "experiments weights");
	expect_unread("  b                                  50.00%", "experiments status e");
	apply_file("f.yaml", SHARED("f", "30", "70"));
	apply_file("e.yaml", BANDITS "  bandits: {algorithm: thompson}\n" PIPELINE);
	apply_runs(EXIT_GOOD, "Experiment/e version 2 accepted", "apply %s", apply_stand.folder);
	apply_runs(EXIT_GOOD, "is active", "wait experiment/f --for active");
	apply_runs(EXIT_GOOD, "is active", "wait pipeline/p --for active");
	expect_unread("  b                                  70.00%", "experiments weights f");
	apply_runs(EXIT_GOOD, "topic sluice.default.pipeline.p.policy cannot be read", "experiments weights e");
	apply_runs(EXIT_GOOD, "no policy of pipeline `p` is known then", "experiments list");
}

static void shares_by_context_have_a_floor(void **state)
{
	(void)state;
	rd_kafka_mock_topic_create(apply_stand.mock.cluster, POLICY_TOPIC, 1, 1);
	apply_file("e.yaml", BANDITS "  bandits: {algorithm: linucb, contextFeatures: [age], explore: 0.1}\n" PIPELINE);
	apply_runs(EXIT_GOOD, "Experiment/e version 1 accepted", "apply %s", apply_stand.folder);
	apply_runs(EXIT_GOOD, "is active", "wait experiment/e --for active");
	policy_append(BANDIT_LINUCB, 2);
	apply_runs(EXIT_GOOD, "shares depend on the context (age); each candidate has at least 5% (explore 10%)\n",
		   "experiments status e");
	apply_runs(EXIT_GOOD, "\"least_percent\": 5.0, \"context\": [\"age\"], \"policies\": [{", "experiments weights e -o json");
	/* By lambda 1: the sum 2 x of rewards and contexts, divided by 1 + 3 |x|^2. */
	apply_runs(EXIT_GOOD, "\"mean\": 0.6666666666666666, \"coefficients\": {\"1\": 0.125, \"age\": 0.25}}",
		   "experiments weights e -o json");
}

#define EXPOSURE                                                                                                                   \
	"{\"id\": \"r\", \"unit\": \"u\", \"time_ms\": 1000, \"experiment\": \"e\", \"variant\": \"a\", \"probability\": 0.5, "    \
	"\"reason\": \"policy\"}"

static void files_begin(const char *bandits)
{
	static const char exposure[] = EXPOSURE, exposures[] = "sluice.default.pipeline.p.exposures";
	rd_kafka_mock_topic_create(apply_stand.mock.cluster, POLICY_TOPIC, 1, 1);
	rd_kafka_mock_topic_create(apply_stand.mock.cluster, exposures, 1, 1);
	rd_kafka_mock_topic_create(apply_stand.mock.cluster, "sluice.default.pipeline.p.feedback", 1, 1);
	assert_int_equal(rd_kafka_producev(apply_stand.mock.writer, RD_KAFKA_V_TOPIC(exposures), RD_KAFKA_V_PARTITION(0),
					   RD_KAFKA_V_VALUE((void *)(uintptr_t)exposure, sizeof exposure - 1),
					   RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
			 RD_KAFKA_RESP_ERR_NO_ERROR);
	assert_int_equal(rd_kafka_flush(apply_stand.mock.writer, MOCK_WAIT_MS), 0);
	apply_file("e.yaml", bandits);
}

/* Of 10 successes of 10, and none of `a`, a draw of `b` is above that of `a` in 91.7%: 11/12 by the Betas, of which `explore` takes
 * 2%, and 1% of it is for `b`. */
static void bandits_without_a_policy_have_the_shares_of_what_they_start_with(void **state)
{
	(void)state;
	rd_kafka_mock_topic_create(apply_stand.mock.cluster, POLICY_TOPIC, 1, 1);
	apply_file("e.yaml", SHARED("e", "9", "1") "  bandits: {algorithm: thompson}\n" PIPELINE);
	apply_runs(EXIT_GOOD, "Experiment/e version 1 accepted", "apply %s", apply_stand.folder);
	apply_runs(EXIT_GOOD, "is active", "wait experiment/e --for active");
	apply_runs(EXIT_GOOD, "no policy of these candidates yet: shares are those of the weights\n", "experiments status e");
	apply_runs(EXIT_GOOD, "  a                                  90.00%\n", "experiments weights e");
	apply_runs(EXIT_GOOD, "a 90%, b 10%, no policy yet", "experiments list");
	apply_runs(EXIT_GOOD, "\"start\": \"weights\", \"variants\": [{\"name\": \"a\", \"percent\": 90",
		   "experiments weights e -o json");
	apply_file("e.yaml",
		   SHARED("e", "9", "1") "  bandits: {algorithm: thompson, warmStart: {b: {plays: 10, mean: 1}}}\n" PIPELINE);
	apply_runs(EXIT_GOOD, "Experiment/e version 2 accepted", "apply %s", apply_stand.folder);
	apply_runs(EXIT_GOOD, "is active", "wait experiment/e --for active");
	apply_runs(EXIT_GOOD, "no policy of these candidates yet: shares are those of the warmStart\n", "experiments status e");
	apply_runs(EXIT_GOOD, "  b                                  90.83%\n", "experiments status e");
}

/* Without a control plane the policy topics have what is in force all the same. */
static void the_status_of_files_has_the_shares_of_the_policy(void **state)
{
	(void)state;
	files_begin(BANDITS "  bandits: {algorithm: thompson}\n" PIPELINE);
	apply_runs(EXIT_GOOD, "{\"name\": \"b\", \"units\": 0, \"share\": 0.5, ", "experiments status e -f %s -o json",
		   apply_stand.folder);
	apply_runs(EXIT_GOOD, "no policy of these candidates yet: shares are even", "experiments status e -f %s",
		   apply_stand.folder);
	policy_append(BANDIT_THOMPSON_BETA, 0);
	apply_runs(EXIT_GOOD, "{\"name\": \"b\", \"units\": 0, \"share\": 0.99, ", "experiments status e -f %s -o json",
		   apply_stand.folder);
	apply_runs(EXIT_GOOD,
		   "\"by\": \"thompson\", \"explore\": 0.02, \"least_percent\": 1.0, \"context\": [], \"policies\": "
		   "[{\"pipeline\": \"p\"",
		   "experiments status e -f %s -o json", apply_stand.folder);
	apply_runs(EXIT_GOOD, "0 units, 99%", "experiments status e -f %s", apply_stand.folder);
	apply_runs(EXIT_GOOD, "  a                                   1.00%  0 plays with a reward\n", "experiments status e -f %s",
		   apply_stand.folder);
	apply_runs(EXIT_GOOD, "  b                                  99.00%  3 plays with a reward, mean 0.6667\n",
		   "experiments status e -f %s", apply_stand.folder);
	apply_runs(EXIT_GOOD, " s old, learnt from 40 rewards\n", "experiments status e -f %s", apply_stand.folder);
	/* No file says that the experiment learns; the records do. */
	apply_runs(EXIT_GOOD, "{\"name\": \"a\", \"units\": 1, \"share\": 0.01, ", "experiments status e --pipeline p -o json");
	apply_runs(EXIT_GOOD, "in force: bandits (thompson-beta)", "experiments status e --pipeline p");
	apply_runs(EXIT_GOOD, "\"explore\": 0.02, \"least_percent\": 1.0", "experiments status e --pipeline p -o json");
}

static void the_status_of_files_says_that_shares_depend_on_the_context(void **state)
{
	(void)state;
	files_begin(BANDITS "  bandits: {algorithm: linucb, contextFeatures: [age], explore: 0.1}\n" PIPELINE);
	policy_append(BANDIT_LINUCB, 2);
	apply_runs(EXIT_GOOD, "shares depend on the context (age); each candidate has at least 5% (explore 10%)\n",
		   "experiments status e -f %s", apply_stand.folder);
	apply_runs(EXIT_GOOD, "{\"name\": \"b\", \"units\": 0, \"share\": null, ", "experiments status e -f %s -o json",
		   apply_stand.folder);
	apply_runs(EXIT_GOOD, "3 plays with a reward, mean 0.6667; coefficients 1 0.125, age 0.25\n", "experiments status e -f %s",
		   apply_stand.folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(bandits_have_the_shares_of_their_policy, apply_keeper_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(policy_topics_of_others_are_not_read, apply_keeper_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(shares_by_context_have_a_floor, apply_keeper_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(bandits_without_a_policy_have_the_shares_of_what_they_start_with,
						apply_keeper_setup, apply_teardown),
		cmocka_unit_test_setup_teardown(the_status_of_files_has_the_shares_of_the_policy, apply_broker_setup,
						apply_teardown),
		cmocka_unit_test_setup_teardown(the_status_of_files_says_that_shares_depend_on_the_context, apply_broker_setup,
						apply_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
