/* quantile.c: quantiles of sorted numbers; see quantile.h. */
#include "numeric/quantile.h"

#include <math.h>
#include <stdlib.h>

const struct quantile_type_row quantile_types[] = {
	[QUANTILE_LINEAR] = {"linear", 1, 1},
	[QUANTILE_LOWER] = {"lower", 1, 1},
	[QUANTILE_HIGHER] = {"higher", 1, 1},
	[QUANTILE_INVERTED_CDF] = {"inverted_cdf", 0, 1},
	[QUANTILE_INTERPOLATED] = {"interpolated_inverted_cdf", 0, 1},
	[QUANTILE_HAZEN] = {"hazen", 0.5, 0.5},
	[QUANTILE_WEIBULL] = {"weibull", 0, 0},
	[QUANTILE_MEDIAN_UNBIASED] = {"median_unbiased", 1.0 / 3, 1.0 / 3},
	[QUANTILE_NORMAL_UNBIASED] = {"normal_unbiased", 3.0 / 8, 3.0 / 8},
	[QUANTILE_AVERAGED] = {"averaged_inverted_cdf", 0, 1},
	[QUANTILE_CLOSEST] = {"closest_observation", 0, 1},
	{NULL, 0, 0},
};

double quantile_between(double low, double high, double part)
{
	double width = high - low;
	if (!isfinite(width)) /* of infinite ones, or of two whose distance is */
		return low * (1 - part) + high * part;
	return part < 0.5 ? low + width * part : high - width * (1 - part);
}

double quantile_sorted(const double *sorted, size_t count, double q, enum quantile_type type)
{
	const struct quantile_type_row *row = &quantile_types[type];
	if (count == 0 || !(q >= 0 && q <= 1))
		return (double)NAN;
	double place = (double)count * q + (row->alpha + q * (1 - row->alpha - row->beta)) - 1;
	if (row->alpha == 1) /* the same, without what rounding does to it */
		place = (double)(count - 1) * q;
	if (type == QUANTILE_LOWER)
		place = floor(place);
	if (type == QUANTILE_HIGHER || type == QUANTILE_INVERTED_CDF)
		place = ceil(place);
	if (type == QUANTILE_AVERAGED)
		place = place == floor(place) ? place + 0.5 : ceil(place);
	if (type == QUANTILE_CLOSEST)
		place = place - 0.5 == floor(place - 0.5) && fmod(place - 0.5, 2) == 1 ? place - 0.5 : floor(place + 0.5);
	if (place <= 0)
		return sorted[0];
	if (place >= (double)(count - 1))
		return sorted[count - 1];
	size_t below = (size_t)place;
	double part = place - (double)below;
	return part == 0 ? sorted[below] : quantile_between(sorted[below], sorted[below + 1], part);
}

static int compare(const void *left, const void *right)
{
	const double *a = left, *b = right;
	return (*a > *b) - (*a < *b);
}

size_t quantile_sort(double *numbers, size_t count)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++)
		if (!isnan(numbers[i]))
			numbers[kept++] = numbers[i];
	if (kept > 1)
		qsort(numbers, kept, sizeof *numbers, compare);
	return kept;
}
