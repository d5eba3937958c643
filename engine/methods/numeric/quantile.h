/* quantile.h: Exact quantiles of numbers in memory.
 *
 * The types are those of Hyndman and Fan (1996) that numpy has, with numpy's names. Its default, `linear`, is their
 * type 7 and the quantile of the expression language.
 *
 * Pure; any thread may call.
 */
#pragma once

#include <stddef.h>

enum quantile_type {
	QUANTILE_LINEAR,	  /* type 7: interpolated between the neighbours of (n - 1) q */
	QUANTILE_LOWER,		  /* the lower of these neighbours */
	QUANTILE_HIGHER,	  /* the higher */
	QUANTILE_INVERTED_CDF,	  /* type 1: the least number that at least a share q does not exceed */
	QUANTILE_INTERPOLATED,	  /* type 4: the same, interpolated between the steps */
	QUANTILE_HAZEN,		  /* type 5: interpolated between the middles of the steps */
	QUANTILE_WEIBULL,	  /* type 6: by (n + 1) q */
	QUANTILE_MEDIAN_UNBIASED, /* type 8 */
	QUANTILE_NORMAL_UNBIASED, /* type 9 */
	QUANTILE_AVERAGED,	  /* type 2: as type 1, but the mean of two numbers at a step */
	QUANTILE_CLOSEST	  /* type 3: the nearest number; of two equally near, that of even rank, from 1 */
};

struct quantile_type_row {
	const char *name;
	double alpha, beta; /* position: n q + alpha + q (1 - alpha - beta) - 1 */
};

extern const struct quantile_type_row quantile_types[]; /* by enum; ends without a name */

/* Interpolates between two numbers; `part` is above 0 and below 1. It computes from the nearer end, as numpy does.
 * Between a finite number and an infinity the result is infinite; between both infinities it is NaN. */
double quantile_between(double low, double high, double part);

/* The quantile `q` (0..1) of `count` numbers in ascending order without NaN. NaN if there are none, or `q` is not in 0..1. */
double quantile_sorted(const double *sorted, size_t count, double q, enum quantile_type type);

/* The quantile `q` of type QUANTILE_LINEAR of unordered numbers without NaN; it changes their order. `*steps` grows
 * by the numbers visited: some three times `count`. In the worst case, which needs numbers made for it, the cost is
 * that of a sort. */
double quantile_selected(double *numbers, size_t count, double q, size_t *steps);

/* How many of `count` numbers in ascending order are below `value`, and how many are not above it. */
size_t sorted_below(const double *sorted, size_t count, double value);
size_t sorted_until(const double *sorted, size_t count, double value);

/* Sorts numbers in ascending order and removes NaN; returns the number left. */
size_t quantile_sort(double *numbers, size_t count);
