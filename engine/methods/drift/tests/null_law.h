/* null_law.h: Distribution of a distance between two samples of one population, and so the distance that chance exceeds with
 * a given probability, however small.
 *
 * The law is that of the distance times the root of the samples' common size n m / (n + m). It is learnt from draws of both
 * samples from the reference. Beyond what draws show, its tail is exp(-(a + b t^c)) with c from 1 to 2: no lighter than
 * that of a normal law, and no heavier than an exponential one.
 *
 * Pure: chance comes from a seed.
 */
#pragma once

#include "base/arena.h"

#define NULL_LAW_DRAWS 4000

struct null_law {
	double *drawn; /* rising, NULL_LAW_DRAWS of them */
	double level, slope, power;
};

/* Fits the law to `drawn`, which has NULL_LAW_DRAWS distances times the root of the common size. Sorts it and keeps it. */
void null_law_fit(struct null_law *law, double *drawn);

/* What chance exceeds with probability `p`, of samples of that common size; and the reverse. */
double null_law_distance(const struct null_law *law, double p, double common);
double null_law_p(const struct null_law *law, double distance, double common);

/* n m / (n + m) */
static inline double common_size(double n, double m)
{
	return n * m / (n + m);
}
