/* bandit_parts.h: Shared parts of a learner, private to bandit.c and bandit_state.c. */
#ifndef SLUICE_BANDITS_BANDIT_PARTS_H
#define SLUICE_BANDITS_BANDIT_PARTS_H

#include "bandits/bandit.h"

struct bandit {
	struct bandit_options options;
	struct bandit_arm *arms;
};

bool bandit_options_equal(const struct bandit_options *one, const struct bandit_options *other);

#endif
