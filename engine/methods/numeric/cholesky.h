/* cholesky.h: Cholesky factor of a symmetric positive matrix, stored as the rows of its lower triangle, contiguous.
 * The factor of the first rows is the beginning of the factor. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The number of elements in a triangle of `rows` rows; also the offset of that row. */
static inline size_t cholesky_size(size_t rows)
{
	return rows * (rows + 1) / 2;
}

/* Replaces the matrix by its factor. False: the matrix is not positive; its contents are invalid then. */
bool cholesky_factor(double *matrix, size_t rows);

/* Solves factor * solution = vector, or the same with the transpose, in place. */
void cholesky_forward(const double *factor, size_t rows, double *vector);
void cholesky_backward(const double *factor, size_t rows, double *vector);

/* Half of the logarithm of the matrix's determinant. */
double cholesky_log(const double *factor, size_t rows);
