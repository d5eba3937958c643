/* murmur.h: the hash of feature hashing: MurmurHash3 x86 32 bits (Austin Appleby), as
 * scikit-learn's FeatureHasher uses it, so that columns are the same ones. */
#ifndef SLUICE_NUMERIC_MURMUR_H
#define SLUICE_NUMERIC_MURMUR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

int32_t murmur3(struct text text, uint32_t seed);

/* In which of `size` columns (1 to 2^31) a text stands, and whether it is taken away there
 * instead of added: so that texts that meet by chance cancel out on average. */
uint32_t feature_column(struct text text, uint32_t size, bool *negative);

#endif
