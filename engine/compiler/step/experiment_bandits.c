/* experiment_bandits.c: Learner that the `bandits` of an experiment ask for; see experiment.h. */
#include "compiler/step/experiment.h"

const char *experiment_algorithm(const struct experiment_spec *experiment)
{
	static const char *const names[] = {[ALGORITHM_EPSILON_GREEDY] = "epsilon-greedy",
					    [ALGORITHM_UCB1] = "ucb1",
					    [ALGORITHM_THOMPSON] = "thompson",
					    [ALGORITHM_LINUCB] = "linucb",
					    [ALGORITHM_EXP3] = "exp3",
					    [ALGORITHM_THOMPSON_GAUSSIAN] = "thompson-gaussian"};
	return names[experiment->bandits.algorithm];
}

struct bandit_options experiment_bandit(const struct experiment_spec *experiment, size_t arms, size_t features)
{
	static const enum bandit_kind kinds[] = {[ALGORITHM_EPSILON_GREEDY] = BANDIT_EPSILON_GREEDY,
						 [ALGORITHM_UCB1] = BANDIT_UCB1,
						 [ALGORITHM_THOMPSON] = BANDIT_THOMPSON_BETA,
						 [ALGORITHM_LINUCB] = BANDIT_LINUCB,
						 [ALGORITHM_EXP3] = BANDIT_EXP3,
						 [ALGORITHM_THOMPSON_GAUSSIAN] = BANDIT_THOMPSON_STUDENT};
	const struct bandits *bandits = &experiment->bandits;
	const enum bandit_kind kind = kinds[bandits->algorithm];
	const bool contextual = kind == BANDIT_LINUCB || kind == BANDIT_EPSILON_GREEDY;
	struct bandit_options options = bandit_defaults(kind, arms, contextual ? features : 0);
	options.explore = bandits->explore;
	options.epsilon = bandits->epsilon;
	return options;
}

bool experiment_priors(const struct experiment_spec *experiment, const struct share *shares, size_t count,
		       struct bandit_prior priors[ASSIGNMENT_WAYS_MAX])
{
	const struct item_list *warm = &experiment->bandits.warm_start;
	const struct warm_start *items = warm->items;
	bool any = false;
	for (size_t i = 0; i < count; i++) {
		priors[i] = (struct bandit_prior){0};
		for (size_t j = 0; j < warm->count; j++)
			if (strings_equal(items[j].candidate.text, shares[i].name)) {
				priors[i] = (struct bandit_prior){(uint64_t)items[j].plays, items[j].mean, items[j].deviation};
				any = any || items[j].plays > 0;
			}
	}
	return any;
}
