/* scaling.h: columns shifted and stretched: (x - center) / scale.
 *
 * Learnt as scikit-learn does: NaN does not count, a column that does not vary has the
 * scale 1. A column without a number has NaN for its constants, one whose constants pass the range of a double an infinity
 * or NaN. Applied, NaN stays NaN.
 */
#ifndef SLUICE_NUMERIC_SCALING_H
#define SLUICE_NUMERIC_SCALING_H

#include "numeric/table.h"

/* Each fills in one number a column. */
void scaling_fit_standard(const struct table *table, double *center, double *scale); /* mean; deviation of ddof 0 */
void scaling_fit_min_max(const struct table *table, double *center, double *scale);  /* least; width */
void scaling_fit_max_abs(const struct table *table, double *center, double *scale);  /* 0; largest without its sign */

/* Median; from the `low` to the `high` quantile (0 to 1). False: the arena is full. */
bool scaling_fit_robust(const struct table *table, double low, double high, double *center, double *scale, struct arena *arena);

/* In place; a list has one number for all columns, or one for each (`each`). A scale of 0 counts as 1. */
void scaling_apply(const struct table *table, const double *center, const double *scale, bool each);

/* What lies from 0 to 1 lies from low to high. */
void scaling_stretch(const struct table *table, double low, double high);

/* NaN stays NaN. */
void scaling_clip(const struct table *table, double low, double high);

/* Each row divided by its norm; a row of zeros, or as good as zeros to scikit-learn, stays. A NaN or an infinity is in each
 * quotient of its row, as IEEE has it. */
enum norm { NORM_L1, NORM_L2, NORM_MAX };
void rows_normalise(const struct table *table, enum norm norm);

#endif
