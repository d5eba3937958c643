/* drift_verdict.h: Verdict on a window as it is recorded: the lists of its record, and the figures of the last window. */
#ifndef SLUICE_STEPS_DRIFT_DRIFT_VERDICT_H
#define SLUICE_STEPS_DRIFT_DRIFT_VERDICT_H

#include "base/arena.h"
#include "methods/drift/monitor.h"
#include "message/records/drift_score.h"
#include "observe/verdict_board.h"
#include "steps/drift/drift_comparison.h"
#include "steps/drift/drift_estimates.h"

/* What it says of times. */
struct drift_times drift_verdict_times(const struct monitor_verdict *verdict);

/* Adds the statistics of all tests and, unless it is early, the quality of all features, in the arena, with copies of the names.
 * False: memory ran out. */
bool drift_verdict_lists(struct drift_score *score, const struct monitor_verdict *verdict, struct arena *arena);

/* Adds the first of the columns that the reference lacks, as copies in the arena. False: memory ran out. */
bool drift_verdict_lacking(struct drift_score *score, const struct drift_comparison *comparison, struct arena *arena);

/* Sets what is known of the window beside its verdict. */
void drift_verdict_last(struct last_verdict *last, const struct monitor_verdict *verdict, const struct drift_estimates *estimates);

#endif
