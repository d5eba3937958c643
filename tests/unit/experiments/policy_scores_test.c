/* policy_scores_test.c: Tests of the scores of variants where a policy chose: over all choices that it might have made they are the
 * rewards that all requests would have had, though requests of a unit depend on each other. */
#include "experiments/analysis/policy_scores.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CLUSTERS 6
#define REQUESTS 24 /* in turn, or those of a cluster one after the other */
#define ARMS 2

static const double probabilities[ARMS] = {0.3, 0.7};

/* Of a request, had it got that variant: units differ more than variants do. */
static double reward_of(size_t request, size_t cluster, size_t arm)
{
	return (double)(cluster * cluster) + (double)(request % 5) / 4 + (arm == 1 ? 2 : 0);
}

struct expectation {
	double arm, pair; /* of the second variant, and of its difference from the first */
};

/* Of one way in which the policy may have chosen: a bit for each cluster. */
static struct expectation scores_of(unsigned choices, bool in_turn)
{
	struct arena *arena = arena_open(1 << 20);
	struct policy_scores scores;
	assert_true(policy_scores_open(&scores, ARMS, 0, CLUSTERS, 3, arena));
	for (size_t i = 0; i < REQUESTS; i++) {
		const size_t cluster = in_turn ? i % CLUSTERS : i * CLUSTERS / REQUESTS, arm = choices >> cluster & 1;
		policy_scores_add(&scores, arm, cluster, reward_of(i, cluster, arm), probabilities[arm], 0);
	}
	const struct expectation expectation = {policy_scores_arm(&scores, 1).mean, policy_scores_pair(&scores, 1).mean};
	arena_close(arena);
	return expectation;
}

static void scores_are_the_rewards_of_all_on_average(void **state)
{
	(void)state;
	for (int in_turn = 0; in_turn < 2; in_turn++) {
		struct expectation sum = {0};
		double all = 0;
		for (size_t i = 0; i < REQUESTS; i++)
			all += reward_of(i, in_turn ? i % CLUSTERS : i * CLUSTERS / REQUESTS, 1) / REQUESTS;
		for (unsigned choices = 0; choices < 1U << CLUSTERS; choices++) {
			const struct expectation one = scores_of(choices, in_turn);
			double chance = 1;
			for (size_t i = 0; i < CLUSTERS; i++)
				chance *= probabilities[choices >> i & 1];
			sum.arm += chance * one.arm;
			sum.pair += chance * one.pair;
		}
		assert_true(fabs(sum.arm - all) < 1e-9);
		assert_true(fabs(sum.pair - 2) < 1e-9);
	}
}

/* Clusters, and not requests, are what the burn-in waits for. */
static void rewards_count_by_their_clusters(void **state)
{
	struct arena *arena = arena_open(1 << 20);
	struct policy_scores scores;
	(void)state;
	assert_true(policy_scores_open(&scores, ARMS, 0, CLUSTERS, 0, arena));
	for (size_t i = 0; i < 30; i++)
		policy_scores_add(&scores, i % 3 == 0, i % 3, 1, 0.5, 0);
	assert_int_equal(policy_scores_controlled(&scores, 1).count, 2);
	assert_int_equal(policy_scores_treated(&scores, 1).count, 1);
	arena_close(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scores_are_the_rewards_of_all_on_average),
		cmocka_unit_test(rewards_count_by_their_clusters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
