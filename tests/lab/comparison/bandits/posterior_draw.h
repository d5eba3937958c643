/* posterior_draw.h: Draws from the posteriors of arms themselves, which cost no quadrature: for choices after each of which
 * something is learnt. */
#pragma once

#include "methods/bandits/bandit.h"

/* An arm with the chance that bandit_chances() gives it. */
size_t bandit_draw(const struct bandit *bandit, struct random *random);
