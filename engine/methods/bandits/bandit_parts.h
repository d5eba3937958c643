/* bandit_parts.h: Shared parts of a learner, private to bandit.c, bandit_options.c, bandit_state.c and
 * bandit_warm.c. */
#pragma once

#include "methods/bandits/bandit.h"

struct bandit {
	struct bandit_options options;
	struct bandit_arm *arms;
};

/* Where in the options each of its numbers is, a double. */
#define BANDIT_OPTION_NUMBERS 11
extern const size_t bandit_option_offsets[BANDIT_OPTION_NUMBERS];

bool bandit_options_equal(const struct bandit_options *one, const struct bandit_options *other);
