/* distribution.h: Distribution functions, their upper tails, and their quantiles.
 *
 * NAME_cdf is the share at or below x, NAME_sf (survival function) the share above it: not one less the other, so a
 * small one keeps its digits. NAME_quantile takes the share below, NAME_critical the share above. Relative errors stay
 * below 1e-9, in the tails too. A quantile of the share 0 or 1 is the end of what the distribution can give.
 *
 * Pure; any thread may call. A share that is none, parameters out of their domain and NaN give NaN.
 */
#pragma once

#include "methods/numeric/ranks.h" /* normal_quantile() */

/* Integrals of positive functions with one peak, which are handed in by their logarithm.
 *
 * The trapezoidal rule over the part that matters; of an analytic function that vanishes at both ends its error falls
 * faster than any power of the step. The logarithm keeps integrals that are smaller than the smallest double apart.
 */

/* The logarithm of the integral of exp(exponent(x)) over low..high, -INFINITY where the integral vanishes. The peak is
 * found when it is wider than a 2,000th of the range. */
double log_integral(double (*exponent)(const void *context, double x), const void *context, double low, double high);

/* Roots of functions of one variable, between two ends at which their signs differ (Brent, 1973). */

/* The root between `low` and `high`, to a few last digits. An end is the answer where the function is 0 there, and the
 * nearer to 0 of both where its signs do not differ. */
double root_between(double (*function)(const void *context, double x), const void *context, double low, double high);

double normal_cdf(double x);
double normal_sf(double x);
double normal_critical(double share);

/* Student's t. The degrees of freedom need not be whole; infinite ones make it the normal. */
double student_t_cdf(double t, double freedom);
double student_t_sf(double t, double freedom);
double student_t_critical(double share, double freedom);

/* The t of a sample whose mean lies `noncentrality` standard errors away from 0, by quadrature over the variance. */
double noncentral_t_cdf(double t, double freedom, double noncentrality);
double noncentral_t_sf(double t, double freedom, double noncentrality);

double gamma_sf(double x, double shape, double scale);

double chi_square_sf(double x, double freedom);
double chi_square_critical(double share, double freedom);

double beta_quantile(double share, double a, double b);

/* Fisher's F: `above` and `below` are the degrees of freedom of numerator and denominator. */
double f_critical(double share, double above, double below);

/* Successes in `n` trials of chance p; at or below k, and above it. */
double binomial_sf(double k, double n, double p);

/* The limit of sqrt(n) times the largest distance between a distribution function and that of a sample. */
double kolmogorov_cdf(double x);
double kolmogorov_sf(double x);
