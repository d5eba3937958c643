/* outlier.c: Scores of unusual numbers and rows; see outlier.h. */
#include "methods/outliers/outlier.h"

#include <math.h>

#include "methods/numeric/simd.h"
#include "methods/numeric/quantile.h"
#include "methods/statistics/distribution.h"

/* ---- numbers ---- */

#define NORMAL_QUARTILE 0.6744897501960817 /* by it the median distance of normal numbers is one deviation */
#define NORMAL_MEAN_DISTANCE 1.2533141373155003 /* sqrt(pi/2): the same for the mean distance */

static double mean_of_parts(const double *numbers, size_t count)
{
	double mean = 0;
	for (size_t i = 0; i < count; i++)
		mean += numbers[i] / (double)count;
	return mean;
}

bool modified_z_fit(struct modified_z *fitted, const struct sorted *sample, struct arena *arena)
{
	double *distances = ARENA_ARRAY(arena, double, sample->count), total = 0;
	if (!distances)
		return false;
	double median = quantile_sorted(sample->values, sample->count, 0.5, QUANTILE_LINEAR);
	for (size_t i = 0; i < sample->count; i++) {
		distances[i] = fabs(sample->values[i] - median);
		total += distances[i];
	}
	double mean = total / (double)sample->count;
	if (isinf(total)) /* the sum is too large, and the mean may not be */
		mean = mean_of_parts(distances, sample->count);
	double deviation = quantile_sorted(distances, quantile_sort(distances, sample->count), 0.5, QUANTILE_LINEAR);
	/* Infinite of a distance of 0, and of one so small that nothing can be divided by it. */
	const double of_median = NORMAL_QUARTILE / deviation, of_mean = 1 / (NORMAL_MEAN_DISTANCE * mean);
	*fitted = (struct modified_z){.median = median, .deviation = deviation, .rule = SPREAD_NONE};
	if (isfinite(of_median)) {
		fitted->rule = SPREAD_MEDIAN;
		fitted->factor = of_median;
	} else if (isfinite(of_mean)) {
		fitted->rule = SPREAD_MEAN;
		fitted->factor = of_mean;
	}
	return true;
}

/* ---- Mahalanobis ---- */

/* Cholesky's factor over the lower triangle of a matrix. False: it is not positive definite to the last digits. */
static bool cholesky_factor(double *matrix, size_t size)
{
	for (size_t j = 0; j < size; j++) {
		double *row = matrix + j * size, whole = row[j];
		for (size_t k = 0; k < j; k++)
			row[j] -= row[k] * row[k];
		if (!(row[j] > whole * 1e-12))
			return false;
		row[j] = sqrt(row[j]);
		for (size_t i = j + 1; i < size; i++) {
			double *below = matrix + i * size;
			for (size_t k = 0; k < j; k++)
				below[j] -= below[k] * row[k];
			below[j] /= row[j];
		}
	}
	return true;
}

/* The inverse of a lower triangle, over it. */
static void triangle_invert(double *matrix, size_t size)
{
	for (size_t j = 0; j < size; j++) {
		matrix[j * size + j] = 1 / matrix[j * size + j];
		for (size_t i = j + 1; i < size; i++) {
			double total = 0;
			for (size_t k = j; k < i; k++)
				total -= matrix[i * size + k] * matrix[k * size + j];
			matrix[i * size + j] = total / matrix[i * size + i];
		}
	}
}

/* Where a block of rows begins: those before it have 4, 8, 12, ... columns. */
static size_t block_begin(size_t number)
{
	return WIDE * WIDE * (number * (number + 1) / 2);
}

bool mahalanobis_fit(struct mahalanobis *fitted, const struct covariance *covariance, double freedom, double ridge,
		     struct arena *arena, struct error *error)
{
	size_t size = covariance->columns, blocks = (size + WIDE - 1) / WIDE;
	if (size == 0 || size > MAHALANOBIS_COLUMNS_MAX || covariance->rows < 2)
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "a Mahalanobis distance is learnt of 1 to %d columns and 2 rows or more; these are %zu columns "
					 "and %llu rows",
				 MAHALANOBIS_COLUMNS_MAX, size, (unsigned long long)covariance->rows);
	double *matrix = ARENA_ARRAY(arena, double, size * size), *inverse = ARENA_ARRAY(arena, double, block_begin(blocks));
	double *mean = ARENA_ARRAY(arena, double, blocks * WIDE);
	if (!matrix || !inverse || !mean)
		return error_memory(error, ERROR_SYSTEM, "learning a covariance");
	for (size_t i = 0; i < size; i++) {
		mean[i] = covariance->mean[i];
		for (size_t j = 0; j <= i; j++)
			matrix[i * size + j] = covariance_of(covariance, i, j, freedom) + (i == j ? ridge : 0);
	}
	if (!cholesky_factor(matrix, size))
		return error_set(error, ERROR_CONFIG, PLACE_NONE,
				 "columns depend on each other, or one does not vary, so their covariance has no inverse; "
				 "leave such columns out, or set a ridge above 0");
	triangle_invert(matrix, size);
	for (size_t i = 0; i < size; i++)
		for (size_t j = 0; j <= i; j++)
			inverse[block_begin(i / WIDE) + j * WIDE + i % WIDE] = matrix[i * size + j];
	*fitted = (struct mahalanobis){size, blocks, mean, inverse};
	return true;
}

double mahalanobis_limit(double rows, double columns)
{
	return columns * (rows - 1) * (rows + 1) / (rows * (rows - columns)) * f_critical(OUTLIER_CHANCE, columns, rows - columns);
}

double mahalanobis_inverse(const struct mahalanobis *fitted, size_t i, size_t j)
{
	return fitted->inverse[block_begin(i / WIDE) + j * WIDE + i % WIDE];
}

BUILT_TWICE
double mahalanobis_squared(const struct mahalanobis *fitted, const double *row)
{
	double apart[MAHALANOBIS_COLUMNS_MAX + WIDE];
	wide total = {0};
	const double *inverse = fitted->inverse;
	for (size_t i = 0; i < fitted->columns; i++)
		apart[i] = row[i] - fitted->mean[i];
	for (size_t i = fitted->columns; i < fitted->blocks * WIDE; i++)
		apart[i] = 0;
	for (size_t number = 0; number < fitted->blocks; number++) {
		wide sum = {0};
		const double *end = apart + (number + 1) * WIDE;
		for (const double *one = apart; one < end; one += 2, inverse += 2 * WIDE) {
			wide first = *(const wide *)inverse, second = *(const wide *)(inverse + WIDE);
			sum += first * one[0];
			sum += second * one[1];
		}
		total += sum * sum;
	}
	return total[0] + total[1] + total[2] + total[3];
}
