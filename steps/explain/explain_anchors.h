/* explain_anchors.h: Anchors of the rows of one message, by calls with perturbed rows. For explainer.c.
 *
 * Each row has one call at a time, since what to ask next depends on what was answered. Classes and texts are the same if they
 * are equal; of several numbers the greatest decides; a number is the same in the same decile of the background's answers. The
 * deadline, the budget, or ANCHOR_FAILURES_MAX failed calls of a row end its search with the best rule so far. The call of the row
 * and the background, without which there is no rule, is sent once more if it fails.
 */
#pragma once

#include "steps/explain/explain_work.h"

#define ANCHOR_FAILURES_MAX 8
#define ANCHOR_NUMBERS_MAX ((size_t)1 << 22) /* of all perturbations of a message: 32 MiB */

/* As explain_begin() and explain_answered() of explainer.h. */
enum step_verdict explain_anchors_begin(struct explain_work *work, struct visit *visit, struct error *error);
enum step_verdict explain_anchors_answered(struct visit *visit, struct call *call, struct explain_work *work, struct error *error);
