/* rollout_parts.h: Parts of the state machine of a rollout that its files share: rollout.c, rollout_judge.c and
 * rollout_write.c. */
#pragma once

#include "experiments/rollouts/rollout.h"

/* A look enters the state: its counts, and what the trackers follow. */
void rollout_follow(const struct rollout_plan *plan, struct rollout_state *state, const struct rollout_look *look);

/* Whether the rule must be shown to hold, and is not. */
static inline bool rollout_judgement_is_open(const struct planned_stage *stage, const struct rollout_judgement *judgement)
{
	return judgement->verdict == VERDICT_OPEN && !stage->rules[judgement->rule].only_rolls_back;
}

/* Whether a rule of truth judges the present stage beside its default; a stage at 100% has none, and keeps what was before it. */
bool rollout_rule_is_beside(const struct planned_stage *stage, const struct rollout_rule *rule);

/* Whether so many of the truths of the rule are late that it does not hold. */
bool rollout_truths_are_late(const struct planned_stage *stage, const struct rollout_rule *rule,
			     const struct rollout_judgement *judgement);
