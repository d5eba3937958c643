/* policy_scores.c: see policy_scores.h. */
#include "experiments/policy_scores.h"

bool policy_scores_open(struct policy_scores *scores, size_t arms, size_t control, size_t clusters, double level,
			struct arena *arena)
{
	*scores = (struct policy_scores){.arms = arms,
					 .control = control,
					 .level = level,
					 .rewards = ARENA_ARRAY(arena, struct moments, arms),
					 .chosen = ARENA_ARRAY(arena, uint64_t, arms),
					 .of_arms = ARENA_ARRAY(arena, struct cluster_mean, arms),
					 .of_pairs = ARENA_ARRAY(arena, struct cluster_mean, arms),
					 .sums = ARENA_ARRAY(arena, double, arms *clusters + 1),
					 .own = ARENA_ARRAY(arena, struct cluster_rewards, arms * clusters + 1),
					 .sizes = ARENA_ARRAY(arena, uint64_t, clusters + 1)};
	return !arena_failed(arena);
}

/* The mean reward of a variant in other clusters; 0 before there is one. */
static double expected_of(const struct moments *rewards, const struct cluster_rewards *own)
{
	const uint64_t others = rewards->count - own->count;
	return others > 0 ? (rewards->mean * (double)rewards->count - own->sum) / (double)others : 0;
}

static double arm_score(const struct policy_scores *scores, size_t cluster, size_t arm, size_t chosen, double reward,
			double probability)
{
	const double expected = expected_of(&scores->rewards[arm], &scores->own[cluster * scores->arms + arm]);
	return (arm == chosen ? expected + (reward - expected) / probability : expected) - scores->level;
}

void policy_scores_add(struct policy_scores *scores, size_t arm, size_t cluster, double reward, double probability)
{
	double *sums = scores->sums + cluster * scores->arms;
	struct cluster_rewards *own = &scores->own[cluster * scores->arms + arm];
	const size_t size = scores->sizes[cluster]++;
	const double control = arm_score(scores, cluster, scores->control, arm, reward, probability);
	const double control_sum = sums[scores->control];
	for (size_t i = 0; i < scores->arms; i++) {
		const double score = arm_score(scores, cluster, i, arm, reward, probability);
		cluster_mean_add(&scores->of_pairs[i], score - control, sums[i] - control_sum, size);
		cluster_mean_add(&scores->of_arms[i], score, sums[i], size);
		sums[i] += score;
	}
	moments_add(&scores->rewards[arm], reward);
	scores->chosen[arm] += own->count == 0;
	own->sum += reward;
	own->count++;
}

struct moments policy_scores_rewards(const struct policy_scores *scores, size_t arm)
{
	const struct moments *rewards = &scores->rewards[arm];
	return (struct moments){scores->chosen[arm], rewards->mean, moments_variance(rewards, 0) * (double)scores->chosen[arm]};
}

struct moments policy_scores_arm(const struct policy_scores *scores, size_t arm)
{
	struct moments moments = cluster_mean_moments(&scores->of_arms[arm]);
	moments.mean += scores->level;
	return moments;
}

struct moments policy_scores_pair(const struct policy_scores *scores, size_t treatment)
{
	return cluster_mean_moments(&scores->of_pairs[treatment]);
}
