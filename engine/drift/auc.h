/* auc.h: Area under the ROC curve of a classifier in a window: how often a positive row has a larger probability than a negative
 * one; of equal probabilities, half counts. It is estimated from the probabilities before any truth is known, or realised from the
 * truth.
 *
 * The estimate has the assumption and the limits of performance.h: a calibrated probability says how often its row is positive,
 * so it says how many of the pairs are in order. Its band is of the labels alone, to the first order of them.
 *
 * Rows are counted by their log-odds in AUC_BINS bins, so memory does not grow with the window; rows of one bin count as equal.
 * Bins are 1/8 of the log-odds wide, so of the pairs in one bin half a percent is more or less in order: where that is one pair in
 * ten, the area lacks 0.001.
 *
 * Bins merge. Pure; any thread may use its own.
 */
#ifndef SLUICE_DRIFT_AUC_H
#define SLUICE_DRIFT_AUC_H

#include "drift/performance.h"

#define AUC_BINS 128
#define AUC_BINS_A_UNIT 8 /* of the log-odds: so the bins are from -8 to 8, and the outer ones are open */

/* Starts zeroed. */
struct auc {
	uint64_t rows;
	double positives[AUC_BINS], negatives[AUC_BINS]; /* rows, or parts of them */
};

/* A row that has that probability, and that is positive with the chance `positive`: the same for an estimate, and 0 or 1 where the
 * truth is known. What is no probability does not count. */
void auc_add(struct auc *auc, double probability, double positive);

/* Of chances. NaN: there is no pair. */
struct performance_estimate auc_estimate(const struct auc *auc, double level);

/* Of truths. NaN: all rows are of one class. */
double auc_realised(const struct auc *auc);

/* Rows of the class that has fewer. */
double auc_rarer(const struct auc *auc);

#endif
