/* explainer.h: Explanations of the rows of one message by a step of kind `explain`. A local model is explained at once, a model on
 * a server by calls with perturbed rows.
 *
 * Perturbations are sent in a few large calls, all at once. A call that a server failed is sent once more, in two halves. When all
 * of them have been answered, have failed, or are past the time that they may take, each row is explained by what was answered.
 */
#pragma once

#include "steps/explain/explain_work.h"

/* Decides how the step explains its model, and prepares it. CONFIG, without a place, or SYSTEM. */
bool explainer_open(struct explainer *explainer, struct error *error);

/* Begins to explain the rows of a message. STEP_DONE: `work->made` has them. STEP_WAIT: calls are under way. STEP_FAIL. */
enum step_verdict explain_begin(struct explainer *explainer, struct explain_work *work, struct visit *visit, struct error *error);

/* Takes in the reply to a call, or its error, and returns likewise. `found` is set to the work of that call. */
enum step_verdict explain_answered(struct visit *visit, struct call *call, struct explain_work **found, struct error *error);
