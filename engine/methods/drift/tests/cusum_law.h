/* cusum_law.h: Law of a cumulative sum (CUSUM): the rate at which it crosses a level by chance, and the level for a given rate.
 *
 * The sum takes deviations from a mean, less a slack, and never falls below 0. How often it crosses a level follows from both
 * by a formula (Siegmund 1985), so no simulation is needed. What chance did to the reference is in it: its mean is off by an
 * unknown amount, over which the rate is averaged, and so is its spread.
 *
 * Pure; any thread may call.
 */
#pragma once

struct cusum_law {
	double slack;
	double spread;	     /* variance of long sums, for each number */
	double mean_error;   /* standard deviation of the reference's mean; 0: the mean is the stream's own */
	double spread_error; /* of the logarithm of its variance */
};

#define CUSUM_LEVEL_MOST 1e6 /* no such level is known for a smaller rate */

/* Alarms for each number, of both directions together. */
double cusum_rate(const struct cusum_law *law, double level);

double cusum_level(const struct cusum_law *law, double rate);
