/* scaling.h: Scaling of columns: (x - center) / scale.
 *
 * Learning follows scikit-learn: NaN is ignored, and a constant column has the scale 1. A column without numbers has
 * NaN as its constants. One whose constants exceed the range of a double has an infinity or NaN. When applied, NaN
 * stays NaN.
 */
#pragma once

#include "methods/numeric/table.h"

/* Each sets one number for each column. */
void scaling_fit_standard(const struct table *table, double *center, double *scale); /* mean; standard deviation with ddof 0 */
void scaling_fit_min_max(const struct table *table, double *center, double *scale);  /* minimum; range */
void scaling_fit_max_abs(const struct table *table, double *center, double *scale);  /* 0; greatest absolute value */

/* Center: the median; scale: from the `low` to the `high` quantile (0 to 1). False: the arena is full. */
bool scaling_fit_robust(const struct table *table, double low, double high, double *center, double *scale, struct arena *arena);

/* Scales in place. A list has one number for all columns, or one for each (`each`). A scale of 0 counts as 1. */
void scaling_apply(const struct table *table, const double *center, const double *scale, bool each);

/* Maps 0..1 to low..high. */
void scaling_stretch(const struct table *table, double low, double high);

/* Limits all numbers to low..high; NaN stays NaN. */
void scaling_clip(const struct table *table, double low, double high);

/* Divides each row by its norm. A row of zeros, or of numbers that scikit-learn treats as zeros, stays. A NaN or an
 * infinity affects each quotient of its row, as in IEEE arithmetic. */
enum norm { NORM_L1, NORM_L2, NORM_MAX };
void rows_normalise(const struct table *table, enum norm norm);
