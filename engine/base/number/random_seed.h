/* random_seed.h: Pseudorandom numbers that differ between processes and between calls. Not for secrets. Any thread may call. */
#pragma once

#include "base/number/random.h"

/* Draws the seed. */
struct random random_seeded(void);
