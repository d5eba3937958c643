/* imputing.h: Imputation: replaces missing numbers (NaN).
 *
 * The replacements are learnt from the numbers present, as in scikit-learn; of several most frequent numbers it takes
 * the smallest. A column without numbers has NaN, so its missing numbers stay.
 */
#pragma once

#include "methods/numeric/table.h"

/* Learns one number for each column. False: the arena is full. */
enum imputing { IMPUTE_MEAN, IMPUTE_MEDIAN, IMPUTE_MOST_FREQUENT };
bool imputing_fit(const struct table *table, enum imputing by, double *values, struct arena *arena);

/* Replaces in place, by one value for all columns, or one for each (`each`). */
void imputing_apply(const struct table *table, const double *values, bool each);
