/* linear.c: see linear.h. */
#include "methods/explain/linear.h"

#include <math.h>
#include <string.h>

#include "methods/numeric/cholesky.h"

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

double linear_counterfactual(const double *weights, double bias, const double *row, size_t features, double probability,
			     double *nearest)
{
	double margin = bias, squares = 0;
	for (size_t i = 0; i < features; i++) {
		margin += weights[i] * row[i];
		squares += weights[i] * weights[i];
	}
	const double steps = (log(probability / (1 - probability)) - margin) / squares;
	for (size_t i = 0; i < features; i++)
		nearest[i] = row[i] + steps * weights[i];
	return squares > 0 ? fabs(steps) * sqrt(squares) : (double)NAN;
}

/* ---- ridge ---- */

/* Weighted means of the columns; returns that of what is wanted. */
static double linear_ridge_centre(const struct linear_ridge *ridge, double *means)
{
	double total = 0, wanted = 0;
	memset(means, 0, ridge->features * sizeof *means);
	for (size_t i = 0; i < ridge->count; i++) {
		total += ridge->weights[i];
		wanted += ridge->weights[i] * ridge->wanted[i];
		for (size_t j = 0; j < ridge->features; j++)
			means[j] += ridge->weights[i] * ridge->rows[i * ridge->features + j];
	}
	for (size_t j = 0; j < ridge->features; j++)
		means[j] /= total;
	return wanted / total;
}

bool linear_ridge_fit(const struct linear_ridge *ridge, double *coefficients, double *intercept, struct arena *working,
		      struct error *error)
{
	const size_t features = ridge->features;
	double *means = ARENA_ARRAY(working, double, features), *normal = ARENA_ARRAY(working, double, cholesky_size(features));
	if (!means || !normal)
		return error_memory(error, ERROR_LIMIT, "fitting a local model");
	const double mean = linear_ridge_centre(ridge, means);
	memset(coefficients, 0, features * sizeof *coefficients);
	for (size_t i = 0; i < ridge->count; i++) {
		const double *row = ridge->rows + i * features;
		for (size_t j = 0; j < features; j++) {
			const double weighted = ridge->weights[i] * (row[j] - means[j]);
			coefficients[j] += weighted * (ridge->wanted[i] - mean);
			for (size_t k = 0; k <= j; k++)
				normal[cholesky_size(j) + k] += weighted * (row[k] - means[k]);
		}
	}
	for (size_t j = 0; j < features; j++)
		normal[cholesky_size(j) + j] += ridge->penalty;
	if (!cholesky_factor(normal, features))
		return error_set(error, ERROR_INPUT, PLACE_NONE,
				 "%zu rows do not settle %zu coefficients; give more rows, or a penalty above 0", ridge->count,
				 features);
	cholesky_forward(normal, features, coefficients);
	cholesky_backward(normal, features, coefficients);
	*intercept = mean;
	for (size_t j = 0; j < features; j++)
		*intercept -= coefficients[j] * means[j];
	return true;
}
