/* policy_scores.h: Scores of variants where a policy chose (AIPW): what earlier rewards let expect of a variant and, of the one
 * that was chosen, the rest of its reward divided by the probability of the choice. Private to analysis.c.
 *
 * A unit keeps its variant until the policy has its next version, so its requests until then are one cluster: they depend on each
 * other as those of a unit do where weights choose. Variances are those of clusters. What is expected of a request follows from
 * other clusters alone: which variant has the rewards of its own follows from the same choice, so scores would be biased.
 *
 * Only candidates have a score of a request: what never could be chosen for it has nothing that a reward would correct. So a
 * variant and its difference from the control are of those requests for which it, or both, were candidates.
 */
#pragma once

#include "base/arena.h"
#include "methods/statistics/cluster_mean.h"

struct cluster_rewards {
	double sum;
	uint64_t count;
};

struct policy_scores {
	size_t arms, control;
	double level;		       /* taken off the scores of variants, so that a large mean costs their variance no digits */
	struct moments *rewards;       /* of each variant so far */
	uint64_t *chosen;	       /* clusters that have a reward of the variant */
	struct cluster_mean *of_arms;  /* scores of each variant */
	uint64_t together;	       /* a bit for each of some variants, which the caller sets after the opening; 0: all */
	struct cluster_mean *of_together; /* scores of each variant, of requests for which all of these were candidates */
	struct pair_scores {
		struct cluster_mean difference, treatment, control;
		struct moments treated, controlled;	   /* rewards of either */
		uint64_t chosen_treatment, chosen_control; /* clusters that have one */
	} * pairs;		       /* of each variant and the control: of requests for which both were candidates */
	double *sums;		       /* [cluster][variant] of scores */
	struct cluster_rewards *own;   /* [cluster][variant] */
	uint64_t *sizes;	       /* of each cluster: rewards */
};

/* False: the arena is full. */
bool policy_scores_open(struct policy_scores *scores, size_t arms, size_t control, size_t clusters, double level,
			struct arena *arena);

/* A reward of the variant `arm`, which was chosen with that probability among the candidates, a bit for each; 0: all are, at all
 * times. A cluster has the same candidates for all its rewards. */
void policy_scores_add(struct policy_scores *scores, size_t arm, size_t cluster, double reward, double probability,
		       uint64_t candidates);

/* Rewards of a variant in its pair, counted by their clusters, for the end of the burn-in. */
struct moments policy_scores_treated(const struct policy_scores *scores, size_t treatment);
struct moments policy_scores_controlled(const struct policy_scores *scores, size_t treatment);

/* Of clusters: the mean of the scores of a variant; and of requests for which all of `together` were candidates. */
struct moments policy_scores_arm(const struct policy_scores *scores, size_t arm);
struct moments policy_scores_together(const struct policy_scores *scores, size_t arm);

/* Likewise, of a pair: of the difference, and of either variant. */
struct moments policy_scores_pair(const struct policy_scores *scores, size_t treatment);
struct moments policy_scores_pair_treatment(const struct policy_scores *scores, size_t treatment);
struct moments policy_scores_pair_control(const struct policy_scores *scores, size_t treatment);
