/* drift_truths.h: Realised accuracy of a classifier in a window, from feedback, beside the estimate of the same rows.
 *
 * Feedback gives the accuracy of all rows of a message, or as truth one tensor with the number of each row's class: of two
 * classes 0 or 1. A row counts if it counts for the estimate (steps/drift_estimates.h), and its message has feedback. So the
 * band is that of the rows that can be compared: a part of the window's, which may be the easy ones.
 */
#ifndef SLUICE_STEPS_DRIFT_TRUTHS_H
#define SLUICE_STEPS_DRIFT_TRUTHS_H

#include "steps/drift_estimates.h"

#define REALISED_ROWS_MIN 30 /* fewer rows are not held against the band, which is of a normal distribution */

/* What became of a message's rows. */
struct drift_truth {
	double accuracy;	      /* NaN: `classes` say */
	const struct tensor *classes; /* of each row */
};

/* False: the feedback cannot be compared with the message's rows. */
bool drift_truth_read(const struct fit_truth *feedback, const struct drift_chances *chances, size_t rows,
		      struct drift_truth *truth);

/* Sums of a window; starts zeroed. */
struct drift_realised {
	struct performance estimated;
	double right;
};

void drift_realised_add(struct drift_realised *realised, const struct drift_chances *chances, size_t row,
			const struct drift_truth *truth);

/* NaN: no row counts. */
double drift_realised_accuracy(const struct drift_realised *realised);

enum band_state { BAND_OPEN /* too few rows */, BAND_HELD, BAND_LEFT };
enum band_state drift_realised_band(const struct drift_realised *realised);

#endif
