/* scaling.c: see scaling.h. */
#include "methods/numeric/scaling.h"

#include <float.h>
#include <math.h>

#include "methods/numeric/quantile.h"

#if !defined(__clang__)
#pragma GCC optimize("O3") /* the loops are here for being vectorised, which -O2 hardly does */
#endif

#define WIDTH_LEAST (10 * DBL_EPSILON) /* what scikit-learn takes for no width at all */

static double width_or_one(double width)
{
	return width < WIDTH_LEAST ? 1 : width;
}

/* Two passes, the second with Neumaier's remainder, so that a large mean costs no digits. */
static double column_mean(const struct table *table, size_t column, size_t *count)
{
	double sum = 0, rest = 0;
	*count = 0;
	for (size_t row = 0; row < table->rows; row++) {
		const double value = table->values[row * table->columns + column];
		if (__builtin_isnan(value))
			continue;
		const double next = sum + value;
		rest += fabs(sum) >= fabs(value) ? (sum - next) + value : (value - next) + sum;
		sum = next;
		++*count;
	}
	return *count ? (sum + rest) / (double)*count : NAN;
}

static double column_variance(const struct table *table, size_t column, double mean, size_t count)
{
	double squares = 0, drift = 0;
	for (size_t row = 0; row < table->rows; row++) {
		const double value = table->values[row * table->columns + column];
		if (__builtin_isnan(value))
			continue;
		squares += (value - mean) * (value - mean);
		drift += value - mean;
	}
	return count ? (squares - drift * drift / (double)count) / (double)count : NAN;
}

void scaling_fit_standard(const struct table *table, double *center, double *scale)
{
	for (size_t i = 0; i < table->columns; i++) {
		size_t count;
		center[i] = column_mean(table, i, &count);
		const double variance = column_variance(table, i, center[i], count), n = (double)count;
		/* What the rounding of the mean alone can give is no variance. */
		const double noise = n * center[i] * DBL_EPSILON;
		const bool varies = !__builtin_isfinite(variance) || variance > n * DBL_EPSILON * variance + noise * noise;
		scale[i] = varies ? sqrt(variance) : 1;
	}
}

static void column_bounds(const struct table *table, size_t column, double *least, double *most)
{
	*least = *most = NAN;
	for (size_t row = 0; row < table->rows; row++) {
		*least = fmin(*least, table->values[row * table->columns + column]);
		*most = fmax(*most, table->values[row * table->columns + column]);
	}
}

void scaling_fit_min_max(const struct table *table, double *center, double *scale)
{
	for (size_t i = 0; i < table->columns; i++) {
		double most;
		column_bounds(table, i, &center[i], &most);
		scale[i] = width_or_one(most - center[i]);
	}
}

void scaling_fit_max_abs(const struct table *table, double *center, double *scale)
{
	for (size_t i = 0; i < table->columns; i++) {
		double least, most;
		column_bounds(table, i, &least, &most);
		center[i] = least - least; /* 0, or NaN */
		scale[i] = width_or_one(fmax(fabs(least), fabs(most)));
	}
}

bool scaling_fit_robust(const struct table *table, double low, double high, double *center, double *scale, struct arena *arena)
{
	for (size_t i = 0; i < table->columns; i++) {
		const struct sorted sorted = column_sorted(table, i, arena);
		if (!sorted.values)
			return false;
		center[i] = quantile_sorted(sorted.values, sorted.count, 0.5, QUANTILE_LINEAR);
		scale[i] = width_or_one(quantile_sorted(sorted.values, sorted.count, high, QUANTILE_LINEAR) -
					quantile_sorted(sorted.values, sorted.count, low, QUANTILE_LINEAR));
	}
	return true;
}

void scaling_apply(const struct table *table, const double *center, const double *scale, bool each)
{
	const size_t columns = each ? table->columns : table->rows * table->columns, rows = each ? table->rows : 1;
	double *values = table->values;
	if (!each) {
		const double shift = center[0], width = scale[0] == 0 ? 1 : scale[0];
		for (size_t i = 0; i < columns; i++)
			values[i] = (values[i] - shift) / width;
		return;
	}
	for (size_t row = 0; row < rows; row++, values += columns)
		for (size_t i = 0; i < columns; i++)
			values[i] = (values[i] - center[i]) / (scale[i] == 0 ? 1 : scale[i]);
}

void scaling_stretch(const struct table *table, double low, double high)
{
	const double width = high - low;
	for (size_t i = 0; i < table->rows * table->columns; i++)
		table->values[i] = table->values[i] * width + low;
}

void scaling_clip(const struct table *table, double low, double high)
{
	for (size_t i = 0; i < table->rows * table->columns; i++) {
		const double value = table->values[i];
		table->values[i] = value < low ? low : value > high ? high : value;
	}
}

static double row_norm(const double *values, size_t count, enum norm norm)
{
	double sum = 0;
	for (size_t i = 0; i < count; i++) {
		const double size = fabs(values[i]);
		if (norm == NORM_MAX)
			sum = size > sum || __builtin_isnan(size) ? size : sum;
		else
			sum += norm == NORM_L2 ? size * size : size;
	}
	return norm == NORM_L2 ? sqrt(sum) : sum;
}

void rows_normalise(const struct table *table, enum norm norm)
{
	double *values = table->values;
	for (size_t row = 0; row < table->rows; row++, values += table->columns) {
		const double size = width_or_one(row_norm(values, table->columns, norm));
		for (size_t i = 0; i < table->columns; i++)
			values[i] /= size;
	}
}
