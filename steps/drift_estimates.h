/* drift_estimates.h: Estimated quality of a classifier, as a step `drift` with `estimate` has it of each window: from the
 * probabilities in its messages, before any truth is known (drift/performance.h).
 *
 * The tensor of probabilities has one for each row, of the positive class, or one for each row and class. Of two classes the
 * second is the positive one; of more, only the accuracy can be estimated. A row with something else than probabilities does
 * not count.
 */
#ifndef SLUICE_STEPS_DRIFT_ESTIMATES_H
#define SLUICE_STEPS_DRIFT_ESTIMATES_H

#include "drift/performance.h"
#include "message/drift_score.h"
#include "step/step.h"

#define ESTIMATE_BAND 0.95 /* of windows, in which the realised number is within the band */

/* The option `estimate`. */
struct drift_estimate_options {
	struct place here; /* line 0: nothing is estimated */
	struct name probabilities;
	double threshold;
};

extern const struct option drift_estimate_rows[];

/* The probabilities of a message's rows. */
struct drift_chances {
	const struct drift_estimate_options *options;
	const struct tensor *tensor; /* NULL: they do not count */
	size_t classes;		     /* 1: of the positive class alone */
};

/* Those of `rows` rows. Nothing counts if the tensor is missing, has no numbers, or not as many rows. */
struct drift_chances drift_chances_of(const struct drift_estimate_options *options, const struct payload *payload, size_t rows);

/* Adds a row to the sums of its window. */
void drift_chances_add(const struct drift_chances *chances, size_t row, struct performance *performance);

/* The class that is predicted for a row of probabilities: of those that are equally likely the first. */
size_t drift_chances_class(const struct drift_chances *chances, size_t row);

/* What a window's sums give; NaN: it is not known. */
struct drift_estimates {
	struct performance_estimate accuracy, precision, recall;
};
struct drift_estimates drift_estimates_of(const struct performance *performance);

/* Lists in the score those that are known. False: memory ran out. */
bool drift_estimates_list(const struct performance *performance, struct drift_score *score, struct arena *arena);

#endif
