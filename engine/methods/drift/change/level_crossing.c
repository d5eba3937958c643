/* level_crossing.c: Levels of sliding windows; see level_crossing.h. */
#include "methods/drift/change/level_crossing.h"

#include <math.h>

#include "methods/statistics/distribution.h"

/* What looking only at whole rows takes off the crossings of a path without gaps (Siegmund 1985). */
static double crossing_overshoot(double x)
{
	double half = x / 2;
	if (half < 1e-3)
		return 1;
	double density = exp(-half * half / 2) / sqrt(2 * M_PI);
	return 2 / x * (normal_cdf(half) - 0.5) / (half * normal_cdf(half) + density);
}

double crossing_rate(double square, double freedom, double window, double reference)
{
	/* How fast the statistic forgets: its rows leave the window one by one, the reference stays. */
	double slope = 1 / window * reference / (window + reference);
	double log_density = (freedom / 2 - 1) * log(square) - square / 2 - freedom / 2 * log(2) - lgamma(freedom / 2);
	return 2 * slope * square * exp(log_density) * crossing_overshoot(sqrt(2 * slope * square));
}

#define HALVINGS 60

double crossing_level(double rate, double freedom, double window, double reference)
{
	double low = fmax(freedom, 1), high = low + 2;
	while (crossing_rate(high, freedom, window, reference) > rate && high < 1e6)
		high *= 2;
	for (int i = 0; i < HALVINGS; i++) {
		double middle = (low + high) / 2;
		if (crossing_rate(middle, freedom, window, reference) > rate)
			low = middle;
		else
			high = middle;
	}
	return high;
}

double crossing_unsure(double square, double freedom)
{
	return isinf(freedom) ? 1 : sqrt(freedom * expm1(square / (freedom + 1)) / square);
}

/* Twice the logarithm of how much likelier so many jumps in the window are at a rate of their own than at the reference's. */
static double jumps_square(double jumps, double window, double known, double reference)
{
	double together = (jumps + known) / (window + reference);
	double here = jumps > 0 ? jumps * log(jumps / (window * together)) : 0;
	return 2 * (here + known * log(known / (reference * together)));
}

#define JUMP_LEAST 0.01 /* a smaller one is no different from none */

double crossing_sum(double square, double jump, double window, double reference)
{
	if (fabs(jump) < JUMP_LEAST)
		return sqrt(square * (window + window * window / reference));
	double rate = 1 / (jump * jump), known = rate * reference, expected = rate * window;
	double inside = expected, outside = jump > 0 ? 2 * expected + 1 : 0;
	if (jump < 0 && jumps_square(0, window, known, reference) < square)
		return (double)INFINITY;
	while (jump > 0 && jumps_square(outside, window, known, reference) < square)
		outside *= 2;
	for (int i = 0; i < HALVINGS; i++) {
		double middle = (inside + outside) / 2;
		if (jumps_square(middle, window, known, reference) < square)
			inside = middle;
		else
			outside = middle;
	}
	return fabs(jump) * fabs(outside - expected);
}

double crossing_sum_unseen(double square, double jump, double unseen, double window, double reference)
{
	const double each = 2 * log((window + reference) / window); /* what one takes of the square: jumps_square(1), known 0 */
	double sum = fmax(unseen * square / each, crossing_sum(square, jump, window, reference));
	for (int times = 1; times * each < square; times++)
		sum = fmax(sum, times * unseen + crossing_sum(square - times * each, jump, window, reference));
	return sum;
}
