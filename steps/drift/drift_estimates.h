/* drift_estimates.h: Quality of a model in a window of a step `drift` with `estimate` or `estimateError`: estimated before any
 * truth is known (methods/drift/tests/auc.h), of a classifier from the probabilities in its
 * messages, of a regressor from the errors that another model expects; and realised, from feedback, beside the estimate of the same
 * rows.
 *
 * The tensor of probabilities has one for each row, of the positive class, or one for each row and class. Of two classes the
 * second is the positive one; of more, only the accuracy can be estimated. A row with something else than probabilities does
 * not count. The tensor of expected errors has one for each row.
 */
#pragma once

#include "methods/drift/tests/auc.h"
#include "methods/drift/tests/auc_rows.h"
#include "message/records/drift_score.h"
#include "compiler/step/step.h"

#define ESTIMATE_BAND 0.95 /* of windows, in which the realised number is within the band */

/* The options `estimate`, and `estimateError`. */
struct drift_estimate_options {
	struct place here; /* line 0: nothing is estimated from probabilities */
	struct name probabilities;
	double threshold;
	int64_t outcome_ns; /* 0: windows wait for no truths */
	struct drift_error_options {
		struct place here; /* line 0: no errors are expected */
		struct name expected, prediction;
		int64_t outcome_ns;
	} error;
};

extern const struct option drift_estimate_rows[], drift_error_rows[];

/* CONFIG: the options do not go together. */
bool drift_estimates_check(const struct drift_estimate_options *options, struct error *error);

/* Whether something is estimated. */
bool drift_estimates_any(const struct drift_estimate_options *options);

/* How long truths are waited for after a window has closed. 0: they are not. */
int64_t drift_outcome_ns(const struct drift_estimate_options *options);

/* What the quality of a message's rows is estimated from. */
struct drift_chances {
	const struct drift_estimate_options *options;
	const struct tensor *tensor; /* of probabilities; NULL: they do not count */
	size_t classes;		     /* 1: of the positive class alone */
	const struct tensor *errors; /* that are expected; NULL: they do not count */
	const struct tensor *predictions; /* NULL: they are not known */
};

/* That of `rows` rows. A tensor does not count if it is missing, has no numbers, or not as many rows. */
struct drift_chances drift_chances_of(const struct drift_estimate_options *options, const struct payload *payload, size_t rows);

/* Sums of a window beside those of its accuracy. */
struct drift_sums {
	struct auc auc; /* of two classes */
	struct expected_errors errors;
};

/* Adds a row to the sums of its window. */
void drift_chances_add(const struct drift_chances *chances, size_t row, struct performance *performance, struct drift_sums *sums);

/* What a row's truth is compared with. */
struct drift_prediction {
	size_t classes;		    /* 0: it is of a regressor */
	size_t class;		    /* that is predicted */
	double chance;		    /* of the positive class, or of more classes the largest; NaN: the row does not count */
	double expected, predicted; /* of a regressor: the absolute error, and the number */
};
struct drift_prediction drift_prediction_of(const struct drift_chances *chances, size_t row);

/* Whether the estimates count it. */
bool drift_prediction_counts(const struct drift_prediction *prediction);

/* What a window's sums give; NaN: it is not known. */
struct drift_estimates {
	struct performance_estimate accuracy, precision, recall, auc, error;
};
struct drift_estimates drift_estimates_of(const struct performance *performance, const struct drift_sums *sums);

/* Lists in the score those that are known. False: memory ran out. */
bool drift_estimates_list(const struct performance *performance, const struct drift_sums *sums, struct drift_score *score,
			  struct arena *arena);

/* ---- rows that are in no estimate ---- */

enum unestimated_reason {
	UNESTIMATED_LACKING, /* the tensor is missing, or has not as many rows */
	UNESTIMATED_OUTSIDE, /* a number is none, or out of the range of what it should be */
	UNESTIMATED_SUM,     /* the probabilities of a row are not 1 together */
	UNESTIMATED_REASONS
};

/* Of a window, or of all; starts zeroed. */
struct drift_unestimated {
	uint64_t rows, unused[UNESTIMATED_REASONS];
};

/* A row of a step that estimates. */
void drift_unestimated_add(struct drift_unestimated *sums, const struct drift_chances *chances, size_t row);

uint64_t drift_unestimated_count(const struct drift_unestimated *sums);

/* Says how many rows are in the estimate, and why others are not. */
void drift_unestimated_say(const struct drift_unestimated *sums, const struct drift_estimate_options *options, struct buffer *out);

/* Why a window has no estimate, of whose rows none is in it; in the arena. NULL: memory ran out. */
const char *drift_unestimated_why(const struct drift_estimate_options *options, struct arena *arena);

/* ---- realised quality ----
 *
 * Feedback gives the accuracy of all rows of a message, or as truth one tensor with the number of each row's class: of two
 * classes 0 or 1. Of a regressor, the truth has the number that was right for each row. A row counts if it counts for the estimate,
 * and its message has feedback. So the band is that of the rows that can be compared: a part of the window's, which may be the
 * easy ones. The AUC, precision and recall are of rows whose class is known. The realised AUC is exact, of all pairs, where the
 * rows are kept for it (methods/drift/tests/auc_rows.h). */

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
