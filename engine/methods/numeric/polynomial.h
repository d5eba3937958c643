/* polynomial.h: Polynomial features: all products of columns up to a degree, in the order of scikit-learn: 1 (the
 * bias), then by degree, and within a degree by column numbers. */
#pragma once

#include "methods/numeric/table.h"

struct polynomial {
	size_t degree; /* at least 1 */
	bool bias;
	bool interactions; /* only products of different columns */
};

#define POLYNOMIAL_COLUMNS_MAX ((size_t)1 << 20) /* 1,000 columns of degree 2 need half of it */

/* The number of columns made from `columns`; 0: more than the limit. */
size_t polynomial_columns(const struct polynomial *polynomial, size_t columns);

/* Computes the products of `table` into `out`, which has as many rows and polynomial_columns(). False: the arena is full. */
bool polynomial_apply(const struct polynomial *polynomial, const struct table *table, double *out, struct arena *arena);
