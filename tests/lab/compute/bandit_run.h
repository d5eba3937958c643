/* bandit_run.h: Methods of the family `bandits` that run learners, which learn after each decision.
 *
 * Each returns a result that the caller owns; after an error NULL, or an incomplete result. */
#pragma once

#include "compute/family.h"

/* Arms that learners choose, on a table of the reward of each arm at each step. There is one learner, whose options
 * are the parameters, or a list for each of `learners`. */
json_t *bandit_trajectory(const struct compute_case *one, struct error *error);

/* Pseudo-regret over arms with rewards 0 and 1. */
json_t *bandit_regret(const struct compute_case *one, struct error *error);
