/* cholesky.h: Cholesky factor of a symmetric positive matrix, kept as the rows of its lower
 * triangle, one behind the other. The factor of the first rows is the beginning of the factor.
 */
#ifndef SLUICE_NUMERIC_CHOLESKY_H
#define SLUICE_NUMERIC_CHOLESKY_H

#include <stdbool.h>
#include <stddef.h>

/* Numbers of a triangle, or of those before a row. */
static inline size_t cholesky_size(size_t rows)
{
	return rows * (rows + 1) / 2;
}

/* Puts the factor in the place of the matrix. False: it is not positive, and is spoilt. */
bool cholesky_factor(double *matrix, size_t rows);

/* Solves factor * solution = vector, and its transpose, in place. */
void cholesky_forward(const double *factor, size_t rows, double *vector);
void cholesky_backward(const double *factor, size_t rows, double *vector);

/* Half of the logarithm of the matrix's determinant. */
double cholesky_log(const double *factor, size_t rows);

#endif
