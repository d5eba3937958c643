/* model_switch.h: Model switch of the reference dialect: a tensor of the input, the decision, selects the model that a step
 * calls. Pure. */
#pragma once

#include "compiler/graph/graph.h"
#include "compiler/step/step.h"

/* Selects the model by the first element of the decision: its place in the list, or its name. `rest` is the input without the
 * decision, which is not sent on. False: INPUT, there is no such model, or LIMIT. `step` is named in errors. */
bool model_switch_apply(const struct model_switch *model_switch, const struct step *step, const struct payload *input,
			struct arena *arena, const char **model, const struct payload **rest, struct error *error);
