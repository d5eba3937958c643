/* quantile_interval.c: see quantile_interval.h. How many numbers are below the quantile is binomial (David and Nagaraja, Order
 * Statistics, 7.1). */
#include "methods/statistics/quantile_interval.h"

#include "methods/statistics/distribution.h"

/* The least number of successes that is exceeded with a chance below `above`. */
static size_t binomial_most(size_t count, double q, double above)
{
	size_t low = 0, high = count;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (binomial_sf((double)middle, (double)count, q) <= above)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

struct interval quantile_interval(const double *sorted, size_t count, double q, double alpha)
{
	const size_t most = binomial_most(count, q, alpha / 2);
	const size_t least = count - binomial_most(count, 1 - q, alpha / 2);
	return (struct interval){least > 0 ? sorted[least - 1] : -INFINITY, most < count ? sorted[most] : INFINITY};
}
