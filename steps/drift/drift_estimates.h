/* drift_estimates.h: Estimated quality of a model, as a step `drift` with `estimate` or `estimateError` has it of each window,
 * before any truth is known (methods/drift/tests/performance.h, methods/drift/tests/auc.h): of a classifier from the probabilities
  * in its messages, of a regressor from the errors that another model expects.
 *
 * The tensor of probabilities has one for each row, of the positive class, or one for each row and class. Of two classes the
 * second is the positive one; of more, only the accuracy can be estimated. A row with something else than probabilities does
 * not count. The tensor of expected errors has one for each row.
 */
#ifndef SLUICE_STEPS_DRIFT_DRIFT_ESTIMATES_H
#define SLUICE_STEPS_DRIFT_DRIFT_ESTIMATES_H

#include "methods/drift/tests/auc.h"
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

/* Adds a row to the sums of its window; and to those of its accuracy alone. */
void drift_chances_judge(const struct drift_chances *chances, size_t row, struct performance *performance);
void drift_chances_add(const struct drift_chances *chances, size_t row, struct performance *performance, struct drift_sums *sums);

/* The probability of the positive class; NaN: the row is of more classes, or has none. */
double drift_chances_positive(const struct drift_chances *chances, size_t row);

/* The class that is predicted for a row of probabilities: of those that are equally likely the first. */
size_t drift_chances_class(const struct drift_chances *chances, size_t row);

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

/* Adds it to the sums of an accuracy, as drift_chances_judge() adds its row. */
void drift_prediction_judge(const struct drift_prediction *prediction, double threshold, struct performance *performance);

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

#endif
