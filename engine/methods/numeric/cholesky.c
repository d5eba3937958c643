/* cholesky.c: see cholesky.h. Rows are computed in blocks, so that a finished row is read once for a whole block. */
#ifndef __clang__
#pragma GCC optimize("O3") /* the short loops are here for being unrolled, which -O2 does not do */
#endif

#include "methods/numeric/cholesky.h"

#include <math.h>

#define BLOCK 8

typedef double cholesky_pair __attribute__((vector_size(2 * sizeof(double)), aligned(sizeof(double)), may_alias));

static double cholesky_dot(const double *left, const double *right, size_t count)
{
	cholesky_pair sums[2] = {{0, 0}, {0, 0}};
	size_t k = 0;
	for (; k + 4 <= count; k += 4) {
		sums[0] += *(const cholesky_pair *)(left + k) * *(const cholesky_pair *)(right + k);
		sums[1] += *(const cholesky_pair *)(left + k + 2) * *(const cholesky_pair *)(right + k + 2);
	}
	double sum = sums[0][0] + sums[0][1] + sums[1][0] + sums[1][1];
	for (; k < count; k++)
		sum += left[k] * right[k];
	return sum;
}

/* Column `column` of the BLOCK rows that begin at `rows`. */
static void cholesky_column(double *const rows[BLOCK], const double *done, size_t column)
{
	cholesky_pair sums[BLOCK] = {{0, 0}};
	size_t k = 0;
	for (; k + 2 <= column; k += 2) {
		const cholesky_pair factor = *(const cholesky_pair *)(done + k);
		for (size_t i = 0; i < BLOCK; i++)
			sums[i] += factor * *(const cholesky_pair *)(rows[i] + k);
	}
	for (size_t i = 0; i < BLOCK; i++) {
		double sum = sums[i][0] + sums[i][1];
		if (k < column)
			sum += done[k] * rows[i][k];
		rows[i][column] = (rows[i][column] - sum) / done[column];
	}
}

/* The columns of a row from `first` on, when the rows above it are done. */
static bool cholesky_row(double *matrix, size_t row, size_t first)
{
	double *mine = matrix + cholesky_size(row);
	for (size_t column = first; column < row; column++) {
		const double *done = matrix + cholesky_size(column);
		mine[column] = (mine[column] - cholesky_dot(mine, done, column)) / done[column];
	}
	const double rest = mine[row] - cholesky_dot(mine, mine, row);
	mine[row] = sqrt(rest);
	return rest > 0 && isfinite(rest);
}

bool cholesky_factor(double *matrix, size_t rows)
{
	for (size_t first = 0; first < rows; first += BLOCK) {
		const size_t end = first + BLOCK <= rows ? first + BLOCK : rows;
		if (end - first == BLOCK) {
			double *block[BLOCK];
			for (size_t i = 0; i < BLOCK; i++)
				block[i] = matrix + cholesky_size(first + i);
			for (size_t column = 0; column < first; column++)
				cholesky_column(block, matrix + cholesky_size(column), column);
		}
		for (size_t row = first; row < end; row++)
			if (!cholesky_row(matrix, row, end - first == BLOCK ? first : 0))
				return false;
	}
	return true;
}

void cholesky_forward(const double *factor, size_t rows, double *vector)
{
	for (size_t row = 0; row < rows; row++) {
		const double *mine = factor + cholesky_size(row);
		vector[row] = (vector[row] - cholesky_dot(mine, vector, row)) / mine[row];
	}
}

void cholesky_backward(const double *factor, size_t rows, double *vector)
{
	for (size_t row = rows; row-- > 0;) {
		const double *mine = factor + cholesky_size(row);
		vector[row] /= mine[row];
		for (size_t i = 0; i < row; i++)
			vector[i] -= mine[i] * vector[row];
	}
}

double cholesky_log(const double *factor, size_t rows)
{
	double sum = 0;
	for (size_t row = 0; row < rows; row++)
		sum += log(factor[cholesky_size(row) + row]);
	return sum;
}
