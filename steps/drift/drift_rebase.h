/* drift_rebase.h: New reference of a step `drift` from the past of its stream, for `sluice drift rebase`.
 *
 * It takes the blocks (methods/drift/past.h) whose window is of the wanted time, and writes them as `sluice fit drift` writes a
  * reference: in their order, with the rows for which they stand, and the ends and missing values of these. A window by count has
   * the time of the message that closed it, one by time that of its begin; a block that stands for several windows, that of the
    * last.
 *
 * While the past has PAST_REFERENCE_BLOCKS * PAST_BLOCK_ROWS rows at most (3200), in windows of a multiple of PAST_BLOCK_ROWS and
 * of past_window_blocks() of them at most, the file has all rows of them. Of a longer past it has a sample, whose blocks are merged
 * until none stands for more rows than two neighbours: a share of its rows is within 1.4 / sqrt(values) of that of all rows in 19
 * of 20 samples (Massart 1990), if rows are independent. `rows`, ends and missing values are of all.
 *
 * A window in alarm is left out, unless it is wanted, and so is a block of a former build that stands for one among others. Of
 * windows in alarm the past has PAST_ASIDE_BLOCKS * PAST_BLOCK_ROWS rows at most.
 */
#pragma once

#include "compiler/step/step.h"

/* The `rebase` of a step kind. CONFIG: the step keeps no past. INPUT: there is none yet, it has no windows of that time, too few,
 * or only such in alarm; or it was read while it changed. */
bool drift_rebase(const struct step *step, const struct rebase_wanted *wanted, struct rebase_made *made, struct buffer *file,
		  struct error *error);
