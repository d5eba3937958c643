/* covariance.c: see covariance.h. */
#include "methods/outliers/covariance.h"

struct covariance covariance_over(double *numbers, size_t columns, uint64_t rows)
{
	return (struct covariance){columns, rows, numbers, numbers + columns};
}

bool covariance_open(struct covariance *covariance, size_t columns, struct arena *arena)
{
	double *numbers = ARENA_ARRAY(arena, double, covariance_numbers(columns));
	if (numbers)
		*covariance = covariance_over(numbers, columns, 0);
	return numbers;
}

void covariance_add(struct covariance *covariance, const double *row)
{
	const double count = (double)++covariance->rows, weight = (count - 1) / count;
	double *products = covariance->products + covariance->columns * (covariance->columns + 1) / 2;
	/* From the last column on, so that the means below are all still those before this row. */
	for (size_t i = covariance->columns; i-- > 0;) {
		const double before = row[i] - covariance->mean[i], share = before * weight;
		products -= i + 1;
		for (size_t j = 0; j <= i; j++)
			products[j] += share * (row[j] - covariance->mean[j]);
		covariance->mean[i] += before / count;
	}
}

void covariance_merge(struct covariance *covariance, const struct covariance *other)
{
	const double rows = (double)covariance->rows, more = (double)other->rows, all = rows + more;
	double *products = covariance->products + covariance->columns * (covariance->columns + 1) / 2;
	const double *added = other->products + covariance->columns * (covariance->columns + 1) / 2;
	if (other->rows == 0)
		return;
	covariance->rows += other->rows;
	for (size_t i = covariance->columns; i-- > 0;) { /* as above */
		const double apart = other->mean[i] - covariance->mean[i], share = apart * (rows / all) * more;
		products -= i + 1;
		added -= i + 1;
		for (size_t j = 0; j <= i; j++)
			products[j] += added[j] + share * (other->mean[j] - covariance->mean[j]);
		covariance->mean[i] += apart * (more / all);
	}
}

double covariance_of(const struct covariance *covariance, size_t i, size_t j, double freedom)
{
	const size_t row = i > j ? i : j, column = i > j ? j : i;
	return covariance->products[row * (row + 1) / 2 + column] / ((double)covariance->rows - freedom);
}
