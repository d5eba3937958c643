/* power.h: Power transforms that make a column more normal: Yeo and Johnson (2000), for any number, and Box and Cox
 * (1964), for positive numbers (others become NaN).
 *
 * The exponent, lambda, is learnt by maximum likelihood. NaN stays NaN.
 */
#pragma once

#include "methods/numeric/table.h"

enum power { POWER_YEO_JOHNSON, POWER_BOX_COX };

double power_of(double value, double lambda, enum power by);

/* Transforms in place, by one lambda for all columns, or one for each (`each`). */
void power_apply(const struct table *table, enum power by, const double *lambdas, bool each);

/* Learns the lambda of a column without NaN, with numbers above 0 for Box and Cox. For a constant column it is 1,
 * which changes only the offset of a column. The powers of the column stay within the range of a double; those of a
 * narrow column far from 0 may still be one number. False: the arena is full. */
bool power_fit(const struct sorted *column, enum power by, double *lambda, struct arena *arena);

/* Whether that lambda of Box and Cox is at the limit that the range of a double sets for the column: the most likely
 * one is beyond it. */
bool power_is_bounded(const struct sorted *column, double lambda);
