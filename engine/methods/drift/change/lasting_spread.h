/* lasting_spread.h: Spread of a column's levels that follows from the rows before: calm rows after calm ones, wild after wild.
 *
 * The variance of a level is expected to be (1 - react - keep) + react * square of the level before + keep * the variance expected
 * of that one, beside 1 of all (GARCH(1,1), Bollerslev 1986). A level is freed of it when it is divided by the root.
 *
 * Pure; any thread may call, each on its own.
 */
#pragma once

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

struct lasting_spread {
	double react, keep; /* both 0: the spread does not last */
	double scale;	    /* levels of deviation 1 are so many times those given */
	double variance;    /* expected of the next level, in those of deviation 1 */
};

/* Learns it from levels in their order, of mean 0; NaN ones are left out. Returns the logarithm of the ratio of two likelihoods:
 * with a spread that lasts, and without. 0: it is no likelier, and nothing is learnt. Without dependence the result of 400 levels
 * is above 1 in one series of ten, and above 3 in one of 150. */
double lasting_spread_fit(struct lasting_spread *spread, const double *levels, size_t rows);

/* Before the first level. */
static inline void lasting_spread_begin(struct lasting_spread *spread)
{
	spread->variance = 1;
}

/* Updates the variance expected of the next level by this one, in levels of deviation 1. */
static inline void lasting_spread_learn(struct lasting_spread *spread, double apart)
{
	spread->variance = 1 - spread->react - spread->keep + spread->react * apart * apart + spread->keep * spread->variance;
}

/* The next level, freed of the spread expected of it. */
static inline double lasting_spread_free(struct lasting_spread *spread, double level)
{
	const double apart = level * spread->scale, rest = apart / sqrt(spread->variance);
	lasting_spread_learn(spread, apart);
	return rest;
}
