/* drift_verdict.h: Verdict on a window as it is recorded: the lists of its record, pictures of its distributions, and the figures
 * of the last window. */
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

/* ---- pictures of distributions: how many values of a feature are in each bin, in the reference and in a window ----
 *
 * Numbers have the reference's deciles as edges: at most 10 bins. Categories have a bin for each of the SPREAD_NAMES commonest of
 * the reference, one for its others, and one for those never seen. Names are cut to SPREAD_NAME_BYTES. So beside its name the
 * picture of a feature has at most SPREAD_BYTES_OF_NUMBERS or SPREAD_BYTES_OF_CATEGORIES in a record, while a window has less
 * than a million rows; mostly about half.
 *
 * The bins are those of the monitor's own tests, which has counted their values already (methods/drift/monitor.h). `sluice drift
 * report` has other pictures, with bins of equal width (steps/drift/drift_picture.h). */

#define SPREAD_NAMES 16
#define SPREAD_NAME_BYTES 32
#define SPREAD_BYTES_OF_NUMBERS 140
#define SPREAD_BYTES_OF_CATEGORIES 640

/* Lists the pictures of all features that have values in the reference, as copies in the arena. False: memory ran out. */
bool drift_spreads_list(struct drift_score *score, const struct monitor_verdict *verdict, struct arena *arena);

#endif
