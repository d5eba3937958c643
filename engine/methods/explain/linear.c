/* linear.c: see linear.h. */
#include "methods/explain/linear.h"

double linear_shap(const double *weights, size_t stride, double bias, const double *means, const double *row, size_t features,
		   double *contributions)
{
	double base = bias;
	for (size_t i = 0; i < features; i++) {
		base += weights[i * stride] * means[i];
		contributions[i] = weights[i * stride] * (row[i] - means[i]);
	}
	return base;
}
