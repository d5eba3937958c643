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
					.arms = arms};
	config.options.explore = explore;
	struct learner *learner = learner_open(&config, &error);
	if (!learner)
		fail_msg("%s", error.text);
	return learner;
}

static struct exposure choice_of(double probability, enum assigned_reason reason)
{
	struct exposure exposure = exposure_of(1, NOW_MS);
	exposure.probability = probability;
	exposure.reason = reason;
	return exposure;
}

/* Of choices that were told. */
static void rewards_give(struct learner *learner, const struct exposure choices[2], size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		earn(learner, &choices[i % 2], i >= CHOICES / 2);
}

static struct arm_posterior posterior(struct learner *learner, struct policy_record *record)
{
	return bandit_posterior(recorded(learner, record), 1);
}

static struct arm_posterior learnt(enum bandit_kind kind, double explore, double probability, enum assigned_reason reason)
{
	struct policy_record record;
	struct learner *learner = learner_of(kind, explore);
	const struct exposure choice = choice_of(probability, reason);
	for (size_t i = 0; i < CHOICES; i++)
		learner_expose(learner, &choice);
	rewards_give(learner, (const struct exposure[]){choice, choice}, 0, CHOICES);
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

/* One learner, and one that goes on from its record halfway: choices before it, rewards before and after. */
static void a_learner_that_goes_on_counts_the_same(void **state)
{
	struct policy_record record;
	struct error error = {0};
	(void)state;
	struct learner *learner = learner_of(BANDIT_THOMPSON_BETA, 0.02), *next = learner_of(BANDIT_THOMPSON_BETA, 0.02);
	const struct exposure choices[] = {choice_of(0.03, ASSIGNED_POLICY), choice_of(0.01, ASSIGNED_POLICY)};
	for (size_t i = 0; i < CHOICES; i++)
		learner_expose(learner, &choices[i % 2]);
	rewards_give(learner, choices, 0, 40);
	(void)recorded(learner, &record);
	record = kept(&record);
	assert_true(learner_restore(next, &record, &error));
	rewards_give(learner, choices, 40, CHOICES);
	rewards_give(next, choices, 40, CHOICES);
	const struct arm_posterior one = posterior(learner, &record), other = posterior(next, &record);
	expect_equal_posteriors(&one, &other);
	assert_int_equal(record.rewards, CHOICES);
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
