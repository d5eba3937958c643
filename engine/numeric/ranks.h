/* ranks.h: numbers turned into their ranks among those that were learnt from, from 0 to 1,
 * or into the normal number of that rank.
 *
 * What was learnt of a column are its quantiles at equal steps from 0 to 1, rising. A
 * number between two of them lies between their ranks; of equal ones, in the middle of
 * theirs; outside of all, 0 or 1 (for the normal: as far out as a double near 0 or 1
 * is, 5.2 deviations). NaN stays NaN.
 */
#ifndef SLUICE_NUMERIC_RANKS_H
#define SLUICE_NUMERIC_RANKS_H

#include "numeric/table.h"

/* `count` quantiles of a column without NaN, linear (type 7). */
void ranks_fit(const struct sorted *column, double *quantiles, size_t count);

double rank_of(const double *quantiles, size_t count, double value);
double rank_normal(const double *quantiles, size_t count, double value);

/* The number below which a share of the normal distribution lies: 0 -inf, 1 inf. */
double normal_quantile(double share);

#endif
