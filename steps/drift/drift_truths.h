/* drift_truths.h: Realised quality of a model in a window, from feedback, beside the estimate of the same rows.
 *
 * Feedback gives the accuracy of all rows of a message, or as truth one tensor with the number of each row's class: of two
 * classes 0 or 1. Of a regressor, the truth has the number that was right for each row. A row counts if it counts for the estimate
 * (steps/drift/drift_estimates.h), and its message has feedback. So the band is that of the rows that can be compared: a part of
  * the window's, which may be the easy ones. The AUC, precision and recall are of rows
 * whose class is known. The realised AUC is exact, of all pairs, where the rows are kept for it (methods/drift/tests/auc_rows.h).
 */
#ifndef SLUICE_STEPS_DRIFT_DRIFT_TRUTHS_H
#define SLUICE_STEPS_DRIFT_DRIFT_TRUTHS_H

#include "methods/drift/tests/auc_rows.h"
#include "steps/drift/drift_estimates.h"
#include "message/records/drift_score.h"

#define REALISED_ROWS_MIN 30 /* fewer rows are not held against the band, which is of a normal distribution */
#define REALISED_CLASS_MIN 10 /* nor is the AUC of fewer rows of a class, nor a share of fewer positive rows */

/* What became of a message's rows. */
struct drift_truth {
	double accuracy;	      /* NaN: `numbers` say */
	const struct tensor *numbers; /* of each row: its class, or what a regressor should have predicted */
};

/* False: the feedback cannot be compared with the message's rows. */
bool drift_truth_read(const struct fit_truth *feedback, const struct drift_chances *chances, size_t rows,
		      struct drift_truth *truth);

/* Sums of a window; starts zeroed. */
struct drift_realised {
	struct performance estimated;
	double right;
	struct auc chances, classes; /* of the rows whose class is known */
	struct performance known;    /* the same, of two classes */
	uint64_t positives, found;   /* of these rows, and of those that were predicted to be positive */
	struct expected_errors expected;
	double error; /* absolute */

	/* What follows is not stored with the sums. */
	struct auc_rows *ranked; /* borrowed: where the rows of `classes` are kept; NULL: nowhere */
	struct auc_area area;	 /* of them, once all have been added, by drift_realised_end() */
};

#define DRIFT_REALISED_BYTES offsetof(struct drift_realised, ranked) /* of the sums */

void drift_realised_add(struct drift_realised *realised, const struct drift_chances *chances, size_t row,
			const struct drift_truth *truth);

/* The same of a prediction that was kept. `accuracy` NaN: the number says what would have been right. False: the truth cannot be
 * compared with it, or it does not count. */
bool drift_realised_add_prediction(struct drift_realised *realised, const struct drift_prediction *prediction, double threshold,
				   double accuracy, double number);

/* All rows have been added: finds the exact AUC, and lets go of `ranked`, from which it takes the rows. */
void drift_realised_end(struct drift_realised *realised);

enum band_state { BAND_OPEN /* too few rows, or no estimate */, BAND_HELD, BAND_LEFT, BAND_STATES };

/* A realised number, and the band in which it was estimated for the same rows. */
enum drift_figure { FIGURE_ACCURACY, FIGURE_PRECISION, FIGURE_RECALL, FIGURE_AUC, FIGURE_ERROR, FIGURES };
static_assert((int)FIGURES == (int)DRIFT_METRICS, "they are the metrics of records, in their order");
struct drift_finding {
	uint64_t rows;
	double realised; /* NaN: not known */
	struct performance_estimate estimate;
	enum band_state band;
};
struct drift_finding drift_realised_find(const struct drift_realised *realised, enum drift_figure figure);

extern const char *const drift_figure_names[FIGURES]; /* "accuracy" */

/* ---- findings about a window, for a report ---- */

/* Of feedback that was counted. */
void drift_findings_of_realised(const struct drift_realised *realised, struct drift_finding findings[FIGURES]);

/* Of a record; NULL: nothing is known. */
void drift_findings_of_settled(const struct settled_score *settled, struct drift_finding findings[FIGURES]);

#endif
