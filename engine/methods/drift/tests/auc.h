/* auc.h: Area under the ROC curve of a classifier in a window: how often a positive row has a larger probability than a negative
 * one; of equal probabilities, half counts. It is estimated from the probabilities before any truth is known, or realised from the
 * truth. Rows whose probabilities are not calibrated may differ more within a bin: their realised area is that of auc_rows.h, and
 * the one here is of windows whose rows are not kept.
 *
 * The estimate has the assumption and the limits of performance.h: a calibrated probability says how often its row is positive,
 * so it says how many of the pairs are in order. Its band is of the labels, to the first order of them, and of what bins leave
 * unknown.
 *
 * Rows are counted by their log-odds in AUC_BINS bins, so memory does not grow with the window; rows of one bin count as equal.
 * Bins are 1/8 of the log-odds wide, so of the pairs in one bin one percent more is in order than half of them: where that is one
 * pair in ten, the area lacks 0.001. The realised area has the order of these pairs, which is mostly chance. So the band has the
 * variance of that order, and reaches as much further as rows of one bin can be in order at most. Where all rows are in one bin,
 * the area is 1/2, and the band that of a classifier which tells nothing, and 1/64 more. Of rows that are equal it is wider than
 * need be.
 *
 * The certain probabilities, 0 and 1, have bins of their own: the first and the last. The bins beside them are open: they have all
 * other probabilities below 2.7e-9, or above 1 less that. Where more than AUC_OPEN_SHARE of the pairs are within an open bin, their
 * order is not known and there is no area. So what is left out moves an area by half of that share at most.
 *
 * Bins merge. Pure; any thread may use its own.
 */
#ifndef SLUICE_METHODS_DRIFT_TESTS_AUC_H
#define SLUICE_METHODS_DRIFT_TESTS_AUC_H

#include "methods/drift/tests/performance.h"

#define AUC_BINS 320
#define AUC_BINS_A_UNIT 8 /* of the log-odds: so the bins that are not open are from -19.75 to 19.75 */
#define AUC_OPEN_SHARE 0.02

/* Starts zeroed. */
struct auc {
	uint64_t rows;
	double positives[AUC_BINS], negatives[AUC_BINS]; /* rows, or parts of them */
};

/* A row that has that probability, and that is positive with the chance `positive`: the same for an estimate, and 0 or 1 where the
 * truth is known. What is no probability does not count. */
void auc_add(struct auc *auc, double probability, double positive);

/* Of chances. NaN: there is no pair, or too many are within the open bins. */
struct performance_estimate auc_estimate(const struct auc *auc, double level);

/* Of truths. NaN: all rows are of one class, or too many pairs are within the open bins. */
double auc_realised(const struct auc *auc);

/* Rows of the class that has fewer. */
double auc_rarer(const struct auc *auc);

#endif
