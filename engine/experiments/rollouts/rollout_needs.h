/* rollout_needs.h: Counts with which the open rules of a rollout would hold: larger ones, and otherwise as they are.
 * Private to the state machine of rollouts (experiments/rollouts/rollout.h). Pure. */
#ifndef SLUICE_EXPERIMENTS_ROLLOUTS_ROLLOUT_NEEDS_H
#define SLUICE_EXPERIMENTS_ROLLOUTS_ROLLOUT_NEEDS_H

#include "experiments/rollouts/rollout_parts.h"

#define ROLLOUT_NEEDS_DOUBLINGS 10 /* of what has come; a rule that needs more is as good as not to be shown */

/* Sets `needed` of each open rule of the evidence, which is of the state's counts: the requests, or units, with which it would hold
 * if all counts of all variants grew alike; INFINITY: it would not. 0 where more does not help: nothing has come, the candidate is
 * not reached, truths are late or not counted, or a stage at 100% keeps a comparison. */
void rollout_needs_find(const struct rollout_plan *plan, const struct rollout_state *state, struct rollout_evidence *evidence);

#endif
