/* drift_review.h: Report of `sluice drift report`: what a step `drift` finds in messages that have come already.
 *
 * It closes the same windows as the observer, one after another for each segment of `groupBy`, and gives a line for each. The
 * rows that all open windows keep are in memory: of a window by time MONITOR_ROWS_KEPT at most. What became of a window is from the
 * feedback that was read for it, else from the settled record of its observer.
 */
#pragma once

#include "compiler/step/step.h"

/* The `review` of a step kind. */
bool drift_review(struct step *step, const struct fit_source *source, bool json, struct buffer *report, struct error *error);
