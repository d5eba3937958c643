/* learner_floor_test.c: Tests of what a learner of bandits makes of choices that only `explore` caused: Thompson counts the latest
 * of them, as the logged probability says it, also after a hand-over. */
#include <math.h>
#include <stdio.h>

#include "tests/unit/learner_records.h"
#include "tests/unit/posteriors.h"

#define CHOICES 100

/* Of two candidates, explore 0.02: one that the policy itself would never choose is logged with 0.01. */
static struct learner *learner_of(enum bandit_kind kind, double explore)
{
	struct error error = {0};
	struct learner_config config = {.experiment = "e",
					.options = bandit_defaults(kind, 2, 0),
					.arms = arms,
					.window_ms = 60000,
					.memory_bytes = 1 << 20};
	config.options.explore = explore;
	struct learner *learner = learner_open(&config, &error);
	if (!learner)
		fail_msg("%s", error.text);
	return learner;
}

static void choose(struct learner *learner, size_t n, double probability, enum assigned_reason reason)
{
	char id[24];
	(void)snprintf(id, sizeof id, "r%zu", n);
	struct exposure exposure = exposure_of(id, 1, NOW_MS);
	exposure.probability = probability;
	exposure.reason = reason;
	learner_expose(learner, &exposure);
}

static void rewards_give(struct learner *learner, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		char id[24];
		(void)snprintf(id, sizeof id, "r%zu", i);
		reward(learner, id, i >= CHOICES / 2, NOW_MS);
	}
}

static struct arm_posterior posterior(struct learner *learner, struct policy_record *record)
{
	return bandit_posterior(recorded(learner, record), 1);
}

static struct arm_posterior learnt(enum bandit_kind kind, double explore, double probability, enum assigned_reason reason)
{
	struct policy_record record;
	struct learner *learner = learner_of(kind, explore);
	for (size_t i = 0; i < CHOICES; i++)
		choose(learner, i, probability, reason);
	rewards_give(learner, 0, CHOICES);
	const struct arm_posterior got = posterior(learner, &record);
	assert_int_equal(record.rewards, CHOICES);
	learner_close(learner);
	return got;
}

/* 50 rewards of 0, then 50 of 1; each choice leaves 1 - share / 10 of what was kept of those before it. */
static void expect_share(struct arm_posterior got, double share)
{
	const double rest = 1 - share / 10, late = 10 * (1 - pow(rest, 50)), early = late * pow(rest, 50);
	assert_true(fabs(got.alpha - (1 + 50 * (1 - share) + late)) < 1e-9);
	assert_true(fabs(got.beta - (1 + 50 * (1 - share) + early)) < 1e-9);
}

static void the_logged_probability_says_what_explore_caused(void **state)
{
	(void)state;
	expect_share(learnt(BANDIT_THOMPSON_BETA, 0.02, 0.01, ASSIGNED_POLICY), 1);
	expect_share(learnt(BANDIT_THOMPSON_BETA, 0.02, 0.04, ASSIGNED_POLICY), 0.25);
	expect_share(learnt(BANDIT_THOMPSON_BETA, 0.2, 0.4, ASSIGNED_POLICY), 0.25);
}

/* Weights and stages do not explore, nor does a policy without a floor; a probability that is not known is taken for 1. */
static void all_other_choices_count(void **state)
{
	(void)state;
	const struct arm_posterior all[] = {learnt(BANDIT_THOMPSON_BETA, 0.02, 0.01, ASSIGNED_WEIGHT),
					    learnt(BANDIT_THOMPSON_BETA, 0.02, 0.01, ASSIGNED_STAGE),
					    learnt(BANDIT_THOMPSON_BETA, 0, 0.01, ASSIGNED_POLICY)};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		assert_true(all[i].alpha == 51 && all[i].beta == 51);
	expect_share(learnt(BANDIT_THOMPSON_BETA, 0.02, 0, ASSIGNED_POLICY), 0.01);
}

/* One learner, and one that goes on from its record halfway: choices before and after it, rewards after. */
static void a_learner_that_goes_on_counts_the_same(void **state)
{
	struct policy_record record;
	struct error error = {0};
	(void)state;
	struct learner *learner = learner_of(BANDIT_THOMPSON_BETA, 0.02), *next = learner_of(BANDIT_THOMPSON_BETA, 0.02);
	for (size_t i = 0; i < CHOICES; i++)
		choose(learner, i, i % 2 ? 0.01 : 0.03, ASSIGNED_POLICY);
	rewards_give(learner, 0, 40);
	(void)recorded(learner, &record);
	record = kept(&record);
	rewards_give(learner, 40, CHOICES);
	assert_true(learner_restore(next, &record, &error));
	learner_replay(next, true);
	for (size_t i = 0; i < CHOICES; i++)
		choose(next, i, i % 2 ? 0.01 : 0.03, ASSIGNED_POLICY);
	rewards_give(next, 0, 40);
	learner_replay(next, false);
	rewards_give(next, 0, CHOICES); /* those before again */
	const struct arm_posterior one = posterior(learner, &record), other = posterior(next, &record);
	expect_equal_posteriors(&one, &other);
	assert_int_equal(record.rewards, CHOICES);
	assert_int_equal(learner_counts(next).again, 40);
	learner_close(learner);
	learner_close(next);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_logged_probability_says_what_explore_caused),
		cmocka_unit_test(all_other_choices_count),
		cmocka_unit_test(a_learner_that_goes_on_counts_the_same),
	};
	return cmocka_run_group_tests(tests, arena_begin, arena_end);
}
