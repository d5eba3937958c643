/* gradients.h: Gradients of layers of weights, and integrated gradients: contributions of
 * features along the straight line from a baseline to a row.
 *
 * Explained is an output of the last layer, before any link. Contributions add up to what
 * the output gains from baseline to row, but for the error of the rule, which is returned.
 */
#pragma once

#include "base/arena.h"
#include "base/error.h"
#include "methods/predictors/dense.h"

#define GRADIENT_STEPS_MAX ((size_t)1 << 16)
#define GRADIENT_STEPS_DEFAULT 50

/* Points on the line, from 0 to 1. */
enum gradient_rule {
	GRADIENT_LEFT,	    /* k / n */
	GRADIENT_RIGHT,	    /* (k + 1) / n */
	GRADIENT_MIDDLE,    /* (k + 1/2) / n */
	GRADIENT_TRAPEZOID, /* k / (n - 1), both ends by half */
	GRADIENT_LEGENDRE,  /* Gauss and Legendre */
};

/* Numbers of working space for gradient_evaluate(). */
size_t gradient_scratch(const struct dense *dense);

/* The output's value at a row; `gradient` gets its slope by each input. A ReLU at 0 has slope 0. */
double gradient_evaluate(const struct dense *dense, const double *row, size_t output, double *gradient, double *scratch);

struct gradient_line {
	const double *row, *baseline;
	size_t output;
	enum gradient_rule rule;
	size_t steps; /* at least 1; of trapezoids at least 2 */
};

/* Integrated gradients. `residual` gets their sum minus the output's gain. False: CONFIG (a number of steps that the
 * rule does not take), or LIMIT: `working`, whose room is not given back, is full. */
bool gradient_integrate(const struct dense *dense, const struct gradient_line *line, double *contributions, double *residual,
			struct arena *working, struct error *error);
