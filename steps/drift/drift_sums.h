/* drift_sums.h: Stored sums of a segment's open window by which its ROC AUC or its error is estimated, by the observer of a step
 * `drift`, under `estimates/SEGMENT`. The sums of the accuracy are with the window (steps/drift/state/drift_kept.h).
 *
 * Of the bins of the AUC, those that have rows are stored, 16 bytes each: at most 5.2 KB. The observer stores the sums with each
 * message of a step that estimates. Sums of another version are left out: the window at hand then has no AUC.
 */
#ifndef SLUICE_STEPS_DRIFT_DRIFT_SUMS_H
#define SLUICE_STEPS_DRIFT_DRIFT_SUMS_H

#include "steps/drift/drift_estimates.h"

/* The open window of a segment with that identity. */
struct drift_sums_place {
	struct text segment;
	uint64_t identity, window;
};

/* Reads those of the window; where there are none, they begin. */
void drift_sums_read(struct visit *visit, const struct drift_sums_place *place, struct drift_sums *sums);

/* False: LIMIT. */
bool drift_sums_keep(struct visit *visit, const struct drift_sums_place *place, const struct drift_sums *sums, struct error *error);
bool drift_sums_forget(struct visit *visit, struct text segment, struct error *error);

#endif
