/* level_crossing.c: Levels of sliding windows; see level_crossing.h. */
#include "drift/level_crossing.h"

#include <math.h>

#include "statistics/distribution.h"

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
