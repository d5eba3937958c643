/* linear.h: Explanations of linear models. */
#ifndef SLUICE_METHODS_EXPLAIN_LINEAR_H
#define SLUICE_METHODS_EXPLAIN_LINEAR_H

#include <stddef.h>

/* Shapley values of the sum of weights times features: each weight times how far its feature is from its mean.
 * Returns the base value: `bias` and the weights at the means. Weights stand `stride` numbers apart. */
double linear_shap(const double *weights, size_t stride, double bias, const double *means, const double *row, size_t features,
		   double *contributions);

#endif
