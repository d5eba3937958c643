/* rollout_parts.h: Parts of the state machine of a rollout that its files share: rollout.c, rollout_judge.c and
 * rollout_write.c. */
#ifndef SLUICE_EXPERIMENTS_ROLLOUT_PARTS_H
#define SLUICE_EXPERIMENTS_ROLLOUT_PARTS_H

#include "experiments/rollout.h"

/* A look enters the state: its counts, and what the trackers follow. */
void rollout_follow(const struct rollout_plan *plan, struct rollout_state *state, const struct rollout_look *look);

#endif
