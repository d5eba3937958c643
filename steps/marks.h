/* marks.h: Verdict of a step that watches: a score and a flag, as marks of the message or as tensors. */
#ifndef SLUICE_STEPS_MARKS_H
#define SLUICE_STEPS_MARKS_H

#include "step/step.h"

enum marks_as { MARKS_AS_MARKS, MARKS_AS_TENSORS };
#define MARKS_AS_NAMES "marks tensors"

struct verdict_names {
	struct text score; /* FP64 */
	struct text flag;  /* BOOL */
};

/* The largest of the scores that are no NaN; NaN: there is none. */
double marks_largest(const double *scores, size_t count);

/* Emits the input with the verdict: a row is flagged if its score is above the limit. Marks are scalars: the largest score
 * of the rows, and whether one is flagged. Tensors have a value for each row. `scores` live in the visit's arena. LIMIT:
 * the arena is full. */
bool marks_emit(struct visit *visit, const struct verdict_names *names, enum marks_as as, const double *scores, size_t count,
		double limit, struct error *error);

#endif
