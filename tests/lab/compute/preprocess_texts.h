/* preprocess_texts.h: Methods of the family `preprocess` for texts; only preprocess.c calls them. Each returns the result
 * of a case, or NULL and an error. */
#ifndef SLUICE_COMPUTE_PREPROCESS_TEXTS_H
#define SLUICE_COMPUTE_PREPROCESS_TEXTS_H

#include "compute/family.h"

json_t *compute_onehot(const struct compute_case *one, struct error *error);
json_t *compute_ordinal(const struct compute_case *one, struct error *error);
json_t *compute_hash(const struct compute_case *one, struct error *error);

#endif
