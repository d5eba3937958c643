/* quantile.c: Quantiles of sorted numbers; see quantile.h. */
#include "methods/numeric/quantile.h"

#include <math.h>
#include <stdbool.h>
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

static int quantile_compare(const void *left, const void *right)
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
		qsort(numbers, kept, sizeof *numbers, quantile_compare);
	return kept;
}

/* ---- selection ---- */

#define SELECTION_SORTED 24 /* so few are sorted by insertion */

static void insertion_sort(double *numbers, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		const double number = numbers[i];
		size_t at = i;
		for (; at > 0 && numbers[at - 1] > number; at--)
			numbers[at] = numbers[at - 1];
		numbers[at] = number;
	}
}

static double median_of_three(double a, double b, double c)
{
	const double low = a < b ? a : b, high = a < b ? b : a;
	return c < low ? low : c > high ? high : c;
}

/* Hoare's: all before the place that it gives are at most those from there on; neither side is empty. */
static size_t partition(double *numbers, size_t count)
{
	const double pivot = median_of_three(numbers[count / 4], numbers[count / 2], numbers[count - count / 4 - 1]);
	size_t low = 0, high = count - 1;
	for (;;) {
		while (numbers[low] < pivot)
			low++;
		while (numbers[high] > pivot)
			high--;
		if (low >= high)
			return high + 1;
		const double number = numbers[low];
		numbers[low++] = numbers[high];
		numbers[high--] = number;
	}
}

/* Puts the number of the place `nth` there, none above it before it and none below it behind it. After twice as many
 * rounds as halving takes, what is left is sorted: nobody can make it quadratic. */
static void select_nth(double *numbers, size_t count, size_t nth, size_t *steps)
{
	size_t rounds = 0;
	for (size_t left = count; left > 1; left /= 2)
		rounds += 2;
	for (; count > SELECTION_SORTED && rounds > 0; rounds--) {
		*steps += count;
		const size_t split = partition(numbers, count);
		const bool below = nth < split;
		numbers += below ? 0 : split;
		nth -= below ? 0 : split;
		count = below ? split : count - split;
	}
	if (count <= SELECTION_SORTED) {
		insertion_sort(numbers, count);
		return;
	}
	for (size_t left = count; left > 1; left /= 2)
		*steps += 2 * count;
	qsort(numbers, count, sizeof *numbers, quantile_compare);
}

double quantile_selected(double *numbers, size_t count, double q, size_t *steps)
{
	if (count == 0 || !(q >= 0 && q <= 1))
		return (double)NAN;
	const double place = (double)(count - 1) * q;
	const size_t below = place >= (double)(count - 1) ? count - 1 : (size_t)place;
	const double part = place - (double)below;
	select_nth(numbers, count, below, steps);
	if (part == 0 || below + 1 == count)
		return numbers[below];
	double next = numbers[below + 1];
	for (size_t i = below + 2; i < count; i++)
		next = numbers[i] < next ? numbers[i] : next;
	*steps += count - below;
	return quantile_between(numbers[below], next, part);
}

size_t sorted_below(const double *sorted, size_t count, double value)
{
	size_t low = 0, high = count;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (sorted[middle] < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t sorted_until(const double *sorted, size_t count, double value)
{
	size_t low = 0, high = count;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (sorted[middle] <= value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
