/* linear.h: Explanations of linear models, and by linear models.
 */
#ifndef SLUICE_METHODS_EXPLAIN_LINEAR_H
#define SLUICE_METHODS_EXPLAIN_LINEAR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/error.h"

/* Shapley values of the sum of weights times features: each weight times how far its feature is from its mean.
 * Returns the base value: `bias` and the weights at the means. Weights stand `stride` numbers apart. */
double linear_shap(const double *weights, size_t stride, double bias, const double *means, const double *row, size_t features,
		   double *contributions);

/* The nearest row, by Euclidean distance, at which a logistic model answers `probability`; returns the distance.
 * NaN: all weights are 0, or the probability is not between 0 and 1. */
double linear_counterfactual(const double *weights, double bias, const double *row, size_t features, double probability,
			     double *nearest);

/* A weighted ridge regression, whose intercept is not penalised: the local model of LIME. */
struct linear_ridge {
	const double *rows; /* row-major */
	const double *wanted;
	const double *weights; /* of rows */
	size_t count, features;
	double penalty;
};

/* False: LIMIT, `working` is full; INPUT: the rows do not settle the coefficients. */
bool linear_ridge_fit(const struct linear_ridge *ridge, double *coefficients, double *intercept, struct arena *working,
		      struct error *error);

#endif
