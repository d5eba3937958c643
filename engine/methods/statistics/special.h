/* special.h: Special functions: the logarithm of the beta function, and the incomplete beta and gamma functions.
 *
 * Both sides of an incomplete function are given, so that neither is one less the other: the small one
 * keeps its digits. Relative errors stay below 1e-9, also far out in the tails and for parameters up to 1e8.
 *
 * Pure; any thread may call. Parameters out of their domain give NaN.
 */
#pragma once

/* The logarithm of the gamma function; lgamma() of C keeps a sign for all threads. */
double log_gamma(double x);

double log_beta(double a, double b);

/* The two regularised parts of an integral; their sum is 1. */
struct tails {
	double lower, upper;
};

/* Of t^(a-1) e^-t over 0..x and beyond. */
struct tails incomplete_gamma(double a, double x);

/* Of t^(a-1) (1-t)^(b-1) over 0..x and beyond. `y` is 1 - x, which the caller may know with more digits. */
struct tails incomplete_beta(double a, double b, double x, double y);

/* x^a e^-x / Gamma(a), and x^a y^b / B(a, b): the densities, but for a power of the variables, without overflow. */
double gamma_density_kernel(double a, double x);
double beta_density_kernel(double a, double b, double x, double y);
