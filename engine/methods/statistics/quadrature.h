/* quadrature.h: Integrals of positive functions with one peak, which are handed in by their logarithm.
 *
 * The trapezoidal rule over the part that matters; of an analytic function that vanishes at both ends its error falls
 * faster than any power of the step. The logarithm keeps integrals that are smaller than the smallest double apart.
 */
#ifndef SLUICE_METHODS_STATISTICS_QUADRATURE_H
#define SLUICE_METHODS_STATISTICS_QUADRATURE_H

/* The logarithm of the integral of exp(exponent(x)) over low..high, -INFINITY where the integral vanishes. The peak is
 * found when it is wider than a 2,000th of the range. */
double log_integral(double (*exponent)(const void *context, double x), const void *context, double low, double high);

#endif
