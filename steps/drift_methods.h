/* drift_methods.h: Checks of the sets of features that a step `drift` names in its `joint`: whether mmd can compare them. */
#ifndef SLUICE_STEPS_DRIFT_METHODS_H
#define SLUICE_STEPS_DRIFT_METHODS_H

#include "steps/drift_comparison.h"

/* CONFIG: two sets of `joint` have one name, there are too many, or one names what the tensors of a past do not have. */
bool drift_sets_check(const struct drift *options, struct error *error);

/* CONFIG: a set names this tensor, which has texts. */
bool drift_set_type_check(const struct drift *options, const struct tensor_type *tensor, struct error *error);

#endif
