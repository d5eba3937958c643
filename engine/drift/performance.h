/* performance.h: Estimated accuracy, precision and recall of a classifier from its own probabilities, before any truth
 * is known (CBPE, confidence-based performance estimation).
 *
 * A calibrated probability says how often such a prediction is right, so the sums over a window say how many are. That
 * holds while only the inputs shift. Where the same inputs come to mean something else (concept drift) the estimate is
 * wrong, and nothing in it can show that; so it is where probabilities are not calibrated.
 *
 * Sums merge, so windows of several partitions add up. Pure; any thread may use its own.
 */
#ifndef SLUICE_DRIFT_PERFORMANCE_H
#define SLUICE_DRIFT_PERFORMANCE_H

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

/* A number and the band in which the realised one lies in a share `level` of windows, within 0..1. NaN: there is nothing
 * to divide by, no row, no row predicted to be positive, or no chance of a positive one. */
struct performance_estimate {
	double value, low, high;
};

struct performance_estimate performance_accuracy(const struct performance *performance, double level);
struct performance_estimate performance_precision(const struct performance *performance, double level);
struct performance_estimate performance_recall(const struct performance *performance, double level);

#endif
