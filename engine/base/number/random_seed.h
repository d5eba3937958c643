/* random_seed.h: Pseudorandom numbers that differ between processes and between calls. Not for secrets. Any thread may call. */
#ifndef SLUICE_BASE_NUMBER_RANDOM_SEED_H
#define SLUICE_BASE_NUMBER_RANDOM_SEED_H

#include "base/number/random.h"

/* Draws the seed. */
struct random random_seeded(void);

#endif
