/* rollout_plan_view.h: Stages of a rollout, and what each must show, as text or JSON: the rules, the fewest requests by which a
 * rule can hold, and how often a probability alone promotes an equal candidate. */
#pragma once

#include "control/keeper/rollout_preview.h"
#include "experiments/rollouts/rollout.h"

/* Preview of a rollout's next move, as text or JSON: the sentence, the shares, the buckets that would move. */
void rollout_preview_print(const struct rollout_preview *preview, struct arena *arena, struct buffer *out);
void rollout_preview_print_json(const struct rollout_preview *preview, struct buffer *out);

/* `name`: of the experiment. Simulates rollouts where a stage has a rule of a probability, for a moment. */
void rollout_plan_print(const char *name, const struct rollout_plan *plan, struct buffer *out);
void rollout_plan_print_json(const char *name, const struct rollout_plan *plan, struct buffer *out);

/* Says that a probability is no bound of false promotions, with the rate of the stage that promotes most easily. False: no stage
 * has a rule of a probability. */
bool rollout_plan_print_rate(const struct rollout_plan *plan, struct buffer *out);
