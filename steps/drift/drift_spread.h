/* drift_spread.h: Pictures of distributions in the records of a step `drift`: how many values of a feature are in each bin, in
 * the reference and in a window.
 *
 * Numbers have the reference's deciles as edges: at most 10 bins. Categories have a bin for each of the SPREAD_NAMES commonest of
 * the reference, one for its others, and one for those never seen. Names are cut to SPREAD_NAME_BYTES. So beside its name the
 * picture of a feature has at most SPREAD_BYTES_OF_NUMBERS or SPREAD_BYTES_OF_CATEGORIES in a record, while a window has less
 * than a million rows; mostly about half.
 *
 * The bins are those of the monitor's own tests, which has counted their values already (methods/drift/monitor.h). `sluice drift
  * report` has other pictures, with bins of equal width (steps/drift/drift_picture.h).
 */
#ifndef SLUICE_STEPS_DRIFT_DRIFT_SPREAD_H
#define SLUICE_STEPS_DRIFT_DRIFT_SPREAD_H

#include "methods/drift/monitor.h"
#include "message/records/drift_score.h"

#define SPREAD_NAMES 16
#define SPREAD_NAME_BYTES 32
#define SPREAD_BYTES_OF_NUMBERS 140
#define SPREAD_BYTES_OF_CATEGORIES 640

/* Lists the pictures of all features that have values in the reference, as copies in the arena. False: memory ran out. */
bool drift_spreads_list(struct drift_score *score, const struct monitor_verdict *verdict, struct arena *arena);

#endif
