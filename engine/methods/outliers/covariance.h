/* covariance.h: Mean of rows and the products of their deviations, as the rows come (Welford), so that a large offset loses no
 * digits; and those of two sets of rows together (Chan, Golub and LeVeque).
 *
 * Pure. The numbers are plain data, which may be stored.
 */
#pragma once

#include "base/arena.h"

struct covariance {
	size_t columns;
	uint64_t rows;
	double *mean;
	double *products; /* the lower triangle, row by row */
};

/* How many numbers it has of so many columns: the means, and the products behind them. */
static inline size_t covariance_numbers(size_t columns)
{
	return columns + columns * (columns + 1) / 2;
}

/* Over such numbers, which are borrowed; of no rows they are 0. */
struct covariance covariance_over(double *numbers, size_t columns, uint64_t rows);

/* Of no rows yet. False: the arena is full. */
bool covariance_open(struct covariance *covariance, size_t columns, struct arena *arena);

void covariance_add(struct covariance *covariance, const double *row);

/* Adds the rows of another one, of as many columns. */
void covariance_merge(struct covariance *covariance, const struct covariance *other);

double covariance_of(const struct covariance *covariance, size_t i, size_t j, double freedom);
