/* murmur.h: Hash function of feature hashing: MurmurHash3 x86 32 bits (Austin Appleby), as in scikit-learn's
 * FeatureHasher, so that the columns are the same. */
#pragma once

#include "base/text.h"

int32_t murmur3(struct text text, uint32_t seed);

/* The column of a text among `size` columns (1 to 2^31), and whether the text is subtracted there instead of added.
 * So texts that share a column by chance cancel out on average. */
uint32_t feature_column(struct text text, uint32_t size, bool *negative);
