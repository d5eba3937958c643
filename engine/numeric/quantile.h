/* quantile.h: quantiles of numbers that are all there.
 *
 * The types are those of Hyndman and Fan (1996) that numpy knows, by numpy's names; its
 * default, `linear`, is their type 7 and what the expression language means by a quantile.
 *
 * Pure; any thread may call.
 */
#ifndef SLUICE_NUMERIC_QUANTILE_H
#define SLUICE_NUMERIC_QUANTILE_H

#include <stddef.h>

enum quantile_type {
	QUANTILE_LINEAR,	  /* type 7: between the neighbours of (n - 1) q */
	QUANTILE_LOWER,		  /* the lower of these neighbours */
	QUANTILE_HIGHER,	  /* the higher */
	QUANTILE_INVERTED_CDF,	  /* type 1: the first that at least a share q does not exceed */
	QUANTILE_INTERPOLATED,	  /* type 4: the same, with lines between the steps */
	QUANTILE_HAZEN,		  /* type 5: steps met in their middle */
	QUANTILE_WEIBULL,	  /* type 6: by (n + 1) q */
	QUANTILE_MEDIAN_UNBIASED, /* type 8 */
	QUANTILE_NORMAL_UNBIASED, /* type 9 */
	QUANTILE_AVERAGED,	  /* type 2: as type 1, but in the middle of two at a step itself */
	QUANTILE_CLOSEST	  /* type 3: the nearest number; of two as near, that of the even place, from 1 */
};

struct quantile_type_row {
	const char *name;
	double alpha, beta; /* where between two numbers it stands: n q + alpha + q (1 - alpha - beta) - 1 */
};

extern const struct quantile_type_row quantile_types[]; /* by enum; ends without a name */

/* What stands so far between two numbers, `part` above 0 and below 1: from the nearer end, as
 * numpy does. Infinite beside a finite number is infinite; between both infinities it is NaN. */
double quantile_between(double low, double high, double part);

/* The quantile `q` (0..1) of `count` numbers in ascending order without NaN among them.
 * NaN of none, or where `q` is no share. */
double quantile_sorted(const double *sorted, size_t count, double q, enum quantile_type type);

/* The quantile `q` of type QUANTILE_LINEAR of numbers in any order, which it puts into another. None of them is NaN.
 * `*steps` grows by the numbers that it went through: some three times `count`, and at the worst, which needs numbers
 * made for it, as often as a sort. */
double quantile_selected(double *numbers, size_t count, double q, size_t *steps);

/* Puts numbers in ascending order; NaN are left out. How many are left. */
size_t quantile_sort(double *numbers, size_t count);

#endif
