/* polynomial.h: products of columns: all of up to a degree, in the order of scikit-learn:
 * 1 (the bias), then by degree, and of one degree by the numbers of their columns. */
#ifndef SLUICE_NUMERIC_POLYNOMIAL_H
#define SLUICE_NUMERIC_POLYNOMIAL_H

#include "numeric/table.h"

struct polynomial {
	size_t degree; /* at least 1 */
	bool bias;
	bool interactions; /* only products of columns that differ */
};

#define POLYNOMIAL_COLUMNS_MAX ((size_t)1 << 20) /* more is a mistake: 1,000 columns of degree 2 are half of it */

/* How many columns come of `columns`; 0: more than there may be. */
size_t polynomial_columns(const struct polynomial *polynomial, size_t columns);

/* From `table` into `out`, which has as many rows and polynomial_columns(). False: the arena is full. */
bool polynomial_apply(const struct polynomial *polynomial, const struct table *table, double *out, struct arena *arena);

#endif
