/* imputing.h: what stands in for numbers that are missing (NaN).
 *
 * Learnt as scikit-learn does, of the numbers that are there; of several that are the
 * most frequent it is the smallest. A column without a number has NaN: nothing stands in
 * for what was never seen.
 */
#ifndef SLUICE_NUMERIC_IMPUTING_H
#define SLUICE_NUMERIC_IMPUTING_H

#include "numeric/table.h"

/* One number a column. False: the arena is full. */
enum imputing { IMPUTE_MEAN, IMPUTE_MEDIAN, IMPUTE_MOST_FREQUENT };
bool imputing_fit(const struct table *table, enum imputing by, double *values, struct arena *arena);

/* In place, by one value for all columns, or one for each. */
void imputing_apply(const struct table *table, const double *values, bool each);

#endif
