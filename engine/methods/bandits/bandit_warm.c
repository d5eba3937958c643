/* bandit_warm.c: Warm start of a learner, for bandit.h: what is known of its arms becomes what it has learnt. */
#include <math.h>

#include "methods/bandits/bandit_parts.h"

bool bandit_needs_deviation(enum bandit_kind kind)
{
	return kind == BANDIT_THOMPSON_STUDENT;
}

static bool prior_sound(const struct bandit *bandit, size_t arm, const struct bandit_prior *prior, struct error *error)
{
	const enum bandit_kind kind = bandit->options.kind;
	if (prior->plays == 0)
		return kind != BANDIT_EXP3 ||
		       error_set(error, ERROR_INPUT, PLACE_NONE,
				 "Nothing is known of arm %zu, and exp3 starts warm with all arms or with none. Give its plays.",
				 arm);
	if (prior->plays > BANDIT_PRIOR_PLAYS_MOST)
		return error_set(error, ERROR_INPUT, PLACE_NONE, "The warm start of arm %zu has %llu plays. Give at most %d.", arm,
				 (unsigned long long)prior->plays, BANDIT_PRIOR_PLAYS_MOST);
	if (!bandit_takes(kind, prior->mean))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "The warm start of arm %zu has the mean %g, which %s does not take. Scale it as rewards are.", arm,
				 prior->mean, bandit_kind_names[kind]);
	if (!(prior->deviation >= 0 && prior->deviation <= BANDIT_REWARD_MOST))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "The warm start of arm %zu has the deviation %g. Give a number from 0 to %g.", arm,
				 prior->deviation, BANDIT_REWARD_MOST);
	return true;
}

static void arm_warm(const struct bandit_options *options, struct bandit_arm *arm, const struct bandit_prior *prior,
		     const double *x)
{
	const double plays = (double)prior->plays;
	const struct moments known = {prior->plays, prior->mean, (plays - 1) * prior->deviation * prior->deviation};
	sum_add(&arm->rewards, plays * prior->mean);
	moments_merge(&arm->moments, &known);
	if (options->features > 0)
		ridge_add_many(&arm->model, x, prior->mean, plays);
	if (options->kind == BANDIT_LINUCB)
		ridge_add_many(&arm->plays, x, 0, plays);
}

bool bandit_warm(struct bandit *bandit, const struct bandit_prior *priors, const double *x, struct error *error)
{
	const struct bandit_options *options = &bandit->options;
	double total = 0;
	for (size_t i = 0; i < options->arms; i++) {
		if (!prior_sound(bandit, i, &priors[i], error))
			return false;
		total += (double)priors[i].plays;
	}
	for (size_t i = 0; i < options->arms; i++) {
		if (priors[i].plays == 0)
			continue;
		arm_warm(options, &bandit->arms[i], &priors[i], x);
		if (options->kind == BANDIT_EXP3)
			bandit->arms[i].log_weight += options->gamma * priors[i].mean * total / (double)options->arms;
	}
	return true;
}
