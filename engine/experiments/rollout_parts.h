/* rollout_parts.h: Parts of the state machine of a rollout that its files share: rollout.c, rollout_judge.c and
 * rollout_write.c. */
#ifndef SLUICE_EXPERIMENTS_ROLLOUT_PARTS_H
#define SLUICE_EXPERIMENTS_ROLLOUT_PARTS_H

#include "experiments/rollout.h"

/* The bad requests of a rule of a rate, which is number `index` of its stage. */
struct rate rollout_rule_rate(const struct rollout_rule *rule, size_t index, const struct rollout_counts *counts);

/* What the rule's interval is held against. */
double rollout_rule_bound(const struct rollout_rule *rule);

/* The level of an alarm in the current stage, by the looks that it may have, or that a pause has added. */
double rollout_alarm_level(const struct rollout_plan *plan, const struct rollout_state *state);

/* A look enters the state: its counts, and what the trackers follow. */
void rollout_follow(const struct rollout_plan *plan, struct rollout_state *state, const struct rollout_look *look);

#endif
