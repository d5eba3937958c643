/* warm_policy.h: Policies by which experiments with a warm start choose from their first request on, before their learner has
 * written one.
 *
 * Such a policy is what the learner makes of the same warm start; its version is 0, and those of a learner begin with 1. Exposures
 * name it by a number of its own, 2^63 or more, which follows from the policy and its candidates: two warm starts, and what they
 * chose among, are not taken for one. With a context there is none: the scale of features is known after LEARNER_SAMPLES exposures
 * (experiments/bandits/learner.h). */
#pragma once

#include "observe/policy_board.h"
#include "compiler/plan/plan.h"

/* Puts those of a plan into force where an experiment has no policy, or one that no learner wrote, or one of other candidates, as
 * before a reload. By any thread. False: SYSTEM; or INPUT, an algorithm does not take its warm start, which is a fault of the
 * files. */
bool warm_policies_begin(const struct plan *plan, struct policy_board *board, struct error *error);

/* Ends those in force that the plan does not have any more. To be called when the plan runs. */
void warm_policies_end(const struct plan *plan, struct policy_board *board);
