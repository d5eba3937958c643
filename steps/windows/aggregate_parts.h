/* aggregate_parts.h: Collection of the child messages of a split: the part of `aggregate` that needs no window. */
#pragma once

#include "compiler/step/step.h"

/* Emits one message from all parts, in their order. Each tensor has the rows of all parts, concatenated; a tensor of
 * a single element has one element for each part. Tensors that every part carries unchanged occur once. Marks and
 * parameters are those of the first part. Without parts, the result is the message that was split, with no rows.
 * INPUT: the parts are not alike. */
enum step_verdict parts_run(struct step *step, struct visit *visit, struct error *error);

/* Infers the types; the number of rows is unknown. */
bool parts_infer(const struct tensor_types *in, struct arena *arena, struct tensor_types *out, struct error *error);
