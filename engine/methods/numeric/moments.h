/* moments.h: Running sum, mean and variance of numbers.
 *
 * The sum is Neumaier's, so its error does not grow with the number of terms. Mean and squared deviations are
 * Welford's, and merge as in Chan, Golub and LeVeque (1979). So the cost of a number does not depend on how many
 * there were.
 *
 * The caller must leave out NaN: it stays in everything to which it was added. No heap memory is allocated; any
 * thread may use structs of its own.
 */
#pragma once

#include <stdint.h>

struct sum {
	double total;
	double rest; /* rounding error below the total's last digit */
};

void sum_add(struct sum *sum, double number);
double sum_value(const struct sum *sum); /* 0 without numbers */

struct moments {
	uint64_t count;
	double mean;
	double squares; /* sum of squared deviations from the mean */
};

void moments_add(struct moments *moments, double number);
void moments_merge(struct moments *into, const struct moments *from);

/* The squared deviations divided by count - freedom; freedom is 1 for a sample, 0 for a population. NaN if the
 * divisor is not above 0. */
double moments_variance(const struct moments *moments, unsigned freedom);
