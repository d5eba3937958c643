/* random.h: Pseudorandom numbers from a seed: the same seed gives the same numbers on every machine. Not for
 * secrets.
 *
 * SplitMix64 (Steele, Lea and Flood, 2014). A state belongs to one thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct random {
	uint64_t state; /* starts as the seed */
};

static inline uint64_t random_next(struct random *random)
{
	uint64_t mixed = random->state += UINT64_C(0x9e3779b97f4a7c15);
	mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
	return mixed ^ mixed >> 31;
}

/* 0 .. bound - 1; `bound` must be far below 2^32, so that the bias is negligible. */
static inline uint64_t random_below(struct random *random, uint64_t bound)
{
	return (random_next(random) >> 32) * bound >> 32;
}

/* least .. most, inclusive. */
static inline int64_t random_between(struct random *random, int64_t least, int64_t most)
{
	return least + (int64_t)random_below(random, (uint64_t)(most - least) + 1);
}

static inline bool random_in_thousand(struct random *random, unsigned chances)
{
	return random_below(random, 1000) < chances;
}
