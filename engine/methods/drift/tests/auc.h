/* auc.h: Area under the ROC curve of a classifier in a window: how often a positive row has a larger probability than a negative
 * one; of equal probabilities, half counts. It is estimated from the probabilities before any truth is known, or realised from the
 * truth. Rows whose probabilities are not calibrated may differ more within a bin: their realised area is that of auc_rows.h, and
 * the one here is of windows whose rows are not kept.
 *
 * The estimate has the assumption and the limits of performance_add(): a calibrated probability says how often its row is positive,
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
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Estimated accuracy, precision and recall of a classifier from its own probabilities, before any truth
 * is known (CBPE, confidence-based performance estimation); and the mean absolute error of a regressor from errors that
 * another model expects (DLE, direct loss estimation). The area under the ROC curve is in auc.h.
 *
 * A calibrated probability says how often such a prediction is right, so the sums over a window say how many are. That
 * holds while only the inputs shift. Where the same inputs come to mean something else (concept drift) the estimate is
 * wrong, and nothing in it can show that; so it is where probabilities are not calibrated.
 *
 * A regressor has no such probability. A second model that was trained on the absolute errors of the first says what is
 * expected of each, and the mean over a window is what its error will be, with the same limits. How far errors are from
 * what is expected is not known: the band supposes a standard deviation as large as that, as errors of Laplace's law have
 * it. It is wider than need be for normal errors, of which that is 0.76, and too narrow for those with heavier tails.
 *
 * Sums merge, so windows of several partitions add up. Pure; any thread may use its own.
 */

/* Sums of chances and of their variances; starts zeroed. */
struct performance {
	uint64_t rows, predicted; /* of all, and of those predicted to be positive */
	double right, right_variance;
	double found, found_variance;	/* positives among those predicted */
	double missed, missed_variance; /* positives among the others */
};

/* A row of two classes: the probability of the positive one, and whether it was predicted. What is no probability does
 * not count. */
void performance_add(struct performance *performance, double positive, bool predicted);

/* A row of several classes, of which only the predicted one's probability counts: for the accuracy. */
void performance_add_class(struct performance *performance, double probability);

/* A number and the band in which the realised one lies in a share `level` of windows; of a classifier, within 0..1. NaN: there
 * is nothing to divide by, no row, no row predicted to be positive, or no chance of a positive one. */
struct performance_estimate {
	double value, low, high;
};

struct performance_estimate performance_accuracy(const struct performance *performance, double level);
struct performance_estimate performance_precision(const struct performance *performance, double level);
struct performance_estimate performance_recall(const struct performance *performance, double level);

/* Sums of the errors that are expected of a regressor's rows; starts zeroed. */
struct expected_errors {
	uint64_t rows;
	double sum, variance;
};

#define EXPECTED_ERROR_MAX 1e100 /* the squares of any number of rows have a finite sum */

/* A row of which that absolute error is expected. What is none, or is larger than EXPECTED_ERROR_MAX, does not count. */
void expected_errors_add(struct expected_errors *errors, double expected);

/* Their mean. */
struct performance_estimate expected_errors_mean(const struct expected_errors *errors, double level);

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
