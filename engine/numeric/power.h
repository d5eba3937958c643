/* power.h: powers that make a column more like a normal one: Yeo and Johnson (2000), for
 * any number, and Box and Cox (1964), for those above 0 (others become NaN).
 *
 * The exponent, lambda, is learnt by the greatest likelihood. NaN stays NaN.
 */
#ifndef SLUICE_NUMERIC_POWER_H
#define SLUICE_NUMERIC_POWER_H

#include "numeric/table.h"

enum power { POWER_YEO_JOHNSON, POWER_BOX_COX };

double power_of(double value, double lambda, enum power by);

/* In place, by one lambda for all columns, or one for each. */
void power_apply(const struct table *table, enum power by, const double *lambdas, bool each);

/* The lambda for a column without NaN, above 0 for Box and Cox; 1 (which changes only where a column begins) when it does
 * not vary. It lies where the powers of the column are within the range of a double; what they make of a narrow column far
 * from 0 may still be one number. False: the arena is full. */
bool power_fit(const struct sorted *column, enum power by, double *lambda, struct arena *arena);

/* Whether that lambda of Box and Cox is where the range of a double ends for the column: the most likely one lies beyond. */
bool power_is_bounded(const struct sorted *column, double lambda);

#endif
