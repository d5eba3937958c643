/* drift_types.h: Checks of the known types of messages against the reference of a step `drift`, and against what it can watch. */
#pragma once

#include "methods/drift/reference.h"
#include "compiler/step/step.h"

/* CONFIG at the place: no message with such a tensor, which is watched, fits the reference: it has other columns, or texts for
 * numbers. */
bool drift_type_check(const struct drift_reference *reference, const struct tensor_type *tensor, struct place place,
		      struct arena *arena, struct error *error);

/* The same of a step that watches what the reference has. CONFIG too: a feature of it never comes. */
bool drift_types_check(const struct drift_reference *reference, const struct tensor_types *in, struct place place,
		       struct arena *arena, struct error *error);

/* CONFIG at the place: the reference lacks one of the tensors that are named, or has another one, which would be missing in each
 * window. Nothing is wrong if none is named. */
bool drift_names_check(const struct drift_reference *reference, const struct name_list *tensors, struct place place,
		       struct error *error);

/* CONFIG at the place: the tensors that are watched, or all numeric ones if none is named, have more features than there may be, or
 * one has too many columns. */
bool drift_features_check(const struct name_list *tensors, const struct tensor_types *in, struct place place, struct error *error);
