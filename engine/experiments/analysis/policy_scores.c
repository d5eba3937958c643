/* policy_scores.c: see policy_scores.h. */
#include "experiments/analysis/policy_scores.h"

bool policy_scores_open(struct policy_scores *scores, size_t arms, size_t control, size_t clusters, double level,
			struct arena *arena)
{
	*scores = (struct policy_scores){.arms = arms,
					 .control = control,
					 .level = level,
					 .rewards = ARENA_ARRAY(arena, struct moments, arms),
					 .chosen = ARENA_ARRAY(arena, uint64_t, arms),
					 .of_arms = ARENA_ARRAY(arena, struct cluster_mean, arms),
					 .of_together = ARENA_ARRAY(arena, struct cluster_mean, arms),
					 .pairs = ARENA_ARRAY(arena, struct pair_scores, arms),
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

static bool is_candidate(uint64_t candidates, size_t arm)
{
	return candidates == 0 || candidates >> arm & 1;
}

/* A score of the variant and one of the control, in a cluster that has had others of the same request. */
static void pair_add(const struct policy_scores *scores, size_t treatment, size_t cluster, double score, double control)
{
	const double *sums = scores->sums + cluster * scores->arms;
	const uint64_t size = scores->sizes[cluster];
	struct pair_scores *pair = &scores->pairs[treatment];
	cluster_mean_add(&pair->difference, score - control, sums[treatment] - sums[scores->control], size);
	cluster_mean_add(&pair->treatment, score, sums[treatment], size);
	cluster_mean_add(&pair->control, control, sums[scores->control], size);
}

/* Counts a reward in the pairs that it is of. */
static void rewards_count(struct policy_scores *scores, size_t arm, double reward, bool is_first, uint64_t candidates)
{
	if (!is_candidate(candidates, scores->control))
		return;
	for (size_t i = 0; i < scores->arms; i++) {
		struct pair_scores *pair = &scores->pairs[i];
		if (!is_candidate(candidates, i))
			continue;
		if (arm == i)
			moments_add(&pair->treated, reward);
		if (arm == scores->control)
			moments_add(&pair->controlled, reward);
		pair->chosen_treatment += is_first && arm == i;
		pair->chosen_control += is_first && arm == scores->control;
	}
}

void policy_scores_add(struct policy_scores *scores, size_t arm, size_t cluster, double reward, double probability,
		       uint64_t candidates)
{
	double *sums = scores->sums + cluster * scores->arms;
	struct cluster_rewards *own = &scores->own[cluster * scores->arms + arm];
	const double control = arm_score(scores, cluster, scores->control, arm, reward, probability);
	for (size_t i = 0; i < scores->arms; i++) {
		if (!is_candidate(candidates, i))
			continue;
		const double score = arm_score(scores, cluster, i, arm, reward, probability);
		if (is_candidate(candidates, scores->control))
			pair_add(scores, i, cluster, score, control);
		cluster_mean_add(&scores->of_arms[i], score, sums[i], scores->sizes[cluster]);
		if (candidates == 0 || (candidates & scores->together) == scores->together)
			cluster_mean_add(&scores->of_together[i], score, sums[i], scores->sizes[cluster]);
	}
	for (size_t i = 0; i < scores->arms; i++)
		sums[i] += arm_score(scores, cluster, i, arm, reward, probability);
	scores->sizes[cluster]++;
	moments_add(&scores->rewards[arm], reward);
	rewards_count(scores, arm, reward, own->count == 0, candidates);
	scores->chosen[arm] += own->count == 0;
	own->sum += reward;
	own->count++;
}

static struct moments rewards_of(const struct moments *rewards, uint64_t clusters)
{
	return (struct moments){clusters, rewards->mean, moments_variance(rewards, 0) * (double)clusters};
}

struct moments policy_scores_treated(const struct policy_scores *scores, size_t treatment)
{
	return rewards_of(&scores->pairs[treatment].treated, scores->pairs[treatment].chosen_treatment);
}

struct moments policy_scores_controlled(const struct policy_scores *scores, size_t treatment)
{
	return rewards_of(&scores->pairs[treatment].controlled, scores->pairs[treatment].chosen_control);
}

/* With what was taken off. */
static struct moments scores_of(const struct policy_scores *scores, const struct cluster_mean *mean)
{
	struct moments moments = cluster_mean_moments(mean);
	moments.mean += scores->level;
	return moments;
}

struct moments policy_scores_arm(const struct policy_scores *scores, size_t arm)
{
	return scores_of(scores, &scores->of_arms[arm]);
}

struct moments policy_scores_together(const struct policy_scores *scores, size_t arm)
{
	return scores_of(scores, &scores->of_together[arm]);
}

struct moments policy_scores_pair(const struct policy_scores *scores, size_t treatment)
{
	return cluster_mean_moments(&scores->pairs[treatment].difference);
}

struct moments policy_scores_pair_treatment(const struct policy_scores *scores, size_t treatment)
{
	return scores_of(scores, &scores->pairs[treatment].treatment);
}

struct moments policy_scores_pair_control(const struct policy_scores *scores, size_t treatment)
{
	return scores_of(scores, &scores->pairs[treatment].control);
}
