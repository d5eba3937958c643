/* cusum_law.c: see cusum_law.h. */
#include "methods/drift/tests/cusum_law.h"

#include <math.h>

#define OVERSHOOT 1.166	  /* by which a sum of whole numbers is beyond the level, on both ends together */
#define ERRORS_MOST 8	  /* standard deviations of the mean's error that count */
#define STEPS 20	  /* of the average, for each half */
#define EXPONENT_MOST 600 /* of e, in a double */
#define HALVINGS 40

/* Numbers until one side crosses, if the mean falls by `fall` with each. */
static double numbers_until(double fall, double level, const struct cusum_law *law)
{
	const double exponent = 2 * fall * level / law->spread;
	if (fabs(exponent) < 1e-4)
		return level * level / law->spread;
	/* An uncertain spread makes rare crossings more frequent on the average. */
	const double uncertain = exponent > 0 ? exponent * exponent * law->spread_error * law->spread_error / 2 : 0;
	const double most = exponent < EXPONENT_MOST ? exponent : EXPONENT_MOST;
	const double numbers = (exp(most) - 1 - most) * law->spread / (2 * fall * fall);
	return fmax(numbers * exp(-uncertain), 1);
}

double cusum_rate(const struct cusum_law *law, double level)
{
	const double reached = level + (law->spread > 1 ? 0 : OVERSHOOT);
	double rate = 0, weights = 0;
	if (law->mean_error <= 0)
		return 2 / numbers_until(law->slack, reached, law);
	for (int i = -STEPS; i <= STEPS; i++) {
		const double error = (double)i * ERRORS_MOST / STEPS, weight = exp(-error * error / 2);
		rate += weight / numbers_until(law->slack - error * law->mean_error, reached, law);
		weights += weight;
	}
	return 2 * rate / weights;
}

double cusum_level(const struct cusum_law *law, double rate)
{
	double low = 0, high = 16;
	while (high < CUSUM_LEVEL_MOST && cusum_rate(law, high) > rate) {
		low = high;
		high *= 2;
	}
	for (int i = 0; i < HALVINGS && high < CUSUM_LEVEL_MOST; i++) {
		const double middle = (low + high) / 2;
		if (cusum_rate(law, middle) > rate)
			low = middle;
		else
			high = middle;
	}
	return high < CUSUM_LEVEL_MOST ? high : (double)INFINITY;
}
