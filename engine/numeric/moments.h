/* moments.h: count, sum, mean and variance of numbers as they come.
 *
 * The sum is Neumaier's, so its error does not grow with the number of terms; mean and
 * squared deviations are Welford's, and merge as Chan, Golub and LeVeque (1979) say. So
 * each costs the same however many numbers there were.
 *
 * Numbers that are none are the caller's to leave out: a NaN stays in what it was added
 * to. Nothing is taken from the heap; any thread may use its own.
 */
#ifndef SLUICE_NUMERIC_MOMENTS_H
#define SLUICE_NUMERIC_MOMENTS_H

#include <stdint.h>

struct sum {
	double total;
	double rest; /* what was lost below the total's last digit */
};

void sum_add(struct sum *sum, double number);
double sum_value(const struct sum *sum); /* 0 of none */

struct moments {
	uint64_t count;
	double mean;
	double squares; /* sum of squared deviations from the mean */
};

void moments_add(struct moments *moments, double number);
void moments_merge(struct moments *into, const struct moments *from);

/* Divided by count - freedom: 1 for a sample, 0 for all there is. NaN where that leaves
 * nothing to divide by. */
double moments_variance(const struct moments *moments, unsigned freedom);

#endif
