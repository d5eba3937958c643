/* aggregate_parts.h: the parts into which a step split a message, put together again: the
 * half of `aggregate` that needs no window. */
#ifndef SLUICE_STEPS_AGGREGATE_PARTS_H
#define SLUICE_STEPS_AGGREGATE_PARTS_H

#include "step/step.h"

/* Emits one message of all parts, in their order: each tensor has the rows of all, one
 * behind the other, and of a single element there is one for each part; what went along
 * with every part unchanged is there once. Marks and parameters are the first part's. Of no
 * parts, it is what was split, which has no rows. INPUT: the parts are not alike. */
enum step_verdict parts_run(struct step *step, struct visit *visit, struct error *error);

/* How many rows there will be is not known. */
bool parts_infer(const struct tensor_types *in, struct arena *arena, struct tensor_types *out, struct error *error);

#endif
