/* marks.h: Verdict of a step that watches: a score and a flag, as marks of the message or as tensors. */
#pragma once

#include "compiler/step/step.h"

enum marks_as { MARKS_AS_MARKS, MARKS_AS_TENSORS };
#define MARKS_AS_NAMES "marks tensors"

struct verdict_names {
	struct text score; /* FP64 */
	struct text flag;  /* BOOL */
	struct text state; /* BYTES; of a verdict that has one */
};

struct marks_verdict {
	const double *scores; /* of each row; they live in the visit's arena */
	size_t count;
	double limit;	   /* a row is flagged if its score is above it */
	const char *state; /* a mark beside the others; NULL: none */
};

/* Emits the input with the verdict. Marks are scalars: the largest score of the rows, whether one is flagged, and the state.
 * Tensors have a value for each row, and there is no state among them. LIMIT: the arena is full. */
bool marks_emit(struct visit *visit, const struct verdict_names *names, enum marks_as as, const struct marks_verdict *verdict,
		struct error *error);
