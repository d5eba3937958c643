/* explain_tensors.h: Explanations of a message as tensors, in the output of the step that made them. */
#pragma once

#include "message/records/explained.h"

/* A payload with the tensors of `others`, and for R rows, K outputs and F features (without K if it is 1):
 *	explanation	      FP64 [R, K, F]  contributions
 *	explanation_error     FP64 [R, K, F]  their standard errors, if they are estimates
 *	explanation_base      FP64 [R, K]     base values
 *	explanation_answer    FP64 [R, K]     what the model answered: base, contributions and residual add up to it
 *	explanation_residual  FP64 [R, K]
 *	explanation_data      FP64 [R, F]     the features
 *	explanation_features  BYTES [F]	      their names
 *	explanation_method    BYTES [1]
 * `alone`: without the tensors of `others`. NULL: INPUT, the rows do not have the same outputs and features; or LIMIT. */
const struct payload *explain_tensors(const struct explained *made, size_t rows, const struct payload *others, bool alone,
				      struct arena *arena, struct error *error);

/* The explanation alone, where there is none: an explanation_method `none`. NULL: LIMIT. */
const struct payload *explain_no_tensors(const struct payload *others, struct arena *arena, struct error *error);
