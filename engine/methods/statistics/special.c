/* special.c: see special.h. */
#include "methods/statistics/special.h"

#include <float.h>
#include <math.h>
#include <stdint.h>

#define LOG_SQRT_2_PI 0.91893853320467274178
#define STIRLING_FROM 16.0     /* from here on the series below has all digits of a double */
#define TERMS_MOST 2000000     /* of a series or fraction: they need some square roots of their parameters */
#define SMALLEST (DBL_MIN * 4) /* stands for 0 in a continued fraction, as Lentz has it */

double log_gamma(double x)
{
	int sign;
	return lgamma_r(x, &sign);
}

/* What Stirling's formula lacks: log Gamma(x + 1) - (x + 1/2) log x + x - log sqrt(2 pi). */
static double stirling_error(double x)
{
	if (x < STIRLING_FROM)
		return log_gamma(x + 1) - (x + 0.5) * log(x) + x - LOG_SQRT_2_PI;
	const double square = x * x;
	return (1 / 12.0 -
		(1 / 360.0 - (1 / 1260.0 - (1 / 1680.0 - (1 / 1188.0 - 691 / 360360.0 / square) / square) / square) / square) /
			square) /
	       x;
}

/* x log(x / mean) + mean - x, for `away` = x - mean (Loader, 2000): no digit is lost where they are near. */
static double deviance(double x, double mean, double away)
{
	if (fabs(away) >= 0.1 * (x + mean))
		return x * log(x / mean) - away;
	const double part = away / (x + mean);
	double sum = away * part, term = 2 * x * part;
	for (int i = 3;; i += 2) {
		term *= part * part;
		const double next = sum + term / i;
		if (next == sum)
			return sum;
		sum = next;
	}
}

double log_beta(double a, double b)
{
	if (!(a > 0) || !(b > 0))
		return NAN;
	const double small = fmin(a, b), large = fmax(a, b), sum = a + b;
	if (large < STIRLING_FROM)
		return log_gamma(a) + log_gamma(b) - log_gamma(sum);
	/* Gamma(large) / Gamma(sum) by Stirling's formula: their logarithms alone would cancel. */
	const double rest = stirling_error(large) - stirling_error(sum) - (large - 0.5) * log1p(small / large);
	if (small < STIRLING_FROM)
		return rest + log_gamma(small) - small * (log(sum) - 1);
	return rest + stirling_error(small) + LOG_SQRT_2_PI + small * log(small / sum) - 0.5 * log(small);
}

double gamma_density_kernel(double a, double x)
{
	if (x == 0 || isinf(x))
		return 0;
	if (x < DBL_MIN || a / x < DBL_MIN)
		return exp(a * log(x) - x - log_gamma(a));
	return sqrt(a) * exp(-stirling_error(a) - deviance(a, x, a - x) - LOG_SQRT_2_PI);
}

double beta_density_kernel(double a, double b, double x, double y)
{
	if (x <= 0 || y <= 0)
		return 0;
	const double sum = a + b, away = a * y - b * x;
	const double error = stirling_error(sum) - stirling_error(a) - stirling_error(b);
	const double exponent = error - deviance(a, sum * x, away) - deviance(b, sum * y, -away) - LOG_SQRT_2_PI;
	return exp(exponent) * sqrt(a) * sqrt(b / sum);
}

static struct tails tails_of_lower(double lower)
{
	return (struct tails){lower, fmax(0, 1 - lower)};
}

static struct tails tails_of_upper(double upper)
{
	return (struct tails){fmax(0, 1 - upper), upper};
}

static double lentz_step(double *above, double *below, double numerator, double denominator)
{
	*below = denominator + numerator * *below;
	*above = denominator + numerator / *above;
	if (fabs(*below) < SMALLEST)
		*below = SMALLEST;
	if (fabs(*above) < SMALLEST)
		*above = SMALLEST;
	*below = 1 / *below;
	return *above * *below;
}

/* The continued fraction of the upper part, for x above a. */
static double gamma_fraction(double a, double x)
{
	double denominator = x + 1 - a, above = 1 / SMALLEST, below = 1 / denominator, fraction = below;
	for (int64_t i = 1; i < TERMS_MOST; i++) {
		denominator += 2;
		const double factor = lentz_step(&above, &below, (double)i * (a - (double)i), denominator);
		fraction *= factor;
		if (fabs(factor - 1) < DBL_EPSILON)
			break;
	}
	return fraction;
}

struct tails incomplete_gamma(double a, double x)
{
	if (!(a > 0) || !(x >= 0))
		return (struct tails){NAN, NAN};
	const double kernel = gamma_density_kernel(a, x);
	if (x >= a + 1)
		return tails_of_upper(kernel > 0 ? kernel * gamma_fraction(a, x) : 0);
	double sum = 1 / a, term = sum;
	for (int64_t i = 1; i < TERMS_MOST && term > sum * DBL_EPSILON / 4; i++) {
		term *= x / (a + (double)i);
		sum += term;
	}
	return tails_of_lower(fmin(1, kernel * sum));
}

/* The continued fraction of the lower part, for x below the mean; of the two terms a round it is the one that NIST's
 * handbook has as 8.17.22. */
static double beta_fraction(double a, double b, double x)
{
	double above = 1, below = 1 - (a + b) * x / (a + 1);
	below = 1 / (fabs(below) < SMALLEST ? SMALLEST : below);
	double fraction = below;
	for (int64_t i = 1; i < TERMS_MOST; i++) {
		const double m = (double)i, twice = 2 * m;
		const double even = m * (b - m) * x / ((a + twice - 1) * (a + twice));
		fraction *= lentz_step(&above, &below, even, 1);
		const double odd = -(a + m) * (a + b + m) * x / ((a + twice) * (a + twice + 1));
		const double factor = lentz_step(&above, &below, odd, 1);
		fraction *= factor;
		if (fabs(factor - 1) < DBL_EPSILON)
			break;
	}
	return fraction;
}

struct tails incomplete_beta(double a, double b, double x, double y)
{
	if (!(a > 0) || !(b > 0) || !(x >= 0) || !(y >= 0))
		return (struct tails){NAN, NAN};
	const double kernel = beta_density_kernel(a, b, x, y);
	if (x <= (a + 1) / (a + b + 2))
		return tails_of_lower(kernel > 0 ? fmin(1, kernel / a * beta_fraction(a, b, x)) : 0);
	return tails_of_upper(kernel > 0 ? fmin(1, kernel / b * beta_fraction(b, a, y)) : 0);
}
