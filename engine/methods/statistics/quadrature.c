/* quadrature.c: see quadrature.h. */
#include "methods/statistics/quadrature.h"

#include <math.h>

#define EXPONENT_SMALL 45.0 /* what is so much less than the peak adds no digit */
#define POINTS_SCAN 2048    /* to find the peak */
#define POINTS_FIRST 128
#define POINTS_MOST (1 << 18)
#define SUM_NEAR 1e-13

struct integrand {
	double (*exponent)(const void *context, double x);
	const void *context;
	double peak; /* what is taken off the exponent */
};

/* Twice as many points a round, until the sum stays. */
static double trapezoid_sum(const struct integrand *of, double low, double high)
{
	double before = NAN, sum = 0;
	for (long points = POINTS_FIRST; points <= POINTS_MOST; points *= 2) {
		const double step = (high - low) / (double)points;
		const long every = isnan(before) ? 1 : 2;
		for (long i = every - 1; i <= points; i += every)
			sum += exp(of->exponent(of->context, low + (double)i * step) - of->peak);
		if (fabs(sum * step - before) <= SUM_NEAR * fabs(before))
			return sum * step;
		before = sum * step;
	}
	return before;
}

double log_integral(double (*exponent)(const void *context, double x), const void *context, double low, double high)
{
	struct integrand of = {exponent, context, -INFINITY};
	const double step = (high - low) / POINTS_SCAN;
	for (int i = 0; i <= POINTS_SCAN; i++)
		of.peak = fmax(of.peak, exponent(context, low + i * step));
	if (isinf(of.peak))
		return of.peak;
	int first = 0, last = POINTS_SCAN;
	while (first < last && exponent(context, low + first * step) < of.peak - EXPONENT_SMALL)
		first++;
	while (last > first && exponent(context, low + last * step) < of.peak - EXPONENT_SMALL)
		last--;
	const double from = low + (first > 0 ? first - 1 : 0) * step, to = low + (last < POINTS_SCAN ? last + 1 : last) * step;
	return of.peak + log(trapezoid_sum(&of, from, to));
}
