/* bandit_run.h: cases of the family `bandits` that run learners, which learn after each decision.
 *
 * Each returns a result that the caller owns, or NULL or an incomplete one after an error.
 */
#ifndef SLUICE_COMPUTE_BANDIT_RUN_H
#define SLUICE_COMPUTE_BANDIT_RUN_H

#include "compute/family.h"

/* The arms that learners choose on a table of what each arm would give at each step: of one learner, whose options are the
 * parameters, or a list for each of `learners`. */
json_t *bandit_trajectory(const struct compute_case *one, struct error *error);

/* Pseudo-regret over arms of 0 and 1. */
json_t *bandit_regret(const struct compute_case *one, struct error *error);

#endif
