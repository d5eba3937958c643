/* ranks.c: see ranks.h. */
#include "methods/numeric/ranks.h"

#include <float.h>
#include <math.h>

#include "methods/numeric/quantile.h"

#define BOUND 1e-7 /* how near to an end a number is at it, as scikit-learn has it */

void ranks_fit(const struct sorted *column, double *quantiles, size_t count)
{
	const double step = count > 1 ? 1 / (double)(count - 1) : 0;
	for (size_t i = 0; i < count; i++) {
		/* Rounded as numpy's percentiles are, for a tie may hang on it. */
		const double at = count > 1 && i + 1 == count ? 1 : (double)i * step * 100 / 100;
		quantiles[i] = quantile_sorted(column->values, column->count, at, QUANTILE_LINEAR);
		if (i > 0)
			quantiles[i] = fmax(quantiles[i], quantiles[i - 1]); /* rounding must not turn them round */
	}
}

/* How many quantiles are below `value`, or not above it. */
static size_t quantiles_below(const double *quantiles, size_t count, double value, bool equal_too)
{
	size_t low = 0, high = count;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		if (equal_too ? quantiles[middle] <= value : quantiles[middle] < value)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* In the middle of the ranks that the value has from below and from above. */
static double rank_between(const double *quantiles, size_t count, double value)
{
	const size_t below = quantiles_below(quantiles, count, value, false);
	const double last = (double)(count - 1);
	if (count == 1)
		return 0;
	if (below == count)
		return 1;
	if (quantiles[below] == value) {
		const size_t equal = quantiles_below(quantiles + below, count - below, value, true);
		return ((double)below / last + (double)(below + equal - 1) / last) / 2;
	}
	if (below == 0)
		return 0;
	const double low = quantiles[below - 1], high = quantiles[below];
	return ((double)(below - 1) + (value - low) / (high - low)) / last;
}

double rank_of(const double *quantiles, size_t count, double value)
{
	if (__builtin_isnan(value) || __builtin_isnan(quantiles[0]))
		return NAN;
	if (value == quantiles[0])
		return 0; /* also of a column that does not vary */
	return value == quantiles[count - 1] ? 1 : rank_between(quantiles, count, value);
}

double rank_normal(const double *quantiles, size_t count, double value)
{
	if (__builtin_isnan(value) || __builtin_isnan(quantiles[0]))
		return NAN;
	double rank = rank_between(quantiles, count, value);
	if (value - BOUND < quantiles[0])
		rank = 0;
	else if (value + BOUND > quantiles[count - 1])
		rank = 1;
	const double farthest = normal_quantile(1 - (BOUND - DBL_EPSILON));
	return fmin(fmax(normal_quantile(rank), normal_quantile(BOUND - DBL_EPSILON)), farthest);
}

static double polynomial(const double *coefficients, size_t count, double x)
{
	double sum = 0;
	while (count-- > 0)
		sum = sum * x + coefficients[count];
	return sum;
}

/* Wichura, algorithm AS 241 (1988), PPND16: about 16 digits. */
double normal_quantile(double share)
{
	static const double a[] = {3.3871328727963666080e0,  1.3314166789178437745e+2, 1.9715909503065514427e+3,
				   1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
				   3.3430575583588128105e+4, 2.5090809287301226727e+3};
	static const double b[] = {1,
				   4.2313330701600911252e+1,
				   6.8718700749205790830e+2,
				   5.3941960214247511077e+3,
				   2.1213794301586595867e+4,
				   3.9307895800092710610e+4,
				   2.8729085735721942674e+4,
				   5.2264952788528545610e+3};
	static const double c[] = {1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
				   3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
				   2.27238449892691845833e-2, 7.74545014278341407640e-4};
	static const double d[] = {1,
				   2.05319162663775882187e0,
				   1.67638483018380384940e0,
				   6.89767334985100004550e-1,
				   1.48103976427480074590e-1,
				   1.51986665636164571966e-2,
				   5.47593808499534494600e-4,
				   1.05075007164441684324e-9};
	static const double e[] = {6.65790464350110377720e0,  5.46378491116411436990e0,	 1.78482653991729133580e0,
				   2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
				   2.71155556874348757815e-5, 2.01033439929228813265e-7};
	static const double f[] = {1,
				   5.99832206555887937690e-1,
				   1.36929880922735805310e-1,
				   1.48753612908506148525e-2,
				   7.86869131145613259100e-4,
				   1.84631831751005468180e-5,
				   1.42151175831644588870e-7,
				   2.04426310338993978564e-15};
	const double half = share - 0.5;
	if (fabs(half) <= 0.425) {
		const double square = 0.180625 - half * half;
		return half * polynomial(a, 8, square) / polynomial(b, 8, square);
	}
	const double tail = half < 0 ? share : 1 - share;
	if (tail <= 0)
		return half < 0 ? -INFINITY : INFINITY;
	double root = sqrt(-log(tail)), size;
	if (root <= 5) {
		root -= 1.6;
		size = polynomial(c, 8, root) / polynomial(d, 8, root);
	} else {
		root -= 5;
		size = polynomial(e, 8, root) / polynomial(f, 8, root);
	}
	return half < 0 ? -size : size;
}
