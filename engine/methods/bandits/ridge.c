/* ridge.c: see ridge.h. */
#include "methods/bandits/ridge.h"

#include <math.h>

#include "methods/numeric/cholesky.h"

/* A smaller part of a variance that is left when a context is taken out has lost too many digits. */
#define REMAINDER_LEAST 1e-3

bool ridge_open(struct ridge *ridge, struct arena *arena, size_t features, double lambda)
{
	const size_t size = cholesky_size(features);
	*ridge = (struct ridge){
		.features = features,
		.lambda = lambda,
		.gram = ARENA_ARRAY(arena, double, size),
		.moments = ARENA_ARRAY(arena, double, features),
		.inverse = ARENA_ARRAY(arena, double, size),
		.theta = ARENA_ARRAY(arena, double, features),
		.scratch = ARENA_ARRAY(arena, double, size + 2 * features),
	};
	if (!ridge->gram || !ridge->moments || !ridge->inverse || !ridge->theta || !ridge->scratch)
		return false;
	for (size_t i = 0; i < features; i++)
		ridge->inverse[cholesky_size(i) + i] = 1 / lambda;
	return true;
}

/* ---- from the sums ---- */

static bool ridge_factor(const struct ridge *ridge, double *factor, double diagonal)
{
	memcpy(factor, ridge->gram, cholesky_size(ridge->features) * sizeof *factor);
	for (size_t i = 0; i < ridge->features; i++)
		factor[cholesky_size(i) + i] += diagonal;
	return cholesky_factor(factor, ridge->features);
}

static double ridge_trace(const struct ridge *ridge)
{
	double trace = 0;
	for (size_t i = 0; i < ridge->features; i++)
		trace += ridge->gram[cholesky_size(i) + i];
	return trace;
}

bool ridge_refresh(struct ridge *ridge)
{
	const size_t features = ridge->features;
	double *factor = ridge->scratch, *column = factor + cholesky_size(features);
	double diagonal = ridge->lambda, more = (ridge->lambda + ridge_trace(ridge)) * 0x1p-52;
	while (!ridge_factor(ridge, factor, diagonal)) {
		diagonal = ridge->lambda + more;
		more *= 16;
		if (!isfinite(diagonal))
			return false;
	}
	for (size_t j = 0; j < features; j++) {
		memset(column, 0, features * sizeof *column);
		column[j] = 1;
		cholesky_forward(factor, features, column);
		cholesky_backward(factor, features, column);
		for (size_t i = j; i < features; i++)
			ridge->inverse[cholesky_size(i) + j] = column[i];
	}
	memcpy(ridge->theta, ridge->moments, features * sizeof *ridge->theta);
	cholesky_forward(factor, features, ridge->theta);
	cholesky_backward(factor, features, ridge->theta);
	ridge->updates = 0;
	return true;
}

/* ---- one at a time ---- */

/* `product` = M x; returns x' M x. */
static double ridge_product(const struct ridge *ridge, const double *x, double *product)
{
	double variance = 0;
	for (size_t i = 0; i < ridge->features; i++) {
		const double *row = ridge->inverse + cholesky_size(i);
		double sum = row[i] * x[i];
		for (size_t j = 0; j < i; j++) {
			sum += row[j] * x[j];
			product[j] += row[j] * x[i];
		}
		product[i] = sum;
	}
	for (size_t i = 0; i < ridge->features; i++)
		variance += product[i] * x[i];
	return variance;
}

static void triangle_add(double *triangle, const double *x, size_t features, double factor)
{
	for (size_t i = 0; i < features; i++) {
		double *row = triangle + cholesky_size(i);
		const double scaled = factor * x[i];
		for (size_t j = 0; j <= i; j++)
			row[j] += scaled * x[j];
	}
}

void ridge_add(struct ridge *ridge, const double *x, double reward)
{
	double *product = ridge->scratch;
	triangle_add(ridge->gram, x, ridge->features, 1);
	for (size_t i = 0; i < ridge->features; i++)
		ridge->moments[i] += reward * x[i];
	const double part = 1 / (1 + ridge_product(ridge, x, product));
	if (++ridge->updates >= RIDGE_REFRESH || !(part > 0)) {
		ridge_refresh(ridge);
		return;
	}
	const double surprise = reward - ridge_mean(ridge, x);
	triangle_add(ridge->inverse, product, ridge->features, -part);
	for (size_t i = 0; i < ridge->features; i++)
		ridge->theta[i] += part * surprise * product[i];
}

void ridge_add_many(struct ridge *ridge, const double *x, double mean, double count)
{
	triangle_add(ridge->gram, x, ridge->features, count);
	for (size_t i = 0; i < ridge->features; i++)
		ridge->moments[i] += count * mean * x[i];
	ridge_refresh(ridge);
}

void ridge_remove(struct ridge *ridge, const double *x)
{
	double *product = ridge->scratch;
	triangle_add(ridge->gram, x, ridge->features, -1);
	const double part = 1 - ridge_product(ridge, x, product);
	if (++ridge->updates >= RIDGE_REFRESH || !(part > REMAINDER_LEAST)) {
		ridge_refresh(ridge);
		return;
	}
	const double mean = ridge_mean(ridge, x);
	triangle_add(ridge->inverse, product, ridge->features, 1 / part);
	for (size_t i = 0; i < ridge->features; i++)
		ridge->theta[i] += mean / part * product[i];
}

void ridge_merge(struct ridge *into, const struct ridge *from)
{
	for (size_t i = 0; i < cholesky_size(into->features); i++)
		into->gram[i] += from->gram[i];
	for (size_t i = 0; i < into->features; i++)
		into->moments[i] += from->moments[i];
	ridge_refresh(into);
}

/* ---- of a context ---- */

double ridge_mean(const struct ridge *ridge, const double *x)
{
	double sum = 0;
	for (size_t i = 0; i < ridge->features; i++)
		sum += ridge->theta[i] * x[i];
	return sum;
}

double ridge_variance(const struct ridge *ridge, const double *x)
{
	double sum = 0;
	for (size_t i = 0; i < ridge->features; i++) {
		const double *row = ridge->inverse + cholesky_size(i);
		double beside = 0;
		for (size_t j = 0; j < i; j++)
			beside += row[j] * x[j];
		sum += x[i] * (row[i] * x[i] + 2 * beside);
	}
	return sum;
}
