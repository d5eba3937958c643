/* preprocess_texts.h: Methods of the family `preprocess` for texts; only preprocess.c calls them. Each returns the result
 * of a case, or NULL and an error. */
#pragma once

#include "compute/family.h"

json_t *compute_onehot(const struct compute_case *one, struct error *error);
json_t *compute_ordinal(const struct compute_case *one, struct error *error);
json_t *compute_hash(const struct compute_case *one, struct error *error);
