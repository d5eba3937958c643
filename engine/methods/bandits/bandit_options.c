/* bandit_options.c: Options of a learner as numbers, in the order in which they are stored; see bandit_parts.h. */
#include "methods/bandits/bandit_parts.h"

const size_t bandit_option_offsets[BANDIT_OPTION_NUMBERS] = {
	offsetof(struct bandit_options, explore),	 offsetof(struct bandit_options, epsilon),
	offsetof(struct bandit_options, alpha),		 offsetof(struct bandit_options, lambda),
	offsetof(struct bandit_options, gamma),		 offsetof(struct bandit_options, prior_alpha),
	offsetof(struct bandit_options, prior_beta),	 offsetof(struct bandit_options, prior_mean),
	offsetof(struct bandit_options, prior_variance), offsetof(struct bandit_options, noise_variance),
	offsetof(struct bandit_options, prior_weight),
};

bool bandit_options_equal(const struct bandit_options *one, const struct bandit_options *other)
{
	bool equal = one->kind == other->kind && one->arms == other->arms && one->features == other->features;
	for (size_t i = 0; i < BANDIT_OPTION_NUMBERS; i++)
		equal = equal && memcmp((const char *)one + bandit_option_offsets[i],
					(const char *)other + bandit_option_offsets[i], sizeof(double)) == 0;
	return equal;
}
