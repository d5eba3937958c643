/* cap_limits.h: Limits of a metric's cap, by the values of its burn-in: the quantile and its opposite.
 *
 * Where more than half of the values are 0, as those of a profit that few requests have, quantiles of all would be 0 or nearly so,
 * and the metric a constant. So they are of the other values, of which CAP_OTHERS_LEAST are needed, and the burn-in lasts until
 * these have come; 0 stays 0. Until then nothing is capped. Values count whatever their variant, so equal variants
 * stay equal, and a limit never moves once it is known.
 *
 * Pure.
 */
#pragma once

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#define CAP_OTHERS_LEAST 100

struct cap_limits {
	double low, high; /* infinite: nothing is capped */
	double common;	  /* 0: more than half of the burn-in are; NaN: they are not */
	size_t others;	  /* values that differ from it */
};

#define CAP_LIMITS_NONE ((struct cap_limits){-INFINITY, INFINITY, NAN, 0})

/* 0 if more than half of them are; else NaN. Sorts them. */
double cap_common(double *numbers, size_t count);

/* Of all values of a burn-in, whose common value is given. Sorts them, or those of them that differ. */
struct cap_limits cap_limits_of(double *numbers, size_t count, double cap, double common);

/* What a value counts as. */
static inline double cap_limits_apply(const struct cap_limits *limits, double value)
{
	return value == limits->common ? value : fmin(fmax(value, limits->low), limits->high);
}
