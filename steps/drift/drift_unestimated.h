/* drift_unestimated.h: Count of rows that the estimates of a step `drift` can use, and of the others by the reason why not. */
#ifndef SLUICE_STEPS_DRIFT_DRIFT_UNESTIMATED_H
#define SLUICE_STEPS_DRIFT_DRIFT_UNESTIMATED_H

#include "steps/drift/drift_estimates.h"

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
