/* outlier_past.h: Options of a step `outlier`, and what it and its observer share where its reference is the past of its own
 * stream.
 *
 * The step stores nothing: its observer (steps/outlier/outlier_observer.h) learns the covariance, and the board has what is in
  * force (observe/verdict_board.h).
 */
#pragma once

#include "compiler/step/step.h"
#include "message/columns.h"
#include "message/records/feed_record.h"
#include "methods/drift/covariance_past.h"
#include "steps/references.h"

struct outlier {
	struct name tensor;
	int by; /* enum outlier_by */
	struct step_reference reference;
	double limit;
	struct place limit_here; /* line 0: not given */
	int as;			 /* enum marks_as */
};

extern const struct option outlier_options[];

/* Whether an observer learns the reference. */
bool outlier_is_learnt(const struct outlier *options);

int64_t outlier_past_ms(const struct outlier *options);

/* Identity of what is learnt from what. The step and its observer have one. */
uint64_t outlier_past_identity(const struct outlier *options);

/* Whether rows of the tensor can be learnt, and judged by what was: numbers, [columns] or [rows, columns], of
 * OUTLIER_LEARNT_COLUMNS_MAX columns at most. */
bool outlier_past_fits(const struct tensor *tensor, struct row_shape *shape);
