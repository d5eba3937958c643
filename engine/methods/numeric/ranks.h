/* ranks.h: Rank transform: a number becomes its rank among the learnt numbers, from 0 to 1, or the normal quantile of that
 * rank.
 *
 * The learnt state of a column is its quantiles at equal steps from 0 to 1, in ascending order. The rank of a number
 * between two quantiles is interpolated between their ranks. A number equal to several gets the middle of their
 * ranks. A number outside gets 0 or 1 (for the normal: the limit of a double near 0 or 1, 5.2 deviations). NaN stays
 * NaN.
 */
#pragma once

#include "methods/numeric/table.h"

/* Learns `count` quantiles of a column without NaN, linear (type 7). */
void ranks_fit(const struct sorted *column, double *quantiles, size_t count);

double rank_of(const double *quantiles, size_t count, double value);
double rank_normal(const double *quantiles, size_t count, double value);

/* The quantile function of the normal distribution: 0 gives -inf, 1 gives inf. */
double normal_quantile(double share);
