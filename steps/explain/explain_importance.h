/* explain_importance.h: Running importance of features at a step `explain`: the mean absolute contribution of each, over windows of
 * explanations, in the state of the step.
 *
 * Messages of a partition are explained side by side, and counted in their order (in_turn() of compiler/step/step.h). Each
  * partition has windows of its own, a slice. A window by count closes with the explanation that fills it, one by time with the
 * first whose event time is behind it; what comes late counts in the open window. After IMPORTANCE_LATE of these in a row, the
 * clock was set back, and a window begins anew. Other features, or another window, begin one anew too, and what was open is
 * reported as it is.
 *
 * The state changes in the transaction of the message that was explained, and a report (message/records/importance_report.h) is
  * listed with the message that closed its window: one for each output.
 */
#pragma once

#include "message/records/explained.h"
#include "compiler/step/step.h"

#define IMPORTANCE_CELLS_MAX 4096 /* outputs by features, of 8 bytes each in the state; more are counted and left out */
#define IMPORTANCE_LATE 100
#define IMPORTANCE_WINDOW_MAX 1000000 /* explanations */

/* Takes in the explanations of a message. LIMIT: the state, or the arena, is full. */
bool explain_importance_take(const struct step *step, struct visit *visit, const struct explained *made, struct error *error);
