/* performance.h: Estimated accuracy, precision and recall of a classifier from its own probabilities, before any truth
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
#ifndef SLUICE_METHODS_DRIFT_TESTS_PERFORMANCE_H
#define SLUICE_METHODS_DRIFT_TESTS_PERFORMANCE_H

#include <stdbool.h>
#include <stdint.h>

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

/* The band of a share that has that variance. */
struct performance_estimate performance_band(double value, double variance, double level);

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

#endif
